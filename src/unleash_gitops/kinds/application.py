"""Application: what people are told of an application that uses flags.

Source: the OpenAPI document of Unleash 8.2.0 (`applicationSchema`, `createApplicationSchema`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from pydantic import Field
from typing_extensions import TypedDict, override

from unleash_gitops.api.answers import check_answer, read_pages
from unleash_gitops.kinds.reads import Reads
from unleash_gitops.kinds.shared.models import Model, TransferableMetadata, envelope
from unleash_gitops.kinds.shared.named import Description, NamedKind
from unleash_gitops.model.call import Call
from unleash_gitops.model.resource import Area, Resource

__all__ = ["KIND"]

_PAGE = 1000


class ApplicationMetadata(TransferableMetadata):
    """The identity of an application."""

    name: str = Field(min_length=1, max_length=255, description="As SDKs send it: appName.", examples=["shop-web"])


class ApplicationSpec(Model):
    """The fields of an application."""

    description: Description = None
    url: str = Field(default="", description="Where it is.", examples=["https://shop.example.com"])
    icon: str = Field(default="", description="A picture's name.", examples=["storefront"])
    color: str = Field(default="", description="What it is shown in.", examples=["#6C65E5"])


class _Applications(TypedDict):
    applications: list[Any]
    total: int


class Application(NamedKind):
    """Applications. SDKs make them too: one without any value or document counts as the server's own."""

    name = "Application"
    folder = "applications"
    spec = ApplicationSpec
    document = envelope("Application", "An application.", ApplicationMetadata, ApplicationSpec)
    path = "/api/admin/metrics/applications"
    list_key = "applications"
    name_key = "appName"

    @override
    def read(self, reads: Reads, area: Area) -> Iterable[Resource]:
        """Page by page."""
        for entry in read_pages(lambda offset: self._read_page(reads, offset), _PAGE, self.path):
            live = self.resource_from_entry(entry, reads.workspace)
            is_empty = live.ownership == "unmanaged" and not any(live.spec.values())
            documented = live.id in reads.scope.within(area)
            yield replace(live, ownership="builtin") if is_empty and not documented else live

    def _read_page(self, reads: Reads, offset: int) -> tuple[list[Any], int]:
        answer = check_answer(_Applications, reads.get(f"{self.path}?limit={_PAGE}&offset={offset}"), self.path)
        return answer["applications"], answer["total"]

    @override
    def create(self, desired: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:
        """The POST creates the application, or replaces its values."""
        return (self.save(desired, self.marked_body(after, desired.mark)),)

    @override
    def save(self, live: Resource, body: Mapping[str, Any]) -> Call:
        path = f"{self.path}/{quote(live.id, safe='')}"
        return Call(method="POST", path=path, body=dict(body), idempotent=True)


KIND = Application()
