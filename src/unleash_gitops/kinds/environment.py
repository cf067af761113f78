"""Environment: where flags are on and off.

Source: the OpenAPI documents of Unleash 8.2.0 and Unleash Enterprise 7.5.0 (`environmentSchema`,
`createEnvironmentSchema`, `updateEnvironmentSchema`). The open-source edition switches and sorts environments; only
Enterprise makes them or changes their type.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from pydantic import Field

from unleash_gitops.kinds.base import Kind, Reads
from unleash_gitops.kinds.shared.models import LiveModel, Model
from unleash_gitops.model.plan import Call, Lookup
from unleash_gitops.model.resource import Address, Area, Resource

if TYPE_CHECKING:
    from unleash_gitops.api.client import ServerFacts

__all__ = ["KIND", "EnvironmentDocument"]

_PATH = "/api/admin/environments"


class EnvironmentMetadata(Model):
    """Which environment it is."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9~_.-]+$", max_length=100, description="The environment's name.", examples=["production"]
    )


class EnvironmentSpec(Model):
    """What the environment is like."""

    type: str = Field(default="development", min_length=1, description="Its type.", examples=["production"])
    enabled: bool = Field(default=True, description="Whether flags can be on in it.", examples=[False])
    sortOrder: int = Field(  # noqa: N815 - the API's own name
        default=9999, ge=0, description="Its place in lists, lowest first.", examples=[1]
    )


class EnvironmentDocument(Model):
    """An environment."""

    apiVersion: Literal["unleash-gitops/v1"]  # noqa: N815 - the API's own name
    kind: Literal["Environment"]
    metadata: EnvironmentMetadata
    spec: EnvironmentSpec = EnvironmentSpec()


class _Live(LiveModel):
    name: str
    type: str
    enabled: bool = True
    sortOrder: int  # noqa: N815


class Environment(Kind):
    """Environments. They have no room for a mark, so they are never deleted, whatever the workspace says."""

    name = "Environment"
    folder = "environments"
    document = EnvironmentDocument
    limit = "environments"

    def resource_from_document(self, document: EnvironmentDocument, workspace: str) -> Resource:  # noqa: ARG002
        """See `Kind.desired`."""
        name = document.metadata.name
        return Resource(Address(self.name, name), name, document.spec.model_dump(exclude_unset=True))

    def areas(self, reads: Reads) -> Iterable[Area]:  # noqa: ARG002
        """See `Kind.areas`: one for all."""
        yield Area(self.name)

    def read(self, reads: Reads, area: Area) -> Iterable[Resource]:  # noqa: ARG002
        """See `Kind.read`."""
        for entry in reads.get_cached(_PATH)["environments"]:
            found = _Live.model_validate(entry)
            spec = found.model_dump(exclude={"name"})
            yield Resource(Address(self.name, found.name), found.name, spec, ownership="builtin")

    def spec_after_create(self, desired: Resource) -> dict[str, Any]:
        """See `Kind.created`."""
        return {**EnvironmentSpec().model_dump(), **desired.spec}

    def server_refusal(
        self,
        desired: Resource,
        live: Resource | None,
        after: Mapping[str, Any],
        server: ServerFacts,
    ) -> str | None:
        """See `Kind.refusal`."""
        if server.enterprise:
            return None
        if live is None:
            return f'needs Unleash Enterprise: the open-source edition cannot make the environment "{desired.id}"'
        if after["type"] != live.spec["type"]:
            return "needs Unleash Enterprise: the open-source edition cannot change the type of an environment"
        return None

    def create(self, desired: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:
        """See `Kind.create`."""
        body = {"name": desired.id, "type": after["type"], "enabled": after["enabled"], "sortOrder": after["sortOrder"]}
        look = Lookup(path=_PATH, list_key="environments", match={"name": desired.id})
        return (Call(method="POST", path=_PATH, body=body, verify=look),)

    def update(self, desired: Resource, live: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:
        """See `Kind.update`."""
        name = quote(desired.id, safe="")
        calls = []
        if after["type"] != live.spec["type"]:
            body = {"type": after["type"], "sortOrder": after["sortOrder"]}
            calls.append(Call(method="PUT", path=f"{_PATH}/update/{name}", body=body))
        elif after["sortOrder"] != live.spec["sortOrder"]:
            calls.append(Call(method="PUT", path=f"{_PATH}/sort-order", body={desired.id: after["sortOrder"]}))
        if after["enabled"] != live.spec["enabled"]:
            path = f"{_PATH}/{name}/{'on' if after['enabled'] else 'off'}"
            calls.append(Call(method="POST", path=path, body={}, idempotent=True))
        return tuple(calls)

    def delete(self, live: Resource) -> tuple[Call, ...]:
        """See `Kind.delete`: never asked for, since none is owned."""
        raise RuntimeError(f"{live} is the server's own, and never deleted")

    def to_pulled_document(self, live: Resource) -> tuple[dict[str, Any], str]:
        """See `Kind.pulled`: everything but the type, which only Enterprise can set."""
        return {"metadata": {}, "spec": {key: live.spec[key] for key in ("enabled", "sortOrder")}}, live.id


KIND = Environment()
