"""The flags of an Unleash in memory: what the tool asks of them, with the real server's answers and ways."""

from __future__ import annotations

import re
import uuid
from typing import Any
from urllib.parse import parse_qs, unquote

ENVIRONMENTS = ("development", "production")
BUILTIN_STRATEGIES = ("default", "flexibleRollout", "remoteAddress", "applicationHostname")
FLAG = re.compile(r"/api/admin/projects/([^/]+)/features/([^/]+)(/.*)?")
PLACE = re.compile(r"/environments/([^/]+)(?:/(strategies|on|off)(?:/(.+))?)?")

Found = tuple[int, Any] | None


class FakeFlags:
    """The flags by name. `projects` maps a project to the names of its active flags."""

    def __init__(self, projects: dict[str, list[str]]) -> None:
        self.projects = projects
        self.known: dict[str, dict[str, Any]] = {}
        self.archived: dict[str, str] = {}
        self.made = 0

    def flag(self, name: str) -> dict[str, Any]:
        """Return what is kept of a flag."""
        return self.known.setdefault(
            name,
            {
                "name": name, "type": "release", "description": None, "impressionData": False, "stale": False,
                "tags": [], "links": [], "dependencies": [],
                "in": {one: {"enabled": False, "strategies": []} for one in ENVIRONMENTS},
            },
        )  # fmt: skip

    def answer(self, method: str, path: str, query: str, body: Any) -> Found:  # noqa: C901 - a table of routes
        """Answer what is about flags; None when it is about something else."""
        if path == "/api/admin/strategies":
            return 200, {
                "strategies": [{"name": name, "editable": False, "parameters": []} for name in BUILTIN_STRATEGIES]
            }
        if found := re.fullmatch(r"/api/admin/environments/project/([^/]+)", path):
            return 200, {"environments": [{"name": name, "type": name, "visible": True} for name in ENVIRONMENTS]}
        if found := re.fullmatch(r"/api/admin/projects/([^/]+)/features", path):
            project = unquote(found[1])
            if method == "POST":
                return self._create(project, body)
            return 200, {"version": 2, "features": [self._listed(name) for name in self.projects.get(project, [])]}
        if found := re.fullmatch(r"/api/admin/features/([^/]+)/tags(?:/.*)?", path):
            return self._tags(method, unquote(found[1]), body)
        if found := re.fullmatch(r"/api/admin/archive/(revive/)?([^/]+)", path):
            return self._archive(unquote(found[2]), revive=bool(found[1]))
        if path == "/api/admin/search/features":
            wanted = parse_qs(query)
            project, text = wanted["project"][0].removeprefix("IS:"), wanted.get("query", [""])[0]
            names = [name for name, there in self.archived.items() if there == project and text in name]
            return 200, {"features": [self._listed(name) for name in names], "total": len(names)}
        if path == "/api/admin/playground/advanced":
            return 200, {
                "features": [self._played(name, body) for one in body["projects"] for name in self.projects[one]]
            }
        if found := FLAG.fullmatch(path):
            project, name, rest = unquote(found[1]), unquote(found[2]), found[3] or ""
            archived = self.archived.get(name) == project and rest.startswith("/environments")
            if name not in self.projects.get(project, []) and not archived:
                return 404, f'There\'s no feature named "{name}" in project "{project}".'
            return self._flag(method, project, name, rest, body)
        return None

    def _create(self, project: str, body: Any) -> Found:
        name = body["name"]
        if name in self.archived or any(name in names for names in self.projects.values()):
            return 409, "A flag with that name already exists"
        flag = self.flag(name)
        flag.update({key: body[key] for key in ("type", "description", "impressionData", "stale") if key in body})
        flag["tags"] = list(body.get("tags", ()))
        self.projects[project].append(name)
        return 201, self._listed(name)

    def _flag(self, method: str, project: str, name: str, rest: str, body: Any) -> Found:
        flag = self.flag(name)
        if rest == "":
            if method == "DELETE":
                if any(
                    name in (one["feature"] for one in self.flag(other)["dependencies"])
                    for other in self.projects[project]
                ):
                    return 403, "You can not archive/delete this feature since other features depend on it."
                self.projects[project].remove(name)
                self.archived[name] = project
                return 202, None
            if method == "PUT":
                usual = {"type": "release", "description": None, "impressionData": False, "stale": False}
                flag.update({**usual, **{key: body[key] for key in usual if key in body}})
            return 200, self._whole(project, name)
        if rest.startswith("/dependencies"):
            flag["dependencies"] = [] if method == "DELETE" else [{"enabled": True, "variants": [], **body}]
            return 200, None
        if rest.startswith("/link"):
            return self._link(flag, method, rest.rpartition("/")[2], body)
        found = PLACE.fullmatch(rest)
        if found is None or found[1] not in ENVIRONMENTS:
            return 404, "no such environment"
        return self._place(flag, method, found[1], found[2], found[3], body)

    def _place(
        self, flag: dict[str, Any], method: str, environment: str, what: str, which: str | None, body: Any
    ) -> Found:
        place = flag["in"][environment]
        strategies = place["strategies"]
        if what in {"on", "off"}:
            place["enabled"] = what == "on"
            if what == "on" and all(one["disabled"] for one in strategies):
                strategies.append(self._strategy(flag["name"], {"name": "flexibleRollout"}))
            return 200, None
        if method == "GET":
            return 200, strategies
        if which == "set-sort-order":
            order = {one["id"]: one["sortOrder"] for one in body}
            strategies.sort(key=lambda one: order.get(one["id"], 99))
            return 200, None
        if method == "POST":
            strategies.append(self._strategy(flag["name"], body))
            return 200, strategies[-1]
        old = next((one for one in strategies if one["id"] == which), None)
        if old is None:
            return 404, "no such strategy"
        if method == "DELETE":
            strategies.remove(old)
        else:
            old |= {**self._strategy(flag["name"], body), "id": old["id"]}
        if all(one["disabled"] for one in strategies):
            place["enabled"] = False
        return 200, old

    def _strategy(self, flag: str, body: Any) -> dict[str, Any]:
        self.made += 1
        usual = (
            {"groupId": flag, "rollout": "100", "stickiness": "default"} if body["name"] == "flexibleRollout" else {}
        )
        constraints = [{"values": [], **one} for one in body.get("constraints", ())]
        variants = sorted(body.get("variants", ()), key=lambda one: one["name"])
        return {
            "title": None, "disabled": False, "segments": [], **body, "id": f"{self.made:026d}", "variants": variants,
            "parameters": {**usual, **body.get("parameters", {})}, "constraints": constraints,
        }  # fmt: skip

    def _link(self, flag: dict[str, Any], method: str, which: str, body: Any) -> Found:
        if method == "POST":
            flag["links"].append({"id": uuid.uuid4().hex, **body})
        elif method == "PUT":
            next(one for one in flag["links"] if one["id"] == which).update(body)
        else:
            flag["links"] = [one for one in flag["links"] if one["id"] != which]
        return 204, None

    def _tags(self, method: str, name: str, body: Any) -> Found:
        if name not in self.archived and not any(name in names for names in self.projects.values()):
            return 404, f"Could not find feature flag with name {name}"
        flag = self.flag(name)
        if method == "POST":
            flag["tags"].append(body)
        elif method == "PUT":
            kept = [tag for tag in flag["tags"] if tag not in body["removedTags"]]
            flag["tags"] = kept + [tag for tag in body["addedTags"] if tag not in kept]
        return 200, {"tags": flag["tags"]}

    def _archive(self, name: str, *, revive: bool) -> Found:
        if name in self.archived:
            project = self.archived.pop(name)
            if revive:
                self.projects[project].append(name)
                for place in self.flag(name)["in"].values():
                    place["enabled"] = False
            else:
                del self.known[name]
        return 200, None

    def _listed(self, name: str) -> dict[str, Any]:
        flag = self.flag(name)
        environments = [
            {
                "name": one, "enabled": place["enabled"], "hasStrategies": bool(place["strategies"]),
                "hasEnabledStrategies": any(not strategy["disabled"] for strategy in place["strategies"]),
            }
            for one, place in flag["in"].items()
        ]  # fmt: skip
        kept = {key: flag[key] for key in ("name", "type", "description", "impressionData", "stale")}
        return {**kept, "environments": environments, **({"tags": flag["tags"]} if flag["tags"] else {})}

    def _whole(self, project: str, name: str) -> dict[str, Any]:
        flag = self.flag(name)
        children = [
            other
            for other in self.projects[project]
            if name in (one["feature"] for one in self.flag(other)["dependencies"])
        ]
        environments = [{"name": one, **place} for one, place in flag["in"].items()]
        parts = {key: flag[key] for key in ("links", "dependencies")}
        return {**self._listed(name), **parts, "environments": environments, "children": children}

    def _played(self, name: str, body: Any) -> dict[str, Any]:
        places = self.flag(name)["in"]
        environments = {
            one: [{"strategies": {"data": [_evaluated(strategy) for strategy in places[one]["strategies"]]}}]
            for one in body["environments"]
        }
        return {"name": name, "environments": environments}


def _evaluated(strategy: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in strategy.items() if key != "variants"}
    told = {} if strategy["disabled"] else {"variants": strategy["variants"]}
    return {**kept, "segments": [{"id": number} for number in strategy["segments"]], "result": told}
