"""Objects of either side, and what all the objects of one side are.

Desired (files) and live (server) have the same type, `ResourceSet`, so that everything after is set arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from unleash_gitops.model.diagnostics import Position
    from unleash_gitops.model.plan import OnDrift

__all__ = [
    "Address",
    "Area",
    "Conflict",
    "Key",
    "Ownership",
    "ReadScope",
    "Reference",
    "Resource",
    "ResourceSet",
    "SpecOf",
    "Transition",
    "Unknown",
]

Ownership = Literal["owned", "foreign", "unmanaged", "builtin"]
"""Whose a live object is; `builtin` is the server's own: never listed, never deleted, but a document may manage it."""


class Unknown:
    """A value of the past that the audit log does not hold. It is equal to itself only.

    `error` is set when an event could not be understood, None when the log simply has no event of the value.
    """

    def __init__(self, error: str | None = None) -> None:
        self.error = error


Transition = tuple[Mapping[str, Any] | Unknown | None, Mapping[str, Any] | Unknown | None]
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

    def overlaps(self, targets: Iterable[tuple[str, ...]]) -> bool:
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
    owned_by_target: bool = field(default=False, compare=False)
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
class ResourceSet:
    """All objects of one side. `known` are others that exist and can be referred to."""

    resources: Mapping[Key, Resource] = field(default_factory=dict)
    known: frozenset[Reference] = frozenset()

    @property
    def kinds(self) -> frozenset[str]:
        """The names of the kinds that there are objects of."""
        return frozenset(key.kind for key in self.resources)


@dataclass(frozen=True, slots=True)
class ReadScope:
    """What matters of an instance: nothing else has to be asked for.

    `wanted` has for each area the objects that documents stand for, by id, each with a spec that has the shape of what
    matters of it; None means that everything of everything matters. `doomed` tells whether an object that no document
    has would be deleted, if nothing stood in the way.
    """

    wanted: Mapping[Area, Mapping[str, Mapping[str, Any]]] | None
    will_delete: Callable[[Resource], bool]

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
