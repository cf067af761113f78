"""Whether applications still evaluate a flag, for flags that would be deleted.

Source: `lastSeenAt` in `GET P/features`, and `GET /api/admin/client-metrics/features/{name}` of Unleash 8.2.0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NotRequired
from urllib.parse import quote

from typing_extensions import TypedDict

from unleash_gitops.api.answers import AnswerTime, check_answer, parse_time
from unleash_gitops.kinds.interfaces import Use
from unleash_gitops.kinds.reads import Reads
from unleash_gitops.model.resource import Resource

__all__ = ["find_flag_use"]


class _Environment(TypedDict):
    name: str
    enabled: bool
    type: NotRequired[str]
    lastSeenAt: NotRequired[AnswerTime | None]


class _Usage(TypedDict):
    environment: str
    yes: int
    no: int


class _Metrics(TypedDict):
    lastHourUsage: list[_Usage]
    seenApplications: list[str]


def find_flag_use(live: Resource, reads: Reads, since: datetime) -> Use | None:
    """Return where, when and by which applications a flag was evaluated last, None when it never was.

    It blocks the delete where the flag is on in an environment of type production, and was evaluated there after
    `since`.
    """
    project = str(live.address.project)
    entry = next((flag for flag in reads.features(project) if flag["name"] == live.id), None)
    environments = check_answer(list[_Environment], (entry or {}).get("environments", []), f"flags of {project}")
    seen = [environment for environment in environments if environment.get("lastSeenAt")]
    if not seen:
        return None
    path = f"/api/admin/client-metrics/features/{quote(live.id, safe='')}"
    metrics = check_answer(_Metrics, reads.get(path), path)
    blocking = [environment for environment in seen if _is_in_production(environment, since)]
    parts = [_describe_environment(environment, metrics["lastHourUsage"]) for environment in blocking or seen]
    applications = f", by {', '.join(sorted(metrics['seenApplications']))}" if metrics["seenApplications"] else ""
    return Use(bool(blocking), f"evaluated {'; '.join(parts)}{applications}")


def _is_in_production(environment: Mapping[str, Any], since: datetime) -> bool:
    is_on = environment["enabled"] and environment.get("type") == "production"
    return bool(is_on) and parse_time(environment["lastSeenAt"]) >= since


def _describe_environment(environment: Mapping[str, Any], usage: Sequence[_Usage]) -> str:
    counts: Counter[str] = Counter()
    for hour in usage:
        counts[hour["environment"]] += hour["yes"] + hour["no"]
    name, count = environment["name"], counts[environment["name"]]
    if count:
        return f"{count:,} times in the last hour in {name}"
    return f"last at {environment['lastSeenAt']} in {name}"
