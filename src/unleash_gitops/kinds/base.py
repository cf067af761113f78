"""The contract of a kind: what a kind of object has to tell, and what it may ask of the server.

A kind is one module of this package with one instance of `Kind`, named `KIND`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from unleash_gitops.model.resource import Area, Conflict, ReadScope, Reference, Resource, SpecOf, Step

if TYPE_CHECKING:
    from pydantic import BaseModel

    from unleash_gitops.api.audit_log import Event
    from unleash_gitops.api.client import ServerFacts
    from unleash_gitops.model.plan import Call
    from unleash_gitops.model.workspace import WorkspaceSpec

__all__ = ["Kind", "Reads"]

_In = TypeVar("_In")
_Out = TypeVar("_Out")


class Reads(Protocol):
    """What a kind may ask of the server while it is read. Raises ServerError."""

    @property
    def workspace(self) -> str:
        """The workspace's name, which tells owned from foreign."""

    @property
    def server(self) -> ServerFacts:
        """What the server says of itself."""

    @property
    def policy(self) -> WorkspaceSpec:
        """What the workspace may do, and how."""

    def get(self, path: str) -> Any:
        """Return the JSON answer to a GET of `path`."""

    def get_cached(self, path: str) -> Any:
        """Return the JSON answer to a GET of `path`, which is asked for once however many need it."""

    def post_query(self, path: str, body: Any) -> Any:
        """Return the JSON answer to a POST that changes nothing, and so can be repeated."""

    def map_concurrently(self, read: Callable[[_In], _Out], over: Sequence[_In]) -> list[_Out]:
        """Return `read` of each of `over`, in their order, as many at once as there are connections."""

    def get_or_none(self, path: str) -> Any:
        """Return the JSON answer to a GET of `path`, or None when the object is not there (404)."""

    def projects(self) -> tuple[str, ...]:
        """Return the ids of the projects the workspace looks at."""

    def all_projects(self) -> tuple[str, ...]:
        """Return the ids of all projects of the instance, whether the workspace looks at them or not."""

    def flags(self, project: str) -> tuple[str, ...]:
        """Return the names of the project's active flags."""

    def features(self, project: str) -> tuple[Mapping[str, Any], ...]:
        """Return the project's active flags as `GET P/features` lists them."""

    @property
    def scope(self) -> ReadScope:
        """What matters of what is there."""


