"""What hangs on what: which change waits for which, what is in the way of a delete, which ids stand in calls. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from graphlib import TopologicalSorter

from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.base import references_of
from unleash_gitops.model.plan import Change
from unleash_gitops.model.resource import Key, Reference, Resource, State

__all__ = ["find_delete_blockers", "in_order", "resolve_ids", "used"]

_MOST_NAMED = 5  # users of an object


def used(users: Collection[str]) -> str | None:
    """Return that these addresses use an object, None when there are none."""
    if not users:
        return None
    named = sorted(users)[:_MOST_NAMED]
    more = len(users) - len(named)
    names = ", ".join(named) + (f" and {more} more" if more else "")
    return f"{names} {'uses' if len(users) == 1 else 'use'} it"


def find_delete_blockers(
    doomed: Sequence[Resource], changes: Sequence[Change], desired: State, live: State
) -> Mapping[Key, str]:
    """Return why some of `doomed` cannot be deleted, in words: protected, or used by what stays.

    What is to be deleted as well does not count as a user, nor does what `changes` to no longer naming it.
    """
    if not doomed:
        return {}
    letting_go = {change.address: _dropped(change) for change in changes if change.action == "update"}
    naming: dict[Reference, set[str]] = {}
    for one in live.resources.values():
        if one.key not in desired.resources:
            _note(naming, one.references, str(one), owned_by_target=False)
    for one in desired.resources.values():
        present = live.resources.get(one.key)
        kind = kinds()[one.address.kind]
        spec = one.spec if present is None else kind.spec_after_update(one, present)
        _note(
            naming, [*one.references, *references_of(kind, spec, one.address.project)], str(one), owned_by_target=True
        )
    going = {str(one): one for one in doomed}
    found: dict[Key, str] = {}
    while True:
        for address, one in list(going.items()):
            reference = _reference(one)
            users = {user for user in one.users if reference not in letting_go.get(user, ())}
            obstacle = one.protected or used({*naming.get(reference, ()), *users} - going.keys())
            if obstacle is not None:
                found[one.key] = obstacle
                del going[address]
                break
        else:
            return found


def _dropped(change: Change) -> set[Reference]:
    """Return what an update no longer names, as far as what was read of the object tells."""
    kind = kinds()[change.kind]
    return {*references_of(kind, change.before or {}, change.project)} - {
        *references_of(kind, change.after or {}, change.project)
    }


def in_order(
    changes: Iterable[Change], wanted: Mapping[Key, Resource], present: Mapping[Key, Resource]
) -> list[Change]:
    """Return the changes in the order they are to be done, each told what it waits for.

    What is referred to is made before what refers to it, and deleted after it; deletes come last.
    """
    ordered = sorted(changes, key=lambda change: (change.action == "delete", change.address))
    places = {Reference(one.kind, one.project, one.name or one.id): place for place, one in enumerate(ordered)}
    by_address = {one.address: place for place, one in enumerate(ordered)}
    waits: dict[int, set[int]] = {place: set() for place in range(len(ordered))}
    for place, change in enumerate(ordered):
        key = Key(change.kind, change.id)
        if change.action != "delete" and key in wanted:
            for other in _places(wanted[key].references, places):
                if ordered[other].action in {"create", "update"}:
                    waits[place].add(other)
        if change.action in {"update", "delete"} and key in present:
            for other in _places(present[key].references, places):
                if ordered[other].action == "delete":
                    waits[other].add(place)
        if change.action == "delete" and key in present:
            users = (by_address.get(address) for address in present[key].users)
            waits[place] |= {user for user in users if user is not None and ordered[user].calls}
    return [
        _waiting(ordered[place], [ordered[other].address for other in sorted(waits[place])])
        for place in _layers(waits, ordered)
    ]


def resolve_ids(changes: Iterable[Change], live: State) -> list[Change]:
    """Return the changes with every id that the server has already given written into their calls.

    A change that needs the id of an object that no call creates is blocked.
    """
    ids = {
        str(resource): int(resource.server_id)
        for resource in live.resources.values()
        if resource.server_id and resource.server_id.isdecimal()
    }
    resolved = [
        change.model_copy(update={"calls": tuple(call.resolve_ids(ids) for call in change.calls)}) for change in changes
    ]
    labels = {call.id_label for change in resolved for call in change.calls}
    return [_block_without_ids(change, labels) for change in resolved]


def _block_without_ids(change: Change, labels: Collection[str | None]) -> Change:
    missing = sorted({label for call in change.calls for label in call.required_labels if label not in labels})
    if not missing:
        return change
    reason = f"needs {missing[0]}, which this plan does not create"
    return change.model_copy(update={"action": "blocked", "calls": (), "reason": reason})


def _note(
    naming: dict[Reference, set[str]], references: Iterable[Reference], address: str, *, owned_by_target: bool
) -> None:
    for reference in references:
        if owned_by_target or not reference.owned_by_target:
            naming.setdefault(reference, set()).add(address)


def _reference(one: Resource) -> Reference:
    return Reference(one.address.kind, one.address.project, one.address.name or one.id)


def _places(references: Iterable[Reference], places: Mapping[Reference, int]) -> list[int]:
    return [places[reference] for reference in references if reference in places]


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
