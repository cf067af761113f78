"""The flags of an Unleash in memory: fields, tags, links and dependencies, archiving and deletion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from servers.fake_routes import Part, Refusal, Request, Result, name_exists, not_found, route

DEFAULTS = {"description": None, "type": "release", "stale": False, "impressionData": False}
FEATURE = "/projects/{project}/features/{feature}"


class FakeFlags(Part):
    """The flags by name. `FakeUnleash.flags` maps a project to the names of its active flags."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.known: dict[str, dict[str, Any]] = {}
        self.archived: dict[str, str] = {}

    def flag(self, name: str) -> dict[str, Any]:
        """Return what is kept of a flag."""
        if name not in self.known:
            places = {place: {"enabled": False, "strategies": []} for place in self.server.environments.all}
            parts: dict[str, Any] = {"tags": [], "links": [], "dependencies": [], "in": places}
            self.known[name] = {"name": name, **DEFAULTS, "project": self.project_of(name), **parts}
        return self.known[name]

    def active(self) -> dict[str, dict[str, Any]]:
        """Return the active flags by name."""
        return {name: self.flag(name) for names in self.server.flags.values() for name in names}

    def project_of(self, name: str) -> str | None:
        """Return the project of a flag, archived or not; None for a name that no flag has."""
        active = {flag: project for project, flags in self.server.flags.items() for flag in flags}
        return active.get(name) or self.archived.get(name)

    def require(self, request: Request, *, archived: bool = False) -> dict[str, Any]:
        """Return the flag that a request is about. Raises Refusal; for an archived one too unless `archived`."""
        project, name = request["project"], request["feature"]
        if name in self.server.flags.get(project, ()) or (archived and self.archived.get(name) == project):
            return self.flag(name)
        if self.archived.get(name) == project:
            raise not_found(f"Could not find feature flag with name {name}")
        elsewhere = self.project_of(name)
        hint = "." if elsewhere is None else f', but there\'s a feature with that name in project "{elsewhere}"'
        raise not_found(f'There\'s no feature named "{name}" in project "{project}"{hint}')

    def log_flag(self, request: Request, event: str, flag: Mapping[str, Any], **facts: Any) -> None:
        self.log(request, event, feature=flag["name"], project=flag["project"], tags=flag["tags"], **facts)

    @route("POST", "/projects/{project}/features")
    def create(self, request: Request) -> Result:
        project, body = request["project"], request.body
        name = body["name"]
        if project not in self.server.flags:
            raise not_found(f"Active project with id {project} does not exist")
        if self.project_of(name) is not None:
            raise name_exists(f"{'An archived' if name in self.archived else 'A'} flag with that name already exists")
        for tag in body.get("tags", ()):
            self.server.tags.require(tag)
        self.server.flags[project].append(name)
        flag = self.flag(name)
        flag |= _metadata(body)
        flag["tags"] = [dict(tag) for tag in body.get("tags", ())]
        self.log_flag(request, "feature-created", flag, data=self._summary(flag))
        return 201, self._summary(flag)

    @route("GET", "/projects/{project}/features")
    def list_all(self, request: Request) -> Result:
        names = self.server.flags.get(request["project"], [])
        return 200, {"version": 2, "features": self.server.shuffled([self.entry(name) for name in names])}

    @route("GET", FEATURE)
    def get(self, request: Request) -> Result:
        flag = self.require(request)
        environments = [
            {
                **facts,
                "strategies": [
                    _without(strategy, "milestoneId") for strategy in flag["in"][facts["name"]]["strategies"]
                ],
            }
            for facts in self._environments(flag)
        ]
        parts = {"links": flag["links"], "dependencies": flag["dependencies"], "children": self._children(flag["name"])}
        return 200, {**self._summary(flag), **parts, "environments": environments}

    @route("GET", f"{FEATURE}/lifecycle")
    def list_stages(self, request: Request) -> Result:
        """The real server adds the stage of an archived flag about a second later; the fake does so at once."""
        name = request["feature"]
        stages = ["initial"] if self.project_of(name) is not None else []
        return 200, [{"stage": stage} for stage in (*stages, *(["archived"] if name in self.archived else []))]

    @route("PUT", FEATURE)
    def update(self, request: Request) -> Result:
        """What is left out is as it is by default; an archived flag comes back."""
        flag = self.require(request, archived=True)
        before = self._summary(flag)
        if flag["name"] in self.archived:
            self.server.flags[self.archived.pop(flag["name"])].append(flag["name"])
        flag |= {**DEFAULTS, **_metadata(request.body)}
        self.log_flag(request, "feature-metadata-updated", flag, data=self._summary(flag), before=before)
        return 200, self._summary(flag)

    @route("DELETE", FEATURE)
    def archive(self, request: Request) -> Result:
        if self.project_of(request["feature"]) is None:
            raise not_found("No feature flag found")
        self._archive(request, self.require(request, archived=True))
        return 202, None

    @route("POST", "/projects/{project}/archive")
    def archive_several(self, request: Request) -> Result:
        for name in request.body["features"]:
            if name in self.server.flags[request["project"]]:
                self._archive(request, self.flag(name))
        return 202, None

    def _archive(self, request: Request, flag: dict[str, Any]) -> None:
        name = flag["name"]
        if self._children(name):
            message = "You can not archive/delete this feature since other features depend on it."
            raise Refusal(403, "InvalidOperationError", message)
        if flag["dependencies"]:
            flag["dependencies"] = []
            self.log_flag(request, "feature-dependencies-removed", flag)
        if name not in self.archived:
            self.server.flags[flag["project"]].remove(name)
            self.archived[name] = flag["project"]
        self.log_flag(request, "feature-archived", flag)

    @route("POST", "/archive/revive/{feature}")
    def revive(self, request: Request) -> Result:
        name = request["feature"]
        if self.project_of(name) is None:
            raise not_found("No feature flag found")
        flag = self.flag(name)
        if name in self.archived:
            self.server.flags[self.archived.pop(name)].append(name)
        for place in flag["in"].values():
            place["enabled"] = False
        self.log_flag(request, "feature-revived", flag)
        return 200, None

    @route("DELETE", "/archive/{feature}")
    def delete(self, request: Request) -> Result:
        """Nothing happens to a flag that is not archived."""
        name = request["feature"]
        if name in self.archived:
            flag = self.known.get(name) or self.flag(name)
            before = self._summary(flag)
            del self.archived[name], self.known[name]
            for chart in [key for key, (scope, _) in self.server.charts.items() if scope == (flag["project"], name)]:
                del self.server.charts[chart]
            self.log_flag(request, "feature-deleted", flag, before=before)
        return 200, None

    @route("GET", "/features/{feature}/tags")
    def list_tags(self, request: Request) -> Result:
        return 200, {"version": 1, "tags": self.shown_tags(self._tagged(request)["name"])}

    @route("POST", "/features/{feature}/tags")
    def tag(self, request: Request) -> Result:
        self._tag(request, self._tagged(request), [request.body])
        return 201, request.body

    @route("PUT", "/features/{feature}/tags")
    def retag(self, request: Request) -> Result:
        flag = self._tagged(request)
        self._tag(request, flag, request.body["addedTags"])
        for tag in request.body["removedTags"]:
            flag["tags"] = [other for other in flag["tags"] if other != tag]
            self.log_flag(request, "feature-untagged", flag, before=tag)
        return 200, {"version": 1, "tags": self.shown_tags(flag["name"])}

    def _tagged(self, request: Request) -> dict[str, Any]:
        name = request["feature"]
        if self.project_of(name) is None:
            raise not_found(f"Could not find feature with name {name}")
        return self.flag(name)

    def _tag(self, request: Request, flag: dict[str, Any], tags: list[dict[str, str]]) -> None:
        for tag in tags:
            self.server.tags.add_value(tag)
            flag["tags"] += [] if tag in flag["tags"] else [dict(tag)]
            self.log_flag(request, "feature-tagged", flag, data=tag)

    def shown_tags(self, name: str) -> list[dict[str, Any]]:
        """Return the tags of a flag with their colours."""
        return [self.server.tags.shown(tag) for tag in self.flag(name)["tags"]]

    @route("POST", f"{FEATURE}/dependencies")
    def depend(self, request: Request) -> Result:
        """A flag has one parent at most."""
        flag, parent = self.require(request), request.body["feature"]
        problem = None
        if parent == flag["name"]:
            problem = "A feature flag cannot depend on itself."
        elif parent not in self.active():
            problem = f"No active feature {parent} exists"
        elif self._children(flag["name"]):
            problem = (
                "Transitive dependency detected. Cannot add a dependency to the feature that other features depend on."
            )
        elif self.flag(parent)["dependencies"]:
            problem = (
                "Transitive dependency detected. Cannot add a dependency to the feature that has parent dependency."
            )
        if problem is not None:
            raise Refusal(403, "InvalidOperationError", problem)
        added = {"feature": parent, "enabled": request.body.get("enabled", True)}
        variants = {"variants": request.body["variants"]} if "variants" in request.body else {}
        flag["dependencies"] = [{"variants": [], **added, **variants}]
        self.log_flag(request, "feature-dependency-added", flag, data={**added, **variants})
        return 200, None

    @route("DELETE", f"{FEATURE}/dependencies")
    def remove_dependencies(self, request: Request) -> Result:
        flag = self.require(request)
        if not flag["dependencies"]:
            message = f'Feature "{flag["name"]}" has no dependencies to remove in project "{flag["project"]}".'
            raise not_found(message)
        flag["dependencies"] = []
        self.log_flag(request, "feature-dependencies-removed", flag)
        return 200, None

    @route("DELETE", f"{FEATURE}/dependencies/{{parent}}")
    def remove_dependency(self, request: Request) -> Result:
        flag, parent = self.require(request), request["parent"]
        if parent not in _parents(flag):
            raise not_found(f'No dependency on "{parent}" for feature "{flag["name"]}" in project "{flag["project"]}".')
        flag["dependencies"] = []
        self.log_flag(request, "feature-dependency-removed", flag, data={"feature": parent})
        return 200, None

    @route("POST", f"{FEATURE}/link")
    def add_link(self, request: Request) -> Result:
        flag = self.require(request)
        link = {**request.body, "url": _normal_url(request.body["url"])}
        identity = {"id": self.server.audit.clock.ulid(), "feature": flag["name"]}
        flag["links"].append({"title": None, **link, **identity})
        self.log_flag(request, "feature-link-added", flag, data=link)
        return 204, None

    @route("PUT", f"{FEATURE}/link/{{link}}")
    def change_link(self, request: Request) -> Result:
        """A title that is left out stays."""
        flag, link = self._link(request)
        before = {"url": link["url"], "title": link["title"]}
        link |= {**request.body, "url": _normal_url(request.body["url"])}
        self.log_flag(
            request, "feature-link-updated", flag, data={"url": link["url"], "title": link["title"]}, before=before
        )
        return 204, None

    @route("DELETE", f"{FEATURE}/link/{{link}}")
    def remove_link(self, request: Request) -> Result:
        flag, link = self._link(request)
        flag["links"].remove(link)
        self.log_flag(request, "feature-link-removed", flag, before={"url": link["url"], "title": link["title"]})
        return 204, None

    def _link(self, request: Request) -> tuple[dict[str, Any], dict[str, Any]]:
        flag = self.require(request)
        for link in flag["links"]:
            if link["id"] == request["link"]:
                return flag, link
        raise not_found(f"No item with id {request['link']}")

    def entry(self, name: str) -> dict[str, Any]:
        """Return a flag as lists have it."""
        flag = self.flag(name)
        environments = [
            {
                **facts,
                "hasStrategies": bool(flag["in"][facts["name"]]["strategies"]),
                "hasEnabledStrategies": any(
                    not strategy["disabled"] for strategy in flag["in"][facts["name"]]["strategies"]
                ),
            }
            for facts in self._environments(flag)
        ]
        kept = {key: flag[key] for key in ("name", *DEFAULTS)}
        return {**kept, "environments": environments, **({"tags": flag["tags"]} if flag["tags"] else {})}

    def _children(self, name: str) -> list[str]:
        """Return the names of the active flags that depend on a flag."""
        return [flag["name"] for flag in self.active().values() if name in _parents(flag)]

    def _environments(self, flag: Mapping[str, Any]) -> list[dict[str, Any]]:
        environments = self.server.environments
        return [
            {
                "name": name,
                "enabled": flag["in"][name]["enabled"],
                "type": environments.all[name]["type"],
                "sortOrder": environments.all[name]["sortOrder"],
                "lastSeenAt": self.server.last_seen.get((flag["name"], name)),
            }
            for name in environments.of_project(flag["project"])
        ]

    def _summary(self, flag: Mapping[str, Any]) -> dict[str, Any]:
        archived = flag["name"] in self.archived
        return {**{key: flag[key] for key in ("name", *DEFAULTS, "project")}, "archived": archived}


def _parents(flag: Mapping[str, Any]) -> list[str]:
    return [dependency["feature"] for dependency in flag["dependencies"]]


def _metadata(body: Mapping[str, Any]) -> dict[str, Any]:
    given = {key: body[key] for key in DEFAULTS if key in body}
    return {**given, **({"description": given["description"] or None} if "description" in given else {})}


def _normal_url(url: str) -> str:
    """Return a link's address as the server keeps it, as far as tests need that."""
    parts = urlsplit(url if "://" in url else f"https://{url}")
    return urlunsplit(
        parts._replace(scheme=parts.scheme.lower(), netloc=parts.netloc.lower(), path=parts.path.rstrip("/"))
    )


def _without(mapping: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in mapping.items() if name != key}