class Kind(ABC):
    """One kind of object: everything the tool knows of it.

    A kind is one module below `kinds/` with one instance of this, named `KIND`. Nothing else has to be touched.
    """

    name: ClassVar[str]
    folder: ClassVar[str]
    """Where `pull` puts its files, below the workspace root."""
    document: ClassVar[type[BaseModel]]
    """The pydantic model of a whole document of this kind."""
    marked: ClassVar[bool] = False
    """Whether the workspace's mark is written on the object, and not part of its id: an update takes it over."""
    plentiful: ClassVar[bool] = False
    """Whether an instance may have thousands: those that are not managed are of interest only beside documents."""
    limit: ClassVar[str | None] = None
    """What `resourceLimits` of `ui-config` calls the most objects there may be, where it says."""
    codes: ClassVar[Mapping[str, str]] = {}
    """The codes of diagnostics that only this kind's documents have, and what they mean."""

    @abstractmethod
    def resource_from_document(self, document: Any, workspace: str) -> Resource:
        """Turn a valid document (an instance of `self.document`) into a resource, without its position."""

    def document_problem(self, desired: Resource) -> str | None:  # noqa: ARG002
        """Return why no server can hold what a valid document says, for reasons only the whole of it shows, or None."""
        return None

    def conflicts(self, one: Resource, spec_of: SpecOf) -> Iterable[Conflict]:  # noqa: ARG002
        """Return what of a document cannot be, because of what it names: the reference, and why, in words.

        `spec_of` tells what is known of another object, as it is to be; None when nothing is.
        """
        return ()

    def known_references(self, reads: Reads) -> Iterable[Reference]:  # noqa: ARG002
        """Return what exists and can be referred to, beside the objects that are read."""
        return ()

    @abstractmethod
    def areas(self, reads: Reads) -> Iterable[Area]:
        """Return the areas that hold objects of this kind and that the workspace looks at."""

    @abstractmethod
    def read(self, reads: Reads, area: Area) -> Iterable[Resource]:
        """Return the live objects of one area, normalised; none when the area itself is gone."""

    @abstractmethod
    def spec_after_create(self, desired: Resource) -> dict[str, Any]:
        """Return the spec that a create results in: what the document says, and defaults for the rest."""

    def spec_after_update(self, desired: Resource, live: Resource) -> dict[str, Any]:
        """Return the spec that an update results in: what the document says, and the live value of the rest."""
        return {**live.spec, **desired.spec}

    def server_refusal(
        self,
        desired: Resource,  # noqa: ARG002
        live: Resource | None,  # noqa: ARG002
        after: Mapping[str, Any],  # noqa: ARG002
        server: ServerFacts,  # noqa: ARG002
    ) -> str | None:
        """Return why this server cannot make `live` (None: create it) as `after`, or None when it can."""
        return None

    def references(self, spec: Mapping[str, Any], project: str | None = None) -> Iterable[Reference]:  # noqa: ARG002
        """Return what the spec of an object (of `project`, when it is of one) names, in a document's places."""
        return ()

    def side_effect_note(self, live: Resource, after: Mapping[str, Any]) -> str | None:  # noqa: ARG002
        """Return what a reader should know of an update, apart from the fields, or None."""
        return None

    def cannot_move_reason(self, where: str) -> str:
        """Return why an object that is live elsewhere is not taken from there, in words."""
        return f"its id belongs to an object of {where}; without metadata.id it is created anew"

    @abstractmethod
    def create(self, desired: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:
        """Return the calls that create the object as `after`."""

    @abstractmethod
    def update(self, desired: Resource, live: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:
        """Return the calls that turn `live` into `after`."""

    @abstractmethod
    def delete(self, live: Resource) -> tuple[Call, ...]:
        """Return the calls that delete the object."""

    def pull_exclusion(self, live: Resource) -> str | None:  # noqa: ARG002
        """Return why no document can stand for a live object, or None when one can."""
        return None

    @abstractmethod
    def to_pulled_document(self, live: Resource) -> tuple[dict[str, Any], str]:
        """Return the document that stands for a live object (without a name), and a name to begin with."""

    events: ClassVar[Sequence[str]] = ()
    """The types of the audit log's events from which the past of an object can be told; none: it cannot be."""

    def event_subjects(self, event: Event, workspace: str) -> Iterable[str]:  # noqa: ARG002
        """Return the ids of the objects that an event is about, as `workspace` has them."""
        return ()

    def find_marking_event(self, events: Sequence[Event], workspace: str) -> Event | None:  # noqa: ARG002
        """Return which of an object's events, newest first, made it the workspace's last, None when none did."""
        return None

    def history_states(self, live: Resource | None, one: str, events: Sequence[Event], reads: Reads) -> Iterable[Step]:  # noqa: ARG002
        """Return for each of `events`, newest first, the spec before and after it of the object with id `one`.

        `live` is the object, None when it is not there; `events` are all that are known about it.
        """
        return ()

    def requires_confirmation(self, unit: Sequence[str], one: Resource, reads: Reads) -> bool:  # noqa: ARG002
        """Tell whether a part of an object is nothing to be written over silently, when nobody says otherwise."""
        return False

    def to_document(self, unit: Sequence[str], value: Any, one: Resource, said: Any) -> Any:  # noqa: ARG002
        """Return a part of a live object as a document says it, as far as possible in the words of `said`.

        `said` is what the document says there so far, as it is written; None when it says nothing. Lists of strings
        are sets.
        """
        if isinstance(value, list) and isinstance(said, list) and all(isinstance(item, str) for item in value):
            return [item for item in said if item in value] + [item for item in value if item not in said]
        return value
