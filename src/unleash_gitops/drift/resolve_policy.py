"""A plan, and what the audit log says of it, to the plan that the policy wants: written over, kept, or refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from unleash_gitops.drift.attribution import ABSENT, Past, Unit, Verdict, differing, value_at, with_value
from unleash_gitops.drift.history import History, read_history
from unleash_gitops.engine.diff import format_path
from unleash_gitops.engine.planner import PlanBody, plan_changes
from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.base import HasHistory, Reads
from unleash_gitops.model.plan import Change, FieldChange, OnDrift
from unleash_gitops.model.resource import Key, Resource, State
from unleash_gitops.model.workspace import Workspace

__all__ = ["Policy", "resolve_policy"]

_STRICTNESS: tuple[OnDrift, ...] = ("overwrite", "keep", "fail")
_REFUSED = "somebody else changed it on the server, and that is not written over"


@dataclass(frozen=True)
class Policy:
    """What becomes of drift: as one run says, else the document, else the workspace, else by what it is."""

    workspace: Workspace
    reads: Reads
    run: OnDrift | None = None

    def of(self, unit: Unit, one: Resource) -> OnDrift:
        """Return what becomes of what somebody else changed at a part of an object."""
        said = self.run or one.drift or self.workspace.spec.drift
        if said:
            return said
        ours = one.ownership != "unmanaged"  # what is nobody's goes only where the workspace is the only writer
        kind = kinds()[one.address.kind]
        confirm = ours and isinstance(kind, HasHistory) and kind.requires_confirmation(unit, one, self.reads)
        return "fail" if confirm else "overwrite"

    def strictest(self, units: Iterable[Unit], one: Resource) -> OnDrift:
        """Return what becomes of an object as a whole, parts of which somebody changed."""
        return max((self.of(unit, one) for unit in units), key=_STRICTNESS.index, default=self.of((), one))


@dataclass(frozen=True)
class _Judged:
    """A change, and what the log says of it: of the object as such (`whole`), or of each part that differs.

    `policies` has what becomes of the parts that drifted; the empty part stands for the object as such.
    """

    change: Change
    one: Resource
    whole: Verdict | None = None
    parts: Mapping[Unit, Verdict] = field(default_factory=dict)
    policies: Mapping[Unit, OnDrift] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        return self.one.key

    @property
    def fails(self) -> bool:
        return "fail" in self.policies.values() and self.change.action != "blocked"

    @property
    def kept(self) -> set[Unit]:
        """The parts that stay as they are; of a change that is refused, or cannot be made anyway, there are none."""
        if self.fails or self.change.action == "blocked":
            return set()
        return {unit for unit, policy in self.policies.items() if policy == "keep"}

    @property
    def kept_whole(self) -> bool:
        """Whether nothing is done to the object: an archived flag cannot be changed and stay archived."""
        return () in self.kept or ("archived",) in self.kept


def resolve_policy(
    desired: State,
    live: State,
    workspace: Workspace,
    reads: Reads,
    targets: Sequence[tuple[str, ...]] = (),
    on_drift: OnDrift | None = None,
    *,
    thorough: bool = False,
) -> PlanBody:
    """Decide what makes `live` match `desired`, as `plan_changes` does, and what becomes of others' changes.

    `thorough` looks at the workspace's objects that no file has and that are not deleted either. Raises ServerError.
    """
    first = plan_changes(desired, live, workspace, reads.server, targets)
    loose = _loose(desired, live, first, targets) if thorough else []
    touched = [_object(change, desired, live) for change in first.changes]
    if not touched and not loose:
        return first
    history = read_history(reads, [*touched, *loose], workspace.spec.applied_by)
    policy = Policy(workspace, reads, on_drift)
    judged = [
        _judged(change, one, live.resources.get(one.key), history, policy)
        for change, one in zip(first.changes, touched, strict=True)
    ]
    judged = _with_what_hangs_on_it(judged, desired)
    found = {one.key: one for one in judged}
    kept = tuple(_kept(one) for one in judged if one.kept)
    decisions = first
    if kept:
        spared = frozenset(one.key for one in judged if one.kept_whole)
        decisions = plan_changes(_without(desired, live, judged), live, workspace, reads.server, targets, spared)
    changes = tuple(_annotated(change, found.get(Key(change.kind, change.id))) for change in decisions.changes)
    kept += tuple(reminder for one in loose if (reminder := _reminder(one, history, reads)) is not None)
    return _summed(replace(decisions, changes=changes, kept=kept, audit_error=history.audit_error), judged)


def _object(change: Change, desired: State, live: State) -> Resource:
    """Return what a change is about: its document, or for a delete the live object."""
    key = Key(change.kind, change.id)
    return desired.resources.get(key) or live.resources[key]


def _loose(desired: State, live: State, first: PlanBody, targets: Sequence[tuple[str, ...]]) -> list[Resource]:
    """Return the workspace's objects that no file has and that stay."""
    going = {Key(change.kind, change.id) for change in first.changes}
    return [
        one
        for key, one in live.resources.items()
        if one.ownership == "owned" and key not in desired.resources and key not in going
        if not targets or one.within(targets)
    ]


