"""Desired and live resources, and how they are identified.

Desired resources (from files) and live resources (from the server) have the same type, `ResourceSet`. So a plan is set
arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from unleash_gitops.model.diagnostics import Position
    from unleash_gitops.model.plan import OnDrift

__all__ = [
    "Address",
    "Area",
    "DocumentProblem",
    "Key",
    "Ownership",
    "ReadScope",
    "Reference",
    "ReferenceConflict",
    "Resource",
    "ResourceSet",
    "SpecLookup",
    "Transition",
    "UnknownValue",
    "ownership_of",
]

Ownership = Literal["owned", "foreign", "shared", "unmanaged", "builtin"]
"""Ownership of a live object: this workspace's, another workspace's, this one's and another's at the same time,
unmanaged, or built into the server.

A plan never lists or deletes a `builtin` object, but a document may manage it.
"""


def ownership_of(owners: Collection[str], workspace: str) -> Ownership:
    """Return the ownership of an object with the marks of `owners`, from the point of view of `workspace`."""
    if not owners:
        return "unmanaged"
    if workspace not in owners:
        return "foreign"
    return "owned" if len(owners) == 1 else "shared"


class UnknownValue:
    """A past value that the audit log does not hold. It is equal to itself only.

    `error` says why an event could not be understood. It is None when the log has no event of the value. `ambiguous`
    tells that the log never shows whether an event changed the value: it stands on both sides of such an event.
    """

    def __init__(self, error: str | None = None, *, ambiguous: bool = False) -> None:
        self.error = error
        self.ambiguous = ambiguous


Transition = tuple[Mapping[str, Any] | UnknownValue | None, Mapping[str, Any] | UnknownValue | None]
"""A spec before and after an event, None where the object did not exist. Its values may be `UnknownValue`."""


@dataclass(frozen=True, slots=True)
class Address:
    """The address of an object. `name` is None for a live object when only a document has its name."""

    kind: str
    name: str | None
    project: str | None = None
    feature: str | None = None


@dataclass(frozen=True, slots=True)
class Area:
    """A part of the instance that one read covers: the instance, a project, or a flag of a project."""

    kind: str
    project: str | None = None
    feature: str | None = None

    def overlaps(self, targets: Iterable[tuple[str, ...]]) -> bool:
        """Tell whether any of `targets` may cover an object in the area."""
        parts = tuple(part for part in (self.kind, self.project, self.feature) if part is not None)
        trimmed = (target[:-1] if target[-1:] == ("",) else target for target in targets)  # a slash at the end
        return any(parts[: len(target)] == target[: len(parts)] for target in trimmed)


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference from one object to another. `path` and `position` are its place in the document, if it is in one.

    `owned_by_target` tells that the referring object is a part of the other object, and is deleted with it.
    """

    kind: str
    project: str | None
    name: str
    path: tuple[str | int, ...] = field(default=(), compare=False)
    owned_by_target: bool = field(default=False, compare=False)
    position: Position | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class DocumentProblem:
    """Why no server can hold a valid document: the diagnostic's `code`, and the reason as a sentence."""

    code: str
    message: str


ReferenceConflict = tuple[Reference, str]
"""An invalid reference in a document, and the reason as a sentence."""
SpecLookup = Callable[[Reference], Mapping[str, Any] | None]
"""Returns the spec of the object that a reference names, None when it is not known."""


@dataclass(frozen=True, slots=True)
class Key:
    """The identity of an object on an instance: its kind, and its id within the kind."""

    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class Resource:
    """A desired or live object, normalised: equal objects have equal specs.

    A desired spec has only the fields that the document mentions. A live spec has every field that a document may
    manage. A desired object has these fields:

    - `position`: its place in the files;
    - `mark`: the ownership mark that a create or update writes on the object;
    - `drift`: the document's policy for other users' changes;
    - `accepted`: the id of the last event in the audit log that the document accepts;
    - `transfer_from`: the workspace that the document takes the object over from.

    A live object has these fields:

    - `ownership`;
    - `owners`: the names of the workspaces whose marks it bears, as far as the marks hold names;
    - `protected`: why no change may be sent, None when one may;
    - `users`: the addresses of the objects that use it, read only for objects that may be deleted;
    - `copies`: how many objects on the server have this identity; more than one only after a race of two creates;
    - `title`;
    - `server_id`: its id in the Admin API, where that differs from `id`;
    - `handles`: values that its kind needs for calls. They are not compared.
    """

    address: Address
    id: str
    spec: Mapping[str, Any]
    position: Position | None = None
    references: tuple[Reference, ...] = ()
    mark: str | None = None
    drift: OnDrift | None = None
    accepted: int | None = None
    transfer_from: str | None = None
    ownership: Ownership | None = None
    owners: tuple[str, ...] = ()
    protected: str | None = None
    users: tuple[str, ...] = ()
    copies: int = 1
    title: str | None = None
    server_id: str | None = None
    handles: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def key(self) -> Key:
        """The identity of the object on the instance."""
        return Key(self.address.kind, self.id)

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of the address, kind first, with the id where the name is not known."""
        address = self.address
        parts = (address.kind, address.project, address.feature, address.name or self.id)
        return tuple(part for part in parts if part is not None)

    def __str__(self) -> str:
        """Return the address as text: `ImpactMetric/shop/checkout-v2/checkout-errors`."""
        return "/".join(self.parts)

    def within(self, targets: Iterable[tuple[str, ...]]) -> bool:
        """Tell whether any of `targets` covers the object: is its address, or the first parts of it.

        A target is the text of an address split at each slash. Only names, the last part of an address, have slashes.
        The first parts may end with a slash.
        """
        first_parts = ["/".join(self.parts[:length]) for length in range(1, len(self.parts))]
        covering = {str(self), *first_parts, *(f"{text}/" for text in first_parts)}
        return any("/".join(target) in covering for target in targets)

    @property
    def area(self) -> Area:
        """The area that the object is in."""
        return Area(self.address.kind, self.address.project, self.address.feature)


@dataclass(frozen=True, slots=True)
class ResourceSet:
    """Desired or live resources, by key. `known` are further objects that exist and that documents may refer to."""

    resources: Mapping[Key, Resource] = field(default_factory=dict)
    known: frozenset[Reference] = frozenset()

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of the resources, by name."""
        return frozenset(key.kind for key in self.resources)


@dataclass(frozen=True, slots=True)
class ReadScope:
    """The parts of an instance that have to be read.

    `wanted` has, for each area, the objects that documents describe, by id. Each has a spec with the fields that have
    to be read. None means that everything has to be read. `will_delete` tells whether a live object without a document
    would be deleted, if nothing uses or protects it.
    """

    wanted: Mapping[Area, Mapping[str, Mapping[str, Any]]] | None
    will_delete: Callable[[Resource], bool]

    @property
    def whole(self) -> bool:
        """Whether everything has to be read."""
        return self.wanted is None

    def has(self, kind: str) -> bool:
        """Tell whether any object of `kind` has to be read."""
        return self.wanted is None or any(area.kind == kind and wanted for area, wanted in self.wanted.items())

    def within(self, area: Area) -> Mapping[str, Mapping[str, Any]]:
        """Return the wanted specs of the objects in `area`, by id. They are empty when everything has to be read."""
        return {} if self.wanted is None else self.wanted.get(area, {})
