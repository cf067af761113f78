"""The contract of a kind of object.

A kind is one module of this package with one instance of a `Kind`, named `KIND`. `Kind` is what every kind has to have;
`HasReferences`, `HasHistory`, `HasUsage`, `Pullable`, `Marked` and `Claimable` are optional: a kind takes what fits.
`Reads` (`kinds.reads`) is what a kind may ask of the server.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from unleash_gitops.kinds.interfaces import Claimable, HasReferences, Marked
from unleash_gitops.kinds.reads import Reads
from unleash_gitops.kinds.shared.fields import (
    defaults,
    normalise,
    to_body,
)
from unleash_gitops.model.resource import (
    Address,
    Area,
    DocumentProblem,
    Reference,
    Resource,
)

if TYPE_CHECKING:
    from pydantic import BaseModel

    from unleash_gitops.api.client import ServerFacts
    from unleash_gitops.model.call import Call

__all__ = ["Kind", "references_of"]


class Kind(ABC):
    """What every kind has: an identity, a read, and the calls that create, update and delete an object.

    The spec model declares each field once (`kinds.shared.fields`); defaults, compared form and bodies come from it.
    """

    name: ClassVar[str]
    folder: ClassVar[str]
    """Where `pull` puts its files, below the workspace root."""
    document: ClassVar[type[BaseModel]]
    """The pydantic model of a whole document, made by `kinds.shared.models.envelope`."""
    spec: ClassVar[type[BaseModel]]
    """The pydantic model of a document's spec."""
    plentiful: ClassVar[bool] = False
    """Whether an instance may have thousands: unmanaged ones are of interest only beside documents of the kind."""
    shares_ids: ClassVar[bool] = True
    """Whether an id stands for one object in every workspace. If not, the workspace is a part of the identity."""
    ownable: ClassVar[bool] = True
    """Whether an object can bear the mark of the workspace that creates it."""
    limit: ClassVar[str | None] = None
    """The name in `resourceLimits` of `ui-config` for the most objects there may be, where it has one."""
    codes: ClassVar[Mapping[str, str]] = {}
    """The codes of diagnostics that only this kind's documents have, and what they mean."""

    secret_keys: ClassVar[Collection[str]] = ()
    """The keys that stand for or beside a secret in a document, also those that a document must not have.

    No diagnostic quotes a file that has such a kind, or such a key."""

    def address(self, metadata: Any) -> Address:
        """Return the address of the object that a document with `metadata` stands for."""
        return Address(self.name, metadata.name)

    def identity(self, metadata: Any, workspace: str) -> str:
        """Return the id, unique within the kind on an instance, of the object that a document stands for."""
        return str(metadata.name)

    def has_identity(self, address: Address, object_id: str, workspace: str) -> bool:
        """Tell whether a document with `address` can stand for the object with an id."""
        return object_id == address.name

    def resource_from_document(self, document: Any, workspace: str) -> Resource:
        """Turn a valid document (an instance of `self.document`) into a resource, without its position."""
        address, object_id = self.address(document.metadata), self.identity(document.metadata, workspace)
        spec = self.normalise(document.spec.model_dump(exclude_unset=True))
        return Resource(
            address,
            object_id,
            spec,
            references=tuple(references_of(self, spec, address.project)),
            mark=self.mark(address, object_id, workspace) if isinstance(self, Marked) else None,
        )

    def normalise(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Return the compared form of a document's or a live object's spec."""
        return normalise(self.spec, spec)

    def body(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Return the part of a request body that makes an object as the compared `spec` says."""
        return to_body(self.spec, spec)

    def provided_references(self, resource: Resource) -> Iterable[Reference]:
        """Return what exists, beside the object itself, wherever the object is as its desired or live spec says."""
        return ()

    def document_problem(self, desired: Resource) -> DocumentProblem | None:
        """Return why no server can hold a valid document, for reasons that only the whole of it shows, or None."""
        return None

    @abstractmethod
    def areas(self, reads: Reads) -> Iterable[Area]:
        """Return the areas that hold objects of this kind and that the workspace looks at."""

    @abstractmethod
    def read(self, reads: Reads, area: Area) -> Iterable[Resource]:
        """Return the live objects of one area, normalised; none when the area itself no longer exists."""

    def read_again(self, reads: Reads, planned: Resource) -> Resource | None:
        """Return a live object as it is now, None when it no longer exists.

        `planned` is the object as the plan has it; what `reads.scope` wants has the shape of its spec.
        """
        return next((live for live in self.read(reads, planned.area) if live.id == planned.id), None)

    def overwritten_parts(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterable[tuple[str, ...]]:
        """Return the parts of a live object that the calls of an update or of a claim replace, whoever set them.

        A part covers what is below it. Both specs are equal where only a mark is written. By default, the calls send
        the whole object.
        """
        return ((),)

    def lost_parts(self, calls: Sequence[Call], live: Resource) -> Iterable[tuple[str, ...]]:
        """Return the parts of which `calls` change something that a live object no longer has under the same id."""
        return ()

    def spec_after_create(self, desired: Resource) -> dict[str, Any]:
        """Return the spec that a create results in: the document's values, and defaults for the rest."""
        complete = {**defaults(self.spec), **desired.spec}
        return {field: complete[field] for field in self.spec.model_fields if field in complete}

    def spec_after_update(self, desired: Resource, live: Resource) -> dict[str, Any]:
        """Return the spec that an update results in: the document's values, and the live value of the rest."""
        return {**live.spec, **desired.spec}

    def server_refusal(
        self,
        desired: Resource,
        live: Resource | None,
        after: Mapping[str, Any],
        server: ServerFacts,
    ) -> str | None:
        """Return why this server cannot make `live` (None: create it) as `after`, or None when it can."""
        return None

    def side_effect_note(self, live: Resource, after: Mapping[str, Any]) -> str | None:
        """Return what the server does by itself beside an update, for readers of the plan, or None."""
        return None

    def former_id(self, desired: Resource, workspace: str) -> str | None:
        """Return the id that the document's object has while `workspace` owns it.

        None when an object of that workspace is another object, whatever its name.
        """
        return desired.id

    def take_over(
        self, desired: Resource, live: Resource, after: Mapping[str, Any], workspace: str
    ) -> tuple[Call, ...]:
        """Return the calls that make a live object the workspace's first, and then turn it into `after`."""
        claimed = self.claim(desired, live, workspace) if isinstance(self, Claimable) else ()
        changed = self.update(desired, live, after) if after != live.spec else ()
        return claimed + changed

    def is_archived_by_delete(self, live: Resource) -> bool | None:
        """Tell whether a delete leaves an archived object, None where the kind has no archive."""
        return None

    def cannot_move_reason(self, where: str) -> str:
        """Return why an object that is live elsewhere (`where`) is not taken over from there."""
        return f"its id belongs to an object of {where}; without metadata.id it is created anew"

    @abstractmethod
    def create(self, desired: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:
        """Return the calls that create the object as `after`. They do not depend on `desired.spec`."""

    @abstractmethod
    def update(self, desired: Resource, live: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:
        """Return the calls that turn `live` into `after`. They do not depend on `desired.spec`.

        That is how the calls of a saved plan are rebuilt: a plan shows `live` and `after`, and not the document.
        """

    @abstractmethod
    def delete(self, live: Resource) -> tuple[Call, ...]:
        """Return the calls that delete the object."""


def references_of(kind: Kind, spec: Mapping[str, Any], project: str | None = None) -> Iterable[Reference]:
    """Return what a spec names: nothing for a kind that names no other objects."""
    return kind.references(spec, project) if isinstance(kind, HasReferences) else ()
