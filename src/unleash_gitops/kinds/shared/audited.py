"""Kinds whose events in the audit log hold the whole object: as it was, or at least as it became."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from typing_extensions import override

from unleash_gitops.kinds.interfaces import HasHistory, MarkChange
from unleash_gitops.kinds.reads import Reads
from unleash_gitops.model.resource import Resource, Transition, UnknownValue

if TYPE_CHECKING:
    from unleash_gitops.api.audit_log import Event

__all__ = ["Audited", "Payload"]

Payload = Mapping[str, Any]
"""An object as an event holds it."""


class Audited(HasHistory):
    """A kind with one type of event for creation, one for deletion, and others for changes.

    `preData` and `data` of an event are the object before and after. Where there is no `preData`, the object was what
    the event before left; that is unknown when it is not in the log.
    """

    @abstractmethod
    def resource_from_event(self, payload: Any, workspace: str) -> Resource:
        """Return an object as an event holds it. Raises ValidationError for one of another form."""

    def payload_after(self, event: Event, before: Payload | None) -> Payload | None:
        """Return the object after an event, None when that is unknown; `before` is the object before, if known."""
        if not isinstance(event.data, dict):
            return None
        return event.data if event.before is not None else {**(before or {}), **event.data}

    @override
    def event_subjects(self, event: Event, workspace: str) -> set[str]:
        """Return two ids when the event gave the object another name."""
        resources = (self._parse(payload, workspace) for payload in (event.data, event.before))
        return {resource.id for resource in resources if resource is not None}

    @override
    def read_server_id(self, event: Event) -> str | None:
        resources = (self._parse(payload, "") for payload in (event.data, event.before))
        return next((resource.server_id for resource in resources if resource is not None), None)

    @override
    def find_marking_event(self, events: Sequence[Event], workspace: str) -> Event | None:
        """Where it is unknown what an object was before an event, the event counts as one that left the mark alone."""
        marking: Event | None = None
        for event, before, after in self._payloads(events):
            earlier, later = self._parse(before, workspace), self._parse(after, workspace)
            was_unowned = _creates(event) or (earlier is not None and earlier.ownership != "owned")
            if was_unowned and later is not None and later.ownership == "owned":
                marking = event
        return marking

    @override
    def owners_after(self, event: Event, workspace: str) -> Collection[str]:
        resource = self._parse(event.data, workspace)
        return () if resource is None else resource.owners

    @override
    def mark_changes(self, events: Sequence[Event], reads: Reads) -> Iterable[MarkChange]:
        """An event that does not tell what the object was or became counts as one that left the marks alone."""
        changes = []
        for event, before, after in self._payloads(events):
            earlier, later = self._parse(before, reads.workspace), self._parse(after, reads.workspace)
            if earlier is None or later is None:
                continue
            old, new = frozenset(earlier.owners), frozenset(later.owners)
            if old != new:
                changes.append(MarkChange(event, new - old, old - new))
        return changes[::-1]

    @override
    def history_states(
        self, live: Resource | None, object_id: str, events: Sequence[Event], reads: Reads
    ) -> Iterable[Transition]:
        states = [
            (
                None if _creates(event) else self._spec(before, object_id, reads.workspace),
                None if _deletes(event) else self._spec(after, object_id, reads.workspace),
            )
            for event, before, after in self._payloads(events)
        ]
        return states[::-1]

    def _payloads(self, events: Sequence[Event]) -> Iterator[tuple[Event, Payload | None, Payload | None]]:
        """Yield each event, the oldest first, with the object before and after it, None for what is unknown."""
        known: Payload | None = None
        for event in reversed(events):
            before = event.before if isinstance(event.before, dict) else known
            known = None if _deletes(event) else self.payload_after(event, before)
            yield event, before, known

    def _spec(self, payload: Payload | None, object_id: str, workspace: str) -> Mapping[str, Any] | UnknownValue | None:
        """Return the object with that id as an event holds it, None where it had another name then."""
        resource = self._parse(payload, workspace)
        if resource is None:
            return UnknownValue()
        return resource.spec if resource.id == object_id else None

    def _parse(self, payload: Any, workspace: str) -> Resource | None:
        """Return an object as an event holds it, None where the event holds nothing that this version knows."""
        if not isinstance(payload, dict):
            return None
        try:
            return self.resource_from_event(payload, workspace)
        except ValidationError:
            return None


def _creates(event: Event) -> bool:
    return event.type.endswith("-created")


def _deletes(event: Event) -> bool:
    return event.type.endswith("-deleted")
