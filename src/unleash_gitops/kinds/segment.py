"""Segment: constraints under one name, for strategies to share.

Source: the OpenAPI document of Unleash 8.2.0 (`adminSegmentSchema`, `upsertSegmentSchema`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from unleash_gitops.kinds.base import Reads
from unleash_gitops.kinds.shared.audited import Audited
from unleash_gitops.kinds.shared.constraint import (
    CODES,
    Constraint,
    constraints_body,
    find_illegal_values,
    normalise_constraints,
)
from unleash_gitops.kinds.shared.models import AuditedMetadata, LiveModel, Model
from unleash_gitops.kinds.shared.named import Description, NamedKind, flags_using
from unleash_gitops.model.resource import Conflict, Reference, Resource, SpecOf

if TYPE_CHECKING:
    from unleash_gitops.api.client import ServerFacts

__all__ = ["KIND", "SegmentDocument"]


class SegmentMetadata(AuditedMetadata):
    """Which segment it is."""

    name: str = Field(min_length=1, max_length=255, description="The segment's name.", examples=["beta-users"])


class SegmentSpec(Model):
    """What the segment holds."""

    description: Description = None
    project: str | None = Field(
        default=None, min_length=1, description="The only project that can use it; null: all.", examples=["shop"]
    )
    constraints: list[Constraint] = Field(
        default_factory=list,
        max_length=30,
        description="All of them must hold.",
        examples=[[{"contextName": "country", "operator": "IN", "values": ["NO"]}]],
    )


class SegmentDocument(Model):
    """A segment."""

    apiVersion: Literal["unleash-gitops/v1"]  # noqa: N815
    kind: Literal["Segment"]
    metadata: SegmentMetadata
    spec: SegmentSpec = SegmentSpec()


class _Live(LiveModel):
    id: int
    name: str
    description: str | None = None
    project: str | None = None
    constraints: list[dict[str, Any]] = Field(default_factory=list)


class Segment(NamedKind, Audited):
    """Segments: the server gives each a number, and refuses to delete one that a strategy uses."""

    name = "Segment"
    folder = "segments"
    document = SegmentDocument
    events = ("segment-created", "segment-updated", "segment-deleted")
    codes = {**NamedKind.codes, **CODES}  # noqa: RUF012
    path = "/api/admin/segments"
    list_key = "segments"
    has_numeric_id = True
    limit = "segments"
    defaults = {"description": None, "project": None, "constraints": []}  # noqa: RUF012
    live = _Live

    def normal(self, spec: dict[str, Any]) -> dict[str, Any]:
        """See `Described.normal`."""
        return {**spec, "constraints": normalise_constraints(spec["constraints"])} if "constraints" in spec else spec

    def references(self, spec: Mapping[str, Any], project: str | None = None) -> Iterable[Reference]:  # noqa: ARG002
        """See `Described.references`: the context fields."""
        for place, one in enumerate(spec.get("constraints", ())):
            yield Reference("ContextField", None, one["contextName"], ("spec", "constraints", place, "contextName"))

    def conflicts(self, one: Resource, spec_of: SpecOf) -> Iterator[Conflict]:
        """See `Kind.conflicts`: values that a context field does not have."""
        yield from find_illegal_values(one.spec.get("constraints", ()), ("spec",), spec_of)

    def server_refusal(
        self, desired: Resource, live: Resource | None, after: Mapping[str, Any], server: ServerFacts
    ) -> str | None:
        """See `Kind.refusal`: the server's limits."""
        counts = [len(one.get("values", ())) for one in after["constraints"]]
        over = server.over("segmentValues", sum(counts))
        return f"values: {over}" if over else super().server_refusal(desired, live, after, server)

    def users(self, reads: Reads, live: Resource) -> Iterable[str]:
        """See `Described.users`."""
        return flags_using(reads.get(f"{self.path}/{live.server_id}/strategies"))

    def body(self, after: Mapping[str, Any], mark: str) -> dict[str, Any]:
        """See `Described.body`."""
        return {**super().body(after, mark), "constraints": constraints_body(after["constraints"])}


KIND = Segment()