def _judged(change: Change, one: Resource, live: Resource | None, history: History, policy: Policy) -> _Judged:
    past = history.past(one, live, policy.reads)
    if change.after is None:
        return _of_delete(change, one, past, policy)
    if change.before is None or live is None:
        return _of_create(change, one, past, policy)
    units = list(differing(change.before, change.after))
    if past is None or live.area != one.area:
        return _Judged(change, one, parts=dict.fromkeys(units, Verdict("unknown")))
    parts = {unit: _of_part(unit, one, live, past) for unit in units}
    return _Judged(
        change, one, parts=parts, policies={unit: policy.of(unit, one) for unit in units if parts[unit].drifted}
    )


def _of_part(unit: Unit, one: Resource, live: Resource, past: Past) -> Verdict:
    kind = kinds()[one.address.kind]

    def agrees(base: object) -> bool:
        """Tell whether the document says what was there: then it is not the document that changed."""
        was = replace(live, spec=with_value(live.spec, unit, base))
        return bool(value_at(kind.spec_after_update(one, was), unit) == base)

    return past.verdict(unit, value_at(live.spec, unit), agrees)


def _of_create(change: Change, one: Resource, past: Past | None, policy: Policy) -> _Judged:
    """Tell whether somebody deleted what is to be created. What never was there is a new file."""
    if past is None:
        return _Judged(change, one, whole=Verdict("unknown"))
    whole = past.verdict((), ABSENT, lambda base: base is True)
    if whole.origin == "unknown" and past.complete:
        whole = Verdict("file")
    units = differing({}, change.after)
    return _Judged(
        change, one, whole, policies={(): policy.strictest(_deep(units, change), one)} if whole.drifted else {}
    )


def _deep(units: Iterable[Unit], change: Change) -> list[Unit]:
    """Return the parts of what is created, environments taken apart."""
    found: list[Unit] = []
    for unit in units:
        value = value_at(change.after, unit)
        found += [(*unit, key) for key in value] if isinstance(value, Mapping) and value else [unit]
    return found


def _of_delete(change: Change, one: Resource, past: Past | None, policy: Policy) -> _Judged:
    if past is None:
        return _Judged(change, one, whole=Verdict("unknown"))
    whole, parts = past.undocumented(one.spec)
    return _Judged(change, one, whole, policies={(): policy.strictest(parts, one)} if whole.drifted else {})


def _with_what_hangs_on_it(judged: Sequence[_Judged], desired: State) -> list[_Judged]:
    """Return the judgements, such that nothing is made that needs what is not made.

    What is part of an object that stays deleted stays so too; where something else names it, that is refused.
    """
    found = {one.key: one for one in judged}
    gone = {key for key, one in found.items() if one.change.action == "create" and one.kept_whole}
    going = True
    while going:
        going = False
        names = {(key.kind, found[key].one.address.name) for key in gone}
        for one in desired.resources.values():
            needs = [at for at in one.references if (at.kind, at.name) in names]
            if not needs or one.key in gone:
                continue
            mine = found.get(one.key)
            if mine is not None and mine.change.action == "create" and all(at.owned_by_target for at in needs):
                verdict = next(found[key].whole for key in gone if found[key].one.address.name == needs[0].name)
                found[one.key] = replace(mine, whole=verdict, policies={(): "keep"})
                gone.add(one.key)
            else:
                refused = {
                    key
                    for key in gone
                    if (key.kind, found[key].one.address.name) in {(at.kind, at.name) for at in needs}
                }
                for key in refused:
                    found[key] = replace(found[key], policies={(): "fail"})
                gone -= refused
            going = True
            break
    return [found[one.key] for one in judged]


