"""Which live strategy is which desired one: they have no names, and what stays should keep its id, and its metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from unleash_gitops.kinds.flags.strategy import merge_strategy

__all__ = ["matched"]

Said = Sequence[Mapping[str, Any]]


def matched(said: Said, live: Said, flag: str) -> list[int | None]:
    """Return for each strategy of a document the place of the live one that it stands for, None when it is a new one.

    As many as can be stand for one that is as they say already, at the same place if possible; then title and name
    decide, then the name, then the place.
    """
    if len(said) == len(live) and all(
        merge_strategy(one, other, flag) == other for one, other in zip(said, live, strict=True)
    ):
        return list(range(len(said)))  # as it is nearly always
    found: list[int | None] = [None] * len(said)
    equal = [[merge_strategy(one, other, flag) == other for other in live] for one in said]
    _pair_equals(equal, found)
    for fits in (_same_title, _same_name, _any):
        _pair_rest(said, live, found, fits)
    return found


def _pair_equals(equal: Sequence[Sequence[bool]], found: list[int | None]) -> None:
    """Lookup the most pairs by augmenting paths, beginning with the pairs that are at one place."""
    owner = {place: place for place, row in enumerate(equal) if place < len(row) and row[place]}
    for place in range(len(equal)):
        if place not in owner.values():
            _augment(place, equal, owner, set())
    for other, place in owner.items():
        found[place] = other


def _augment(place: int, equal: Sequence[Sequence[bool]], owner: dict[int, int], seen: set[int]) -> bool:
    for other, fits in enumerate(equal[place]):
        if not fits or other in seen:
            continue
        seen.add(other)
        if other not in owner or _augment(owner[other], equal, owner, seen):
            owner[other] = place
            return True
    return False


def _pair_rest(
    said: Said,
    live: Said,
    found: list[int | None],
    fits: Callable[[Mapping[str, Any], Mapping[str, Any]], bool],
) -> None:
    free = [place for place in range(len(live)) if place not in found]
    for place, one in enumerate(said):
        if found[place] is None:
            near = sorted((other for other in free if fits(one, live[other])), key=lambda other: abs(other - place))
            if near:
                found[place] = near[0]
                free.remove(near[0])


def _same_title(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return bool(one.get("title")) and one["title"] == other["title"] and one["name"] == other["name"]


def _same_name(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return bool(one["name"] == other["name"])


def _any(_one: Mapping[str, Any], _other: Mapping[str, Any]) -> bool:
    return True
