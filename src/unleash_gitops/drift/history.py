"""The audit log's events of the objects that differ: one query for flags and their charts, one for the instance's."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from unleash_gitops.api.audit_log import Actor, Event, parse_actor, read_events, read_recent
from unleash_gitops.drift.attribution import Past
from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.base import HasHistory, Reads
from unleash_gitops.model.errors import ApiError, NotUnleash
from unleash_gitops.model.resource import Key, Resource

__all__ = ["History", "read_history"]

_LONGEST_FILTER = 4000
"""Characters of flags' names in one query; with more, everything is asked for."""
_MOST_ONE_BY_ONE = 20
"""Flags that are asked for one by one where the server cannot answer for all."""
_BUG = 500
"""The status of an answer that is the same the next time, other than those above it."""


@dataclass(frozen=True)
class History:
    """What the audit log tells. `applied_by` names who else is us; `audit_error` is why it tells nothing."""

    actor: Actor | None = None
    events: Mapping[Key, Sequence[Event]] = field(default_factory=dict)
    audit_error: str | None = None
    applied_by: Collection[str] = ()

    def past(self, one: Resource, live: Resource | None, reads: Reads) -> Past | None:
        """Return the past of an object (`one` is its document, or itself), None where nothing is told of its kind."""
        kind = kinds()[one.address.kind]
        if self.actor is None or not isinstance(kind, HasHistory):
            return None
        events = self.events.get(one.key, ())
        steps = list(kind.history_states(live, one.id, events, reads))
        earlier = self._earlier(one, live, reads.workspace)
        return Past(events, steps, self.actor, earlier, one.accepted, self.applied_by)

    def _earlier(self, one: Resource, live: Resource | None, workspace: str) -> Actor | None:
        """Return who made an object the workspace's, None when that is another's or nobody's."""
        kind = kinds()[one.address.kind]
        if not isinstance(kind, HasHistory) or (live is not None and live.ownership != "owned"):
            return None
        marker = kind.find_marking_event(self.events.get(one.key, ()), workspace)
        return None if marker is None else marker.actor


def read_history(reads: Reads, objects: Iterable[Resource], applied_by: Collection[str] = ()) -> History:
    """Ask for the events of `objects`. Asks nothing when there are none whose kind the log tells of.

    `applied_by` names whose events are ours beside those of the token in use.

    Raises ServerError when the server has trouble; a log that cannot be read is told as such.
    """
    traced = [one for one in objects if isinstance(kinds()[one.address.kind], HasHistory)]
    if not traced:
        return History()
    try:
        actor = parse_actor(reads.get_cached("/api/admin/user"))
        if actor is None:
            return History(audit_error="the server does not tell who the token acts as")
        return History(actor, _by_object(traced, _read(reads, traced), reads.workspace), applied_by=applied_by)
    except ApiError as error:
        if error.status > _BUG or error.status == 429:
            raise
        return History(audit_error=str(error))
    except NotUnleash as error:
        return History(audit_error=str(error))
    except (KeyError, TypeError):
        return History(audit_error="the audit log is not of the form that this version knows")


def _read(reads: Reads, objects: Sequence[Resource]) -> list[Event]:
    """Return the events, newest first, that may be about any of `objects`."""
    of_flags = [one for one in objects if one.address.project is not None]
    of_instance = [one for one in objects if one.address.project is None]
    found: list[Event] = []
    if of_flags:
        names = sorted({one.address.feature or one.address.name or one.id for one in of_flags})
        projects = {one.address.project for one in of_flags}
        few = sum(map(len, names)) + len(names) <= _LONGEST_FILTER
        only = projects.pop() if not few and len(projects) == 1 else None
        try:
            found += read_events(reads.get_cached, _types(of_flags), names if few else (), only)
        except ApiError as error:
            if error.status != _BUG or len(names) > _MOST_ONE_BY_ONE:
                raise
            found += read_recent(reads.get_cached, names)
    if of_instance:
        found += read_events(reads.get_cached, _types(of_instance))
    return sorted({event.id: event for event in found}.values(), key=lambda event: -event.id)


def _types(objects: Iterable[Resource]) -> list[str]:
    return [event for kind in _kinds_of(objects) for event in kind.events]


def _kinds_of(objects: Iterable[Resource]) -> list[HasHistory]:
    """Return the kinds of `objects` that have a history, by name."""
    found = (kinds()[name] for name in sorted({one.address.kind for one in objects}))
    return [kind for kind in found if isinstance(kind, HasHistory)]


def _by_object(objects: Sequence[Resource], events: Iterable[Event], workspace: str) -> dict[Key, list[Event]]:
    wanted = {one.key for one in objects}
    types = {event: kind for kind in _kinds_of(objects) for event in kind.events}
    found: dict[Key, list[Event]] = {}
    for event in events:
        kind = types.get(event.type)
        for identifier in kind.event_subjects(event, workspace) if kind is not None else ():
            key = Key(kind.name if kind is not None else "", identifier)
            if key in wanted:
                found.setdefault(key, []).append(event)
    return found
