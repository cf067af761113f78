"""Differences to a plan: calls, order, limits, what blocks a delete, and the counts. Pure: no I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from unleash_gitops.engine.change_calls import list_calls
from unleash_gitops.engine.classify import Classification, Difference
from unleash_gitops.engine.dependencies import find_delete_blockers, find_losing_users, order_changes, resolve_ids
from unleash_gitops.engine.diff import list_fields
from unleash_gitops.engine.plan_context import PlanContext
from unleash_gitops.kinds import kinds
from unleash_gitops.model.naming import to_words
from unleash_gitops.model.plan import Action, Change, Summary, Unmanaged
from unleash_gitops.model.resource import Key, Resource, ResourceSet

if TYPE_CHECKING:
    from unleash_gitops.api.client import ServerFacts

__all__ = ["PlanBody", "plan_changes"]


@dataclass(frozen=True, slots=True)
class PlanBody:
    """The part of a plan that follows from both states: its changes in order, and what it leaves alone."""

    changes: tuple[Change, ...]
    unmanaged: tuple[Unmanaged, ...]
    summary: Summary
    kept: tuple[Change, ...] = ()


def plan_changes(classification: Classification, context: PlanContext) -> PlanBody:
    """Turn every difference into a change with its calls, and put the changes in order.

    A delete is blocked while something uses the object, a create where the server allows no more objects.
    """
    differences = classification.differences
    blockers = find_delete_blockers(classification)
    notes = find_losing_users(classification)
    workspace = context.workspace.name
    changes = [
        _plan_change(_add_note(difference, notes), blockers.get(difference.key), workspace)
        for difference in differences
    ]
    changes = _apply_limits(changes, classification.live, context.server)
    ordered = _refuse(order_changes(changes, differences), differences)
    planned = resolve_ids(ordered, classification.live)
    kept = [_to_change(difference) for difference in classification.kept]
    return PlanBody(
        tuple(planned),
        tuple(_to_unmanaged(resource) for resource in classification.unmanaged),
        _summarise(planned, kept, classification),
        tuple(kept),
    )


def _add_note(difference: Difference, notes: Mapping[Key, str]) -> Difference:
    note = notes.get(difference.key)
    if note is None:
        return difference
    return replace(difference, reason=f"{difference.reason}; {note}" if difference.reason else note)


def _plan_change(difference: Difference, blocker: str | None, workspace: str) -> Change:
    if blocker is not None:
        change = _to_change(difference)
        return change.model_copy(update={"action": "blocked", "reason": f"cannot be deleted: {blocker}"})
    resource = difference.resource
    calls = list_calls(difference.action, resource.address, resource.id, difference.live, difference.after, workspace)
    return _to_change(difference).with_calls(calls)


def _apply_limits(changes: Sequence[Change], live: ResourceSet, server: ServerFacts) -> list[Change]:
    """Return the changes; a create of more objects than the server allows is blocked."""
    count = Counter(key.kind for key in live.resources)
    count.subtract(change.kind for change in changes if change.action == "delete")
    limited = []
    for change in changes:
        limit = kinds()[change.kind].limit
        excess = None
        if limit is not None and change.action == "create":
            count[change.kind] += 1
            excess = server.over(limit, count[change.kind])
        if excess is None:
            limited.append(change)
        else:
            reason = f"it would be {to_words(change.kind)} number {excess}"
            limited.append(change.model_copy(update={"action": "blocked", "reason": reason}).with_calls(()))
    return limited


def _refuse(changes: Sequence[Change], differences: Sequence[Difference]) -> list[Change]:
    """Return the changes; what the policy refuses is blocked, at the place that the change would have."""
    refusals = {difference.key: difference.refusal for difference in differences if difference.refusal is not None}
    return [
        change
        if (refusal := refusals.get(Key(change.kind, change.id))) is None
        else change.model_copy(update={"action": "blocked", "reason": refusal}).with_calls(())
        for change in changes
    ]


def _to_change(difference: Difference) -> Change:
    resource, live = difference.resource, difference.live
    address = resource.address
    return Change(
        action=difference.action,
        kind=address.kind,
        name=address.name,
        project=address.project,
        feature=address.feature,
        id=resource.id,
        source=None if resource.position is None else str(resource.position),
        before=difference.before,
        after=difference.after,
        fields=list_fields(difference.parts),
        reason=difference.reason,
        origin=difference.origin,
        changed=difference.changed,
        drift=difference.drift,
        taken_from=difference.taken_from,
        former_id=_former_id(difference),
        owners=() if live is None else live.owners,
        archives=None
        if live is None or difference.after is not None
        else kinds()[address.kind].is_archived_by_delete(live),
    )


def _former_id(difference: Difference) -> str | None:
    """Return the id of the live object, where it is not the document's."""
    is_other = difference.live is not None and difference.live.id != difference.resource.id
    return difference.live.id if difference.live is not None and is_other else None


def _summarise(changes: Sequence[Change], kept: Sequence[Change], classification: Classification) -> Summary:
    count: Counter[Action] = Counter(change.action for change in changes)
    drifted = {(change.kind, change.id) for change in (*changes, *kept) if change.drifted}
    return Summary(
        create=count["create"],
        update=count["update"],
        adopt=count["adopt"],
        transfer=count["transfer"],
        release=count["release"],
        delete=count["delete"],
        blocked=count["blocked"],
        unchanged=len(classification.unchanged),
        unmanaged=len(classification.unmanaged),
        foreign=sum(classification.foreign.values()),
        drifted=len(drifted),
        kept=len(kept),
        released=classification.released,
    )


def _to_unmanaged(live: Resource) -> Unmanaged:
    address = live.address
    return Unmanaged(
        kind=address.kind,
        name=address.name,
        project=address.project,
        feature=address.feature,
        id=live.id,
        title=live.title,
    )
