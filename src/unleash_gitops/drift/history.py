"""The audit log's events of the objects that differ: one query for flags and their charts, one for the instance's."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from unleash_gitops.api.audit_log import (
    SEARCH_FAILURE,
    Actor,
    Event,
    is_lasting_failure,
    parse_actor,
    read_events,
    read_recent,
)
from unleash_gitops.drift.object_history import ObjectHistory
from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.interfaces import HasHistory
from unleash_gitops.kinds.reads import Reads
from unleash_gitops.model.errors import ApiError, NotUnleash, UnexpectedAnswer
from unleash_gitops.model.resource import Key, Resource

__all__ = ["History", "event_types", "read_history"]

_LONGEST_FILTER = 4000
"""Characters of flags' names in one query; with more, the whole project or instance is queried."""
_MOST_SINGLE_QUERIES = 20
"""Flags that are queried one by one where the server cannot answer for all of them."""
_DENIALS = frozenset({401, 403, 404})
"""The statuses for a token that may not read the log, and for a server without one."""


@dataclass(frozen=True)
class History:
    """What the audit log holds of some objects.

    `our_actor` is whom this run acts as, None where the log was not read. `trusted_actors` are the names of others that
    apply the same files. `audit_error` is why the log could not be read; `denied` tells that the token may not read it,
    or that the server has none.
    """

    our_actor: Actor | None = None
    events: Mapping[Key, Sequence[Event]] = field(default_factory=dict)
    audit_error: str | None = None
    denied: bool = False
    trusted_actors: Collection[str] = ()

    def is_ours(self, event: Event) -> bool:
        """Tell whether this workspace caused an event: by the actor of this run, or by a trusted one."""
        is_this_run = self.our_actor is not None and event.actor.same(self.our_actor)
        return is_this_run or event.actor.name in self.trusted_actors

    def of_object(self, resource: Resource, live: Resource | None, reads: Reads) -> ObjectHistory | None:
        """Return the history of an object, None where the log holds none of its kind.

        `resource` is the object's document, or the live object itself.
        """
        kind = kinds()[resource.address.kind]
        if self.our_actor is None or not isinstance(kind, HasHistory):
            return None
        events = self.events.get(resource.key, ())
        transitions = list(kind.history_states(live, resource.id, events, reads))
        claimed_by = None
        if live is None or live.ownership == "owned":
            marking_event = kind.find_marking_event(events, reads.workspace)
            claimed_by = None if marking_event is None else marking_event.actor
        trusted = {*self.trusted_actors}
        if live is not None and len(live.owners) == 1 and live.ownership == "foreign":  # an object to transfer
            former = kind.find_marking_event(events, live.owners[0])
            trusted |= set() if former is None else {former.actor.name}
        return ObjectHistory(
            events,
            transitions,
            self.our_actor,
            claimed_by,
            resource.accepted,
            trusted,
            assumes_oldest=live is not None and live.ownership == "builtin",
        )

    def error_of(self, resource: Resource) -> str | None:
        """Return the error that keeps the history of an object unknown; to be denied the log is none."""
        is_audited = isinstance(kinds()[resource.address.kind], HasHistory)
        return self.audit_error if is_audited and not self.denied else None


def read_history(
    reads: Reads, objects: Iterable[Resource], trusted_actors: Collection[str] = (), since: int = 0
) -> History:
    """Read the events of `objects` after the event `since`. Sends nothing when the log holds none of their kinds.

    Raises ServerError when the server has trouble; a log that cannot be read is in the result.
    """
    audited = [resource for resource in objects if isinstance(kinds()[resource.address.kind], HasHistory)]
    if not audited:
        return History()
    try:
        our_actor = parse_actor(reads.get_cached("/api/admin/user"))
        if our_actor is None:
            return History(audit_error="the server does not tell who the token acts as")
        events = _group_by_object(audited, _read(reads, audited, since), reads.workspace)
        return History(our_actor, events, trusted_actors=trusted_actors)
    except ApiError as error:
        if not is_lasting_failure(error):
            raise
        return History(audit_error=str(error), denied=error.status in _DENIALS)
    except NotUnleash as error:  # what answers in the server's place, such as a login page, keeps the log to itself
        return History(audit_error=str(error), denied=not isinstance(error, UnexpectedAnswer))


def _read(reads: Reads, objects: Sequence[Resource], since: int) -> list[Event]:
    """Return the events after `since`, newest first, that may be about any of `objects`."""
    of_flags = [resource for resource in objects if resource.address.project is not None]
    of_instance = [resource for resource in objects if resource.address.project is None]
    events: list[Event] = []
    if of_flags:
        names = sorted({resource.address.feature or resource.address.name or resource.id for resource in of_flags})
        projects = {resource.address.project for resource in of_flags}
        is_short = sum(map(len, names)) + len(names) <= _LONGEST_FILTER
        project = projects.pop() if not is_short and len(projects) == 1 else None
        try:
            some = names if is_short else ()
            events += read_events(reads.get_cached, event_types(of_flags), some, project, since)
        except ApiError as error:
            if error.status != SEARCH_FAILURE or len(names) > _MOST_SINGLE_QUERIES:
                raise
            events += [event for event in read_recent(reads.get_cached, names) if event.id > since]
    if of_instance:
        events += read_events(reads.get_cached, event_types(of_instance), since=since)
    return sorted({event.id: event for event in events}.values(), key=lambda event: -event.id)


def event_types(objects: Iterable[Resource]) -> list[str]:
    """Return the types of the events that the log may hold of `objects`, none for kinds that it does not log."""
    return [event_type for kind in _kinds_of(objects) for event_type in kind.events]


def _kinds_of(objects: Iterable[Resource]) -> list[HasHistory]:
    """Return the kinds of `objects` that have a history, by name."""
    names = sorted({resource.address.kind for resource in objects})
    return [kind for kind in map(kinds().__getitem__, names) if isinstance(kind, HasHistory)]


def _group_by_object(objects: Sequence[Resource], events: Iterable[Event], workspace: str) -> dict[Key, list[Event]]:
    wanted = {resource.key for resource in objects}
    kind_of = {event_type: kind for kind in _kinds_of(objects) for event_type in kind.events}
    grouped: dict[Key, list[Event]] = {}
    for event in events:
        kind = kind_of.get(event.type)
        if kind is None:
            continue
        for object_id in kind.event_subjects(event, workspace):
            key = Key(kind.name, object_id)
            if key in wanted:
                grouped.setdefault(key, []).append(event)
    return grouped
