"""Segment: constraints under one name, for strategies to share.

Source: the OpenAPI document of Unleash 8.2.0 (`adminSegmentSchema`, `upsertSegmentSchema`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field
from typing_extensions import override

from unleash_gitops.kinds.flags.archived import archived_flags_with
from unleash_gitops.kinds.interfaces import HasReferences
from unleash_gitops.kinds.reads import Reads
from unleash_gitops.kinds.shared.audited import Audited
from unleash_gitops.kinds.shared.constraint import CONSTRAINT_CODES, Constraints, find_illegal_values
from unleash_gitops.kinds.shared.models import AuditedMetadata, Model, TransferableMetadata, envelope
from unleash_gitops.kinds.shared.named import Description, NamedKind, flags_using
from unleash_gitops.model.resource import Reference, ReferenceConflict, Resource, SpecLookup

if TYPE_CHECKING:
    from unleash_gitops.api.client import ServerFacts

__all__ = ["KIND"]


class SegmentMetadata(AuditedMetadata, TransferableMetadata):
    """The identity of a segment."""

    name: str = Field(min_length=1, max_length=255, description="The segment's name.", examples=["beta-users"])


class SegmentSpec(Model):
    """The fields of a segment."""

    description: Description = None
    project: str | None = Field(
        default=None, min_length=1, description="The only project that can use it; null: all.", examples=["shop"]
    )
    constraints: Constraints = Field(
        default_factory=list,
        max_length=30,
        description="All of them must hold.",
        examples=[[{"contextName": "country", "operator": "IN", "values": ["NO"]}]],
    )


class Segment(NamedKind, Audited, HasReferences):
    """Segments: the server gives each a number, and refuses to delete one that a strategy uses."""

    name = "Segment"
    folder = "segments"
    spec = SegmentSpec
    document = envelope("Segment", "A segment.", SegmentMetadata, SegmentSpec)
    events = ("segment-created", "segment-updated", "segment-deleted")
    codes: ClassVar[Mapping[str, str]] = {**NamedKind.codes, **CONSTRAINT_CODES}
    path = "/api/admin/segments"
    list_key = "segments"
    has_numeric_id = True
    limit = "segments"

    @override
    def references(self, spec: Mapping[str, Any], project: str | None = None) -> Iterable[Reference]:
        """The context fields."""
        for index, constraint in enumerate(spec.get("constraints", ())):
            path = ("spec", "constraints", index, "contextName")
            yield Reference("ContextField", None, constraint["contextName"], path)

    @override
    def find_reference_conflicts(self, resource: Resource, spec_of: SpecLookup) -> Iterator[ReferenceConflict]:
        """Values that a context field does not have."""
        yield from find_illegal_values(resource.spec.get("constraints", ()), ("spec",), spec_of)

    @override
    def server_refusal(
        self, desired: Resource, live: Resource | None, after: Mapping[str, Any], server: ServerFacts
    ) -> str | None:
        counts = [len(constraint.get("values", ())) for constraint in after["constraints"]]
        over = server.over("segmentValues", sum(counts))
        return f"values: {over}" if over else super().server_refusal(desired, live, after, server)

    @override
    def users(self, reads: Reads, live: Resource) -> Iterable[str]:
        """The flags whose strategies name it, archived ones included: revived without it, one would serve everybody."""
        yield from flags_using(reads, f"{self.path}/{live.server_id}/strategies")
        yield from archived_flags_with(reads, lambda flag: live.id in flag.get("segments", ()))


KIND = Segment()
