"""Objects that another user renamed, recognised in the audit log by the id that the server gives them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from unleash_gitops.api.audit_log import Event
from unleash_gitops.drift.history import History, read_history
from unleash_gitops.engine.classify import Classification, Difference
from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.interfaces import HasHistory
from unleash_gitops.kinds.reads import Reads
from unleash_gitops.model.plan import Changed
from unleash_gitops.model.resource import Address, Reference, Resource, ResourceSet

__all__ = ["Rename", "describe_renames", "find_renames", "follow_renames", "note_renames"]


@dataclass(frozen=True, slots=True)
class Rename:
    """An object that no longer has its name: `old` is what a document calls it, `new` the live object.

    `changed` is the rename. `events` are those of the object under the old name.
    """

    old: Resource
    new: Resource
    changed: Changed
    events: Sequence[Event]

    def __str__(self) -> str:
        """Return the rename as a part of a sentence."""
        return f'renamed to "{self.new.address.name}" by {self.changed.by} at {self.changed.at}'


def find_renames(
    differences: Iterable[Difference], desired: ResourceSet, live: ResourceSet, history: History
) -> list[Rename]:
    """Return the renames of objects that a document would create anew."""
    missing = [entry.desired for entry in differences if entry.live is None and entry.desired is not None]
    renames = (_find_rename(resource, live, history) for resource in missing)
    return [rename for rename in renames if rename is not None and rename.new.key not in desired.resources]


def describe_renames(references: Iterable[Reference], live: ResourceSet, reads: Reads) -> dict[Reference, str]:
    """Return, for each reference to an object that another user renamed, the rename in words. Raises ServerError."""
    missing = {
        reference: Resource(Address(reference.kind, reference.name), reference.name, {})
        for reference in references
        if _has_server_ids(reference.kind, live)
    }
    history = read_history(reads, missing.values()) if missing else History()
    renames = {reference: _find_rename(resource, live, history) for reference, resource in missing.items()}
    return {reference: str(rename) for reference, rename in renames.items() if rename is not None}


def follow_renames(history: History, renames: Iterable[Rename]) -> History:
    """Return the history, such that an object's events under its old name count as events under its new one."""
    events = dict(history.events)
    for rename in renames:
        merged = {event.id: event for event in (*rename.events, *events.get(rename.new.key, ()))}
        events[rename.new.key] = [
            _with_name(event, str(rename.new.address.name)) for event in sorted(merged.values(), key=_newest_first)
        ]
    return replace(history, events=events)


def note_renames(classification: Classification, renames: Iterable[Rename]) -> Classification:
    """Return the classification; each object that would be created because of a rename has it as its reason."""
    reasons = {rename.old.key: str(rename) for rename in renames}
    return replace(
        classification,
        differences=tuple(
            replace(difference, reason=difference.reason or reasons.get(difference.key))
            for difference in classification.differences
        ),
    )


def _find_rename(resource: Resource, live: ResourceSet, history: History) -> Rename | None:
    """Return what became of an object whose name is gone, None where the log does not tell of a rename."""
    kind = kinds()[resource.address.kind]
    events = history.events.get(resource.key, ())
    if not isinstance(kind, HasHistory) or not events:
        return None
    newest = max(events, key=lambda event: event.id)
    server_id = kind.read_server_id(newest)
    if server_id is None:
        return None
    for other in live.resources.values():
        if other.address.kind == kind.name and other.server_id == server_id and other.id != resource.id:
            own = [event for event in events if kind.read_server_id(event) == server_id]
            changed = Changed(by=newest.actor.name, at=newest.at, event=newest.id)
            return Rename(resource, other, changed, own)
    return None


def _has_server_ids(kind: str, live: ResourceSet) -> bool:
    return any(resource.server_id and resource.address.kind == kind for resource in live.resources.values())


def _with_name(event: Event, name: str) -> Event:
    return replace(event, data=_rename_payload(event.data, name), before=_rename_payload(event.before, name))


def _rename_payload(payload: Any, name: str) -> Any:
    return {**payload, "name": name} if isinstance(payload, Mapping) and "name" in payload else payload


def _newest_first(event: Event) -> int:
    return -event.id
