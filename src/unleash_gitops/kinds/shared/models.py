"""What all kinds share: how documents and live objects are parsed, and whose an object with some mark is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from unleash_gitops.model.ownership import Mark
from unleash_gitops.model.plan import OnDrift
from unleash_gitops.model.resource import Ownership

__all__ = ["OWNERSHIP_BY_MARK", "AuditedMetadata", "LiveModel", "Model"]

OWNERSHIP_BY_MARK: dict[Mark, Ownership] = {"ours": "owned", "other": "foreign", "none": "unmanaged"}
"""Whose a live object is, by whose mark it bears."""


class Model(BaseModel):
    """A part of a document."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class LiveModel(BaseModel):
    """What of a live object counts; all else is the server's own, and ignored."""

    model_config = ConfigDict(extra="ignore")


class AuditedMetadata(Model):
    """What the metadata of every kind has whose past the audit log tells."""

    drift: OnDrift | None = Field(
        default=None,
        description="What becomes of what somebody else changed on the server. Left out: as the workspace says.",
        examples=["keep"],
    )
    accepted: int | None = Field(
        default=None,
        ge=1,
        description="The id of the last event of the audit log that this document agrees to; accept writes it.",
        examples=[1234],
    )
