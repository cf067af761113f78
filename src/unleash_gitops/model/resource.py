"""What a kind of object is, and what all the objects of one side are.

Desired (files) and live (server) have the same type, `State`, so that everything after is set arithmetic.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeVar

if TYPE_CHECKING:
    from pydantic import BaseModel

    from unleash_gitops.api.audit_log import Event
    from unleash_gitops.api.client import ServerFacts
    from unleash_gitops.model.diagnostics import Position
    from unleash_gitops.model.plan import Call, OnDrift
    from unleash_gitops.model.workspace import WorkspaceSpec

__all__ = [
    "Address",
    "Area",
    "Conflict",
    "Focus",
    "Key",
    "Kind",
    "Ownership",
    "Reads",
    "Reference",
    "Resource",
    "SpecOf",
    "State",
    "Step",
    "Unknown",
]

_In = TypeVar("_In")
_Out = TypeVar("_Out")

Ownership = Literal["owned", "foreign", "unmanaged", "builtin"]
"""Whose a live object is; `builtin` is the server's own: never listed, never deleted, but a document may manage it."""


class Unknown:
    """A value of the past that the audit log does not tell. It is equal to itself only."""


Step = tuple[Mapping[str, Any] | Unknown | None, Mapping[str, Any] | Unknown | None]
"""An object before an event and after it, None where there was none; it, or values in it, may be `Unknown`."""


@dataclass(frozen=True, slots=True)
class Address:
    """How people name an object. `name` is None for a live object whose name only its document knows."""

    kind: str
    name: str | None
    project: str | None = None
    feature: str | None = None


@dataclass(frozen=True, slots=True)
class Area:
    """A part of the instance that one read answers for: all of it, one project, or one flag of a project."""

    kind: str
    project: str | None = None
    feature: str | None = None

    def meets(self, targets: Iterable[tuple[str, ...]]) -> bool:
        """Tell whether anything in the area could be covered by any of `targets`."""
        mine = tuple(part for part in (self.kind, self.project, self.feature) if part is not None)
        return any(self._meets(mine, target) for target in targets)

    def _meets(self, mine: tuple[str, ...], target: tuple[str, ...]) -> bool:
        common = min(len(mine), len(target))
        return mine[:common] == target[:common] and len(target) <= len(mine) + 1


@dataclass(frozen=True, slots=True)
class Reference:
    """That an object names another one: which, and where a document does; `path` is the place in the document.

    `inside` says that the object is a part of the one it names, and goes when that goes.
    """

    kind: str
    project: str | None
    name: str
    path: tuple[str | int, ...] = field(default=(), compare=False)
    inside: bool = field(default=False, compare=False)
    position: Position | None = field(default=None, compare=False)


Conflict = tuple[Reference, str]
"""A reference in a document that cannot be, and why, in words."""
SpecOf = Callable[[Reference], Mapping[str, Any] | None]
"""Tells what is known of an object that is named."""


@dataclass(frozen=True, slots=True)
class Key:
    """What tells one object of an instance from every other: its kind, and what identifies it there."""

    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class Resource:
    """One object of either side, normalised: equal objects have equal `spec`.

    A desired `spec` has only what the document mentions; a live one has everything that counts. `position`, `mark`
    (what a create or update writes on the object to make it this workspace's), `drift` and `accepted` (the last event
    of the audit log that the document agrees to) are a document's. A live object has
    `ownership`, `protected` (why no change may be sent), `users` (addresses of what uses it, found out for what may be
    deleted), `title`, `server_id` where the server calls it by something else than `id`, and `handles`: what its kind
    needs to write calls, and nobody compares.
    """

    address: Address
    id: str
    spec: Mapping[str, Any]
    position: Position | None = None
    references: tuple[Reference, ...] = ()
    mark: str | None = None
    drift: OnDrift | None = None
    accepted: int | None = None
    ownership: Ownership | None = None
    protected: str | None = None
    users: tuple[str, ...] = ()
    title: str | None = None
    server_id: str | None = None
    handles: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def key(self) -> Key:
        """What identifies the object on the instance."""
        return Key(self.address.kind, self.id)

    @property
    def parts(self) -> tuple[str, ...]:
        """The address in pieces, kind first, the id standing in for a name that is not known."""
        at = self.address
        return tuple(part for part in (at.kind, at.project, at.feature, at.name or self.id) if part is not None)

    def __str__(self) -> str:
        """Return the address as people write it: `ImpactMetric/shop/checkout-v2/checkout-errors`."""
        return "/".join(self.parts)

    def within(self, targets: Iterable[tuple[str, ...]]) -> bool:
        """Tell whether any of `targets`, each an address or its beginning in pieces, covers the object."""
        return any(self.parts[: len(target)] == target for target in targets)

    @property
    def area(self) -> Area:
        """The area the object is read with."""
        return Area(self.address.kind, self.address.project, self.address.feature)


@dataclass(frozen=True, slots=True)
class State:
    """All objects of one side. `known` are others that exist and can be referred to."""

    resources: Mapping[Key, Resource] = field(default_factory=dict)
    known: frozenset[Reference] = frozenset()

    @property
    def kinds(self) -> frozenset[str]:
        """The names of the kinds that there are objects of."""
        return frozenset(key.kind for key in self.resources)