def _without(desired: State, live: State, judged: Iterable[_Judged]) -> State:
    """Return the documents as if they said what is kept, without those of which all is."""
    resources = dict(desired.resources)
    for one in judged:
        if one.kept_whole:
            resources.pop(one.key, None)
        elif one.kept:
            spec = one.one.spec
            for unit in one.kept:
                spec = with_value(spec, unit, value_at(live.resources[one.key].spec, unit))
            resources[one.key] = replace(one.one, spec=spec)
    return State(resources, desired.known)


def _kept(one: _Judged) -> Change:
    """Return the part of a change that is not made."""
    fields = tuple(_told(found, one) for found in one.change.fields if one.kept_whole or _unit_of(found, one.kept))
    return one.change.model_copy(
        update={"fields": fields, "calls": (), "depends_on": (), "drift": "keep", **_origin(one.whole)}
    )


def _annotated(change: Change, judged: _Judged | None) -> Change:
    """Return a change with what the log says of it, refused where the policy wants that."""
    if judged is None:
        return change
    fields = tuple(_told(found, judged) for found in change.fields)
    left = [policy for unit, policy in judged.policies.items() if unit not in judged.kept]
    told = {"fields": fields, "drift": max(left, key=_STRICTNESS.index, default=None), **_origin(judged.whole)}
    if judged.fails:
        told |= {"action": "blocked", "calls": (), "reason": _REFUSED}
    return change.model_copy(update=told)


def _told(found: FieldChange, judged: _Judged) -> FieldChange:
    unit = _unit_of(found, judged.parts)
    verdict = judged.whole if unit is None else judged.parts[unit]
    return found if verdict is None else found.model_copy(update=_origin(verdict))


def _origin(verdict: Verdict | None) -> dict[str, object]:
    return {} if verdict is None else {"origin": verdict.origin, "changed": verdict.changed}


def _unit_of(found: FieldChange, units: Iterable[Unit]) -> Unit | None:
    """Return which of `units` a field that differs is in."""
    for unit in units:
        path = format_path(unit)
        if found.path == path or found.path.startswith((f"{path}.", f"{path}[")):
            return unit
    return None


def _reminder(one: Resource, history: History, reads: Reads) -> Change | None:
    """Return what somebody else changed of an object that no file has and that stays, None when nobody did."""
    past = history.past(one, one, reads)
    whole, parts = past.undocumented(one.spec) if past is not None else (None, {})
    if past is None or whole is None or not whole.drifted:
        return None
    fields = tuple(
        FieldChange(
            path=format_path(unit),
            before=None if (now := value_at(one.spec, unit)) is ABSENT else now,
            after=past.base(unit, one.spec),
            origin=verdict.origin,
            changed=verdict.changed,
        )
        for unit, verdict in parts.items()
    )
    at = one.address
    return Change(
        action="update",
        kind=at.kind,
        name=at.name,
        project=at.project,
        feature=at.feature,
        id=one.id,
        source=None,
        before=dict(one.spec),
        after=dict(one.spec),
        fields=fields,
        reason="no document has it any more",
        drift="keep",
        origin=whole.origin,
        changed=whole.changed,
    )


def _summed(decisions: PlanBody, judged: Sequence[_Judged]) -> PlanBody:
    count = Counter(change.action for change in decisions.changes)
    busy = {(change.kind, change.id) for change in decisions.changes}
    unseen = sum((one.key.kind, one.key.id) not in busy and not one.kept_whole and bool(one.kept) for one in judged)
    drifted = {(change.kind, change.id) for change in (*decisions.changes, *decisions.kept) if change.drifted}
    summary = decisions.summary.model_copy(
        update={
            **{action: count[action] for action in ("create", "update", "delete", "blocked")},
            "unchanged": decisions.summary.unchanged - unseen,
            "drifted": len(drifted),
            "kept": len(decisions.kept),
        }
    )
    return replace(decisions, summary=summary)
