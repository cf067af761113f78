"""Desired and live state to a plan: what is ours, what to do, in which order. Pure: it asks nobody and does nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any

from unleash_gitops.diagnostics import Diagnostic
from unleash_gitops.differ import diff_fields
from unleash_gitops.kinds import kinds
from unleash_gitops.plan import Action, Change, Plan, Summary, Unmanaged
from unleash_gitops.resource import Area, Key, Kind, Reference, Resource, State
from unleash_gitops.workspace import Workspace

__all__ = ["Decisions", "areas_of", "missing_references", "moved", "plan_changes", "unmatched_targets"]

Targets = Sequence[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Decisions:
    """What is to be done, in the order it is to be done, and what was seen and is left alone."""

    changes: tuple[Change, ...]
    unmanaged: tuple[Unmanaged, ...]
    summary: Summary


def plan_changes(desired: State, live: State, workspace: Workspace, targets: Targets = ()) -> Decisions:
    """Decide what makes `live` match `desired`, within `targets` when any are given.

    An object is in one of five sorts: desired and not live (create), desired and live (update, or nothing), owned and
    not desired (delete), unmanaged where the workspace is the only writer (delete), anything else (left alone).
    """
    wanted, present = _within(desired.resources, live.resources, targets)
    found = [_of_desired(resource, present.get(key)) for key, resource in wanted.items()]
    changes = [change for change in found if change is not None]
    unchanged = len(wanted) - len(changes)
    left = [resource for key, resource in present.items() if key not in wanted]
    doomed = {resource.key: reason for resource in left if (reason := _reason_to_delete(resource, workspace))}
    changes += [_delete(present[key], reason) for key, reason in doomed.items()]
    foreign = sum(resource.ownership == "foreign" for resource in left)
    unmanaged = [one for one in left if one.key not in doomed and one.ownership in {"owned", "unmanaged"}]
    ordered = _in_order(changes, {**present, **wanted})
    return Decisions(
        tuple(ordered),
        tuple(_unmanaged(resource) for resource in sorted(unmanaged, key=lambda one: one.parts)),
        _summary(ordered, unchanged=unchanged, unmanaged=len(unmanaged), foreign=foreign),
    )


def missing_references(desired: State, live: State, targets: Targets = ()) -> list[Diagnostic]:
    """Return a diagnostic for each document that names an object which neither side has."""
    there = live.known | {
        Reference(one.address.kind, one.address.project, one.address.name or one.id)
        for one in (*desired.resources.values(), *live.resources.values())
    }
    wanted, _ = _within(desired.resources, {}, targets)
    return [
        Diagnostic(
            "error",
            "missing-reference",
            f'there is no {_noun(reference.kind)} "{reference.name}"'
            + (f' in project "{reference.project}"' if reference.project else "")
            + ", neither on the server nor in the workspace",
            reference.position,
            "create it first, or correct the name; an archived one must be revived",
        )
        for resource in wanted.values()
        for reference in resource.references
        if reference not in there and reference.position is not None
    ]


def unmatched_targets(desired: State, live: State, targets: Targets) -> list[str]:
    """Return the targets that cover nothing on either side."""
    objects = [*desired.resources.values(), *live.resources.values()]
    return ["/".join(target) for target in targets if not any(one.within([target]) for one in objects)]


def areas_of(plan: Plan) -> tuple[Area, ...]:
    """Return the areas that hold what the plan touches."""
    return tuple(
        dict.fromkeys(Area(change.kind, change.project, change.feature) for change in plan.changes if change.calls)
    )


def moved(plan: Plan, live: State) -> list[tuple[str, str]]:
    """Return what the plan touches and is no longer as it was planned: address, and how it moved."""
    found = (
        (change.address, _how_moved(change, live.resources.get(Key(change.kind, change.id)))) for change in plan.changes
    )
    return [(address, how) for address, how in found if how is not None]


def _how_moved(change: Change, live: Resource | None) -> str | None:
    if not change.calls:
        return None
    if live is None:
        return None if change.before is None else "is gone"
    if change.before is None:
        return "exists by now"
    obstacle = live.protected or (live.used_by if change.action == "delete" else None)
    if obstacle is not None:
        return obstacle
    paths = [field.path for field in diff_fields(change.before, live.spec)]
    return f"has other values by now ({', '.join(paths)})" if paths else None


def _within(
    desired: Mapping[Key, Resource], live: Mapping[Key, Resource], targets: Targets
) -> tuple[Mapping[Key, Resource], Mapping[Key, Resource]]:
    """Return both sides cut down to `targets`. A live object with a document goes by the document's address."""
    if not targets:
        return desired, live
    wanted = {key: one for key, one in desired.items() if one.within(targets)}
    present = {key: one for key, one in live.items() if key in wanted or (key not in desired and one.within(targets))}
    return wanted, present


