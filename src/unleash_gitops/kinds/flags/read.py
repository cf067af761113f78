"""Flags from a server, in the cheapest way that tells what matters.

The list of a project's flags tells all but strategies, links and dependencies. The playground answers with every
strategy of a project at once, in order; what it leaves out, and what is cheaper one by one, is asked flag by flag.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from unleash_gitops.api.answers import check_answer, read_pages
from unleash_gitops.kinds.flags.answers import (
    FlagAnswer,
    LiveStrategy,
    PlaygroundAnswer,
    SearchAnswer,
    TagsAnswer,
    read_flag,
    read_listed_flag,
)
from unleash_gitops.kinds.flags.calls import flag_path
from unleash_gitops.kinds.flags.read_export import read_exports
from unleash_gitops.kinds.reads import Reads

__all__ = ["LiveFlag", "read_absent", "read_flags", "read_tags", "to_live_flag"]

_MOST_EVALUATIONS = 15_000  # flags times environments, of one request
_SEARCHES = 5  # flags that are looked for by name; a server allows 15 searches a minute
_PAGE = 100
_FEW = 5  # flags, that are better asked for one by one than exported
_NOTHING: Sequence[str] = ()


@dataclass
class LiveFlag:
    """A flag as far as it was asked for: `strategies`, `links`, `dependencies` and `children` are None when it was not.

    `environments` tells which it is on in, `steady` in which it has a strategy that is not disabled. Strategies are as
    the server answers, by environment, in order.
    """

    entry: Mapping[str, Any]
    environments: dict[str, bool]
    steady: dict[str, bool]
    archived: bool = False
    strategies: dict[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    links: Sequence[Mapping[str, Any]] | None = None
    dependencies: Sequence[Mapping[str, Any]] | None = None
    children: Sequence[str] = ()

    @property
    def name(self) -> str:
        """The flag's name."""
        return str(self.entry["name"])


def read_flags(
    reads: Reads, project: str, doomed: Iterable[str], wanted: Mapping[str, Mapping[str, Any]]
) -> list[LiveFlag]:
    """Return the project's active flags, each with what `wanted` has the shape of, or everything of those `doomed`."""
    flags = {flag.name: flag for flag in (_from_list(entry, project) for entry in reads.features(project))}
    whole = set(flags) if reads.scope.whole else {*doomed} & flags.keys()
    whole |= {name for name, spec in wanted.items() if name in flags and ("links" in spec or "dependencies" in spec)}
    parts = {name: _environments(spec) for name, spec in wanted.items() if name in flags and name not in whole}
    parts = {name: environments for name, environments in parts.items() if environments}
    if reads.policy.reads == "export" and not reads.server.maintenance and len(whole) + len(parts) > _FEW:
        whole = _by_export(reads, project, flags, {**dict.fromkeys(whole, _NOTHING), **parts}, {*doomed} & flags.keys())
    elif parts and _bulk_is_cheaper(reads, len(flags), len(parts)):
        whole |= _by_playground(reads, project, flags, parts)
    else:
        whole |= parts.keys()
    deleted = set(reads.map_concurrently(lambda name: _by_itself(reads, project, flags[name]), sorted(whole)))
    return [flag for name, flag in flags.items() if name not in deleted]


def read_absent(reads: Reads, project: str, names: Sequence[str]) -> tuple[list[LiveFlag], list[str]]:
    """Return which of `names`, flags that are not active in the project, are archived there, and which elsewhere."""
    known = reads.map_concurrently(lambda name: _exists(reads, name), names)
    existing = {name for name, exists in zip(names, known, strict=True) if exists}
    flags = (_from_list(entry, project) for entry in _search_archived(reads, project, existing))
    archived = {flag.name: flag for flag in flags if flag.name in existing}
    for flag in archived.values():
        flag.archived = True
        for environment in flag.environments:
            path = f"{flag_path(project, flag.name)}/environments/{quote(environment, safe='')}/strategies"
            flag.environments[environment] = False  # as it is when it is revived
            flag.strategies[environment] = _own_strategies(check_answer(list[LiveStrategy], reads.get(path), path))
    return list(archived.values()), sorted(existing - archived.keys())


def read_tags(reads: Reads, name: str) -> Any:
    """Return the tags of a flag, archived or not; None when it does not exist."""
    path = f"/api/admin/features/{quote(name, safe='')}/tags"
    answer = reads.get_or_none(path)
    return None if answer is None else check_answer(TagsAnswer, answer, path)["tags"]


def _from_list(entry: Mapping[str, Any], project: str) -> LiveFlag:
    environments = read_listed_flag(entry, project)["environments"]
    return LiveFlag(
        entry,
        {environment["name"]: bool(environment["enabled"]) for environment in environments},
        {environment["name"]: bool(environment.get("hasEnabledStrategies")) for environment in environments},
    )


def _environments(spec: Mapping[str, Any]) -> list[str]:
    """Return the environments whose strategies matter."""
    return [name for name, wanted in spec.get("environments", {}).items() if "strategies" in wanted]


