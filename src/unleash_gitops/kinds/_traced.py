"""What kinds share whose events in the audit log hold the whole object: as it was, and as it became."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from unleash_gitops.resource import Kind, Reads, Resource, Step

if TYPE_CHECKING:
    from unleash_gitops.audit import Event

__all__ = ["Traced"]


class Traced(Kind):
    """A kind with events of three types, created, updated and deleted, whose `data` and `preData` are the object."""

    @abstractmethod
    def told(self, payload: Any, workspace: str) -> Resource:
        """Return an object as an event tells it. Raises ValidationError for one of another form."""

    def subjects(self, event: Event) -> set[str]:
        """See `Kind.subjects`: two when the event gave the object another name."""
        return {found.id for found in (self._told(event.data), self._told(event.before)) if found is not None}

    def marks(self, event: Event, workspace: str) -> bool:
        """See `Kind.marks`."""
        before, after = self._told(event.before, workspace), self._told(event.data, workspace)
        return after is not None and after.ownership == "owned" and (before is None or before.ownership != "owned")

    def rewound(self, live: Resource | None, one: str, events: Sequence[Event], reads: Reads) -> Iterator[Step]:  # noqa: ARG002
        """See `Kind.rewound`: as each event tells."""
        for event in events:
            before, after = self._told(event.before), self._told(event.data)
            yield (
                before.spec if before is not None and before.id == one else None,
                after.spec if after is not None and after.id == one else None,
            )

    def _told(self, payload: Any, workspace: str = "") -> Resource | None:
        """Return an object as an event tells it, None where it tells nothing that this version knows."""
        try:
            return None if payload is None else self.told(payload, workspace)
        except (ValidationError, KeyError, TypeError):
            return None
