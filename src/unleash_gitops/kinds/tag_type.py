"""TagType: a type of tag on flags. Source: the OpenAPI document of Unleash 8.2.0 (`tagTypeSchema`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError
from typing_extensions import override

from unleash_gitops.api.answers import check_answer
from unleash_gitops.kinds.flags.answers import TagsAnswer
from unleash_gitops.kinds.flags.archived import archived_flags_with
from unleash_gitops.kinds.reads import Reads
from unleash_gitops.kinds.shared.audited import Audited
from unleash_gitops.kinds.shared.fields import Rule
from unleash_gitops.kinds.shared.models import AuditedMetadata, Model, TransferableMetadata, envelope
from unleash_gitops.kinds.shared.named import URL_FRIENDLY, Description, NamedKind
from unleash_gitops.model.lease_record import is_lease_name
from unleash_gitops.model.ownership import OWNER_TAG
from unleash_gitops.model.resource import Area, Resource

__all__ = ["KIND"]

_TAGS = "/api/admin/tags"


def _reject_own(name: str) -> str:
    """Refuse the tag types that the tool makes for itself."""
    hint = "remove the document: the tool makes this tag type and manages it"
    if name == OWNER_TAG:
        raise PydanticCustomError("owner-tag", "is the tag type that marks what a workspace manages", {"hint": hint})
    if is_lease_name(name):
        raise PydanticCustomError("lease", "is reserved for the leases of workspaces", {"hint": hint})
    return name


class TagTypeMetadata(AuditedMetadata, TransferableMetadata):
    """The identity of a tag type."""

    name: Annotated[str, AfterValidator(_reject_own)] = Field(
        pattern=URL_FRIENDLY,
        min_length=2,
        max_length=50,
        description="What stands before the colon of a tag.",
        examples=["team"],
    )


_SIMPLE = {"description": "Used to simplify filtering of features", "icon": "#", "color": "#FFFFFF"}
"""The tag type `simple` of a new Unleash 8.2.0."""


def _upper_or_none(color: str | None) -> str | None:
    return (color or "").upper() or None


def _remove_default(schema: dict[str, Any]) -> None:
    del schema["default"]


class TagTypeSpec(Model):
    """The fields of a tag type."""

    description: Description = None
    icon: str = Field(default="", description="One letter or the name of an icon.", examples=["T"])
    # The server refuses to be told of no colour, and chooses one where the field is left out.
    color: Annotated[str, Rule(normalise=_upper_or_none, omit_none=True)] = Field(
        default="",
        pattern=r"^#[0-9A-Fa-f]{6}$",
        description="The colour it is shown in.",
        examples=["#6C65E5"],
        json_schema_extra=_remove_default,
    )


class TagType(NamedKind, Audited):
    """Tag types. Deleting one takes all its tags off all flags without notice: blocked while any flag has one."""

    name = "TagType"
    folder = "tag-types"
    spec = TagTypeSpec
    document = envelope("TagType", "A type of tag.", TagTypeMetadata, TagTypeSpec)
    events = ("tag-type-created", "tag-type-updated", "tag-type-deleted")
    codes: ClassVar[Mapping[str, str]] = {
        **NamedKind.codes,
        "owner-tag": "a document describes the tag type that marks what a workspace manages",
        "lease": "a document has a name that is reserved for the leases of workspaces",
    }
    path = "/api/admin/tag-types"
    list_key = "tagTypes"
    object_key = "tagType"
    builtin = frozenset({"simple"})

    @override
    def read(self, reads: Reads, area: Area) -> Iterable[Resource]:
        """The tool's own objects do not exist for plans: the tag type of the marks, and the leases of workspaces."""
        for resource in super().read(reads, area):
            if resource.id != OWNER_TAG and not is_lease_name(resource.id):
                yield resource

    @override
    def users(self, reads: Reads, live: Resource) -> Iterable[str]:
        """The flags that have tags of the type, in all projects, archived ones included."""
        if not any(tag["type"] == live.id for tag in check_answer(TagsAnswer, reads.get_cached(_TAGS), _TAGS)["tags"]):
            return
        for project in reads.all_projects():
            for flag in reads.features(project):
                if any(tag["type"] == live.id for tag in flag.get("tags") or ()):
                    yield f"FeatureFlag/{project}/{flag['name']}"
        yield from archived_flags_with(
            reads, lambda flag: any(tag["type"] == live.id for tag in flag.get("tags") or ())
        )

    @override
    def changed_builtin_fields(self, live: Resource) -> tuple[str, ...]:
        return tuple(field for field, value in _SIMPLE.items() if live.spec[field] != value)


KIND = TagType()
