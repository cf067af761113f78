"""Base models of documents and live objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model, model_validator

from unleash_gitops.model.plan import OnDrift
from unleash_gitops.model.workspace import NAME_PATTERN

__all__ = ["AuditedMetadata", "LiveModel", "Model", "TransferableMetadata", "envelope"]


class Model(BaseModel):
    """A part of a document.

    `normal_form` says what the compared form of a nested object holds: what differs from the defaults (`sparse`), every
    field (`filled`), or the fields that are given (`partial`, where what is left out is not managed).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    normal_form: ClassVar[Literal["sparse", "filled", "partial"]] = "sparse"


class LiveModel(BaseModel):
    """The fields of a live object that count; others are the server's own and ignored."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)


class AuditedMetadata(Model):
    """Metadata that every kind has whose past the audit log tells."""

    drift: OnDrift | None = Field(
        default=None,
        description="How to treat changes made outside this workspace. Left out: as the workspace says.",
        examples=["keep"],
    )
    accepted: int | None = Field(
        default=None,
        ge=1,
        description="The id of the last event of the audit log that this document agrees to; accept writes it.",
        examples=[1234],
    )


class TransferableMetadata(Model):
    """Metadata that every kind has whose objects one workspace can take over from another."""

    transferFrom: str | None = Field(
        default=None,
        pattern=NAME_PATTERN,
        description="The workspace that owns the object so far. It is taken over from there; remove the line then.",
        examples=["checkout"],
    )


def envelope(
    kind: str,
    summary: str,
    metadata: type[Model],
    spec: type[Model],
    check: Callable[[Any], Any] | None = None,
) -> type[Model]:
    """Return the model of a whole document: `apiVersion`, `kind`, `metadata` and `spec`.

    `spec` may be left out where none of its fields is required. `check` gets the document and returns it; it raises
    PydanticCustomError or ValidationError for what only metadata and spec together show.
    """
    optional = not any(field.is_required() for field in spec.model_fields.values())
    fields: dict[str, Any] = {
        "apiVersion": (Literal["unleash-gitops/v1"], ...),
        "kind": (Literal[kind], ...),
        "metadata": (metadata, ...),
        "spec": (spec, spec() if optional else ...),
    }
    validators: dict[str, Any] = {} if check is None else {"check": model_validator(mode="after")(check)}
    document: type[Model] = create_model(
        f"{kind}Document", __base__=Model, __doc__=summary, __validators__=validators, **fields
    )
    return document
