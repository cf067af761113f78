"""Strategy: a type of activation strategy of one's own.

Source: the OpenAPI document of Unleash 8.2.0 (`strategySchema`, `createStrategySchema`, `updateStrategySchema`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import quote

from pydantic import AfterValidator, Field

from unleash_gitops.kinds.base import Reads
from unleash_gitops.kinds.flags.strategy import CODES, reject_duplicates
from unleash_gitops.kinds.flags.strategy_usage import flags_with_strategy
from unleash_gitops.kinds.shared.audited import Audited, Payload
from unleash_gitops.kinds.shared.models import AuditedMetadata, LiveModel, Model
from unleash_gitops.kinds.shared.named import Description, NamedKind, UrlFriendly
from unleash_gitops.model.plan import Call
from unleash_gitops.model.resource import Resource

if TYPE_CHECKING:
    from unleash_gitops.api.audit_log import Event
    from unleash_gitops.api.client import ServerFacts

__all__ = ["KIND", "StrategyDocument"]


class Parameter(Model):
    """What the strategy asks for, where it is used."""

    name: str = Field(min_length=1, description="The parameter's name.", examples=["region"])
    type: Literal["string", "percentage", "list", "number", "boolean"] = Field(description="What it takes.")
    required: bool = Field(default=False, description="Whether it must be given.", examples=[True])
    description: str = Field(default="", description="What it means.", examples=["Where the user is"])


class StrategyMetadata(AuditedMetadata):
    """Which strategy it is."""

    name: UrlFriendly = Field(description="The strategy's name, as SDKs know it.", examples=["byRegion"])


class StrategySpec(Model):
    """What the strategy is like."""

    title: str | None = Field(default=None, description="What people call it; null: nothing.", examples=["By region"])
    description: Description = None
    parameters: Annotated[list[Parameter], AfterValidator(reject_duplicates)] = Field(
        default_factory=list, description="What it asks for.", examples=[[{"name": "region", "type": "string"}]]
    )
    deprecated: bool = Field(default=False, description="Whether it is no longer offered.", examples=[True])


class StrategyDocument(Model):
    """A type of strategy of one's own."""

    apiVersion: Literal["unleash-gitops/v1"]  # noqa: N815 - the API's own name
    kind: Literal["Strategy"]
    metadata: StrategyMetadata
    spec: StrategySpec = StrategySpec()


class _Live(LiveModel):
    name: str
    title: str | None = None
    description: str | None = None
    parameters: list[dict[str, Any]] = Field(default_factory=list)
    deprecated: bool = False
    editable: bool = True


class Strategy(NamedKind, Audited):
    """Types of strategy. Of the server's own, only whether they are deprecated can be changed."""

    name = "Strategy"
    folder = "strategies"
    document = StrategyDocument
    events = ("strategy-created", "strategy-updated", "strategy-deleted", "strategy-deprecated", "strategy-reactivated")
    codes = {**NamedKind.codes, "twice": CODES["twice"]}  # noqa: RUF012 - ClassVar in the base
    path = "/api/admin/strategies"
    list_key = "strategies"
    defaults = {"title": None, "description": None, "parameters": [], "deprecated": False}  # noqa: RUF012
    live = _Live

    def from_entry(self, entry: _Live, workspace: str) -> Resource:
        """See `Described.from_entry`: what cannot be edited is the server's own."""
        found = super().from_entry(entry, workspace)
        return found if entry.editable else replace(found, ownership="builtin")

    def became(self, event: Event, before: Payload | None) -> Payload | None:
        """See `Traced.became`: that it is deprecated, or no longer, is an event of its own, and no other tells it."""
        if event.type in {"strategy-deprecated", "strategy-reactivated"}:
            return None if before is None else {**before, "deprecated": event.type == "strategy-deprecated"}
        found = super().became(event, before)
        return found if found is None or before is None else {**found, "deprecated": bool(before.get("deprecated"))}

    def normal(self, spec: dict[str, Any]) -> dict[str, Any]:
        """See `Described.normal`."""
        found = dict(spec)
        if "title" in found:
            found["title"] = found["title"] or None
        if "parameters" in found:
            found["parameters"] = [_parameter(one) for one in found["parameters"]]
        return found

    def written(self, spec: dict[str, Any]) -> dict[str, Any]:
        """See `Described.written`."""
        if "parameters" not in spec:
            return spec
        return {
            **spec,
            "parameters": [{key: value for key, value in one.items() if value} for one in spec["parameters"]],
        }

    def users(self, reads: Reads, live: Resource) -> Iterable[str]:
        """See `Described.users`: asked flag by flag, and for what is to be deleted only."""
        return flags_with_strategy(reads, live.id)

    def server_refusal(
        self, desired: Resource, live: Resource | None, after: Mapping[str, Any], server: ServerFacts
    ) -> str | None:
        """See `Kind.refusal`."""
        if live is not None and live.ownership == "builtin":
            only = {**live.spec, "deprecated": after["deprecated"]} == after
            return None if only else "it is the server's own: only deprecated can be changed"
        return super().server_refusal(desired, live, after, server)

    def body(self, after: Mapping[str, Any], mark: str) -> dict[str, Any]:
        """See `Described.body`: an empty title stands for none, since the server keeps what is left out."""
        body = {key: value for key, value in super().body(after, mark).items() if key != "deprecated"}
        return {**body, "title": after["title"] or ""}

    def create(self, desired: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:
        """See `Kind.create`."""
        return super().create(desired, after) + (self._deprecate(desired, after) if after["deprecated"] else ())

    def update(self, desired: Resource, live: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:
        """See `Kind.update`."""
        toggled = self._deprecate(desired, after) if after["deprecated"] != live.spec["deprecated"] else ()
        own = live.ownership == "builtin"
        return toggled if own else super().update(desired, live, after) + toggled

    def _deprecate(self, desired: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:
        verb = "deprecate" if after["deprecated"] else "reactivate"
        path = f"{self.path}/{quote(desired.id, safe='')}/{verb}"
        return (Call(method="POST", path=path, body={}, idempotent=True),)


def _parameter(one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": one["name"],
        "type": one["type"],
        "required": bool(one.get("required")),
        "description": one.get("description") or "",
    }


KIND = Strategy()
