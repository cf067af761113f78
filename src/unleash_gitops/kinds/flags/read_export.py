"""Flags from exports: the quickest way for thousands, but each export is kept in the audit log, whole.

An export does not tell the order of an environment's strategies. They are in the order they were made in, until
somebody changes that, and the audit log has every change. Where it cannot vouch for a flag, it is asked for by itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from unleash_gitops.api.answers import check_answer, parse_time
from unleash_gitops.api.audit_log import read_oldest_event, search_events
from unleash_gitops.kinds.flags.answers import ExportAnswer
from unleash_gitops.kinds.reads import Reads

__all__ = ["read_exports"]

_EXPORT = "/api/admin/features-batch/export"
_MOST_PAGES = 5
_IMPORT_TAKES = 300.0
"""Seconds that an import can take: it gives strategies an order of its own, and is logged when it ends."""

Strategies = dict[str, dict[str, list[Mapping[str, Any]]]]
Part = dict[str, Sequence[Mapping[str, Any]]]


def read_exports(reads: Reads, project: str, environments: Sequence[str]) -> tuple[Strategies, Part, Part, set[str]]:
    """Return strategies by flag and environment, links and dependencies by flag, and the flags not told for certain."""
    log = _Log(reads)
    exported: Strategies = defaultdict(dict)
    links: Part = {}
    dependencies: Part = {}
    unsure = set()
    bodies = [{"project": project, "environment": name} for name in environments]
    answers = reads.map_concurrently(lambda body: reads.post_query(_EXPORT, body), bodies)
    for environment, answer in zip(environments, answers, strict=True):
        export = check_answer(ExportAnswer, answer, _EXPORT)
        for flag in export["features"]:
            exported[flag["name"]][environment] = []
        for strategy in export["featureStrategies"]:
            exported[strategy["featureName"]].setdefault(environment, []).append(strategy)
        links |= {flag["feature"]: flag["links"] for flag in export["links"]}
        dependencies |= {flag["feature"]: flag["dependencies"] for flag in export["dependencies"]}
    for name, places in exported.items():
        for environment, strategies in places.items():
            if len(strategies) > 1 and not log.put_in_order(name, environment, strategies):
                unsure.add(name)
    return exported, links, dependencies, unsure


class _Log:
    """What the audit log knows of the order of strategies."""

    def __init__(self, reads: Reads) -> None:
        self._orders: dict[tuple[str | None, str | None], list[str]] = {}
        # Since when the log has all that happened: older strategies may have been put in another order.
        oldest = read_oldest_event(reads.get, "feature-created")
        self._since = None if oldest is None else parse_time(oldest.at).timestamp()
        imports, has_all_imports = search_events(reads.get, "type=IS:features-imported", _MOST_PAGES)
        self._imports = [parse_time(event.at).timestamp() for event in imports]
        changes, has_all_changes = search_events(reads.get, "type=IS:strategy-order-changed", _MOST_PAGES)
        self._complete = has_all_imports and has_all_changes
        for event in changes:  # newest first
            self._orders.setdefault((event.feature, event.environment), _strategy_ids(event.data))

    def put_in_order(self, flag: str, environment: str, strategies: list[Mapping[str, Any]]) -> bool:
        """Put `strategies` in order; tell whether that is certain."""
        made = [_creation_time(strategy["id"]) for strategy in strategies]
        times = [time for time in made if time is not None]
        if not self._complete or len(times) < len(made) or len(set(times)) < len(times):
            return False
        if self._since is None or min(times) < self._since:
            return False
        if any(end - _IMPORT_TAKES <= time <= end for time in times for end in self._imports):
            return False
        order = {identifier: place for place, identifier in enumerate(self._orders.get((flag, environment), ()))}
        strategies.sort(key=lambda strategy: (order.get(strategy["id"], len(order)), strategy["id"]))
        return True


def _strategy_ids(data: Any) -> list[str]:
    """Return the ids of strategies in their new order, as an event has them; none where it has something else."""
    ids = data.get("strategyIds") if isinstance(data, dict) else None
    return [identifier for identifier in ids if isinstance(identifier, str)] if isinstance(ids, list) else []


def _creation_time(identifier: str) -> float | None:
    """Return when a ULID was created, in seconds since 1970, None when it is not a ULID."""
    from ulid import ULID  # here, since only exports need it

    try:
        return ULID.from_str(identifier).timestamp
    except ValueError:
        return None
