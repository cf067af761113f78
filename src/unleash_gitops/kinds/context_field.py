"""ContextField: a field that constraints and stickiness can use.

Source: the OpenAPI document of Unleash 8.2.0 (`contextFieldSchema`, `legalValueSchema`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from unleash_gitops.kinds.base import Reads
from unleash_gitops.kinds.shared.audited import Audited
from unleash_gitops.kinds.shared.models import AuditedMetadata, LiveModel, Model
from unleash_gitops.kinds.shared.named import Description, NamedKind, UrlFriendly, flags_using
from unleash_gitops.model.resource import Resource

__all__ = ["KIND", "ContextFieldDocument"]


class LegalValue(Model):
    """A value that the field can have."""

    value: str = Field(min_length=1, max_length=100, description="The value itself.", examples=["NO"])
    description: str | None = Field(default=None, description="What it means.", examples=["Norway"])


def _each_once(values: list[LegalValue]) -> list[LegalValue]:
    seen: set[str] = set()
    for one in values:
        if one.value in seen:
            raise PydanticCustomError("legal-value", 'has the value "{value}" twice', {"value": one.value})
        seen.add(one.value)
    return values


class ContextFieldMetadata(AuditedMetadata):
    """Which field it is."""

    name: UrlFriendly = Field(description="The field's name, as SDKs send it.", examples=["country"])


class ContextFieldSpec(Model):
    """What the field is like."""

    description: Description = None
    stickiness: bool = Field(default=False, description="Whether rollouts can stick to it.", examples=[True])
    legalValues: Annotated[list[LegalValue], AfterValidator(_each_once)] = Field(  # noqa: N815
        default_factory=list,
        description="The values it can have, in the order the UI shows them; empty: any.",
        examples=[[{"value": "NO", "description": "Norway"}]],
    )


class ContextFieldDocument(Model):
    """A context field of the instance."""

    apiVersion: Literal["unleash-gitops/v1"]  # noqa: N815
    kind: Literal["ContextField"]
    metadata: ContextFieldMetadata
    spec: ContextFieldSpec = ContextFieldSpec()


class _LiveValue(LiveModel):
    value: str
    description: str | None = None


class _Live(LiveModel):
    name: str
    description: str | None = None
    stickiness: bool = False
    legalValues: list[_LiveValue] = Field(default_factory=list)  # noqa: N815


class ContextField(NamedKind, Audited):
    """Context fields of the instance; those of one project are not managed.

    Nor is `sortOrder`: the server takes it when a field is made, and sets it to 0 at every change.
    """

    name = "ContextField"
    folder = "context-fields"
    document = ContextFieldDocument
    events = ("context-field-created", "context-field-updated", "context-field-deleted")
    codes = {**NamedKind.codes, "legal-value": "a context field has a legal value twice"}  # noqa: RUF012
    path = "/api/admin/context"
    list_key = None
    defaults = {"description": None, "stickiness": False, "legalValues": []}  # noqa: RUF012
    live = _Live
    longest_description = 250
    builtin = frozenset({"appName", "currentTime", "environment", "sessionId", "userId"})

    def normal(self, spec: dict[str, Any]) -> dict[str, Any]:
        """See `Described.normal`: a legal value without a description has none."""
        if "legalValues" not in spec:
            return spec
        values = [one if isinstance(one, dict) else one.model_dump() for one in spec["legalValues"]]
        normal = [{key: value for key, value in one.items() if value} for one in values]
        return {**spec, "legalValues": normal}

    def users(self, reads: Reads, live: Resource) -> Iterable[str]:
        """See `Described.users`: flags by their strategies, and segments."""
        yield from flags_using(reads.get(f"{self.path}/{quote(live.id, safe='')}/strategies"))
        for segment in reads.get_cached("/api/admin/segments")["segments"]:
            if any(one["contextName"] == live.id for one in segment["constraints"]):
                yield f"Segment/{segment['name']}"


KIND = ContextField()