@dataclass(frozen=True, slots=True)
class Focus:
    """What matters of an instance: nothing else has to be asked for.

    `wanted` has for each area the objects that documents stand for, by id, each with a spec that has the shape of what
    matters of it; None means that everything of everything matters. `doomed` tells whether an object that no document
    has would be deleted, if nothing stood in the way.
    """

    wanted: Mapping[Area, Mapping[str, Mapping[str, Any]]] | None
    doomed: Callable[[Resource], bool]

    @property
    def whole(self) -> bool:
        """Whether everything of everything matters."""
        return self.wanted is None

    def has(self, kind: str) -> bool:
        """Tell whether any object of `kind` matters."""
        return self.wanted is None or any(area.kind == kind and wanted for area, wanted in self.wanted.items())

    def within(self, area: Area) -> Mapping[str, Mapping[str, Any]]:
        """Return what matters of the objects in `area`, by id; nothing when everything does."""
        return {} if self.wanted is None else self.wanted.get(area, {})


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

    def once(self, path: str) -> Any:
        """Return the JSON answer to a GET of `path`, which is asked for once however many need it."""

    def ask(self, path: str, body: Any) -> Any:
        """Return the JSON answer to a POST that changes nothing, and so can be repeated."""

    def each(self, read: Callable[[_In], _Out], over: Sequence[_In]) -> list[_Out]:
        """Return `read` of each of `over`, in their order, as many at once as there are connections."""

    def get_or_none(self, path: str) -> Any:
        """Return the JSON answer to a GET of `path`, or None when the object is not there (404)."""

    def projects(self) -> tuple[str, ...]:
        """Return the ids of the projects the workspace looks at."""

    def every_project(self) -> tuple[str, ...]:
        """Return the ids of all projects of the instance, whether the workspace looks at them or not."""

    def flags(self, project: str) -> tuple[str, ...]:
        """Return the names of the project's active flags."""

    def features(self, project: str) -> tuple[Mapping[str, Any], ...]:
        """Return the project's active flags as `GET P/features` lists them."""

    @property
    def focus(self) -> Focus:
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
    def desired(self, document: Any, workspace: str) -> Resource:
        """Turn a valid document (an instance of `self.document`) into a resource, without its position."""

    def problem(self, desired: Resource) -> str | None:  # noqa: ARG002
        """Return why no server can hold what a valid document says, for reasons only the whole of it shows, or None."""
        return None

    def conflicts(self, one: Resource, spec_of: SpecOf) -> Iterable[Conflict]:  # noqa: ARG002
        """Return what of a document cannot be, because of what it names: the reference, and why, in words.

        `spec_of` tells what is known of another object, as it is to be; None when nothing is.
        """
        return ()

    def knows(self, reads: Reads) -> Iterable[Reference]:  # noqa: ARG002
        """Return what exists and can be referred to, beside the objects that are read."""
        return ()

    @abstractmethod
    def areas(self, reads: Reads) -> Iterable[Area]:
        """Return the areas that hold objects of this kind and that the workspace looks at."""

    @abstractmethod
    def read(self, reads: Reads, area: Area) -> Iterable[Resource]:
        """Return the live objects of one area, normalised; none when the area itself is gone."""

    @abstractmethod
    def created(self, desired: Resource) -> dict[str, Any]:
        """Return the spec that a create results in: what the document says, and defaults for the rest."""

    def merged(self, desired: Resource, live: Resource) -> dict[str, Any]:
        """Return the spec that an update results in: what the document says, and the live value of the rest."""
        return {**live.spec, **desired.spec}

    def refusal(
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

    def remark(self, live: Resource, after: Mapping[str, Any]) -> str | None:  # noqa: ARG002
        """Return what a reader should know of an update, apart from the fields, or None."""
        return None

    def elsewhere(self, where: str) -> str:
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

    def unpulled(self, live: Resource) -> str | None:  # noqa: ARG002
        """Return why no document can stand for a live object, or None when one can."""
        return None

    @abstractmethod
    def pulled(self, live: Resource) -> tuple[dict[str, Any], str]:
        """Return the document that stands for a live object (without a name), and a name to begin with."""

    events: ClassVar[Sequence[str]] = ()
    """The types of the audit log's events from which the past of an object can be told; none: it cannot be."""

    def subjects(self, event: Event, workspace: str) -> Iterable[str]:  # noqa: ARG002
        """Return the ids of the objects that an event is about, as `workspace` has them."""
        return ()

    def marker(self, events: Sequence[Event], workspace: str) -> Event | None:  # noqa: ARG002
        """Return which of an object's events, newest first, made it the workspace's last, None when none did."""
        return None

    def rewound(self, live: Resource | None, one: str, events: Sequence[Event], reads: Reads) -> Iterable[Step]:  # noqa: ARG002
        """Return for each of `events`, newest first, the spec before and after it of the object with id `one`.

        `live` is the object, None when it is not there; `events` are all that are known about it.
        """
        return ()

    def guarded(self, unit: Sequence[str], one: Resource, reads: Reads) -> bool:  # noqa: ARG002
        """Tell whether a part of an object is nothing to be written over silently, when nobody says otherwise."""
        return False

    def as_written(self, unit: Sequence[str], value: Any, one: Resource, said: Any) -> Any:  # noqa: ARG002
        """Return a part of a live object as a document says it, as far as possible in the words of `said`.

        `said` is what the document says there so far, as it is written; None when it says nothing. Lists of strings
        are sets.
        """
        if isinstance(value, list) and isinstance(said, list) and all(isinstance(item, str) for item in value):
            return [item for item in said if item in value] + [item for item in value if item not in said]
        return value
