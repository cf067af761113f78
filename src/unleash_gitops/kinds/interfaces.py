"""What a kind can do beside the core of `Kind`: marks, references, history, use, and documents for what is live."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from unleash_gitops.kinds.shared.fields import defaults, rewrite, to_document, unwritable_defaults
from unleash_gitops.model.resource import Address, Reference, ReferenceConflict, Resource, SpecLookup, Transition

if TYPE_CHECKING:
    from datetime import datetime

    from pydantic import BaseModel

    from unleash_gitops.api.audit_log import Event
    from unleash_gitops.kinds.reads import Reads
    from unleash_gitops.model.call import Call

__all__ = [
    "Claimable",
    "DeleteProof",
    "HasHistory",
    "HasReferences",
    "HasUsage",
    "MarkChange",
    "Marked",
    "Pullable",
    "Use",
]


class MarkChange(NamedTuple):
    """An event that changed the marks of an object: the workspaces that it marked it for, and those it unmarked."""

    event: Event
    gained: frozenset[str]
    lost: frozenset[str]


class Marked(ABC):
    """A kind whose objects bear the workspace's mark beside their id."""

    @abstractmethod
    def mark(self, address: Address, object_id: str, workspace: str) -> str:
        """Return what a create writes on the object to make it the workspace's."""


class Claimable(Marked):
    """A kind whose mark can be put on a live object, and taken off."""

    def unmarkable_reason(self, desired: Resource, live: Resource) -> str | None:
        """Return why the mark cannot be put on a live object, None when it can.

        Such an object is managed while a document describes it, and never deleted.
        """
        return None

    def mark_note(self, live: Resource) -> str | None:
        """Return what the server does by itself when only the mark of a live object changes, None for nothing."""
        return None

    @abstractmethod
    def claim(self, desired: Resource, live: Resource, workspace: str) -> tuple[Call, ...]:
        """Return the calls that put the workspace's mark on a live object in place of any other; no value changes.

        The last call has a `Claim`.
        """

    @abstractmethod
    def release(self, live: Resource, workspace: str) -> tuple[Call, ...]:
        """Return the calls that take the workspace's mark off a live object; no value and no other mark changes."""


class Use(NamedTuple):
    """How applications use an object that would be deleted, and whether that blocks the delete."""

    blocks: bool
    text: str


class HasUsage(ABC):
    """A kind whose objects the server knows to be used by applications."""

    @abstractmethod
    def find_use(self, live: Resource, reads: Reads, since: datetime) -> Use | None:
        """Return the use of a live object, None when there was none. Only use after `since` blocks a delete."""


class HasReferences(ABC):
    """A kind whose specs name other objects."""

    @abstractmethod
    def references(self, spec: Mapping[str, Any], project: str | None = None) -> Iterable[Reference]:
        """Return what the spec of an object (of `project`, when it has one) names, with places in a document."""

    def find_reference_conflicts(self, resource: Resource, spec_of: SpecLookup) -> Iterable[ReferenceConflict]:
        """Return the references of a document that cannot be, because of what they name, each with the reason.

        `spec_of` returns what is known of another object as it is to be, None when nothing is.
        """
        return ()

    def known_references(self, reads: Reads) -> Iterable[Reference]:
        """Return what exists and can be referred to, beside the objects that are read."""
        return ()


