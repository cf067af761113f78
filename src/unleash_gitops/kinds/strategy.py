"""Strategy: a type of activation strategy of one's own.

Source: the OpenAPI document of Unleash 8.2.0 (`strategySchema`, `createStrategySchema`, `updateStrategySchema`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal
from urllib.parse import quote

from pydantic import AfterValidator, Field
from typing_extensions import override

from unleash_gitops.kinds.flags.archived import archived_flags_with_strategy
from unleash_gitops.kinds.flags.strategy import STRATEGY_CODES, reject_duplicates
from unleash_gitops.kinds.flags.strategy_usage import flags_with_strategy
from unleash_gitops.kinds.reads import Reads
from unleash_gitops.kinds.shared.audited import Audited, Payload
from unleash_gitops.kinds.shared.fields import Rule
from unleash_gitops.kinds.shared.models import AuditedMetadata, Model, TransferableMetadata, envelope
from unleash_gitops.kinds.shared.named import Description, NamedKind, UrlFriendly
from unleash_gitops.model.call import Call
from unleash_gitops.model.resource import Resource

if TYPE_CHECKING:
    from unleash_gitops.api.audit_log import Event
    from unleash_gitops.api.client import ServerFacts

__all__ = ["KIND"]


class Parameter(Model):
    """A parameter that the strategy takes where it is used."""

    normal_form = "filled"

    name: str = Field(min_length=1, description="The parameter's name.", examples=["region"])
    type: Literal["string", "percentage", "list", "number", "boolean"] = Field(description="What it takes.")
    required: bool = Field(default=False, description="Whether it must be given.", examples=[True])
    description: str = Field(default="", description="What it means.", examples=["Where the user is"])


class StrategyMetadata(AuditedMetadata, TransferableMetadata):
    """Which strategy it is."""

    name: UrlFriendly = Field(description="The strategy's name, as SDKs know it.", examples=["byRegion"])


class StrategySpec(Model):
    """What the strategy is like."""

    # An empty title stands for none in a body, since the server keeps a title that is left out.
    title: Annotated[str | None, Rule(normalise=lambda text: text or None, send=lambda text: text or "")] = Field(
        default=None, description="The title that the UI shows; null: none.", examples=["By region"]
    )
    description: Description = None
    parameters: Annotated[list[Parameter], AfterValidator(reject_duplicates)] = Field(
        default_factory=list, description="What it asks for.", examples=[[{"name": "region", "type": "string"}]]
    )
    deprecated: Annotated[bool, Rule(in_body=False)] = Field(
        default=False, description="Whether it is no longer offered.", examples=[True]
    )


class Strategy(NamedKind, Audited):
    """Strategy types. Of the server's own, only whether they are deprecated can be changed."""

    name = "Strategy"
    folder = "strategies"
    spec = StrategySpec
    document = envelope("Strategy", "A custom strategy type.", StrategyMetadata, StrategySpec)
    events = ("strategy-created", "strategy-updated", "strategy-deleted", "strategy-deprecated", "strategy-reactivated")
    codes: ClassVar[Mapping[str, str]] = {**NamedKind.codes, "twice": STRATEGY_CODES["twice"]}
    path = "/api/admin/strategies"
    list_key = "strategies"

    @override
    def resource_from_entry(self, entry: Any, workspace: str) -> Resource:
        """A type that cannot be edited is the server's own."""
        resource = super().resource_from_entry(entry, workspace)
        return resource if entry.get("editable", True) else replace(resource, ownership="builtin", owners=())

    @override
    def payload_after(self, event: Event, before: Payload | None) -> Payload | None:
        """Deprecating and reactivating are events of their own, and no other event holds `deprecated`."""
        if event.type in {"strategy-deprecated", "strategy-reactivated"}:
            return None if before is None else {**before, "deprecated": event.type == "strategy-deprecated"}
        payload = super().payload_after(event, before)
        if payload is None or before is None:
            return payload
        return {**payload, "deprecated": bool(before.get("deprecated"))}

    @override
    def users(self, reads: Reads, live: Resource) -> Iterable[str]:
        """Each flag is read by itself, so only for what would be deleted."""
        yield from flags_with_strategy(reads, live.id)
        yield from archived_flags_with_strategy(reads, lambda strategy: strategy.get("name") == live.id)

    @override
    def server_refusal(
        self, desired: Resource, live: Resource | None, after: Mapping[str, Any], server: ServerFacts
    ) -> str | None:
        if live is not None and live.ownership == "builtin":
            only_deprecated = {**live.spec, "deprecated": after["deprecated"]} == after
            return None if only_deprecated else "it is the server's own: only deprecated can be changed"
        return super().server_refusal(desired, live, after, server)

    @override
    def create(self, desired: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:
        return super().create(desired, after) + (self._deprecate(desired, after) if after["deprecated"] else ())

    @override
    def update(self, desired: Resource, live: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:
        toggled = self._deprecate(desired, after) if after["deprecated"] != live.spec["deprecated"] else ()
        return toggled if live.ownership == "builtin" else super().update(desired, live, after) + toggled

    @override
    def overwritten_parts(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterable[tuple[str, ...]]:
        """Whether a strategy is deprecated is changed by requests of its own."""
        return tuple((field,) for field in before if field != "deprecated" or before[field] != after[field])

    @override
    def changed_builtin_fields(self, live: Resource) -> tuple[str, ...]:
        return ("deprecated",) if live.spec["deprecated"] else ()

    def _deprecate(self, desired: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:
        verb = "deprecate" if after["deprecated"] else "reactivate"
        path = f"{self.path}/{quote(desired.id, safe='')}/{verb}"
        return (Call(method="POST", path=path, body={}, idempotent=True),)


KIND = Strategy()
