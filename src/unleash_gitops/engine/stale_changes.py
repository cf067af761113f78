"""Planned changes against the server as it is now: the areas they touch, and what has changed since. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from unleash_gitops.engine.dependencies import describe_users
from unleash_gitops.engine.diff import diff_fields, diff_parts, list_fields
from unleash_gitops.engine.parts import PartPath
from unleash_gitops.engine.plan_context import describe_owners
from unleash_gitops.kinds import kinds
from unleash_gitops.model.naming import list_names
from unleash_gitops.model.plan import Change, Plan
from unleash_gitops.model.resource import Address, Area, Key, Resource, ResourceSet

__all__ = [
    "area_of",
    "describe_change_since",
    "find_stale_changes",
    "is_within_parts",
    "list_areas",
    "overwritten_parts",
    "to_planned",
]


def list_areas(plan: Plan) -> tuple[Area, ...]:
    """Return the areas of the objects that the plan changes, or names by their numbers."""
    changing = [change for change in plan.changes if change.action != "blocked"]
    named = [Area(numbered.kind) for change in changing for numbered in change.numbered]
    return tuple(dict.fromkeys([*map(area_of, changing), *named]))


def area_of(change: Change) -> Area:
    """Return the area of the object that is changed."""
    return Area(change.kind, change.project, change.feature)


def to_planned(change: Change, object_id: str | None = None) -> Resource:
    """Return the live object that a change begins with, as the plan has it: without what only a read tells.

    `object_id` is another identity of it.
    """
    address = Address(change.kind, change.name, change.project, change.feature)
    return Resource(address, object_id or change.live_id, change.before or {}, owners=change.owners)


def find_stale_changes(plan: Plan, live: ResourceSet) -> list[tuple[Change, str]]:
    """Return the changes whose objects are no longer as the plan has them, each with what is different."""
    changing = {change.address for change in plan.changes if change.action == "delete" or change.fields}
    numbers = {str(resource): resource.server_id for resource in live.resources.values() if resource.server_id}
    compared = (
        (
            change,
            _describe_other_number(change, numbers)
            or _describe_staleness(change, live.resources.get(Key(change.kind, change.live_id)), changing),
        )
        for change in plan.changes
        if change.action != "blocked"
    )
    return [(change, description) for change, description in compared if description is not None]


def _describe_other_number(change: Change, numbers: Mapping[str, str]) -> str | None:
    """Return which object that the change refers to is another one now, None when all are the same."""
    for planned in change.numbered:
        number = numbers.get(planned.address)
        if number is None:
            return f"refers to {planned.address}, which no longer exists or has another name"
        if number != str(planned.id):
            return f"refers to {planned.address}, which is another object now (number {number}, it was {planned.id})"
    return None


def describe_change_since(change: Change, live: Resource | None) -> str | None:
    """Return what of an object is no longer as planned, None when nothing is that the change would overwrite.

    Marks always count. An object to delete that no longer exists is as good as deleted.
    """
    before = change.before or {}
    if live is None:
        return None if change.action == "delete" else "no longer exists"
    owner = _describe_new_owner(change, live)
    if owner is not None:
        return owner
    if live.protected is not None:
        return live.protected
    parts = overwritten_parts(change)
    differing = [part for part in diff_parts(before, live.spec) if is_within_parts(part.path, parts)]
    paths = [field.path for field in list_fields(differing)]
    paths += [".".join(part) for part in kinds()[change.kind].lost_parts(change.calls, live) if not paths]
    if not paths:
        return None
    return list_names(list(dict.fromkeys(paths)))


def overwritten_parts(change: Change) -> tuple[PartPath, ...]:
    """Return the parts of a live object that the calls of a change replace, each with what is below it."""
    if change.action == "delete":
        return ((),)
    before = change.before or {}
    return tuple(kinds()[change.kind].overwritten_parts(before, change.after or before))


def is_within_parts(path: PartPath, parts: Iterable[PartPath]) -> bool:
    """Tell whether `path` is one of `parts`, is below one, or has one below it."""
    return any(path[: len(part)] == part[: len(path)] for part in parts)


def _describe_staleness(change: Change, live: Resource | None, changing: Collection[str]) -> str | None:
    if live is None:
        return None if change.before is None else "no longer exists"
    if change.before is None:
        return "already exists"
    owner = _describe_new_owner(change, live)
    if owner is not None:
        return owner
    users = {user for user in live.users if user not in changing} if change.action == "delete" else set()
    obstacle = live.protected or describe_users(users)
    if obstacle is not None:
        return obstacle
    spec = live.spec
    if change.action == "release":  # of an archived flag, the plan has no values, and a release changes none
        spec = {field: value for field, value in spec.items() if field in change.before}
    paths = [field.path for field in diff_fields(change.before, spec)]
    return f"has other values now ({', '.join(paths)})" if paths else None


def _describe_new_owner(change: Change, live: Resource) -> str | None:
    """Return who owns an object now, None when its marks are as the plan has them."""
    if live.owners == change.owners:
        return None
    return f"is owned by {describe_owners(live.owners)} now" if live.owners else "bears no mark now"