class Pullable(ABC):
    """A kind whose live objects can be written as documents."""

    spec: ClassVar[type[BaseModel]]

    def pull_exclusion(self, live: Resource) -> str | None:
        """Return why no document can stand for a live object, or None when one can."""
        return None

    def changed_builtin_fields(self, live: Resource) -> tuple[str, ...]:
        """Return the fields in which one of the server's own objects is not as every server has it."""
        return ()

    def to_pulled_document(self, live: Resource, *, minimal: bool = False) -> tuple[dict[str, Any], str]:
        """Return `metadata` (without a name) and `spec` of the document for a live object, and a name to begin with.

        The spec has every field that a document can hold; with `minimal` only those that differ from the default.
        """
        usual = defaults(self.spec)
        left_out = usual.keys() if minimal else unwritable_defaults(self.spec)
        spec = {
            name: value
            for name, value in live.spec.items()
            if name in self.spec.model_fields and not (name in left_out and value == usual[name])
        }
        return {"metadata": {}, "spec": to_document(self.spec, spec)}, live.id

    def dependent_fields(self, spec: Mapping[str, Any]) -> Iterable[tuple[str, ...]]:
        """Return the paths of fields that decide a field which the document `spec` leaves out."""
        return ()

    def to_document(self, unit: Sequence[str], value: Any, resource: Resource, current: Any) -> Any:
        """Return a part (`unit`) of a live object as a document says it, where possible in the words of `current`.

        `current` is what the document holds there so far, as it is written; None when it holds nothing.
        """
        return rewrite(self.spec, unit, value, current)

    def edit_reference(
        self, spec: Mapping[str, Any], reference: Reference, name: str | None
    ) -> tuple[tuple[str, ...], Any] | None:
        """Return the part of a spec that holds a reference, and the part with another name, None for no reference.

        `spec` is as the document says it. Returns None for a reference that cannot be edited so.
        """
        return None


@dataclass(frozen=True, slots=True)
class DeleteProof:
    """The event that this workspace must have caused before it deletes an object that bears its mark.

    The newest event of `event_type` for which `matches` is true counts. `feature` is the flag that the event is about,
    if it is about one. Without the proof, the delete is blocked. With `unfinished`, the event began a delete, which the
    plan finishes for that reason; without the proof, the object is left alone.
    """

    event_type: str
    matches: Callable[[Event], bool]
    feature: str | None = None
    unfinished: str | None = None


class HasHistory(ABC):
    """A kind whose past the server's audit log tells."""

    name: ClassVar[str]
    events: ClassVar[Sequence[str]]
    """The types of events that tell of it."""

    @abstractmethod
    def event_subjects(self, event: Event, workspace: str) -> Iterable[str]:
        """Return the ids of the objects that an event is about, as `workspace` has them."""

    def find_marking_event(self, events: Sequence[Event], workspace: str) -> Event | None:
        """Return which of an object's events, newest first, made it the workspace's last, None when none did."""
        return None

    def owners_after(self, event: Event, workspace: str) -> Collection[str]:
        """Return the workspaces whose marks an object bears after an event, as far as the event itself tells."""
        return ()

    def mark_changes(self, events: Sequence[Event], reads: Reads) -> Iterable[MarkChange]:
        """Return what `events` of an object, newest first, did to its marks, newest first."""
        return ()

    def delete_proof(self, live: Resource) -> DeleteProof | None:
        """Return the proof that a delete of an owned object needs, None where the mark is proof enough."""
        return None

    @abstractmethod
    def history_states(
        self, live: Resource | None, object_id: str, events: Sequence[Event], reads: Reads
    ) -> Iterable[Transition]:
        """Return for each of `events`, newest first, the spec before and after it of the object with that id.

        `live` is the object, None when it does not exist; `events` are all that are known about it.
        """

    def is_write_only(self, unit: Sequence[str], live: Resource) -> bool:
        """Tell whether the server never returns a part of a live object, so that every update has to send it.

        Such a part is no drift, and no policy keeps it: the live value is unknown.
        """
        return False

    def read_server_id(self, event: Event) -> str | None:
        """Return the server's own id of the object that an event is about, None where the event has none."""
        return None

    def possible_causes(self, unit: Sequence[str], desired: Resource, live: Resource) -> Sequence[str]:
        """Return the types of other objects' events after which the server may have changed a part of `live` itself.

        The log has no event of such a change.
        """
        return ()

    def explains(self, event: Event, unit: Sequence[str], desired: Resource, live: Resource) -> bool:
        """Tell whether an event of one of the `possible_causes` can be why a part of `live` is not as `desired`."""
        return False

    def requires_confirmation(self, unit: Sequence[str], resource: Resource, reads: Reads) -> bool:
        """Tell whether others' changes of a part are overwritten only where a policy says so."""
        return False
