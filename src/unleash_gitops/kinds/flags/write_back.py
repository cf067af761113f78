"""A flag's live values as its document says them, where possible in the words that the document has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from typing_extensions import override

from unleash_gitops.kinds.flags.match_strategies import match_strategies
from unleash_gitops.kinds.flags.strategy import FlagStrategy, strategy_to_document
from unleash_gitops.kinds.interfaces import Pullable
from unleash_gitops.kinds.shared.fields import normalise
from unleash_gitops.model.resource import Reference, Resource

__all__ = ["FlagWriteBack"]


class FlagWriteBack(Pullable):
    """How a live flag becomes a document, or a part of one."""

    @override
    def to_pulled_document(self, live: Resource, *, minimal: bool = False) -> tuple[dict[str, Any], str]:
        """With `minimal`, an environment where the flag is off and has no strategy is left out."""
        without_environments = {field: value for field, value in live.spec.items() if field != "environments"}
        document, name = super().to_pulled_document(replace(live, spec=without_environments), minimal=minimal)
        environments = {
            environment: {
                "enabled": state["enabled"],
                "strategies": [
                    strategy_to_document(strategy, live.id, minimal=minimal) for strategy in state["strategies"]
                ],
            }
            for environment, state in live.spec["environments"].items()
            if not minimal or state["enabled"] or state["strategies"]
        }
        if environments or not minimal:
            document["spec"]["environments"] = environments
        return {"metadata": {"project": live.address.project}, "spec": document["spec"]}, name

    @override
    def dependent_fields(self, spec: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
        """Without an enabled strategy, an environment stays off; one that is switched on in the UI gets a strategy."""
        for name, state in spec.get("environments", {}).items():
            strategies = state.get("strategies", ())
            if "enabled" not in state and all(strategy.get("disabled") for strategy in strategies):
                yield ("environments", name, "strategies")

    @override
    def to_document(self, unit: Sequence[str], value: Any, resource: Resource, current: Any) -> Any:
        if unit[-1] == "strategies":
            return _rewrite_strategies(value, resource.id, current or ())
        if unit[0] == "environments" and len(unit) == 2:
            return {
                key: self.to_document((*unit, key), part, resource, (current or {}).get(key))
                for key, part in value.items()
            }
        return super().to_document(unit, value, resource, current)

    @override
    def edit_reference(
        self, spec: Mapping[str, Any], reference: Reference, name: str | None
    ) -> tuple[tuple[str, ...], Any] | None:
        """Segments in strategies can be renamed or removed, tags and environments removed."""
        if reference.kind == "Segment":
            environment = str(reference.path[2])
            strategies = spec["environments"][environment]["strategies"]
            return ("environments", environment, "strategies"), [
                _edit_segments(strategy, reference.name, name) for strategy in strategies
            ]
        if name is None and reference.kind == "TagType":
            return ("tags",), [tag for tag in spec["tags"] if tag.partition(":")[0] != reference.name]
        if name is None and reference.kind == "Environment":
            return ("environments",), {key: kept for key, kept in spec["environments"].items() if key != reference.name}
        return None


def _edit_segments(strategy: Mapping[str, Any], old: str, new: str | None) -> Mapping[str, Any]:
    """Return a strategy of a document with another name for a segment, or without it."""
    if old not in strategy.get("segments", ()):
        return strategy
    names = (new if name == old else name for name in strategy["segments"])
    return {**strategy, "segments": [name for name in names if name is not None]}


def _rewrite_strategies(
    live: Sequence[Mapping[str, Any]], flag: str, current: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return live strategies as a document says them: those that it has already stay in its words."""
    desired = [normalise(FlagStrategy, strategy) for strategy in current]
    pairs = match_strategies(desired, live, flag)
    place_of = {live_index: place for place, live_index in enumerate(pairs) if live_index is not None}
    strategies = []
    for index, strategy in enumerate(live):
        place = place_of.get(index)
        if place is not None and current[place]["name"] == strategy["name"]:
            strategies.append(_rewrite_strategy(strategy, flag, current[place], desired[place]))
        else:
            strategies.append(strategy_to_document(strategy, flag))
    return strategies


def _rewrite_strategy(
    live: Mapping[str, Any], flag: str, current: Mapping[str, Any], desired: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a live strategy in the words of `current`, whose compared form is `desired`, where these still fit."""
    written = strategy_to_document(live, flag)
    strategy = {key: current[key] if desired[key] == live[key] else written.get(key, live[key]) for key in current}
    if "parameters" in current:
        parameters = live["parameters"]
        strategy["parameters"] = {
            name: value if desired["parameters"][name] == parameters[name] else written["parameters"][name]
            for name, value in current["parameters"].items()
            if name in parameters
        }
    return strategy
