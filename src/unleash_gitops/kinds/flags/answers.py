"""The server's answers about flags: the keys that this version relies on, checked where an answer is read.

Source: the OpenAPI document of Unleash 8.2.0, and what that server answers.
"""

from __future__ import annotations

from typing import Any, NotRequired
from urllib.parse import quote

from typing_extensions import TypedDict

from unleash_gitops.api.answers import check_answer
from unleash_gitops.kinds.reads import Reads

__all__ = [
    "ExportAnswer",
    "FlagAnswer",
    "LiveStrategy",
    "PlaygroundAnswer",
    "SearchAnswer",
    "TagsAnswer",
    "read_flag",
    "read_listed_flag",
    "read_project_environments",
    "read_segment_names",
]


class _Named(TypedDict):
    name: str


class _ListedEnvironment(TypedDict):
    name: str
    enabled: bool


class _Tag(TypedDict):
    type: str
    value: str


class ListedFlag(TypedDict):
    """A flag in the list of a project's flags, or found by a search."""

    name: str
    environments: list[_ListedEnvironment]
    tags: NotRequired[list[_Tag] | None]


class LiveStrategy(TypedDict):
    """A strategy of a flag; its fields are parsed by `normalise_live_strategy`."""

    id: str
    name: str


class _Link(TypedDict):
    id: str
    url: str


class _Dependency(TypedDict):
    feature: str
    enabled: NotRequired[bool | None]
    variants: NotRequired[list[str] | None]


class _FlagEnvironment(TypedDict):
    name: str
    enabled: bool
    strategies: list[LiveStrategy]


class FlagAnswer(TypedDict):
    """A flag with everything it has."""

    name: str
    environments: list[_FlagEnvironment]
    links: NotRequired[list[_Link] | None]
    dependencies: NotRequired[list[_Dependency] | None]
    children: NotRequired[list[str] | None]


class TagsAnswer(TypedDict):
    """The tags of a flag."""

    tags: list[_Tag]


class SearchAnswer(TypedDict):
    """Flags found by a search."""

    features: list[dict[str, Any]]
    total: int


class _PlaygroundStrategy(LiveStrategy):
    disabled: bool
    result: dict[str, Any]


class _PlaygroundStrategies(TypedDict):
    data: list[_PlaygroundStrategy]


class _PlaygroundState(TypedDict):
    strategies: _PlaygroundStrategies


class _PlaygroundFlag(TypedDict):
    name: str
    environments: dict[str, list[_PlaygroundState]]


class PlaygroundAnswer(TypedDict):
    """The flags that the playground evaluated."""

    features: list[_PlaygroundFlag]


class _ExportedStrategy(TypedDict):
    id: str
    featureName: str


class _ExportedLinks(TypedDict):
    feature: str
    links: list[_Link]


class _ExportedDependencies(TypedDict):
    feature: str
    dependencies: list[_Dependency]


class ExportAnswer(TypedDict):
    """An export of one environment of a project."""

    features: list[_Named]
    featureStrategies: list[_ExportedStrategy]
    links: list[_ExportedLinks]
    dependencies: list[_ExportedDependencies]


class _Segment(TypedDict):
    id: int
    name: str


class _Segments(TypedDict):
    segments: list[_Segment]


class ProjectEnvironment(TypedDict):
    """An environment of a project."""

    name: str
    visible: NotRequired[bool]
    type: NotRequired[str]


class _ProjectEnvironments(TypedDict):
    environments: list[ProjectEnvironment]


def read_listed_flag(entry: Any, project: str) -> ListedFlag:
    """Return an entry of the list of a project's flags. Raises UnexpectedAnswer."""
    return check_answer(ListedFlag, entry, f"/api/admin/projects/{quote(project, safe='')}/features")


def read_flag(reads: Reads, path: str) -> FlagAnswer | None:
    """Return the flag at `path`, None when it does not exist. Raises ServerError."""
    answer = reads.get_or_none(path)
    return None if answer is None else check_answer(FlagAnswer, answer, path)


def read_segment_names(reads: Reads) -> dict[int, str]:
    """Return the names of all segments by their number. Raises ServerError."""
    path = "/api/admin/segments"
    answer = check_answer(_Segments, reads.get_cached(path), path)
    return {segment["id"]: segment["name"] for segment in answer["segments"]}


def read_project_environments(reads: Reads, project: str) -> list[ProjectEnvironment]:
    """Return the environments of a project. Raises ServerError."""
    path = f"/api/admin/environments/project/{quote(project, safe='')}"
    return check_answer(_ProjectEnvironments, reads.get_cached(path), path)["environments"]
