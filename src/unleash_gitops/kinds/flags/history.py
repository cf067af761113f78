"""A flag in the audit log: which events are about it, who marked it, and what it was before each of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from typing_extensions import override

from unleash_gitops.kinds.base import DeleteProof, HasHistory, Reads
from unleash_gitops.kinds.flags.answers import read_project_environments, read_segment_names
from unleash_gitops.kinds.flags.event_payloads import read_tag
from unleash_gitops.kinds.flags.rewind import EVENT_TYPES, FlagState
from unleash_gitops.model.ownership import OWNER_TAG
from unleash_gitops.model.resource import Resource, Transition

if TYPE_CHECKING:
    from unleash_gitops.api.audit_log import Event

__all__ = ["FlagHistory"]


class FlagHistory(HasHistory):
    """The history of a flag, taken back event by event from what is live."""

    events = EVENT_TYPES

    @override
    def event_subjects(self, event: Event, workspace: str) -> tuple[str, ...]:
        return () if event.feature is None else (event.feature,)

    @override
    def find_marking_event(self, events: Sequence[Event], workspace: str) -> Event | None:
        """The owner's tag marks a flag, and so does its creation: the log does not hold the tags of a new flag."""

        def marks(event: Event) -> bool:
            tagged = event.type == "feature-tagged" and read_tag(event.data) == f"{OWNER_TAG}:{workspace}"
            return tagged or event.type == "feature-created"

        return next(filter(marks, events), None)

    @override
    def delete_proof(self, live: Resource) -> DeleteProof | None:
        """An archived flag is deleted for good only where this workspace archived it; another user's flag stays."""
        if not live.spec.get("archived"):
            return None
        unfinished = "this workspace archived it, and has not deleted it for good yet; no document describes it"
        return DeleteProof(
            "feature-archived", lambda event: event.feature == live.id, feature=live.id, unfinished=unfinished
        )

    @override
    def history_states(
        self, live: Resource | None, object_id: str, events: Sequence[Event], reads: Reads
    ) -> Iterator[Transition]:
        segments: dict[int, str] = {}
        payloads = [payload for event in events for payload in (event.data, event.before)]
        if any(isinstance(payload, dict) and payload.get("segments") for payload in payloads):
            segments = read_segment_names(reads)
        state = FlagState(live, segments)
        for index, event in enumerate(events):
            state.settle(event)
            after = state.spec()
            state.undo(event)
            if event.type == "feature-deleted":
                state.replay(events[index + 1 :])
            yield state.spec(), after

    @override
    def requires_confirmation(self, unit: Sequence[str], resource: Resource, reads: Reads) -> bool:
        """Where a flag is on, and for whom, in environments of type production."""
        if len(unit) < 2 or unit[0] != "environments" or (len(unit) > 2 and unit[2] not in {"enabled", "strategies"}):
            return False
        environments = read_project_environments(reads, str(resource.address.project))
        return any(entry["name"] == unit[1] and entry.get("type") == "production" for entry in environments)
