"""Application: what people are told of an application that uses flags.

Source: the OpenAPI document of Unleash 8.2.0 (`applicationSchema`, `createApplicationSchema`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal
from urllib.parse import quote

from pydantic import Field

from unleash_gitops.kinds.base import Reads
from unleash_gitops.kinds.shared.models import LiveModel, Model
from unleash_gitops.kinds.shared.named import Description, NamedKind
from unleash_gitops.model.plan import Call
from unleash_gitops.model.resource import Area, Resource

__all__ = ["KIND", "ApplicationDocument"]

_PAGE = 1000


class ApplicationMetadata(Model):
    """Which application it is."""

    name: str = Field(min_length=1, max_length=255, description="As SDKs send it: appName.", examples=["shop-web"])


class ApplicationSpec(Model):
    """What people are told of it."""

    description: Description = None
    url: str = Field(default="", description="Where it is.", examples=["https://shop.example.com"])
    icon: str = Field(default="", description="A picture's name.", examples=["storefront"])
    color: str = Field(default="", description="What it is shown in.", examples=["#6C65E5"])


class ApplicationDocument(Model):
    """An application."""

    apiVersion: Literal["unleash-gitops/v1"]  # noqa: N815 - the API's own name
    kind: Literal["Application"]
    metadata: ApplicationMetadata
    spec: ApplicationSpec = ApplicationSpec()


class _Live(LiveModel):
    name: str = Field(validation_alias="appName")
    description: str | None = None
    url: str | None = None
    icon: str | None = None
    color: str | None = None


class Application(NamedKind):
    """Applications. SDKs make them too: one that nobody has said anything of counts as the server's own."""

    name = "Application"
    folder = "applications"
    document = ApplicationDocument
    path = "/api/admin/metrics/applications"
    list_key = "applications"
    defaults = {"description": None, "url": "", "icon": "", "color": ""}  # noqa: RUF012 - ClassVar in the base
    live = _Live

    def read(self, reads: Reads, area: Area) -> Iterable[Resource]:  # noqa: ARG002
        """See `Kind.read`: page by page."""
        offset = 0
        while True:
            answer = reads.get(f"{self.path}?limit={_PAGE}&offset={offset}")
            for entry in answer["applications"]:
                yield self.from_entry(_Live.model_validate(entry), reads.workspace)
            offset += _PAGE
            if offset >= answer["total"]:
                return

    def from_entry(self, entry: _Live, workspace: str) -> Resource:
        """See `Described.from_entry`."""
        found = super().from_entry(entry, workspace)
        said = any(found.spec.values())
        return found if said or found.ownership != "unmanaged" else replace(found, ownership="builtin")

    def normal(self, spec: dict[str, Any]) -> dict[str, Any]:
        """See `Described.normal`."""
        return {key: value or (None if key == "description" else "") for key, value in spec.items()}

    def create(self, desired: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:
        """See `Kind.create`: the POST makes it, or makes it so."""
        path = f"{self.path}/{quote(desired.id, safe='')}"
        return (Call(method="POST", path=path, body=self.body(after, desired.mark or ""), idempotent=True),)

    def update(self, desired: Resource, live: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:  # noqa: ARG002
        """See `Kind.update`."""
        return self.create(desired, after)


KIND = Application()
