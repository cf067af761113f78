"""Which flags use a strategy type. The server does not say, and lets one be deleted that flags use."""

from __future__ import annotations

from collections.abc import Iterator

from unleash_gitops.kinds.base import Reads
from unleash_gitops.kinds.flags.calls import flag_path

__all__ = ["flags_with_strategy"]


def flags_with_strategy(reads: Reads, strategy: str) -> Iterator[str]:
    """Yield the addresses of the flags that have a strategy of that type, in whatever project."""
    for project in reads.all_projects():
        paths = [flag_path(project, flag["name"]) for flag in reads.features(project)]
        for flag in reads.map_concurrently(reads.get_or_none, paths):
            places = [] if flag is None else flag["environments"]
            if any(strategy_entry["name"] == strategy for place in places for strategy_entry in place["strategies"]):
                yield f"FeatureFlag/{project}/{flag['name']}"
