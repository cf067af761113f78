"""A flag in one environment: what a create or an update makes of it, what the server adds, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from unleash_gitops.kinds.flags.match_strategies import match_strategies
from unleash_gitops.kinds.flags.strategy import merge_strategy, strategy_after_create

if TYPE_CHECKING:
    from unleash_gitops.api.client import ServerFacts

__all__ = [
    "environment_after_create",
    "environment_after_update",
    "environment_refusal",
    "environment_side_effects",
    "exceeded_limit",
    "has_enabled_strategy",
]

_LIMITS = {"strategies": "featureEnvironmentStrategies", "constraints": "constraints", "segments": "strategySegments"}

Environment = Mapping[str, Any]
"""A compared environment: `enabled`, and `strategies` where they are managed or read."""


def environment_after_create(desired: Environment, flag: str) -> dict[str, Any]:
    """Return the environment that a create of the flag results in."""
    after: dict[str, Any] = {"enabled": desired.get("enabled", False)}
    if "strategies" in desired:
        after["strategies"] = [strategy_after_create(strategy, flag) for strategy in desired["strategies"]]
    return after


def environment_after_update(desired: Environment, live: Environment, flag: str) -> dict[str, Any]:
    """Return the environment that an update of the flag results in: the live value of what is not mentioned."""
    after = {**live, **desired}
    if "strategies" in desired:
        present = live.get("strategies", [])
        pairs = match_strategies(desired["strategies"], present, flag)
        after["strategies"] = [
            strategy_after_create(strategy, flag) if index is None else merge_strategy(strategy, present[index], flag)
            for strategy, index in zip(desired["strategies"], pairs, strict=True)
        ]
        if "enabled" not in desired and not has_enabled_strategy(after["strategies"]):
            after["enabled"] = False  # the server switches off an environment that has no enabled strategy left
    return after


def environment_side_effects(name: str, before: Environment, after: Environment, *, is_steady: bool) -> Iterator[str]:
    """Yield what the server does by itself, in words.

    `is_steady` tells whether the live environment has an enabled strategy.
    """
    if after["enabled"] and "strategies" not in after and not is_steady:
        yield f"the server adds a default strategy in {name}, which has no enabled strategy"
    emptied = "strategies" in after and not has_enabled_strategy(after["strategies"])
    if before.get("enabled") and not after["enabled"] and emptied:
        yield f"with no strategy left, it is switched off in {name}"


def environment_refusal(name: str, after: Environment) -> str | None:
    """Return why no server can hold the environment, None when it can."""
    strategies = after.get("strategies")
    if strategies is not None and after["enabled"] and not has_enabled_strategy(strategies):
        return f"enabled in {name} but has no enabled strategy"
    return None


def exceeded_limit(after: Environment, server: ServerFacts) -> str | None:
    """Return the limit of the server that the environment exceeds, in words, None when it exceeds none."""
    strategies: Sequence[Mapping[str, Any]] = after.get("strategies") or ()
    counts = [("strategies", len(strategies))]
    counts += [(part, len(strategy[part])) for strategy in strategies for part in ("constraints", "segments")]
    for part, count in counts:
        over = server.over(_LIMITS[part], count)
        if over is not None:
            return f"{part}: {over}"
    for strategy in strategies:
        for constraint in strategy["constraints"]:
            over = server.over("constraintValues", len(constraint.get("values", ())))
            if over is not None:
                return f"values of a constraint on {constraint['contextName']}: {over}"
    return None


def has_enabled_strategy(strategies: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether any of the strategies is not disabled."""
    return any(not strategy["disabled"] for strategy in strategies)
