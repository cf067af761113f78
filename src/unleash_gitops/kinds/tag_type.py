"""TagType: a type of tag on flags. Source: the OpenAPI document of Unleash 8.2.0 (`tagTypeSchema`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import Field

from unleash_gitops.kinds.base import Reads
from unleash_gitops.kinds.shared.audited import Audited
from unleash_gitops.kinds.shared.models import AuditedMetadata, LiveModel, Model
from unleash_gitops.kinds.shared.named import URL_FRIENDLY, Description, NamedKind
from unleash_gitops.model.ownership import OWNER_TAG
from unleash_gitops.model.resource import Resource

__all__ = ["KIND", "TagTypeDocument"]


def _without_default(schema: dict[str, Any]) -> None:
    del schema["default"]


class TagTypeMetadata(AuditedMetadata):
    """Which tag type it is."""

    name: str = Field(
        pattern=URL_FRIENDLY,
        min_length=2,
        max_length=50,
        description="What stands before the colon of a tag.",
        examples=["team"],
    )


class TagTypeSpec(Model):
    """What the tag type is like."""

    description: Description = None
    icon: str = Field(default="", description="One letter or a picture's name.", examples=["T"])
    color: str = Field(
        default="",  # never sent: left out, the server has its own idea
        pattern=r"^#[0-9A-Fa-f]{6}$",
        description="What it is shown in.",
        examples=["#6C65E5"],
        json_schema_extra=_without_default,
    )


class TagTypeDocument(Model):
    """A type of tag."""

    apiVersion: Literal["unleash-gitops/v1"]  # noqa: N815
    kind: Literal["TagType"]
    metadata: TagTypeMetadata
    spec: TagTypeSpec = TagTypeSpec()


class _Live(LiveModel):
    name: str
    description: str | None = None
    icon: str | None = None
    color: str | None = None


class TagType(NamedKind, Audited):
    """Tag types. Deleting one takes all its tags off all flags, without a word: refused while any has one."""

    name = "TagType"
    folder = "tag-types"
    document = TagTypeDocument
    events = ("tag-type-created", "tag-type-updated", "tag-type-deleted")
    path = "/api/admin/tag-types"
    list_key = "tagTypes"
    defaults = {"description": None, "icon": "", "color": None}  # noqa: RUF012 - ClassVar in the base
    live = _Live
    builtin = frozenset({"simple", OWNER_TAG})

    def users(self, reads: Reads, live: Resource) -> Iterable[str]:
        """See `Described.users`: the flags that have tags of the type, in all projects."""
        if not any(tag["type"] == live.id for tag in reads.get_cached("/api/admin/tags")["tags"]):
            return
        for project in reads.all_projects():
            for flag in reads.features(project):
                if any(tag["type"] == live.id for tag in flag.get("tags") or ()):
                    yield f"FeatureFlag/{project}/{flag['name']}"

    def normal(self, spec: dict[str, Any]) -> dict[str, Any]:
        """See `Described.normal`: the server answers what it takes for no icon and no colour in several ways."""
        found = dict(spec)
        if "icon" in found:
            found["icon"] = found["icon"] or ""
        if "color" in found:
            found["color"] = (found["color"] or "").upper() or None
        return found

    def body(self, after: Mapping[str, Any], mark: str) -> dict[str, Any]:
        """See `Described.body`: no colour is left out, since the server refuses to be told of none."""
        body = super().body(after, mark)
        return {field: value for field, value in body.items() if field != "color" or value is not None}


KIND = TagType()
