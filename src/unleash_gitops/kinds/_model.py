"""What all kinds share: how documents and live objects are parsed, and whose an object with some mark is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from unleash_gitops.identity import Mark
from unleash_gitops.resource import Ownership

__all__ = ["OWNERSHIP", "LiveModel", "Model"]

OWNERSHIP: dict[Mark, Ownership] = {"ours": "owned", "other": "foreign", "none": "unmanaged"}
"""Whose a live object is, by whose mark it bears."""


class Model(BaseModel):
    """A part of a document."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class LiveModel(BaseModel):
    """What of a live object counts; all else is the server's own, and ignored."""

    model_config = ConfigDict(extra="ignore")
