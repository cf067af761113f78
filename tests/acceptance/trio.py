"""A flag, a segment and a chart with two parts each, that our files say, and that others change on the server."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from servers.actors import wait_until_archived

if TYPE_CHECKING:
    from acceptance.conftest import Space

PROJECT = "/api/admin/projects/default"
RANGES = ("hour", "day", "week", "month")
PARTS = {
    "FeatureFlag": ("environments.production.strategies", "description"),
    "Segment": ("constraints", "description"),
    "ImpactMetric": ("timeRange", "title"),
}


@dataclass(frozen=True)
class Parts:
    """What the two parts of each object are, as numbers up to three."""

    first: int = 0
    second: int = 0


class Trio:
    """One object of each kind. What a part is called, and what its numbers mean, differs from kind to kind."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.name = f"trio-{uuid.uuid4().hex[:8]}"
        space.workspace(drift="overwrite")

    def file(self, kind: str) -> Any:
        return self.space.root / f"{kind}.yaml"

    def write(self, first: int = 0, second: int = 0) -> None:
        """Write the three documents."""
        specs: dict[str, dict[str, Any]] = {
            "FeatureFlag": {
                "description": _words(second),
                "environments": {"production": {"strategies": [_strategy(first)]}},
            },
            "Segment": {"description": _words(second), "constraints": [_constraint(first)]},
            "ImpactMetric": {
                "metricName": "m",
                "timeRange": RANGES[first],
                "aggregationMode": "avg",
                "title": _words(second),
            },
        }
        for kind, said in specs.items():
            project = {"project": "default"} if kind == "FeatureFlag" else {}
            self.space.write(kind, self.name, project, self.file(kind).name, **said)

    def flag_file(self, name: str) -> None:
        """Write a document for another flag, which says nothing of it."""
        self.space.flag(name)

    def unlink(self) -> None:
        for kind in PARTS:
            self.file(kind).unlink()

    def live(self) -> dict[str, Parts]:
        """Return what is there, by kind."""
        instance = self.space.instance
        found: dict[str, Parts] = {}
        flag = instance.flag(self.name)
        if flag is not None:
            strategies = flag["in"]["production"]["strategies"]
            first = int(strategies[0]["parameters"]["rollout"]) // 10 if strategies else -1
            found["FeatureFlag"] = Parts(first, _number(flag["description"]))
        segment = instance.named("segments").get(self.name)
        if segment is not None:
            first = int(segment["constraints"][0]["values"][0])
            found["Segment"] = Parts(first, _number(segment["description"]))
        for chart in instance.charts().values():
            found["ImpactMetric"] = Parts(RANGES.index(chart["timeRange"]), _number(chart["title"]))
        return found

    def change(self, who: httpx.Client, first: int | None = None, second: int | None = None) -> None:
        """Have somebody change parts of the three on the server."""
        at, flag = f"{PROJECT}/features/{self.name}", self.space.instance.flag(self.name)
        if flag is not None and first is not None:
            strategy = flag["in"]["production"]["strategies"][0]
            place = f"{at}/environments/production/strategies/{strategy['id']}"
            _ok(who.put(place, json={**strategy, **_strategy(first)}))
        if flag is not None and second is not None:
            _ok(who.put(at, json={"name": self.name, "type": flag["type"], "description": _words(second)}))
        segment = self.space.instance.named("segments").get(self.name)
        if segment is not None:
            words, _, mark = segment["description"].partition("\n")
            body = {
                "name": self.name,
                "constraints": segment["constraints"] if first is None else [_constraint(first)],
                "description": "\n".join([words if second is None else _words(second), mark]),
            }
            _ok(who.put(f"/api/admin/segments/{segment['id']}", json=body))
        for chart in self.space.instance.charts().values():
            body = {key: value for key, value in chart.items() if key in {"id", "metricName", "aggregationMode"}}
            body |= {"yAxisMin": chart["yAxisMin"], "labelSelectors": chart["labelSelectors"]}
            body["timeRange"] = chart["timeRange"] if first is None else RANGES[first]
            body["title"] = chart["title"] if second is None else _words(second)
            _ok(who.post("/api/admin/impact-metrics/config", json=body))

    def delete(self, who: httpx.Client) -> None:
        """Have somebody delete the three."""
        self.delete_named(who)
        for chart in self.space.instance.charts():
            _ok(who.delete(f"/api/admin/impact-metrics/config/{chart}"))

    def delete_named(self, who: httpx.Client) -> None:
        """Have somebody delete the flag and the segment."""
        _ok(who.delete(f"{PROJECT}/features/{self.name}"))
        wait_until_archived(self.name)
        _ok(who.delete(f"/api/admin/archive/{self.name}"))
        segment = self.space.instance.named("segments")[self.name]
        _ok(who.delete(f"/api/admin/segments/{segment['id']}"))

    def create(self, who: httpx.Client, first: int, second: int) -> None:
        """Have somebody create the three, as our tool would not."""
        _ok(who.post(f"{PROJECT}/features", json={"name": self.name, "description": _words(second)}))
        place = f"{PROJECT}/features/{self.name}/environments/production/strategies"
        _ok(who.post(place, json=_strategy(first)))
        segment = {"name": self.name, "description": _words(second), "constraints": [_constraint(first)]}
        _ok(who.post("/api/admin/segments", json=segment))

    def told(self, plan: Any, changes: str = "changes") -> dict[str, Any]:
        """Return what a plan tells of each: of the object, or of the parts that differ, the origin and who it was."""
        found: dict[str, Any] = {}
        for change in plan[changes]:
            names = dict(zip(PARTS[change["kind"]], ("first", "second"), strict=True))
            if change["origin"] is not None:
                found[change["kind"]] = _telling(change)
                continue
            found[change["kind"]] = parts = {}
            for one in change["fields"]:
                path = next((path for path in names if one["path"].startswith(path)), one["path"])
                parts[names.get(path, path)] = _telling(one)
        return found


def same(expected: Any, *kinds: str) -> dict[str, Any]:
    """Return the same for all three, or for some kinds."""
    return dict.fromkeys(kinds or PARTS, expected)


def _telling(one: dict[str, Any]) -> Any:
    return one["origin"] if one["changed"] is None else (one["origin"], one["changed"]["by"])


def _words(number: int) -> str:
    return f"number {number}"


def _number(words: str) -> int:
    return int(words.split()[1])


def _strategy(number: int) -> dict[str, Any]:
    parameters = {"rollout": str(number * 10), "stickiness": "default", "groupId": "g"}
    return {"name": "flexibleRollout", "parameters": parameters, "constraints": [], "segments": []}


def _constraint(number: int) -> dict[str, Any]:
    return {"contextName": "userId", "operator": "IN", "values": [str(number)]}


def _ok(answer: httpx.Response) -> None:
    assert answer.is_success, f"{answer.request.method} {answer.request.url.path}: {answer.text}"
