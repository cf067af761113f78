"""An Unleash in memory: what the tool asks of the Admin API, with the real server's answers and error bodies.

`FakeUnleash.answer` is the server; `transport` puts it under an httpx client, `served` behind a real socket. It is the
open-source edition with the routes of impact metrics, as the sandbox is. `tests/contract` compares both.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from servers.fake_addons import FakeAddons
from servers.fake_api_tokens import FakeApiTokens
from servers.fake_applications import FakeApplications
from servers.fake_audit import FakeAudit
from servers.fake_bulk import FakeBulkReads
from servers.fake_charts import FakeCharts, Scope
from servers.fake_environments import FakeEnvironments
from servers.fake_flag_environments import FakeFlagEnvironments
from servers.fake_flags import FakeFlags
from servers.fake_named import FakeContextFields, FakeSegments, FakeTags, builtin_objects
from servers.fake_routes import (
    ADMIN,
    Actor,
    Answer,
    Part,
    Refusal,
    Request,
    Route,
    UnknownRoute,
    json_answer,
    missing_path,
)
from servers.fake_server_facts import FakeServerFacts
from servers.fake_strategies import FakeStrategies
from servers.loopback import QuietHandler, serve
from servers.shortcut import answered_here

TOKEN = "*:*.fake-admin-token-0123456789"
LEASE = "gitops-lock-"
CLIENT_TOKEN = "default:development.fake-client-token"
ENTERPRISE = (
    Route("POST", "/environments"),
    Route("PUT", "/environments/update/{environment}"),
    Route("POST", "/projects"),
    Route("PUT", "/projects/{project}"),
)
"""Routes that the open-source edition does not have. Of them only that is known."""
PARTS: tuple[type[Part], ...] = (
    FakeServerFacts,
    FakeEnvironments,
    FakeTags,
    FakeContextFields,
    FakeSegments,
    FakeStrategies,
    FakeFlags,
    FakeFlagEnvironments,
    FakeBulkReads,
    FakeCharts,
    FakeAddons,
    FakeApiTokens,
    FakeApplications,
)


@dataclass
class FakeUnleash:
    """The server's state, and what a test changes of its ways.

    `flags` maps a project to the names of its active flags; `charts` an id to its scope (project and flag, None: the
    instance) and what was sent; `safeguarded` are the charts that a safeguard uses. `absent` are parts of paths whose
    routes this server lacks; any other unknown route fails the test. `usage` has the metrics of flags by name,
    `last_seen` when applications evaluated a flag in an environment. `requests` are those
    that are not writes of leases. Every token that `audit` knows is let in.
    """

    flags: dict[str, list[str]] = field(default_factory=lambda: {"default": ["checkout-v2", "search-ranking"]})
    charts: dict[str, tuple[Scope, dict[str, Any]]] = field(default_factory=dict)
    safeguarded: set[str] = field(default_factory=set)
    named: dict[str, dict[str, dict[str, Any]]] = field(default_factory=builtin_objects)
    style: str = "new"
    version: str = "8.2.0"
    enterprise: bool = False
    maintenance: bool = False
    absent: set[str] = field(default_factory=set)
    base: str = ""
    instance_id: str = "11111111-2222-3333-4444-555555555555"
    usage: dict[str, dict[str, Any]] = field(default_factory=dict)
    last_seen: dict[tuple[str, str], str] = field(default_factory=dict)
    shuffle: random.Random | None = None
    hook: Callable[[str, str, Callable[[], Answer]], Answer] = lambda _method, _path, go: go()
    requests: list[tuple[str, str]] = field(default_factory=list)
    lease_requests: list[tuple[str, str]] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)
    audit: FakeAudit = field(default_factory=lambda: FakeAudit({TOKEN: "ours"}))
    failures: list[Exception] = field(default_factory=list)

    def __post_init__(self) -> None:
        parts = {kind: kind(self) for kind in PARTS}
        self.about_flags: FakeFlags = parts[FakeFlags]  # type: ignore[assignment]
        self.environments: FakeEnvironments = parts[FakeEnvironments]  # type: ignore[assignment]
        self.addons: FakeAddons = parts[FakeAddons]  # type: ignore[assignment]
        self.tags: FakeTags = parts[FakeTags]  # type: ignore[assignment]
        self.strategies: FakeStrategies = parts[FakeStrategies]  # type: ignore[assignment]
        self.routes = [(declared, getattr(part, name)) for part in parts.values() for declared, name in part.routes()]

    def writes(self) -> list[tuple[str, str]]:
        """Return the requests that could have changed something."""
        return [request for request in self.requests if request[0] != "GET"]

    def shuffled(self, items: list[Any]) -> list[Any]:
        """Return items in the order of the answer: their own, or none where the test wants that."""
        return self.shuffle.sample(items, len(items)) if self.shuffle else list(items)

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        """Answer one request. Raises UnknownRoute."""
        parts = urlsplit(target)
        path = parts.path.removeprefix(self.base)

        def go() -> Answer:
            try:
                return self._answer(method, path, parts.query, headers.get("authorization"), body)
            except Refusal as refusal:
                return refusal.answer()
            except Exception as failure:
                self.failures.append(failure)
                raise

        with self.lock:
            (self.lease_requests if LEASE in target or LEASE.encode() in body else self.requests).append((method, path))
            status, answered, content = self.hook(method, path, go)
        return status, {"date": format_datetime(datetime.now(UTC), usegmt=True), **answered}, content

    def _answer(self, method: str, path: str, query: str, token: str | None, body: bytes) -> Answer:
        if token == CLIENT_TOKEN:
            return json_answer(403, {"message": "invalid token: expected a different token type for this endpoint"})
        if token not in self.audit.actors:
            raise Refusal(401, "UnauthorizedError", "You must log in to use Unleash.")
        if self.maintenance and method in {"POST", "PUT", "DELETE"}:
            return json_answer(503, {"message": "Unleash is currently in maintenance mode."})
        if any(part in path for part in self.absent) or not path.startswith(f"{ADMIN}/"):
            raise missing_path(path)
        for declared, handler in self.routes:
            values = declared.match(method, path)
            if values is not None:
                content = json.loads(body) if body else None
                request = Request(Actor(self.audit.actors[token]), values, dict(parse_qsl(query)), content)
                return json_answer(*handler(request))
        if not self.enterprise and any(declared.match(method, path) is not None for declared in ENTERPRISE):
            raise missing_path(path)
        raise UnknownRoute(method, path)

    def transport(self) -> httpx.MockTransport:
        """Return the server as the transport of an httpx client."""

        def respond(request: httpx.Request) -> httpx.Response:
            status, headers, content = self.answer(*_parts(request))
            return httpx.Response(status, headers=headers, content=content)

        return httpx.MockTransport(respond)

    def _answer_whole(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        """Answer one request; a failure of the server is an answer of status 500. A hook may raise its own error."""
        try:
            return self.answer(method, target, headers, body)
        except Exception as failure:
            if failure not in self.failures:  # a hook's
                raise
            return json_answer(500, {"name": type(failure).__name__, "message": f"the fake server failed: {failure}"})

    @contextmanager
    def served(self) -> Iterator[str]:
        """Serve on a free port of loopback; give the address. Raises at the end if the server failed at a request."""
        with (
            serve(_handler(self)) as url,
            answered_here(urlsplit(url).port or 0, lambda request: self._answer_whole(*_parts(request))),
        ):
            yield url + self.base
        if self.failures:
            raise self.failures[0]


def _parts(request: httpx.Request) -> tuple[str, str, dict[str, str], bytes]:
    """Return method, target, headers by lower-case name, and body."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    return request.method, request.url.raw_path.decode(), headers, request.content


def _handler(fake: FakeUnleash) -> type[QuietHandler]:
    class Handler(QuietHandler):
        def respond(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.reply(*fake._answer_whole(self.command, self.path, headers, self.body()))

        do_GET = do_POST = do_PUT = do_DELETE = respond  # noqa: N815 - http.server's names

    return Handler
