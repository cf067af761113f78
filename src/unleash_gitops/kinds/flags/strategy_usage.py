"""Which flags use a strategy type. The server does not say, and lets one be deleted that flags use."""

from __future__ import annotations

from collections.abc import Iterator

from typing_extensions import TypedDict

from unleash_gitops.api.answers import check_answer
from unleash_gitops.kinds.flags.calls import flag_path
from unleash_gitops.kinds.reads import Reads

__all__ = ["flags_with_strategy"]


class _Strategy(TypedDict):
    name: str


class _Environment(TypedDict):
    strategies: list[_Strategy]


class _Flag(TypedDict):
    environments: list[_Environment]


def flags_with_strategy(reads: Reads, strategy: str) -> Iterator[str]:
    """Yield the addresses of the flags that have a strategy of that type, in whatever project."""
    for project in reads.all_projects():
        names = [str(flag["name"]) for flag in reads.features(project)]
        paths = [flag_path(project, name) for name in names]
        answers = reads.map_concurrently(reads.get_or_none, paths)
        for name, path, answer in zip(names, paths, answers, strict=True):
            environments = [] if answer is None else check_answer(_Flag, answer, path)["environments"]
            if any(used["name"] == strategy for environment in environments for used in environment["strategies"]):
                yield f"FeatureFlag/{project}/{name}"
