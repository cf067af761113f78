"""A flag in the audit log: which events are about it, who marked it, and what it was before each of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from unleash_gitops.api.audit_log import read_events_if_allowed
from unleash_gitops.kinds.flags.answers import read_project_environments, read_segment_names
from unleash_gitops.kinds.flags.event_payloads import read_tag
from unleash_gitops.kinds.flags.rewind import EVENT_TYPES, FlagState
from unleash_gitops.kinds.interfaces import DeleteProof, HasHistory, MarkChange
from unleash_gitops.kinds.reads import Reads
from unleash_gitops.model.ownership import EVERY_OWNER, OWNER_TAG, read_owner_tags
from unleash_gitops.model.resource import Resource, Transition

if TYPE_CHECKING:
    from unleash_gitops.api.audit_log import Event

__all__ = ["FlagHistory"]

_NO_OWNERS: frozenset[str] = frozenset()


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
    def mark_changes(self, events: Sequence[Event], reads: Reads) -> Iterator[MarkChange]:
        """Tags, and the deletion of the tag or its type, which takes the mark off all flags without other events."""
        changes = [_read_mark_change(event) for event in (*events, *_read_tag_deletions(reads, events))]
        yield from sorted(filter(None, changes), key=lambda change: -change.event.id)

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
        state = FlagState(live, _read_past_segment_names(events, reads))
        for index, event in enumerate(events):
            state.settle(event)
            after = state.spec()
            state.undo(event)
            if event.type == "feature-deleted":
                state.replay(events[index + 1 :])
            yield state.spec(), after

    @override
    def possible_causes(self, unit: Sequence[str], desired: Resource, live: Resource) -> Sequence[str]:
        """Tags go with their type or value, a flag is off in a detached environment, strategies name segments."""
        if tuple(unit) == ("tags",):
            return ("tag-type-deleted", "tag-deleted") if _list_missing_tags(desired, live) else ()
        if len(unit) < 2 or unit[0] != "environments":
            return ()
        if unit[2:] == ("strategies",):
            return ("segment-updated",) if _list_missing_segments(desired, live) else ()
        is_on = live.spec["environments"].get(unit[1], {}).get("enabled")
        return () if is_on else ("project-environment-removed",)

    @override
    def explains(self, event: Event, unit: Sequence[str], desired: Resource, live: Resource) -> bool:
        payload = event.before if isinstance(event.before, dict) else {}
        if event.type == "tag-type-deleted":
            return any(tag.startswith(f"{payload.get('name')}:") for tag in _list_missing_tags(desired, live))
        if event.type == "tag-deleted":
            return read_tag(event.data) in _list_missing_tags(desired, live)
        if event.type == "project-environment-removed":
            return event.project == live.address.project and event.environment == unit[1]
        is_renamed = isinstance(event.data, dict) and event.data.get("name") != payload.get("name")
        return is_renamed and payload.get("name") in _list_missing_segments(desired, live)

    @override
    def requires_confirmation(self, unit: Sequence[str], resource: Resource, reads: Reads) -> bool:
        """Where a flag is on, and for whom, in environments of type production."""
        if len(unit) < 2 or unit[0] != "environments" or (len(unit) > 2 and unit[2] not in {"enabled", "strategies"}):
            return False
        environments = read_project_environments(reads, str(resource.address.project))
        return any(entry["name"] == unit[1] and entry.get("type") == "production" for entry in environments)


def _read_mark_change(event: Event) -> MarkChange | None:
    """Return what an event did to the marks of a flag, None when it left them alone."""
    if event.type == "feature-tagged":
        owners = read_owner_tags(_list_tags(event.data))
        return MarkChange(event, frozenset(owners), _NO_OWNERS) if owners else None
    if event.type == "feature-untagged":
        owners = read_owner_tags(_list_tags(event.before))
        return MarkChange(event, _NO_OWNERS, frozenset(owners)) if owners else None
    if event.type == "tag-deleted":
        return MarkChange(event, _NO_OWNERS, frozenset(read_owner_tags(_list_tags(event.data))))
    if event.type == "tag-type-deleted":
        return MarkChange(event, _NO_OWNERS, EVERY_OWNER)
    return None


def _list_tags(payload: Any) -> list[str]:
    tag = read_tag(payload)
    return [] if tag is None else [tag]


def _read_tag_deletions(reads: Reads, events: Sequence[Event]) -> Iterator[Event]:
    """Yield the deletions of the tags that mark flags, and of their type, since the oldest of `events`."""
    oldest = min((event.id for event in events), default=None)
    if oldest is None:
        return
    for event in read_events_if_allowed(reads.get_cached, ("tag-deleted", "tag-type-deleted")):
        payload = event.data if event.type == "tag-deleted" else event.before
        name = payload.get("type" if event.type == "tag-deleted" else "name") if isinstance(payload, dict) else None
        if event.id > oldest and name == OWNER_TAG:
            yield event


def _list_missing_tags(desired: Resource, live: Resource) -> set[str]:
    return {*desired.spec.get("tags", ())} - {*live.spec.get("tags", ())}


def _list_missing_segments(desired: Resource, live: Resource) -> set[str]:
    """Return the names of the segments that the document uses, and the live flag does not."""
    used, present = (
        {reference.name for reference in resource.references if reference.kind == "Segment"}
        for resource in (desired, live)
    )
    return used - present


def _read_past_segment_names(events: Sequence[Event], reads: Reads) -> dict[int, str]:
    """Return the names of the segments in `events` by their number: of live ones, else the last in the log."""
    payloads = [payload for event in events for payload in (event.data, event.before) if isinstance(payload, dict)]
    numbers = {number for payload in payloads for number in _list_numbers(payload.get("segments"))}
    if not numbers:
        return {}
    names = read_segment_names(reads)
    if numbers <= names.keys():
        return names
    deleted = read_events_if_allowed(reads.get_cached, ("segment-deleted",))
    return {**{number: name for event in deleted for number, name in _read_segment(event.before)}, **names}


def _list_numbers(segments: Any) -> list[int]:
    return [number for number in segments if type(number) is int] if isinstance(segments, list) else []


def _read_segment(payload: Any) -> list[tuple[int, str]]:
    """Return the number and name of the segment in an event, nothing for an event of another form."""
    is_segment = (
        isinstance(payload, dict) and isinstance(payload.get("id"), int) and isinstance(payload.get("name"), str)
    )
    return [(payload["id"], payload["name"])] if is_segment else []
