"""Guard other users' changes while a plan is applied: each object is read again before it is changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from unleash_gitops.drift import find_last_changes
from unleash_gitops.engine.reader import Reader
from unleash_gitops.engine.stale_changes import area_of, describe_change_since, to_planned
from unleash_gitops.model.change_errors import ChangedSincePlanned
from unleash_gitops.model.plan import Change, Changed, Plan
from unleash_gitops.model.resource import Area, Key, ReadScope, ResourceSet
from unleash_gitops.model.workspace import WorkspaceSpec

if TYPE_CHECKING:
    from unleash_gitops.api.client import Client

__all__ = ["check_object", "describe_author", "make_reader"]


def check_object(plan: Plan, change: Change, client: Client) -> None:
    """Raise ChangedSincePlanned when a change of the plan would overwrite what another user changed since.

    Sends one to three requests, and reads the audit log when something has changed. Raises ServerError.
    """
    reader = make_reader(plan, [change], client, with_users=False)
    live = reader.read_again(to_planned(change))
    details = describe_change_since(change, live)
    if details is None:
        return
    present = {} if live is None else {Key(change.kind, change.id): live}
    (author,) = find_last_changes(reader, [change], ResourceSet(present))
    raise ChangedSincePlanned(details, None if author is None else describe_author(author))


def make_reader(
    plan: Plan, changes: Sequence[Change], client: Client, *, applied: bool = False, with_users: bool = True
) -> Reader:
    """Return a reader of the objects of `changes`, with specs of the shape that the plan has.

    With `applied` they are read as the changes leave them; with `with_users`, what uses an object to delete is read.
    Archived flags are read only where flags are deleted for good.
    """
    shapes: dict[Area, dict[str, Any]] = {}
    for change in changes:
        if change.action != "delete":
            sides = (change.after, change.before) if applied else (change.before, change.after)
            spec = next((side for side in sides if side is not None), {})
            shapes.setdefault(area_of(change), {})[change.id if applied else change.live_id] = spec
    deleted = {Key(change.kind, change.id) for change in changes if change.action == "delete" and with_users}
    is_for_good = any(change.archives is False for change in changes)
    policy = WorkspaceSpec(deletion="delete" if is_for_good else "archive")
    return Reader(client, plan.workspace, policy, ReadScope(shapes, lambda live: live.key in deleted))


def describe_author(changed: Changed) -> str:
    """Return who changed something and when, with the event."""
    return f"by {changed.by} at {changed.at} (event {changed.event})"
