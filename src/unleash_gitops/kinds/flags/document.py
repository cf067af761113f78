"""A flag as a document says it.

Source: the OpenAPI document of Unleash 8.2.0 (`createFeatureSchema`), and what a server of that version refuses.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from unleash_gitops.kinds.flags.link_url import normalise_url
from unleash_gitops.kinds.flags.strategy import STRATEGY_CODES, FlagStrategy, reject_duplicates
from unleash_gitops.kinds.shared.fields import EMPTY_IS_NONE, SORTED, Rule
from unleash_gitops.kinds.shared.models import AuditedMetadata, Model, TransferableMetadata
from unleash_gitops.kinds.shared.named import UrlFriendly
from unleash_gitops.model.ownership import OWNER_TAG

__all__ = ["FLAG_CODES", "FeatureFlagMetadata", "FeatureFlagSpec"]

FLAG_CODES = {
    **STRATEGY_CODES,
    "dependency": "a dependency cannot be met",
    "on-without-strategies": "an environment is on and has no strategy",
    "tag": "a tag is not one",
    "url": "an address is not one",
}


def _check_link_url(url: str) -> str:
    try:
        normalise_url(url)
    except ValueError as error:
        raise PydanticCustomError("url", "{error}", {"error": str(error)}) from None
    return url


def _check_tag(tag: str) -> str:
    kind, colon, value = tag.partition(":")
    if not colon or not kind:
        raise PydanticCustomError("tag", "is not a tag: write type:value", {"hint": "such as team:payments"})
    if kind == OWNER_TAG:
        hint = "leave it out: the tool writes it, and it is never compared"
        raise PydanticCustomError("tag", "is the tag that marks what a workspace manages", {"hint": hint})
    if value != value.strip() or not 2 <= len(value) <= 50:
        raise PydanticCustomError("tag", "has a value that is not of 2 to 50 characters without space around them")
    return tag


class Link(Model):
    """An address that belongs to the flag."""

    normal_form = "filled"

    url: Annotated[str, AfterValidator(_check_link_url), Rule(normalise=normalise_url)] = Field(
        description="Its address.", examples=["https://example.com"]
    )
    title: Annotated[str | None, EMPTY_IS_NONE] = Field(
        default=None, description="What it is called; null: nothing.", examples=["Design"]
    )


class Dependency(Model):
    """A flag that has to be on (or off) for this one to be on."""

    normal_form = "filled"

    feature: UrlFriendly = Field(description="The other flag, of the same project.", examples=["payments-v2"])
    enabled: bool = Field(default=True, description="Whether the other one has to be on, or off.", examples=[False])
    variants: Annotated[list[Annotated[str, Field(min_length=1)]], AfterValidator(reject_duplicates), SORTED] = Field(
        default_factory=list, description="Which variants of it count; empty: all.", examples=[["blue"]]
    )

    @model_validator(mode="after")
    def _one_or_the_other(self) -> Self:
        if self.variants and not self.enabled:
            raise PydanticCustomError("dependency", "has variants of a flag that has to be off")
        return self


class FlagEnvironment(Model):
    """The flag in one environment. What is left out keeps its live value."""

    normal_form = "partial"

    enabled: bool = Field(
        default=False, description="Whether it is on. Left out: whoever switches it in the UI decides.", examples=[True]
    )
    strategies: list[FlagStrategy] = Field(
        default_factory=list,
        description="Who gets it, in order; empty: none. Left out: not managed.",
        examples=[[{"name": "flexibleRollout", "parameters": {"rollout": 25}}]],
    )

    @model_validator(mode="after")
    def _holds(self) -> Self:
        given = self.model_fields_set
        if self.enabled and "strategies" in given and all(strategy.disabled for strategy in self.strategies):
            hint = "add one, or leave strategies out: the server then adds its own"
            raise PydanticCustomError("on-without-strategies", "is on with no strategy to be on by", {"hint": hint})
        return self


class FeatureFlagMetadata(AuditedMetadata, TransferableMetadata):
    """The identity of a flag."""

    name: UrlFriendly = Field(description="The flag's name, unique on the instance.", examples=["checkout-v2"])
    project: str = Field(min_length=1, description="The project it is in.", examples=["shop"])


def _reject_repeated_links(links: list[Link]) -> list[Link]:
    reject_duplicates([normalise_url(link.url) for link in links])
    return links


def _sort_by_url(links: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(links, key=lambda link: str(link["url"]))


class FeatureFlagSpec(Model):
    """The fields of a flag."""

    type: Literal["experiment", "kill-switch", "release", "operational", "permission", "sunset"] = Field(
        default="release", description="What it is for."
    )
    description: Annotated[str | None, EMPTY_IS_NONE] = Field(
        default=None, description="What it does; null: nothing.", examples=["New checkout"]
    )
    impressionData: bool = Field(default=False, description="Whether SDKs tell of each evaluation.", examples=[True])
    stale: bool = Field(default=False, description="Whether it can be removed from the code.", examples=[True])
    tags: Annotated[list[Annotated[str, AfterValidator(_check_tag)]], AfterValidator(reject_duplicates), SORTED] = (
        Field(default_factory=list, description="Its tags, each type:value.", examples=[["team:payments"]])
    )
    links: Annotated[list[Link], AfterValidator(_reject_repeated_links), Rule(normalise=_sort_by_url)] = Field(
        default_factory=list,
        max_length=10,
        description="Addresses that belong to it.",
        examples=[[{"url": "https://example.com/design", "title": "Design"}]],
    )
    dependencies: list[Dependency] = Field(
        default_factory=list,
        max_length=1,
        description="The flag that it depends on; a server knows one.",
        examples=[[{"feature": "payments-v2"}]],
    )
    environments: dict[str, FlagEnvironment] = Field(
        default_factory=dict,
        description="By environment; those left out are not managed.",
        examples=[{"development": {"enabled": True}}],
    )
