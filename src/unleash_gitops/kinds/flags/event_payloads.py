"""What the audit log's events of a flag hold, parsed."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import Field, ValidationError

from unleash_gitops.kinds.flags.link_url import normalise_url
from unleash_gitops.kinds.shared.models import LiveModel
from unleash_gitops.model.paths import describe_mismatch

__all__ = [
    "DependencyPayload",
    "OrderPayload",
    "StrategyPayload",
    "UnexpectedEvent",
    "parse_payload",
    "read_link",
    "read_tag",
]


class UnexpectedEvent(Exception):
    """An event of the audit log is not of a form that this version knows."""


class StrategyPayload(LiveModel):
    """A strategy of a flag."""

    id: str
    milestoneId: str | None = None
    sortOrder: int | None = None


class OrderPayload(LiveModel):
    """The order of an environment's strategies."""

    strategyIds: list[str] = Field(default_factory=list)


class LinkPayload(LiveModel):
    """A link of a flag."""

    url: str
    title: str | None = None


class DependencyPayload(LiveModel):
    """The flag that a flag depends on."""

    feature: str
    enabled: bool = True
    variants: list[str] | None = None


_Payload = TypeVar("_Payload", bound=LiveModel)


def parse_payload(model: type[_Payload], payload: Any) -> _Payload:
    """Return what an event holds. Raises UnexpectedEvent."""
    try:
        return model.model_validate(payload)
    except ValidationError as error:
        raise UnexpectedEvent(describe_mismatch(error)) from error


def read_tag(payload: Any) -> str | None:
    """Return the tag that an event holds as `type:value`, None when it holds none."""
    is_tag = isinstance(payload, dict) and {"type", "value"} <= payload.keys()
    return f"{payload['type']}:{payload['value']}" if is_tag else None


def read_link(payload: Any) -> dict[str, Any] | None:
    """Return the link that an event holds in its compared form, None when it holds none. Raises UnexpectedEvent."""
    if not isinstance(payload, dict) or "url" not in payload:
        return None
    link = parse_payload(LinkPayload, payload)
    try:
        return {"url": normalise_url(link.url), "title": link.title or None}
    except ValueError as error:
        raise UnexpectedEvent(str(error)) from error
