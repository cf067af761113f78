"""What kinds share whose events in the audit log hold the whole object: as it was, or at least as it became."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from unleash_gitops.kinds.base import Kind, Reads
from unleash_gitops.model.resource import Resource, Step, Unknown

if TYPE_CHECKING:
    from unleash_gitops.api.audit_log import Event

__all__ = ["Audited", "Payload"]

Payload = Mapping[str, Any]
"""An object as an event has it."""


class Audited(Kind):
    """A kind whose events are called created, deleted or, where it became another, something else.

    Their `preData` and `data` are the object before and after. Where there is no `preData`, the object was what the
    event before says; nobody knows what it was when that is not in the log.
    """

    @abstractmethod
    def told(self, payload: Any, workspace: str) -> Resource:
        """Return an object as an event tells it. Raises ValidationError for one of another form."""

    def became(self, event: Event, before: Payload | None) -> Payload | None:
        """Return what an event made of an object, which was `before` as far as is known; None for what is not known."""
        if not isinstance(event.data, dict):
            return None
        return event.data if event.before is not None else {**(before or {}), **event.data}

    def event_subjects(self, event: Event, workspace: str) -> set[str]:
        """See `Kind.subjects`: two when the event gave the object another name."""
        told = (self._told(payload, workspace) for payload in (event.data, event.before))
        return {found.id for found in told if found is not None}

    def find_marking_event(self, events: Sequence[Event], workspace: str) -> Event | None:
        """See `Kind.marker`: of what nobody knows what it was before, an event counts as one that left the mark."""
        found: Event | None = None
        for event, before, after in self._payloads(events):
            was, became = self._told(before, workspace), self._told(after, workspace)
            anew = _creates(event) or (was is not None and was.ownership != "owned")
            if anew and became is not None and became.ownership == "owned":
                found = event
        return found

    def history_states(self, live: Resource | None, one: str, events: Sequence[Event], reads: Reads) -> Iterable[Step]:  # noqa: ARG002
        """See `Kind.history_states`: as each event tells."""
        workspace = reads.workspace
        steps = [
            (
                None if _creates(event) else self._spec(before, one, workspace),
                None if _deletes(event) else self._spec(after, one, workspace),
            )
            for event, before, after in self._payloads(events)
        ]
        return steps[::-1]

    def _payloads(self, events: Sequence[Event]) -> Iterator[tuple[Event, Payload | None, Payload | None]]:
        """Yield each event, the oldest first, with the object before and after it, None for what is not known."""
        known: Payload | None = None
        for event in reversed(events):
            before = event.before if isinstance(event.before, dict) else known
            known = None if _deletes(event) else self.became(event, before)
            yield event, before, known

    def _spec(self, payload: Payload | None, one: str, workspace: str) -> Mapping[str, Any] | Unknown | None:
        """Return the object with id `one` as it is told, None where it was called otherwise then."""
        found = self._told(payload, workspace)
        if found is None:
            return Unknown()
        return found.spec if found.id == one else None

    def _told(self, payload: Any, workspace: str) -> Resource | None:
        """Return an object as an event tells it, None where it tells nothing that this version knows."""
        try:
            return None if payload is None else self.told(payload, workspace)
        except (ValidationError, KeyError, TypeError):
            return None


def _creates(event: Event) -> bool:
    return event.type.endswith("-created")


def _deletes(event: Event) -> bool:
    return event.type.endswith("-deleted")
