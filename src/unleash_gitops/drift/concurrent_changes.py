"""What other users did to objects while a run changed them, from the audit log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unleash_gitops.api.audit_log import Event, read_newest_event_id
from unleash_gitops.drift.history import History, event_types, read_history
from unleash_gitops.drift.object_history import find_newest
from unleash_gitops.engine.parts import MARK, PartPath, find_differing_parts, list_parts, value_at
from unleash_gitops.engine.stale_changes import is_within_parts, overwritten_parts, to_planned
from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.interfaces import HasHistory
from unleash_gitops.kinds.reads import Reads
from unleash_gitops.model.plan import Change, Changed
from unleash_gitops.model.resource import Key, Resource, ResourceSet, UnknownValue

__all__ = ["ConcurrentEvents", "find_concurrent_events", "read_log_position"]


@dataclass(frozen=True)
class ConcurrentEvents:
    """The newest events of other users about one object during a run, None where there are none.

    `overwritten` came before the last write of the run, and what it left is no longer there. `standing` came after
    the last write, or what it left is still there. `touched` are the parts that each event changed, newest event first,
    and whether the run itself caused it.
    """

    overwritten: Changed | None = None
    standing: Changed | None = None
    touched: tuple[tuple[bool, frozenset[PartPath]], ...] = ()

    def is_changed_by_another_user(self, part: PartPath) -> bool:
        """Tell whether the newest event that changed a part, or anything above or below it, is another user's."""
        for is_own, parts in self.touched:
            if is_within_parts(part, parts):
                return not is_own and any(part[: len(path)] == path for path in parts)
        return False


def read_log_position(reads: Reads, changes: Sequence[Change]) -> int | None:
    """Return the newest event of the kinds of `changes`, None when the log holds none of these kinds.

    Raises ServerError.
    """
    types = event_types(to_planned(change) for change in changes if change.calls)
    return read_newest_event_id(reads.get, types) if types else None


def find_concurrent_events(
    reads: Reads, changes: Sequence[Change], live: ResourceSet, since: int
) -> tuple[Mapping[str, ConcurrentEvents], str | None]:
    """Return what others did to the objects of `changes` after the event `since`, by address.

    The second value is why the log could not be read, None when it could. Raises ServerError.
    """
    objects = {key: _find_object(change, key, live) for change in changes for key in _keys_of(change)}
    history = read_history(reads, objects.values(), since=since)
    concurrent = {change.address: _find_events(change, objects, history, reads) for change in changes}
    return concurrent, history.audit_error


def _keys_of(change: Change) -> tuple[Key, ...]:
    """Return the identities of an object before and after a change."""
    return tuple(dict.fromkeys((Key(change.kind, change.id), Key(change.kind, change.live_id))))


def _find_object(change: Change, key: Key, live: ResourceSet) -> Resource:
    present = live.resources.get(key)
    return present if present is not None else to_planned(change, key.id)


def _find_events(change: Change, objects: Mapping[Key, Resource], history: History, reads: Reads) -> ConcurrentEvents:
    events = [event for key in _keys_of(change) for event in history.events.get(key, ())]
    last_own = max((event.id for event in events if history.is_ours(event)), default=0)
    standing = [event for event in events if not history.is_ours(event) and event.id > last_own]
    overwritten: list[Event] = []
    for key in _keys_of(change):
        earlier = [event for event in history.events.get(key, ()) if event.id <= last_own]
        lost, kept = _sort_events(change, objects[key], earlier, history, reads)
        overwritten += lost
        standing += kept
    return ConcurrentEvents(
        find_newest(overwritten), find_newest(standing), tuple(_list_touched(change, objects, history, reads))
    )


def _list_touched(
    change: Change, objects: Mapping[Key, Resource], history: History, reads: Reads
) -> Iterator[tuple[bool, frozenset[PartPath]]]:
    """Yield whether each event is the run's own, and the parts that it changed for certain, newest event first.

    An event that changed no part that a spec has, or the description, may have changed the mark.
    """
    kind = kinds()[change.kind]
    if not isinstance(kind, HasHistory):
        return
    touched: list[tuple[int, bool, frozenset[PartPath]]] = []
    for key in _keys_of(change):
        resource, events = objects[key], history.events.get(key, ())
        live = resource if resource.ownership is not None else None
        states = kind.history_states(live, resource.id, events, reads) if events else ()
        for event, (before, after) in zip(events, states, strict=True):
            parts = {part for part in find_differing_parts(before, after) if _is_known(after, part)}
            if not parts or ("description",) in parts:
                parts.add(MARK)
            touched.append((event.id, history.is_ours(event), frozenset(parts)))
    touched.sort(key=lambda entry: -entry[0])
    yield from ((is_own, parts) for _, is_own, parts in touched)


def _is_known(state: Mapping[str, Any] | UnknownValue | None, part: PartPath) -> bool:
    return not isinstance(state, UnknownValue) and not isinstance(value_at(state, part), UnknownValue)


def _sort_events(
    change: Change, resource: Resource, events: Sequence[Event], history: History, reads: Reads
) -> tuple[list[Event], list[Event]]:
    """Return which of others' events set a part that the change replaced, and is gone, and which set one that stands.

    `events` are those up to the last own one, newest first.
    """
    others = [event for event in events if not history.is_ours(event)]
    kind = kinds()[change.kind]
    if not others or change.before is None or not isinstance(kind, HasHistory):
        return [], []
    if change.action == "delete" or change.live_id != change.id:
        return others, []
    live = resource if resource.ownership is not None else None
    states = list(kind.history_states(live, resource.id, events, reads))
    replaced = overwritten_parts(change)
    specs = [spec for spec in (change.before, change.after, resource.spec) if spec is not None]
    lost: dict[int, Event] = {}
    standing: dict[int, Event] = {}
    for part in {part for spec in specs for part in list_parts(spec) if is_within_parts(part, replaced)}:
        newest = next(
            (
                (event, after)
                for event, (before, after) in zip(events, states, strict=True)
                if event in others and value_at(before, part) != value_at(after, part)
            ),
            None,
        )
        if newest is not None:
            event, after = newest
            is_standing = value_at(resource.spec, part) == value_at(after, part)
            (standing if is_standing else lost)[event.id] = event
    return list(lost.values()), [event for number, event in standing.items() if number not in lost]
