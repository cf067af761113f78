"""What is live of a flag as its document says it, as far as possible in the words that stand there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from unleash_gitops.kinds.base import Kind
from unleash_gitops.kinds.flags.match_strategies import matched
from unleash_gitops.kinds.flags.strategy import normalise_strategy, strategy_to_document
from unleash_gitops.model.resource import Resource

__all__ = ["FlagWriteBack", "dependency_to_document", "link_to_document"]


class FlagWriteBack(Kind):
    """How a flag is written."""

    def to_document(self, unit: Sequence[str], value: Any, one: Resource, said: Any) -> Any:
        """See `Kind.to_document`."""
        if unit == ("links",):
            return [link_to_document(link) for link in value]
        if unit == ("dependencies",):
            return [dependency_to_document(dependency) for dependency in value]
        if unit[-1] == "strategies":
            return _written_strategies(value, one.id, said or ())
        if unit[0] == "environments" and len(unit) == 2:
            return {
                key: self.to_document((*unit, key), found, one, (said or {}).get(key)) for key, found in value.items()
            }
        return super().to_document(unit, value, one, said)


def _written_strategies(
    live: Sequence[Mapping[str, Any]], flag: str, said: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return live strategies as a document says them: of one that it has already, what it says of it."""
    normal = [normalise_strategy(one) for one in said]
    places = {place: words for words, place in enumerate(matched(normal, live, flag)) if place is not None}
    return [
        _again(one, flag, said[places[place]], normal[places[place]])
        if place in places and said[places[place]]["name"] == one["name"]
        else _with_numbers(strategy_to_document(one, flag))
        for place, one in enumerate(live)
    ]


def _again(live: Mapping[str, Any], flag: str, said: Mapping[str, Any], meant: Mapping[str, Any]) -> dict[str, Any]:
    """Return a live strategy in the words of what is said, which means `meant`, as far as these fit."""
    written = _with_numbers(strategy_to_document(live, flag))
    found = {key: said[key] if meant[key] == live[key] else written.get(key, live[key]) for key in said}
    if "parameters" in said:
        found["parameters"] = {
            name: words if meant["parameters"][name] == live["parameters"][name] else _number(live["parameters"][name])
            for name, words in said["parameters"].items()
            if name in live["parameters"]
        }
    return found


def _with_numbers(strategy: dict[str, Any]) -> dict[str, Any]:
    """Return a strategy whose parameters are as people write them."""
    if "parameters" not in strategy:
        return strategy
    return {**strategy, "parameters": {name: _number(one) for name, one in strategy["parameters"].items()}}


def _number(value: Any) -> Any:
    """Return a parameter as people write it: a whole number as one."""
    return int(value) if isinstance(value, str) and value.isdecimal() and str(int(value)) == value else value


def link_to_document(one: Mapping[str, Any]) -> dict[str, Any]:
    """Return a live link as a document says it."""
    return {key: value for key, value in one.items() if value}


def dependency_to_document(one: Mapping[str, Any]) -> dict[str, Any]:
    """Return a live dependency as a document says it."""
    return {
        "feature": one["feature"],
        **({} if one["enabled"] else {"enabled": False}),
        **({"variants": one["variants"]} if one["variants"] else {}),
    }
