"""Change dependencies, delete blockers, id placeholders. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from graphlib import TopologicalSorter
from typing import Any

from unleash_gitops.engine.classify import Classification, Difference
from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.base import references_of
from unleash_gitops.model.naming import list_names
from unleash_gitops.model.plan import Change, NumberedObject
from unleash_gitops.model.resource import Key, Reference, Resource, ResourceSet

__all__ = ["describe_users", "find_delete_blockers", "find_losing_users", "order_changes", "resolve_ids"]

_MOST_NAMED = 5  # users of an object
_CHANGING = frozenset({"update", "adopt", "transfer"})
"""The actions that turn a live object into what its document says."""


def describe_users(users: Collection[str]) -> str | None:
    """Return `used by …` with the addresses of `users`, None when there are none."""
    if not users:
        return None
    return f"used by {list_names(sorted(users))}"


def find_delete_blockers(classification: Classification) -> Mapping[Key, str]:
    """Return why some of the deletes are impossible, in words: the object is protected, or used by what stays.

    Neither an object that is deleted as well counts as a user, nor one whose update drops the reference.
    """
    pending = {str(delete.resource): delete.resource for delete in _deletes(classification)}
    if not pending:
        return {}
    users = _find_users(list(pending.values()), classification)
    used_by: dict[str, list[str]] = {}
    for address in pending:
        for user in users[address]:
            used_by.setdefault(user, []).append(address)
    unchecked = [
        address
        for address, resource in pending.items()
        if resource.protected or any(user not in pending for user in users[address])
    ]
    blocked: dict[str, None] = {}
    while unchecked:
        address = unchecked.pop()
        if address not in blocked:
            blocked[address] = None
            unchecked += [used for used in used_by.get(address, ()) if used not in blocked]
    deleted = {address for address in pending if address not in blocked}
    reasons = {
        pending[address].key: pending[address].protected or describe_users(users[address] - deleted)
        for address in blocked
    }
    return {key: reason for key, reason in reasons.items() if reason is not None}


def find_losing_users(classification: Classification) -> Mapping[Key, str]:
    """Return a note for each delete of an object that another object uses which the same plan archives.

    An archived flag can be revived, and then lacks the object: a strategy without its segment is for everybody.
    """
    archived = {
        str(delete.resource)
        for delete in _deletes(classification)
        if kinds()[delete.key.kind].is_archived_by_delete(delete.resource)
    }
    notes = {}
    for delete in _deletes(classification) if archived else ():
        losing = sorted(archived.intersection(delete.resource.users))
        if losing:
            notes[delete.key] = f"{', '.join(losing[:_MOST_NAMED])} loses it, and will be archived without it"
    return notes


def _deletes(classification: Classification) -> list[Difference]:
    return [difference for difference in classification.differences if difference.action == "delete"]


def _find_users(pending: Sequence[Resource], classification: Classification) -> dict[str, set[str]]:
    """Return the addresses of what would still use each of `pending`, by its address."""
    released = {
        str(difference.resource): _find_released(difference)
        for difference in classification.differences
        if difference.action in _CHANGING
    }
    referrers = _find_referrers(classification)
    users: dict[str, set[str]] = {}
    for resource in pending:
        reference = _reference_to(resource)
        live_users = {user for user in resource.users if reference not in released.get(user, ())}
        users[str(resource)] = live_users | referrers.get(reference, set())
    return users


def _find_referrers(classification: Classification) -> dict[Reference, set[str]]:
    """Return the addresses of the objects that refer to each object, once the plan is applied."""
    after = {difference.key: difference.after for difference in classification.differences if difference.desired}
    live = classification.live.resources
    referrers: dict[Reference, set[str]] = {}
    for key, resource in live.items():
        if key not in classification.desired.resources:
            kept = [reference for reference in resource.references if not reference.owned_by_target]
            _add_referrer(referrers, kept, resource)
    for key, resource in classification.desired.resources.items():
        kind = kinds()[key.kind]
        spec: Mapping[str, Any] | None = after.get(key)
        if spec is None and key in live:
            unchanged = key in classification.unchanged
            spec = live[key].spec if unchanged else kind.spec_after_update(resource, live[key])
        named = references_of(kind, resource.spec if spec is None else spec, resource.address.project)
        _add_referrer(referrers, [*resource.references, *named], resource)
    return referrers


def _add_referrer(referrers: dict[Reference, set[str]], references: Iterable[Reference], resource: Resource) -> None:
    for reference in references:
        referrers.setdefault(reference, set()).add(str(resource))


def _find_released(update: Difference) -> set[Reference]:
    """Return what an update no longer refers to, as far as what was read of the object tells."""
    address = update.resource.address
    kind = kinds()[address.kind]
    before = references_of(kind, update.before or {}, address.project)
    return {*before} - {*references_of(kind, update.after or {}, address.project)}


def order_changes(changes: Iterable[Change], differences: Iterable[Difference]) -> list[Change]:
    """Return the changes in the order of the plan, each with the addresses of the changes that it waits for.

    An object is created before what refers to it, and deleted after it; deletes come last. `differences` has that of
    each change.
    """
    ordered = sorted(changes, key=lambda change: (change.action == "delete", change.address))
    by_key = {difference.key: difference for difference in differences}
    pairs = [(change, by_key[Key(change.kind, change.id)]) for change in ordered]
    waits = _find_waits(pairs)
    return [
        _wait_for(ordered[place], [ordered[other].address for other in sorted(waits[place])])
        for place in _sort_by_layer(waits, ordered)
    ]


def _find_waits(pairs: Sequence[tuple[Change, Difference]]) -> dict[int, set[int]]:
    """Return the places of the changes that each change waits for, by its place."""
    places = {
        Reference(change.kind, change.project, change.name or change.id): place
        for place, (change, _) in enumerate(pairs)
    }
    places |= {
        reference: place
        for place, (_, difference) in enumerate(pairs)
        for reference in _find_newly_provided(difference)
    }
    by_address = {change.address: place for place, (change, _) in enumerate(pairs)}
    waits: dict[int, set[int]] = {place: set() for place in range(len(pairs))}
    for place, (change, difference) in enumerate(pairs):
        desired, live = difference.desired, difference.live
        if change.action != "delete" and desired is not None:
            for other in _find_places(desired.references, places):
                if pairs[other][0].action in {"create", *_CHANGING}:
                    waits[place].add(other)
        if change.action in {"delete", *_CHANGING} and live is not None:
            for other in _find_places(live.references, places):
                if pairs[other][0].action == "delete":
                    waits[other].add(place)
        if change.action == "delete" and live is not None:
            users = (by_address.get(address) for address in live.users)
            waits[place] |= {user for user in users if user is not None and pairs[user][0].calls}
    return waits


def _find_newly_provided(difference: Difference) -> set[Reference]:
    """Return what exists once a change is made, beside the object itself, and did not before."""
    desired, live = difference.desired, difference.live
    if desired is None:
        return set()
    kind = kinds()[desired.address.kind]
    before = set() if live is None else {*kind.provided_references(live)}
    return {*kind.provided_references(desired)} - before


def resolve_ids(changes: Iterable[Change], live: ResourceSet) -> list[Change]:
    """Return the changes with every id that the server has already given written into their calls.

    A change that needs the id of an object that no call creates is blocked.
    """
    ids = {
        str(resource): int(resource.server_id)
        for resource in live.resources.values()
        if resource.server_id and resource.server_id.isdecimal()
    }
    resolved = [_resolve_ids(change, ids) for change in changes]
    labels = {call.id_label for change in resolved for call in change.calls}
    return [_block_without_ids(change, labels) for change in resolved]


def _resolve_ids(change: Change, ids: Mapping[str, int]) -> Change:
    labels = {label for call in change.calls for label in call.required_labels}
    numbered = [NumberedObject(address=label, id=ids[label]) for label in sorted(labels & ids.keys())]
    return change.with_calls((call.resolve_ids(ids) for call in change.calls), numbered)


def _block_without_ids(change: Change, labels: Collection[str | None]) -> Change:
    missing = sorted({label for call in change.calls for label in call.required_labels if label not in labels})
    if not missing:
        return change
    reason = f"needs {missing[0]}, which this plan does not create"
    return change.model_copy(update={"action": "blocked", "reason": reason}).with_calls(())


def _reference_to(resource: Resource) -> Reference:
    return Reference(resource.address.kind, resource.address.project, resource.address.name or resource.id)


def _find_places(references: Iterable[Reference], places: Mapping[Reference, int]) -> list[int]:
    return [places[reference] for reference in references if reference in places]


def _wait_for(change: Change, addresses: list[str]) -> Change:
    return change.model_copy(update={"depends_on": tuple(addresses)}) if addresses else change


def _sort_by_layer(waits: Mapping[int, set[int]], ordered: Sequence[Change]) -> list[int]:
    """Return the places in an order that respects `waits`, by address where it leaves a choice, deletes last."""
    places: list[int] = []
    for deletes in (False, True):
        phase = {place for place, change in enumerate(ordered) if (change.action == "delete") is deletes}
        sorter = TopologicalSorter({place: waits[place] & phase for place in sorted(phase)})
        sorter.prepare()
        while sorter.is_active():
            ready = sorted(sorter.get_ready())
            places += ready
            sorter.done(*ready)
    return places
