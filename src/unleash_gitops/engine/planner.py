"""Desired and live state to a plan: what is ours, what to do, in which order. Pure: it asks nobody and does nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from unleash_gitops.engine.dependencies import find_delete_blockers, in_order, resolve_ids, used
from unleash_gitops.engine.diff import diff_fields
from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.base import Kind, Marked
from unleash_gitops.model.naming import noun
from unleash_gitops.model.plan import Action, Change, Plan, Summary, Unmanaged
from unleash_gitops.model.resource import Area, Key, Resource, State
from unleash_gitops.model.workspace import Workspace

if TYPE_CHECKING:
    from unleash_gitops.api.client import ServerFacts

__all__ = ["PlanBody", "change_area", "moved", "plan_areas", "plan_changes", "unmatched_targets"]

Targets = Sequence[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class PlanBody:
    """What is to be done, in the order it is to be done, and what was seen and is left alone.

    `kept` and `audit_error` are what the audit log makes of it, as a plan has them.
    """

    changes: tuple[Change, ...]
    unmanaged: tuple[Unmanaged, ...]
    summary: Summary
    kept: tuple[Change, ...] = ()
    audit_error: str | None = None


def plan_changes(
    desired: State,
    live: State,
    workspace: Workspace,
    server: ServerFacts,
    targets: Targets = (),
    spared: frozenset[Key] = frozenset(),
) -> PlanBody:
    """Decide what makes `live` match `desired`, within `targets` when any are given.

    An object is in one of five sorts: desired and not live (create), desired and live (update, or nothing), owned and
    not desired (delete), unmanaged where the workspace is the only writer (delete), anything else (left alone).
    `server` is what the instance says of itself: what it cannot do is planned as blocked. `spared` are left as
    they are, whatever the files say.
    """
    wanted, present = _within(desired.resources, live.resources, targets)
    found = [_of_desired(resource, present.get(key), server) for key, resource in wanted.items()]
    changes = [change for change in found if change is not None]
    unchanged = len(wanted) - len(changes)
    left = [resource for key, resource in present.items() if key not in wanted and key not in spared]
    doomed = {resource.key: reason for resource in left if (reason := _reason_to_delete(resource, workspace))}
    obstacles = find_delete_blockers([present[key] for key in doomed], changes, desired, live)
    changes += [_delete(present[key], reason, obstacles.get(key)) for key, reason in doomed.items()]
    changes = _within_limits(changes, live, server)
    concerns = desired.kinds | {one.kind for one in workspace.spec.exclusive}
    if desired.resources:  # of a workspace that holds nothing yet, everything is of interest
        left = [one for one in left if one.address.kind in concerns or not kinds()[one.address.kind].plentiful]
    foreign = sum(resource.ownership == "foreign" for resource in left)
    unmanaged = [one for one in left if one.key not in doomed and one.ownership in {"owned", "unmanaged"}]
    ordered = resolve_ids(in_order(changes, wanted, present), live)
    return PlanBody(
        tuple(ordered),
        tuple(_unmanaged(resource) for resource in sorted(unmanaged, key=lambda one: one.parts)),
        _summary(ordered, unchanged=unchanged, unmanaged=len(unmanaged), foreign=foreign),
    )


def unmatched_targets(desired: State, live: State, targets: Targets) -> list[str]:
    """Return the targets that cover nothing on either side."""
    objects = [*desired.resources.values(), *live.resources.values()]
    return ["/".join(target) for target in targets if not any(one.within([target]) for one in objects)]


def plan_areas(plan: Plan) -> tuple[Area, ...]:
    """Return the areas that hold what the plan touches."""
    return tuple(dict.fromkeys(change_area(change) for change in plan.changes if change.calls))


def change_area(change: Change) -> Area:
    """Return the area that holds what is changed."""
    return Area(change.kind, change.project, change.feature)


def moved(plan: Plan, live: State) -> list[tuple[Change, str]]:
    """Return the changes whose objects are no longer as they were planned, and how each moved."""
    found = (
        (change, _how_moved(plan, change, live.resources.get(Key(change.kind, change.id)))) for change in plan.changes
    )
    return [(change, how) for change, how in found if how is not None]


def _how_moved(plan: Plan, change: Change, live: Resource | None) -> str | None:
    if not change.calls:
        return None
    if live is None:
        return None if change.before is None else "is gone"
    if change.before is None:
        return "exists by now"
    busy = {one.address for one in plan.changes if one.action in {"update", "delete"}}
    obstacle = live.protected or (used(set(live.users) - busy) if change.action == "delete" else None)
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


def _of_desired(desired: Resource, live: Resource | None, server: ServerFacts) -> Change | None:
    kind = kinds()[desired.address.kind]
    if live is None:
        after = kind.spec_after_create(desired)
        refusal = kind.server_refusal(desired, None, after, server)
        if refusal is not None:
            return _change("blocked", desired, None, after, reason=refusal)
        return _change("create", desired, None, after, calls=kind.create(desired, after))
    if live.area != desired.area:
        where = "/".join(part for part in (live.address.project, live.address.feature) if part) or "the instance"
        return _change(
            "blocked", desired, dict(live.spec), kind.spec_after_create(desired), reason=kind.cannot_move_reason(where)
        )
    after = kind.spec_after_update(desired, live)
    if after == live.spec:
        return None
    refusal = live.protected or _belongs_elsewhere(kind, live) or kind.server_refusal(desired, live, after, server)
    if refusal is not None:
        return _change("blocked", desired, dict(live.spec), after, reason=refusal)
    adopts = (
        "adopts an object that this workspace did not make"
        if isinstance(kind, Marked) and live.ownership != "owned"
        else None
    )
    reason = "; ".join(part for part in (adopts, kind.side_effect_note(live, after)) if part) or None
    return _change("update", desired, dict(live.spec), after, reason=reason, calls=kind.update(desired, live, after))


def _belongs_elsewhere(kind: Kind, live: Resource) -> str | None:
    return "belongs to another workspace" if isinstance(kind, Marked) and live.ownership == "foreign" else None


def _reason_to_delete(live: Resource, workspace: Workspace) -> str | None:
    return workspace.spec.reason_to_delete(live.ownership, live.address.kind, live.address.project)


def _delete(live: Resource, reason: str, obstacle: str | None) -> Change:
    if obstacle is not None:
        return _change("blocked", live, dict(live.spec), None, reason=f"to be deleted, but {obstacle}")
    return _change("delete", live, dict(live.spec), None, reason=reason, calls=kinds()[live.address.kind].delete(live))


def _within_limits(changes: Sequence[Change], live: State, server: ServerFacts) -> list[Change]:
    """Return the changes, those blocked that would make more objects than the server allows."""
    count = Counter(key.kind for key in live.resources)
    count.subtract(change.kind for change in changes if change.action == "delete")
    found = []
    for change in changes:
        limit = kinds()[change.kind].limit
        over = None
        if limit is not None and change.action == "create":
            count[change.kind] += 1
            over = server.over(limit, count[change.kind])
        if over is not None:
            reason = f"it would be {noun(change.kind)} number {over}"
            found.append(change.model_copy(update={"action": "blocked", "reason": reason, "calls": ()}))
        else:
            found.append(change)
    return found


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