def _bulk_is_cheaper(reads: Reads, flags: int, asked: int) -> bool:
    """Tell whether one request for all flags costs less than one for each of those `asked` for.

    Measured on 8.2.0, with two environments of two strategies: 5.5 ms for a flag by itself; for all of them 0.17 ms a
    flag, and as their number grows another 0.43 µs for each pair of flags. A release plan's strategies, which only
    Enterprise has, cannot be told from others there.
    """
    if reads.server.maintenance or reads.server.enterprise:
        return False
    return 0.17 * flags + 0.00043 * flags * flags < 5.5 * asked


def _by_playground(
    reads: Reads, project: str, flags: Mapping[str, LiveFlag], parts: Mapping[str, Sequence[str]]
) -> set[str]:
    """Fill in the strategies of `parts`; return the names of the flags that the answer does not tell all of."""
    environments = sorted({environment for asked in parts.values() for environment in asked})
    unsure = set()
    for some in _bundles(environments, len(flags)):
        body = {"projects": [project], "environments": some, "context": {"appName": "unleash-gitops"}}
        path = "/api/admin/playground/advanced"
        evaluated = check_answer(PlaygroundAnswer, reads.post_query(path, body), path)["features"]
        answer = {entry["name"]: entry["environments"] for entry in evaluated}
        for name, asked in parts.items():
            for environment in asked:
                if environment not in some:
                    continue
                states = answer.get(name, {}).get(environment)
                strategies = [_of_playground(entry) for entry in states[0]["strategies"]["data"]] if states else None
                if strategies is None or any(_hides_variants(entry) for entry in strategies):
                    unsure.add(name)
                else:
                    flags[name].strategies[environment] = strategies
    return unsure


def _by_export(
    reads: Reads,
    project: str,
    flags: Mapping[str, LiveFlag],
    parts: Mapping[str, Sequence[str]],
    doomed: Iterable[str],
) -> set[str]:
    """Fill in everything of the flags of `parts`; return the names of those that the answer does not tell all of."""
    environments = sorted({environment for flag in flags.values() for environment in flag.environments})
    strategies, links, dependencies, unsure = read_exports(reads, project, environments)
    for name in parts:
        flag = flags[name]
        flag.strategies |= strategies.get(name, {})
        flag.links = links.get(name, ())
        flag.dependencies = dependencies.get(name, ())
    return (unsure | {name for name in parts if name not in strategies} | {*doomed}) & {*parts, *doomed}


def _bundles(environments: Sequence[str], flags: int) -> Iterator[list[str]]:
    size = max(1, _MOST_EVALUATIONS // max(1, flags))
    for start in range(0, len(environments), size):
        yield list(environments[start : start + size])


def _hides_variants(strategy: Mapping[str, Any]) -> bool:
    """Tell whether the playground leaves out a strategy's variants: it does where it cannot evaluate the strategy."""
    return bool(strategy["disabled"]) or strategy["result"].get("evaluationStatus", "complete") != "complete"


def _of_playground(strategy: Mapping[str, Any]) -> dict[str, Any]:
    return {**strategy, "variants": strategy["result"].get("variants") or []}


def _by_itself(reads: Reads, project: str, flag: LiveFlag) -> str | None:
    """Fill in everything of a flag. Return its name when it is gone."""
    answer = read_flag(reads, flag_path(project, flag.name))
    if answer is None:
        return flag.name
    _fill(flag, answer)
    return None


def to_live_flag(answer: FlagAnswer, tags: Sequence[Mapping[str, Any]]) -> LiveFlag:
    """Return a flag with everything of it, from the answer about it and from that about its tags."""
    environments = answer["environments"]
    flag = LiveFlag(
        {**answer, "tags": tags},
        {environment["name"]: environment["enabled"] for environment in environments},
        {
            environment["name"]: any(not strategy.get("disabled") for strategy in environment["strategies"])
            for environment in environments
        },
    )
    _fill(flag, answer)
    return flag


def _fill(flag: LiveFlag, answer: FlagAnswer) -> None:
    for entry in answer["environments"]:
        flag.strategies[entry["name"]] = _own_strategies(entry["strategies"])
    flag.links = answer.get("links") or []
    flag.dependencies = answer.get("dependencies") or []
    flag.children = answer.get("children") or []


def _own_strategies(strategies: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the strategies that are the flag's own, in order; others are a release plan's."""
    return [entry for entry in strategies if not entry.get("milestoneId")]


def _exists(reads: Reads, name: str) -> bool:
    """Tell whether there is a flag of that name, archived or not, in whatever project."""
    return read_tags(reads, name) is not None


def _search_archived(reads: Reads, project: str, names: Collection[str]) -> Iterator[Mapping[str, Any]]:
    """Yield what the server finds among the project's archived flags: a few by name, many page by page."""
    if not names:
        return
    path = f"/api/admin/search/features?archived=IS:true&project=IS:{quote(project, safe='')}&limit={_PAGE}"
    if len(names) <= _SEARCHES:
        for name in names:
            yield from _search(reads, f"{path}&query={quote(name, safe='')}")["features"]
        return

    def read_page(offset: int) -> tuple[list[Mapping[str, Any]], int]:
        answer = _search(reads, f"{path}&offset={offset}")
        return [*answer["features"]], answer["total"]

    yield from read_pages(read_page, _PAGE, path)


def _search(reads: Reads, path: str) -> SearchAnswer:
    return check_answer(SearchAnswer, reads.get(path), path)
