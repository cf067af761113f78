"""ContextField: a field that constraints and stickiness can use.

Source: the OpenAPI document of Unleash 8.2.0 (`contextFieldSchema`, `legalValueSchema`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar
from urllib.parse import quote

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict, override

from unleash_gitops.api.answers import check_answer
from unleash_gitops.kinds.flags.archived import archived_flags_with_strategy, names_context_field
from unleash_gitops.kinds.reads import Reads
from unleash_gitops.kinds.shared.audited import Audited
from unleash_gitops.kinds.shared.fields import EMPTY_IS_NONE, defaults
from unleash_gitops.kinds.shared.models import AuditedMetadata, Model, TransferableMetadata, envelope
from unleash_gitops.kinds.shared.named import Description, NamedKind, UrlFriendly, flags_using
from unleash_gitops.model.resource import Resource

__all__ = ["KIND"]


_SHIPPED: Mapping[str, Mapping[str, Any]] = {
    "appName": {"description": "Allows you to constrain on application name"},
    "currentTime": {"description": "Allows you to constrain on date values"},
    "environment": {"description": "Allows you to constrain on application environment"},
    "sessionId": {"description": "Allows you to constrain on sessionId", "stickiness": True},
    "userId": {"description": "Allows you to constrain on userId"},
}
"""The context fields of a new Unleash 8.2.0, as far as they differ from the defaults."""


class LegalValue(Model):
    """A value that the field can have."""

    value: str = Field(min_length=1, max_length=100, description="The value itself.", examples=["NO"])
    description: Annotated[str | None, EMPTY_IS_NONE] = Field(
        default=None, description="What it means.", examples=["Norway"]
    )


def _reject_repeated(values: list[LegalValue]) -> list[LegalValue]:
    seen: set[str] = set()
    for legal_value in values:
        if legal_value.value in seen:
            raise PydanticCustomError("legal-value", 'has the value "{value}" twice', {"value": legal_value.value})
        seen.add(legal_value.value)
    return values


class ContextFieldMetadata(AuditedMetadata, TransferableMetadata):
    """The identity of a context field."""

    name: UrlFriendly = Field(description="The field's name, as SDKs send it.", examples=["country"])


class ContextFieldSpec(Model):
    """The fields of a context field."""

    description: Description = None
    stickiness: bool = Field(default=False, description="Whether rollouts can stick to it.", examples=[True])
    legalValues: Annotated[list[LegalValue], AfterValidator(_reject_repeated)] = Field(
        default_factory=list,
        description="The values it can have, in the order the UI shows them; empty: any.",
        examples=[[{"value": "NO", "description": "Norway"}]],
    )


class _Constraint(TypedDict):
    contextName: str


class _Segment(TypedDict):
    name: str
    constraints: list[_Constraint]


class _Segments(TypedDict):
    segments: list[_Segment]


class ContextField(NamedKind, Audited):
    """Context fields of the instance; those of one project are not managed.

    Nor is `sortOrder`: the server takes it when a field is made, and sets it to 0 at every change.
    """

    name = "ContextField"
    folder = "context-fields"
    spec = ContextFieldSpec
    document = envelope("ContextField", "A context field of the instance.", ContextFieldMetadata, ContextFieldSpec)
    events = ("context-field-created", "context-field-updated", "context-field-deleted")
    codes: ClassVar[Mapping[str, str]] = {**NamedKind.codes, "legal-value": "a context field has a legal value twice"}
    path = "/api/admin/context"
    list_key = None
    longest_description = 250
    builtin = frozenset(_SHIPPED)

    @override
    def resource_from_entry(self, entry: Any, workspace: str) -> Resource:
        resource = super().resource_from_entry(entry, workspace)
        return replace(resource, handles={"sortOrder": entry.get("sortOrder") or 0})

    @override
    def side_effect_note(self, live: Resource, after: Mapping[str, Any]) -> str | None:
        return self.mark_note(live)

    @override
    def mark_note(self, live: Resource) -> str | None:
        """A PUT takes no `sortOrder`, and sets it to 0."""
        order = live.handles.get("sortOrder", 0)
        return f"the server resets sortOrder from {order} to 0" if order else None

    @override
    def users(self, reads: Reads, live: Resource) -> Iterable[str]:
        """The flags whose strategies name it, archived ones included, and the segments that do."""
        yield from flags_using(reads, f"{self.path}/{quote(live.id, safe='')}/strategies")
        segments_path = "/api/admin/segments"
        for segment in check_answer(_Segments, reads.get_cached(segments_path), segments_path)["segments"]:
            if any(constraint["contextName"] == live.id for constraint in segment["constraints"]):
                yield f"Segment/{segment['name']}"
        yield from archived_flags_with_strategy(reads, lambda strategy: names_context_field(strategy, live.id))

    @override
    def changed_builtin_fields(self, live: Resource) -> tuple[str, ...]:
        shipped = {**defaults(ContextFieldSpec), **_SHIPPED.get(live.id, {})}
        return tuple(field for field, value in live.spec.items() if value != shipped[field])


KIND = ContextField()
