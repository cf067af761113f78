"""The archived flags of an instance, and what their strategies use. The server's own lists of users leave them out.

Source: `GET /api/admin/search/features?archived=IS:true` of Unleash 8.2.0, which answers 15 times a minute with at most
100 flags each. The client waits when the server refuses more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NotRequired
from urllib.parse import quote

from typing_extensions import TypedDict

from unleash_gitops.api.answers import check_answer, read_pages
from unleash_gitops.kinds.flags.calls import flag_path
from unleash_gitops.kinds.reads import Reads

__all__ = [
    "ArchivedFlag",
    "archived_flags_with",
    "archived_flags_with_strategy",
    "list_archived_flags",
    "names_context_field",
]

_PAGE = 100


class _Named(TypedDict):
    name: str


class _Tag(TypedDict):
    type: str
    value: str


class ArchivedFlag(TypedDict):
    """An archived flag in the answer of a search."""

    name: str
    project: str
    environments: list[_Named]
    segments: NotRequired[list[str]]
    tags: NotRequired[list[_Tag] | None]


class _UsedConstraint(TypedDict):
    contextName: str


class _UsedStrategy(TypedDict):
    """What a strategy uses."""

    name: str
    constraints: NotRequired[list[_UsedConstraint] | None]
    parameters: NotRequired[dict[str, Any] | None]


class _Page(TypedDict):
    features: list[ArchivedFlag]
    total: int


def archived_flags_with(reads: Reads, matches: Callable[[ArchivedFlag], bool]) -> Iterator[str]:
    """Yield the addresses of the archived flags of all projects that match."""
    for flag in list_archived_flags(reads):
        if matches(flag):
            yield _address(flag)


def archived_flags_with_strategy(reads: Reads, matches: Callable[[Mapping[str, Any]], bool]) -> Iterator[str]:
    """Yield the addresses of the archived flags of which a strategy matches. Reads each flag in each environment."""
    places = [
        (flag, environment["name"]) for flag in list_archived_flags(reads) for environment in flag["environments"]
    ]
    paths = [
        f"{flag_path(flag['project'], flag['name'])}/environments/{quote(environment, safe='')}/strategies"
        for flag, environment in places
    ]
    answers = reads.map_concurrently(reads.get_cached, paths)
    seen: set[str] = set()
    for (flag, _), path, answer in zip(places, paths, answers, strict=True):
        address = _address(flag)
        if address not in seen and any(
            matches(strategy) for strategy in check_answer(list[_UsedStrategy], answer, path)
        ):
            seen.add(address)
            yield address


def names_context_field(strategy: Mapping[str, Any], field: str) -> bool:
    """Tell whether a strategy names a context field, in a constraint or as its stickiness."""
    constraints = strategy.get("constraints") or ()
    is_sticky = (strategy.get("parameters") or {}).get("stickiness") == field
    return is_sticky or any(constraint.get("contextName") == field for constraint in constraints)


def list_archived_flags(reads: Reads) -> Iterator[ArchivedFlag]:
    """Return the archived flags of all projects, as a search finds them."""
    path = f"/api/admin/search/features?archived=IS:true&limit={_PAGE}"

    def read_page(offset: int) -> tuple[list[ArchivedFlag], int]:
        page = check_answer(_Page, reads.get_cached(f"{path}&offset={offset}"), path)
        return page["features"], page["total"]

    return read_pages(read_page, _PAGE, path)


def _address(flag: ArchivedFlag) -> str:
    return f"FeatureFlag/{flag['project']}/{flag['name']}"
