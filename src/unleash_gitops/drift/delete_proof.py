"""Deletes that need more than a mark: the audit log has to show that this workspace made the object, or archived it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from unleash_gitops.api.audit_log import Event, is_lasting_failure, read_events
from unleash_gitops.drift.history import History
from unleash_gitops.engine.classify import Difference
from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.interfaces import DeleteProof, HasHistory
from unleash_gitops.kinds.reads import Reads
from unleash_gitops.model.errors import ApiError, NotUnleash

if TYPE_CHECKING:
    from unleash_gitops.model.resource import Key

__all__ = ["require_proofs"]

_MOST_FILTERED = 50
"""Flags whose events are queried by name; with more, the events of all flags are."""
_BY_HAND = "delete it in Unleash's UI if nothing uses it"


def require_proofs(
    differences: Sequence[Difference], history: History, reads: Reads
) -> tuple[list[Difference], frozenset[Key]]:
    """Return the differences without deletes that lack their proof, or with such deletes blocked.

    The keys are those of deletes that this workspace began and that are to be finished. Raises ServerError.
    """
    proofs = {difference.key: proof for difference in differences if (proof := _find_proof(difference)) is not None}
    if not proofs:
        return list(differences), frozenset()
    events, error = _read(list(proofs.values()), history, reads)
    checked: list[Difference] = []
    begun: set[Key] = set()
    for difference in differences:
        proof = proofs.get(difference.key)
        if proof is None:
            checked.append(difference)
            continue
        event = next((event for event in events.get(proof.event_type, ()) if proof.matches(event)), None)
        is_proven = event is not None and history.is_ours(event)
        if is_proven and proof.unfinished is not None:
            checked.append(replace(difference, reason=proof.unfinished))
            begun.add(difference.key)
        elif is_proven:
            checked.append(difference)
        elif proof.unfinished is None:
            reason = f"cannot be deleted: {_explain(event, error)}"
            checked.append(replace(difference, action="blocked", reason=reason))
    return checked, frozenset(begun)


def _find_proof(difference: Difference) -> DeleteProof | None:
    kind, live = kinds()[difference.key.kind], difference.live
    is_delete = difference.action == "delete" and live is not None and live.ownership == "owned"
    return kind.delete_proof(live) if is_delete and live is not None and isinstance(kind, HasHistory) else None


def _read(
    proofs: Sequence[DeleteProof], history: History, reads: Reads
) -> tuple[Mapping[str, Sequence[Event]], str | None]:
    """Return the events by type, newest first, and why they could not be read."""
    if history.our_actor is None:
        return {}, history.audit_error
    events: dict[str, Sequence[Event]] = {}
    try:
        for event_type in sorted({proof.event_type for proof in proofs}):
            flags = sorted({proof.feature for proof in proofs if proof.event_type == event_type and proof.feature})
            named = flags if len(flags) <= _MOST_FILTERED else ()
            events[event_type] = read_events(reads.get_cached, [event_type], named)
    except (ApiError, NotUnleash) as error:
        if not is_lasting_failure(error):
            raise
        return {}, str(error)
    return events, None


def _explain(event: Event | None, error: str | None) -> str:
    """Return why there is no proof that this workspace created an object, and what to do."""
    if event is not None:
        return (
            f"it bears this workspace's mark, but {event.actor.name} created it at {event.at}; {_BY_HAND}, or add "
            f"{event.actor.name} to spec.appliedBy if that account applies these files"
        )
    if error is not None:
        return (
            f"the audit log, which shows whether this workspace created it, cannot be read ({error}); apply with a "
            f"token that may read the log, or {_BY_HAND}"
        )
    return f"the audit log does not show that this workspace created it; {_BY_HAND}"
