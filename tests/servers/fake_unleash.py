"""An Unleash in memory: what the tool asks of the Admin API, with the real server's answers and error bodies.

`FakeUnleash.answer` is the server; `transport` puts it under an httpx client, `served` behind a real socket.
"""

from __future__ import annotations

import copy
import json
import random
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx

from servers.fake_audit import FakeAudit
from servers.fake_flags import FakeFlags
from servers.loopback import QuietHandler, serve

TOKEN = "*:*.fake-admin-token-0123456789"
CLIENT_TOKEN = "default:development.fake-client-token"
STEPS = {"hour": "1m", "day": "15m", "week": "3h", "month": "1d"}
REQUIRED = ("metricName", "timeRange", "yAxisMin", "aggregationMode", "labelSelectors")
KEPT = (*REQUIRED, "title", "source")
CONFIG = re.compile(r"/api/admin(?:/projects/([^/]+)/features/([^/]+))?/impact-metrics/config(?:/([^/]+))?")

NAMED = re.compile(r"/api/admin/(tag-types|context|segments)(?:/([^/]+))?")
# What a PUT sets where the body says nothing (the rest it keeps), by collection.
RESET: dict[str, dict[str, Any]] = {
    "tag-types": {},
    "context": {"stickiness": False, "sortOrder": 0, "legalValues": []},
    "segments": {"project": None},
}

Scope = tuple[str, str] | None
Answer = tuple[int, dict[str, str], bytes]


def builtin() -> dict[str, dict[str, dict[str, Any]]]:
    """Return what a fresh server has."""
    simple = {
        "name": "simple",
        "description": "Used to simplify filtering of features",
        "icon": "#",
        "color": "#FFFFFF",
    }
    fields = ("appName", "currentTime", "environment", "sessionId", "userId")
    context = {
        name: {"name": name, "description": f"Allows you to constrain on {name}", **RESET["context"]} for name in fields
    }
    return {"tag-types": {"simple": simple}, "context": context, "segments": {}}


