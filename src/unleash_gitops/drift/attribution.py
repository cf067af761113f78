"""A verdict for each difference: whether its file changed, another user changed it, both, or that is unknown. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from unleash_gitops.drift.delete_proof import require_proofs
from unleash_gitops.drift.history import History
from unleash_gitops.drift.marks import find_lost_mark, find_taken_back
from unleash_gitops.drift.object_history import ObjectHistory, Trace, Verdict
from unleash_gitops.engine.classify import Difference
from unleash_gitops.engine.diff import PartChange
from unleash_gitops.engine.parts import ABSENT, PartPath, list_parts, value_at, with_value
from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.interfaces import HasHistory
from unleash_gitops.kinds.reads import Reads
from unleash_gitops.model.paths import format_path
from unleash_gitops.model.plan import Changed, FieldChange
from unleash_gitops.model.resource import Resource

__all__ = ["AttributedDifference", "attribute", "find_orphan_drift"]


@dataclass(frozen=True, slots=True)
class AttributedDifference:
    """A difference, and who changed it: the object as such (`whole`: it is created or deleted), or each part.

    The parts of a delete are those that another user changed, or whose log could not be understood. `lost_mark` is who
    removed the mark of an object to adopt, `taken_back` who took back an object to transfer.
    """

    difference: Difference
    whole: Verdict | None = None
    parts: Mapping[PartPath, Verdict] = field(default_factory=dict)
    lost_mark: Changed | None = None
    taken_back: Changed | None = None


def attribute(differences: Iterable[Difference], history: History, reads: Reads) -> tuple[AttributedDifference, ...]:
    """Return each difference with the verdict of the audit log.

    A delete that the log must prove and does not is left out, or blocked. One that this workspace began needs no
    verdict on the parts. Raises ServerError.
    """
    checked, begun = require_proofs(list(differences), history, reads)
    return tuple(
        AttributedDifference(difference, Verdict("file"))
        if difference.key in begun
        else _attribute_one(difference, history, reads)
        for difference in checked
    )


def find_orphan_drift(orphans: Iterable[Resource], history: History, reads: Reads) -> tuple[Difference, ...]:
    """Return what other users changed of objects that no document describes and that stay.

    Each has equal specs before and after, and the parts that differ from what this workspace left.
    """
    reminders = (_remind_of(orphan, history.of_object(orphan, orphan, reads)) for orphan in orphans)
    return tuple(reminder for reminder in reminders if reminder is not None)


def _attribute_one(difference: Difference, history: History, reads: Reads) -> AttributedDifference:
    if difference.action == "release":  # it changes no value
        return AttributedDifference(difference)
    log = history.of_object(difference.resource, difference.live, reads)
    unknown = Verdict("unknown", error=history.error_of(difference.resource))
    if difference.live is None:
        return AttributedDifference(difference, _judge_create(log) if log is not None else unknown)
    if difference.desired is None:
        if log is None:
            parts = dict.fromkeys(list_parts(difference.live.spec), unknown) if unknown.error is not None else {}
            return AttributedDifference(difference, unknown, parts)
        return AttributedDifference(difference, *log.judge_undocumented(difference.live.spec))
    if log is None or difference.live.area != difference.desired.area:
        return AttributedDifference(difference, parts={part.path: unknown for part in difference.parts})
    return AttributedDifference(
        difference,
        parts=_judge_parts(difference.desired, difference.live, difference.parts, log),
        lost_mark=find_lost_mark(difference, history, reads) if difference.action == "adopt" else None,
        taken_back=find_taken_back(difference, history, reads),
    )


def _judge_create(log: ObjectHistory) -> Verdict:
    """Return whether another user deleted what is to be created. What never existed is a new file."""
    verdict = log.trace((), ABSENT).judge(lambda base: base is True)
    return Verdict("file") if verdict.origin == "unknown" and log.complete else verdict


def _judge_parts(
    desired: Resource, live: Resource, parts: Sequence[PartChange], log: ObjectHistory
) -> dict[PartPath, Verdict]:
    kind = kinds()[desired.address.kind]
    write_only = [part.path for part in parts if isinstance(kind, HasHistory) and kind.is_write_only(part.path, live)]
    traces = {
        part.path: log.trace(part.path, value_at(live.spec, part.path)) for part in parts if part.path not in write_only
    }
    expected = _apply_document(desired, live, traces)
    verdicts = {
        path: trace.judge(
            lambda base, path=path: bool(value_at(expected, path) == base),  # type: ignore[misc]
            lambda value, path=path: _leaves(desired, live, path, value),  # type: ignore[misc]
        )
        for path, trace in traces.items()
    }
    return {**verdicts, **dict.fromkeys(write_only, Verdict("file"))}


def _leaves(desired: Resource, live: Resource, path: PartPath, value: Any) -> bool:
    """Tell whether a document leaves a part that has a value, in the object as it is now otherwise."""
    before = replace(live, spec=with_value(live.spec, path, value))
    return bool(value_at(kinds()[desired.address.kind].spec_after_update(desired, before), path) == value)


def _apply_document(desired: Resource, live: Resource, traces: Mapping[PartPath, Trace]) -> Mapping[str, Any] | None:
    """Return what the document makes of the object as this workspace left it; None when no other user changed it.

    A part that is equal in both is one that the document did not change.
    """
    left = {path: trace.base for path, trace in traces.items() if trace.others and trace.known_base}
    if not left:
        return None
    spec = live.spec
    for path, base in left.items():
        spec = with_value(spec, path, base)
    return kinds()[desired.address.kind].spec_after_update(desired, replace(live, spec=spec))


def _remind_of(orphan: Resource, log: ObjectHistory | None) -> Difference | None:
    """Return what other users changed of an orphan, None when there is nothing."""
    if log is None:
        return None
    whole, verdicts = log.judge_undocumented(orphan.spec)
    if not whole.drifted:
        return None
    parts = tuple(
        PartChange(path, (_describe_part(orphan, path, verdict, log),))
        for path, verdict in verdicts.items()
        if verdict.drifted
    )
    spec = dict(orphan.spec)
    return Difference(
        "update",
        None,
        orphan,
        spec,
        spec,
        parts,
        reason="no document describes it",
        origin=whole.origin,
        changed=whole.changed,
        drift="keep",
    )


def _describe_part(orphan: Resource, path: PartPath, verdict: Verdict, log: ObjectHistory) -> FieldChange:
    now = value_at(orphan.spec, path)
    return FieldChange(
        path=format_path(path),
        before=None if now is ABSENT else now,
        after=log.find_base(path, orphan.spec),
        origin=verdict.origin,
        changed=verdict.changed,
    )
