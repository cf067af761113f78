"""Pairs desired strategies with live ones: they have no names, and a strategy that stays keeps its id and metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from unleash_gitops.kinds.flags.strategy import merge_strategy

__all__ = ["match_strategies"]

Strategy = Mapping[str, Any]
Strategies = Sequence[Strategy]


def match_strategies(desired: Strategies, live: Strategies, flag: str) -> list[int | None]:
    """Return for each desired strategy the index of its live counterpart, None when it is new.

    As many as possible are paired with a live strategy that needs no change, at the same place if possible; then title
    and name decide, then the name, then the place.
    """
    if len(desired) == len(live) and all(
        merge_strategy(strategy, present, flag) == present for strategy, present in zip(desired, live, strict=True)
    ):
        return list(range(len(desired)))  # the usual case
    pairs: list[int | None] = [None] * len(desired)
    equal = [[merge_strategy(strategy, present, flag) == present for present in live] for strategy in desired]
    _pair_equal(equal, pairs)
    for fits in (_have_same_title, _have_same_name, _fit_anyway):
        _pair_rest(desired, live, pairs, fits)
    return pairs


def _pair_equal(equal: Sequence[Sequence[bool]], pairs: list[int | None]) -> None:
    """Find the most pairs by augmenting paths, beginning with the pairs at the same place."""
    owner = {place: place for place, row in enumerate(equal) if place < len(row) and row[place]}
    for place in range(len(equal)):
        if place not in owner.values():
            _augment(place, equal, owner, set())
    for live_index, place in owner.items():
        pairs[place] = live_index


def _augment(place: int, equal: Sequence[Sequence[bool]], owner: dict[int, int], seen: set[int]) -> bool:
    for live_index, fits in enumerate(equal[place]):
        if not fits or live_index in seen:
            continue
        seen.add(live_index)
        if live_index not in owner or _augment(owner[live_index], equal, owner, seen):
            owner[live_index] = place
            return True
    return False


def _pair_rest(
    desired: Strategies, live: Strategies, pairs: list[int | None], fits: Callable[[Strategy, Strategy], bool]
) -> None:
    free = [index for index in range(len(live)) if index not in pairs]
    for place, strategy in enumerate(desired):
        if pairs[place] is None:
            near = [(abs(index - place), index) for index in free if fits(strategy, live[index])]
            if near:
                _, nearest = min(near)
                pairs[place] = nearest
                free.remove(nearest)


def _have_same_title(strategy: Strategy, live: Strategy) -> bool:
    return bool(strategy.get("title")) and strategy["title"] == live["title"] and strategy["name"] == live["name"]


def _have_same_name(strategy: Strategy, live: Strategy) -> bool:
    return bool(strategy["name"] == live["name"])


def _fit_anyway(_strategy: Strategy, _live: Strategy) -> bool:
    return True
