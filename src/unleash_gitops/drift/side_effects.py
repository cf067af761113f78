"""Parts that the server changed by itself, after another user changed another object.

The log has no event of such a part, so the file alone seems to have changed. An example: the tags of a deleted type.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from unleash_gitops.api.audit_log import Event, read_events_if_allowed
from unleash_gitops.drift.attribution import AttributedDifference
from unleash_gitops.drift.history import History
from unleash_gitops.drift.object_history import Verdict
from unleash_gitops.engine.parts import PartPath, value_at
from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.interfaces import HasHistory
from unleash_gitops.kinds.reads import Reads
from unleash_gitops.model.plan import Changed, Origin

__all__ = ["attribute_side_effects"]

_UNEXPLAINED: frozenset[Origin] = frozenset({"file", "unknown"})


def attribute_side_effects(
    attributed: Sequence[AttributedDifference], history: History, reads: Reads
) -> tuple[AttributedDifference, ...]:
    """Return the differences; a part that the server changed after another user's change is drift.

    Reads the log only where some part may be such. Raises ServerError.
    """
    types = sorted({event_type for entry in attributed for event_type in _list_event_types(entry)})
    if not types or history.our_actor is None:
        return tuple(attributed)
    events = read_events_if_allowed(reads.get_cached, types)
    foreign = [event for event in events if not history.is_ours(event)]
    return tuple(_attribute_one(entry, foreign, history, reads) for entry in attributed)


def _list_event_types(entry: AttributedDifference) -> set[str]:
    """Return the types of events that may explain a part whose origin is the file, or unknown."""
    return {event_type for path in _list_unexplained(entry) for event_type in _list_causes(entry, path)}


def _list_causes(entry: AttributedDifference, path: PartPath) -> Sequence[str]:
    desired, live = entry.difference.desired, entry.difference.live
    kind = kinds()[entry.difference.key.kind]
    if desired is None or live is None or not isinstance(kind, HasHistory):
        return ()
    return kind.possible_causes(path, desired, live)


def _list_unexplained(entry: AttributedDifference) -> list[PartPath]:
    return [path for path, verdict in entry.parts.items() if verdict.origin in _UNEXPLAINED]


def _attribute_one(
    entry: AttributedDifference, events: Sequence[Event], history: History, reads: Reads
) -> AttributedDifference:
    desired, live = entry.difference.desired, entry.difference.live
    kind = kinds()[entry.difference.key.kind]
    if desired is None or live is None or not isinstance(kind, HasHistory):
        return entry
    log = history.of_object(desired, live, reads)
    if log is None:
        return entry
    verdicts = dict(entry.parts)
    for path in _list_unexplained(entry):
        types = _list_causes(entry, path)
        causes = [event for event in events if event.type in types and kind.explains(event, path, desired, live)]
        newest = max(causes, key=lambda event: event.id, default=None)
        accepted = desired.accepted if any(event.id == desired.accepted for event in causes) else None
        since = max(log.trace(path, value_at(live.spec, path)).since, accepted or 0)
        if newest is not None and newest.id > since:
            verdicts[path] = Verdict("drift", Changed(by=newest.actor.name, at=newest.at, event=newest.id))
    return replace(entry, parts=verdicts)
