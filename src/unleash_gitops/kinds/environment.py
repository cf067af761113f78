"""Environment: where flags are on and off.

Source: the OpenAPI documents of Unleash 8.2.0 and Unleash Enterprise 7.5.0 (`environmentSchema`,
`createEnvironmentSchema`, `updateEnvironmentSchema`). The open-source edition switches and sorts environments; only
Enterprise makes them or changes their type.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pydantic import Field
from typing_extensions import override

from unleash_gitops.api.answers import read_entries
from unleash_gitops.kinds.base import Kind
from unleash_gitops.kinds.interfaces import Pullable
from unleash_gitops.kinds.reads import Reads
from unleash_gitops.kinds.shared.fields import live_model
from unleash_gitops.kinds.shared.models import Model, envelope
from unleash_gitops.model.call import Call, Lookup
from unleash_gitops.model.resource import Address, Area, Resource

if TYPE_CHECKING:
    from unleash_gitops.api.client import ServerFacts

__all__ = ["KIND"]

_PATH = "/api/admin/environments"


class EnvironmentMetadata(Model):
    """The identity of an environment."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9~_.-]+$", max_length=100, description="The environment's name.", examples=["production"]
    )


class EnvironmentSpec(Model):
    """The fields of an environment."""

    type: str = Field(default="development", min_length=1, description="Its type.", examples=["production"])
    enabled: bool = Field(default=True, description="Whether flags can be on in it.", examples=[False])
    sortOrder: int = Field(default=9999, ge=0, description="Its place in lists, lowest first.", examples=[1])


class Environment(Kind, Pullable):
    """Environments. They have no room for a mark, so they are never deleted, whatever the workspace says."""

    name = "Environment"
    folder = "environments"
    ownable = False
    spec = EnvironmentSpec
    document = envelope("Environment", "An environment.", EnvironmentMetadata, EnvironmentSpec)
    limit = "environments"

    @override
    def areas(self, reads: Reads) -> Iterable[Area]:
        yield Area(self.name)

    @override
    def read(self, reads: Reads, area: Area) -> Iterable[Resource]:
        parse = live_model(EnvironmentSpec, name=str).model_validate
        for entry in read_entries(reads.get_cached(_PATH), "environments", _PATH):
            parsed = parse(entry).model_dump()
            name = str(parsed.pop("name"))
            yield Resource(Address(self.name, name), name, self.normalise(parsed), ownership="builtin")

    @override
    def server_refusal(
        self, desired: Resource, live: Resource | None, after: Mapping[str, Any], server: ServerFacts
    ) -> str | None:
        if server.enterprise:
            return None
        if live is None:
            return f'needs Unleash Enterprise: the open-source edition cannot make the environment "{desired.id}"'
        if after["type"] != live.spec["type"]:
            return "needs Unleash Enterprise: the open-source edition cannot change the type of an environment"
        return None

    @override
    def create(self, desired: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:
        verify = Lookup(path=_PATH, list_key="environments", match={"name": desired.id})
        return (Call(method="POST", path=_PATH, body={"name": desired.id, **self.body(after)}, verify=verify),)

    @override
    def update(self, desired: Resource, live: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:
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

    @override
    def overwritten_parts(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterable[tuple[str, ...]]:
        """The request that changes the type sends the place in lists too."""
        changed = [field for field in before if before[field] != after[field]]
        return [(field,) for field in dict.fromkeys([*changed, *(["sortOrder"] if "type" in changed else [])])]

    @override
    def delete(self, live: Resource) -> tuple[Call, ...]:
        """Never called, since none is owned."""
        raise RuntimeError(f"{live} is the server's own, and never deleted")


KIND = Environment()