def _of_desired(desired: Resource, live: Resource | None) -> Change | None:
    kind = kinds()[desired.address.kind]
    if live is None:
        after = kind.created(desired)
        return _change("create", desired, None, after, calls=kind.create(desired, after))
    if live.area != desired.area:
        where = "/".join(part for part in (live.address.project, live.address.feature) if part) or "the instance"
        reason = f"its id belongs to an object of {where}; without metadata.id it is created anew"
        return _change("blocked", desired, dict(live.spec), kind.created(desired), reason=reason)
    after = kind.merged(desired, live)
    if after == live.spec:
        return None
    refusal = live.protected or _belongs_elsewhere(kind, live) or kind.refusal(desired, live)
    if refusal is not None:
        return _change("blocked", desired, dict(live.spec), after, reason=refusal)
    adopts = "adopts an object that this workspace did not make" if kind.marked and live.ownership != "owned" else None
    return _change("update", desired, dict(live.spec), after, reason=adopts, calls=kind.update(desired, live, after))


def _belongs_elsewhere(kind: Kind, live: Resource) -> str | None:
    return "belongs to another workspace" if kind.marked and live.ownership == "foreign" else None


def _reason_to_delete(live: Resource, workspace: Workspace) -> str | None:
    if workspace.spec.prune == "none":
        return None
    if live.ownership == "owned":
        return "created by this workspace, and no document has it any more"
    if live.ownership == "unmanaged" and workspace.deletes_unmanaged(live.address.kind, live.address.project):
        return "no document has it, and this workspace is the only writer here (spec.exclusive)"
    return None


def _delete(live: Resource, reason: str) -> Change:
    obstacle = live.protected or live.used_by
    if obstacle is not None:
        return _change("blocked", live, dict(live.spec), None, reason=f"to be deleted, but {obstacle}")
    return _change("delete", live, dict(live.spec), None, reason=reason, calls=kinds()[live.address.kind].delete(live))


def _change(
    action: Action,
    resource: Resource,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    *,
    reason: str | None = None,
    calls: Sequence[Any] = (),
) -> Change:
    at = resource.address
    return Change(
        action=action,
        kind=at.kind,
        name=at.name,
        project=at.project,
        feature=at.feature,
        id=resource.id,
        source=None if resource.position is None else str(resource.position),
        before=before,
        after=after,
        fields=() if before is None or after is None else diff_fields(before, after),
        reason=reason,
        calls=tuple(calls),
    )


def _in_order(changes: Iterable[Change], resources: Mapping[Key, Resource]) -> list[Change]:
    """Return the changes in the order they are to be done, each told what it waits for.

    What is referred to is made before what refers to it, and deleted after it; deletes come last.
    """
    ordered = sorted(changes, key=lambda change: (change.action == "delete", change.address))
    places = {Reference(one.kind, one.project, one.name or one.id): place for place, one in enumerate(ordered)}
    waits: dict[int, set[int]] = {place: set() for place in range(len(ordered))}
    for place, change in enumerate(ordered):
        for reference in resources[Key(change.kind, change.id)].references:
            other = places.get(reference)
            if other is None:
                continue
            if change.action == "delete" and ordered[other].action == "delete":
                waits[other].add(place)
            elif change.action != "delete" and ordered[other].action in {"create", "update"}:
                waits[place].add(other)
    return [
        _waiting(ordered[place], [ordered[other].address for other in sorted(waits[place])])
        for place in _layers(waits, ordered)
    ]


def _waiting(change: Change, addresses: list[str]) -> Change:
    return change.model_copy(update={"depends_on": tuple(addresses)}) if addresses else change


def _layers(waits: Mapping[int, set[int]], ordered: Sequence[Change]) -> list[int]:
    """Return the places in an order that respects `waits`, by address where it leaves a choice, deletes last."""
    places: list[int] = []
    for deletes in (False, True):
        mine = {place for place, change in enumerate(ordered) if (change.action == "delete") is deletes}
        sorter = TopologicalSorter({place: waits[place] & mine for place in sorted(mine)})
        sorter.prepare()
        while sorter.is_active():
            ready = sorted(sorter.get_ready())
            places += ready
            sorter.done(*ready)
    return places


def _summary(changes: Sequence[Change], *, unchanged: int, unmanaged: int, foreign: int) -> Summary:
    count = Counter(change.action for change in changes)
    return Summary(
        create=count["create"],
        update=count["update"],
        delete=count["delete"],
        blocked=count["blocked"],
        unchanged=unchanged,
        unmanaged=unmanaged,
        foreign=foreign,
    )


def _unmanaged(live: Resource) -> Unmanaged:
    at = live.address
    return Unmanaged(kind=at.kind, name=at.name, project=at.project, feature=at.feature, id=live.id, title=live.title)


def _noun(kind: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", " ", kind).lower()
