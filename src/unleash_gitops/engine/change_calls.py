"""The calls of one change. They follow from what a plan shows: the object before and after, and the action. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.interfaces import Claimable, Marked
from unleash_gitops.model.call import Call
from unleash_gitops.model.resource import Address, Resource

if TYPE_CHECKING:
    from unleash_gitops.model.plan import Action

__all__ = ["list_calls"]


def list_calls(
    action: Action,
    address: Address,
    object_id: str,
    live: Resource | None,
    after: Mapping[str, Any] | None,
    workspace: str,
) -> tuple[Call, ...]:
    """Return the calls of `action` on the object at `address`; none for a blocked change.

    `object_id` is the object's id after the change. `live` is the object before it, None for a create. `after` is its
    spec after it, None for a delete. Raises ValueError where the action does not fit what is given.
    """
    kind = kinds()[address.kind]
    if action == "blocked":
        return ()
    if live is not None and action == "delete" and after is None:
        return kind.delete(live)
    if live is not None and action == "release" and isinstance(kind, Claimable):
        return kind.release(live, workspace)
    if after is not None:
        mark = kind.mark(address, object_id, workspace) if isinstance(kind, Marked) else None
        target = Resource(address, object_id, after, mark=mark)
        if live is None and action == "create":
            return kind.create(target, after)
        if live is not None and action == "update":
            return kind.update(target, live, after)
        if live is not None and action in {"adopt", "transfer"}:
            return kind.take_over(target, live, after, workspace)
    raise ValueError(f"{action} does not fit the object before and after the change")