@dataclass
class FakeUnleash:
    """The server's state. `charts` maps an id to its scope (project and flag, None: the instance) and what was sent.

    With an `audit` there is an audit log, and every token that it knows is let in.
    """

    flags: dict[str, list[str]] = field(default_factory=lambda: {"default": ["checkout-v2", "search-ranking"]})
    charts: dict[str, tuple[Scope, dict[str, Any]]] = field(default_factory=dict)
    requires_confirmation: set[str] = field(default_factory=set)
    named: dict[str, dict[str, dict[str, Any]]] = field(default_factory=builtin)
    tags: list[dict[str, str]] = field(default_factory=list)
    style: str = "new"
    version: str = "8.2.0"
    enterprise: bool = True
    impact_metrics: bool = True
    maintenance: bool = False
    base: str = ""
    instance_id: str = "11111111-2222-3333-4444-555555555555"
    shuffle: random.Random | None = None
    hook: Callable[[str, str, Callable[[], Answer]], Answer] = lambda _method, _path, go: go()
    requests: list[tuple[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    audit: FakeAudit | None = None

    def __post_init__(self) -> None:
        self.about_flags = FakeFlags(self.flags)

    def writes(self) -> list[tuple[str, str]]:
        """Return the requests that could have changed something."""
        return [request for request in self.requests if request[0] != "GET"]

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        """Answer one request."""
        path = urlsplit(target).path.removeprefix(self.base)
        with self.lock:
            self.requests.append((method, path))
            query = urlsplit(target).query
            return self.hook(
                method, path, lambda: self._audited(method, path, query, headers.get("authorization"), body)
            )

    def _audited(self, method: str, path: str, query: str, token: str | None, body: bytes) -> Answer:
        if self.audit is None or token not in self.audit.actors:
            return self._answer(method, path, query, token, body)
        if path == "/api/admin/user":
            return _json(200, self.audit.user(token))
        if path == "/api/admin/search/events":
            return _json(200, self.audit.search(query))
        before = None if method == "GET" else self._everything()
        answer = self._answer(method, path, query, TOKEN, body)
        if before is not None:
            self.audit.record(token, before, self._everything())
        return answer

    def _everything(self) -> dict[str, Any]:
        """Return all that the audit log tells of."""
        charts: dict[Scope, dict[str, Any]] = {}
        for key, (scope, config) in self.charts.items():
            charts.setdefault(scope, {})[key] = {"id": key, **config}
        flags = {
            name: {**self.about_flags.flag(name), "project": project, "archived": archived}
            for archived, there in ((False, self._active()), (True, dict(self.about_flags.archived)))
            for name, project in there.items()
        }
        return copy.deepcopy({"named": self.named, "charts": charts, "flags": flags})

    def _active(self) -> dict[str, str]:
        return {name: project for project, names in self.flags.items() for name in names}

    def _answer(  # noqa: C901 - a table of routes
        self, method: str, path: str, query: str, token: str | None, body: bytes
    ) -> Answer:
        if token == CLIENT_TOKEN:
            return _json(403, {"message": "invalid token: expected a different token type for this endpoint"})
        if token != TOKEN:
            return _error(401, "UnauthorizedError", "You must log in to use Unleash.", id="e1")
        if self.maintenance and method != "GET":
            return _json(503, {"message": "Unleash is currently in maintenance mode."})
        if path == "/api/admin/ui-config":
            current = {"oss": self.version, "enterprise": self.version if self.enterprise else ""}
            info = {"current": current, "instanceId": self.instance_id}
            return _json(200, {"version": self.version, "versionInfo": info, "maintenanceMode": self.maintenance})
        if path == "/api/admin/projects":
            return _json(200, {"version": 1, "projects": [{"id": name} for name in self._mixed(list(self.flags))]})
        if found := re.fullmatch(r"/api/admin/projects/([^/]+)/overview", path):
            return self._overview(unquote(found[1]))
        if self.impact_metrics and (found := CONFIG.fullmatch(path)):
            return self._configs(method, *(part and unquote(part) for part in found.groups()), body)
        if path == "/api/admin/tags":
            if method == "POST":
                self.tags.append(json.loads(body))
            return _json(200, {"version": 1, "tags": self.tags})
        if found := re.fullmatch(r"/api/admin/(segments|context)/([^/]+)/strategies", path):
            return _json(200, {"strategies": self._users(found[1], unquote(found[2]))})
        about_flags = self.about_flags.answer(method, path, query, json.loads(body or b"{}"))
        if about_flags is not None:
            status, content = about_flags
            name = {403: "InvalidOperationError", 404: "NotFoundError", 409: "NameExistsError"}.get(status)
            return (
                _error(status, name, content)
                if name
                else _json(status, content)
                if content is not None
                else (status, {}, b"")
            )
        if self.named and (found := NAMED.fullmatch(path)):
            return self._named(method, found[1], unquote(found[2] or ""), json.loads(body or b"{}"))
        message = f"The path you were looking for ({path}) is not available."
        return _error(404, "NotFoundError", message, id="e2")

    def _overview(self, project: str) -> Answer:
        if project not in self.flags:
            return _error(404, "NotFoundError", "No project found")
        return _json(200, {"version": 2, "name": project})

    def _configs(
        self, method: str, project: str | None, feature: str | None, object_id: str | None, body: bytes
    ) -> Answer:
        scope = None if project is None or feature is None else (project, feature)
        if scope is not None and scope[1] not in self.flags.get(scope[0], []):
            return _error(404, "NotFoundError", f'There\'s no feature named "{feature}" in project "{project}".')
        if method == "GET":
            mine = [self._shown(key) for key, (where, _) in self.charts.items() if where == scope]
            return _json(200, {"configs": self._mixed(mine)})
        if method == "POST":
            return self._save(scope, json.loads(body))
        if self.charts.get(object_id or "", (0,))[0] != scope:
            return _error(404, "NotFoundError", f'Could not find the impact metric with id "{object_id}".')
        del self.charts[object_id or ""]
        return 204, {}, b""

    def _save(self, scope: Scope, config: dict[str, Any]) -> Answer:
        missing = [name for name in REQUIRED if name not in config]
        if missing:
            details = [{"message": f"The `/body/{missing[0]}` property is required.", "path": "/body"}]
            return _error(400, "BadDataError", "Request validation failed", details=details)
        object_id = config.get("id") or "01" + "".join(random.choices("0123456789ABCDEFGHJKMNPQRSTVWXYZ", k=24))
        if object_id in self.charts and self.charts[object_id][0] != scope:
            return _error(409, "ConflictError", f'The impact metric with id "{object_id}" already exists elsewhere.')
        self.charts[object_id] = (scope, {name: config[name] for name in KEPT if name in config})
        return _json(200, self._shown(object_id))

    def _named(self, method: str, collection: str, name: str, body: Any) -> Answer:
        """Answer for objects that have a name: tag types, context fields, and segments, which go by a number."""
        objects = self.named[collection]
        if method == "GET":
            listed = self._mixed(list(objects.values()))
            wrapped = {
                "tag-types": {"version": 1, "tagTypes": listed},
                "context": listed,
                "segments": {"segments": listed},
            }
            return _json(200, wrapped[collection])
        if method == "POST":
            if body["name"] in objects:
                return _error(409, "NameExistsError", f"{body['name']} already exists")
            number = (
                {"id": max((one["id"] for one in objects.values()), default=0) + 1} if collection == "segments" else {}
            )
            objects[body["name"]] = {**number, "description": None, **RESET[collection], **body}
            return _json(201, objects[body["name"]])
        found = next((one for one in objects.values() if name == str(one.get("id", one["name"]))), None)
        if found is None:
            return _error(404, "NotFoundError", f"Could not find {name}")
        if method == "DELETE":
            del objects[found["name"]]
        else:
            found |= {**RESET[collection], **body, "name": found["name"]}
        return 204, {}, b""

    def _users(self, collection: str, key: str) -> list[dict[str, Any]]:
        """Return the strategies that use a segment, by its number, or a context field."""
        return [
            {"projectId": project, "featureName": name}
            for project, names in self.flags.items()
            for name in names
            for place in self.about_flags.flag(name)["in"].values()
            for strategy in place["strategies"]
            if key in (map(str, strategy["segments"]) if collection == "segments" else
                       (one["contextName"] for one in strategy["constraints"]))
        ]  # fmt: skip

    def _shown(self, object_id: str) -> dict[str, Any]:
        _, config = self.charts[object_id]
        told = {name: value for name, value in config.items() if name != "source"}
        extra: dict[str, Any] = (
            {"source": config.get("source", "internal")} if self.style == "new" else {"type": "unknown"}
        )
        mode = "read" if object_id in self.requires_confirmation else "write"
        step = STEPS.get(config["timeRange"])
        return {"id": object_id, **told, "displayName": config["metricName"], "step": step, "mode": mode, **extra}

    def _mixed(self, items: list[Any]) -> list[Any]:
        return self.shuffle.sample(items, len(items)) if self.shuffle else list(items)

    def transport(self) -> httpx.MockTransport:
        """Return the server as the transport of an httpx client."""

        def respond(request: httpx.Request) -> httpx.Response:
            headers = {name.lower(): value for name, value in request.headers.items()}
            status, told, content = self.answer(request.method, request.url.raw_path.decode(), headers, request.content)
            return httpx.Response(status, headers=told, content=content)

        return httpx.MockTransport(respond)

    @contextmanager
    def served(self) -> Iterator[str]:
        """Serve on a free port of loopback; give the address."""
        with serve(_handler(self)) as url:
            yield url + self.base


def _handler(fake: FakeUnleash) -> type[QuietHandler]:
    class Handler(QuietHandler):
        def respond(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.reply(*fake.answer(self.command, self.path, headers, self.body()))

        do_GET = do_POST = do_PUT = do_DELETE = respond  # noqa: N815 - http.server's names

    return Handler


def _json(status: int, body: Any) -> Answer:
    return status, {"content-type": "application/json"}, json.dumps(body).encode()


def _error(status: int, name: str, message: str, details: Any = None, **more: str) -> Answer:
    return _json(status, {**more, "name": name, "message": message, "details": details or [{"message": message}]})
