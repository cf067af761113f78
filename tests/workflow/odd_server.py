"""A workspace of every kind and its server in memory, some of whose answers a property makes odd."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from command_line import CommandResult, inherited_environment, run_here
from document_samples import chart, document, flag, workspace, write
from servers.fake_audit import FakeAudit
from servers.fake_unleash import TOKEN, FakeUnleash
from waits import short_waits

OTHER = "*:*.another-token"
Change = Callable[[httpx.Request, httpx.Response], httpx.Response]


def _rollout(percent: int, **more: Any) -> dict[str, Any]:
    return {"name": "flexibleRollout", "parameters": {"rollout": percent}, **more}


def documents(version: int) -> list[dict[str, Any]]:
    """Return documents of every kind. Those of version 1 differ from those of 0, and there are fewer of them."""
    old = version == 0
    word = ["first", "second"][version]
    only = {"contextName": "country", "operator": "IN", "values": ["NO"] if old else ["NO", "SE"]}
    found = [
        flag(
            "checkout",
            description=word,
            tags=["team:payments"] if old else ["team:shop"],
            links=[{"url": f"https://example.com/{word}", "title": "Design"}],
            dependencies=[{"feature": "base", "enabled": True}],
            environments={
                "development": {"enabled": old, "strategies": [_rollout(10 if old else 50, segments=["beta"])]},
                "production": {"enabled": False, "strategies": [_rollout(10, constraints=[only])]},
            },
        ),
        flag("base", stale=not old, description=word),
        document("TagType", "team", description=word),
        document("ContextField", "country", description=word, legalValues=[{"value": "NO"}, {"value": "SE"}]),
        document("Segment", "beta", description=word, constraints=[only]),
        document("Strategy", "byRegion", title=word, parameters=[]),
        document("Application", "shop-web", description=word),
        document("Environment", "production", sortOrder=version + 1),
        document("Project", "default", environments=["development", "production"]),
        document(
            "Addon", "audit-hook", provider="webhook", description=word, events=["feature-created"],
            parameters={"url": {"fromEnv": "UNLEASH_SECRET_HOOK"}},
        ),
        document("ApiToken", "backend", type="backend", environment="development"),
        chart("errors", {"project": "default", "feature": "base"}, title=word),
        chart("health", title=word),
    ]  # fmt: skip
    if old:
        found += [
            flag("gone"),
            document("Segment", "gone", constraints=[]),
            document("ApiToken", "gone", type="backend", environment="development"),
        ]
    return found


def is_write(request: httpx.Request) -> bool:
    """Tell whether a request changes something: the playground and exports are read by POST."""
    return request.method != "GET" and not request.url.path.endswith(("/playground/advanced", "/features-batch/export"))


class OddServer:
    """The server, and the workspace of version 1 in `root`, while the server has version 0, which another user edited.

    `change` sees each request and its answer, and returns the answer that the command gets. A server that
    `is_read_only` ignores writes and answers them with `{}`.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.requests: list[httpx.Request] = []
        self.change: Change = lambda _request, response: response
        self.is_read_only = False
        self.fake = FakeUnleash(flags={"default": []}, audit=FakeAudit({TOKEN: "ours", OTHER: "somebody"}))

    def prepare(self, **spec: Any) -> None:
        """Apply version 0, let another user edit a flag, and write the files of version 1."""
        self.use_version(0)
        done = self.run("apply", "--yes")
        assert done.code == 0, done.err
        body = {"type": "release", "description": "by another user", "stale": False}
        path = "/api/admin/projects/default/features/base"
        status, _, content = self.fake.answer("PUT", path, {"authorization": OTHER}, json.dumps(body).encode())
        assert status == 200, content
        self.use_version(1, **spec)

    def use_version(self, version: int, **spec: Any) -> None:
        for path in self.root.glob("*.yaml"):
            path.unlink()
        write(self.root, workspace("payments", maxDeletePercent=100, **spec))
        for content in documents(version):
            write(self.root, content)

    def run(self, *arguments: str) -> CommandResult:
        environment = {
            **inherited_environment(),
            "UNLEASH_URL": "http://unleash.test",
            "UNLEASH_AUTH_TOKEN": TOKEN,
            "UNLEASH_SECRET_HOOK": "https://hook.test/secret",
        }
        return run_here(arguments, cwd=self.root, environment=environment)

    def respond(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.is_read_only and is_write(request):
            return self.change(request, httpx.Response(200, content=b"{}"))
        headers = {name.lower(): value for name, value in request.headers.items()}
        target = request.url.raw_path.decode()
        status, more, content = self.fake.answer(request.method, target, headers, request.content)
        return self.change(request, httpx.Response(status, headers=more, content=content))


@contextmanager
def odd_server(**spec: Any) -> Iterator[OddServer]:
    """Give a server and its workspace, in whose file `spec` stands."""
    with (
        tempfile.TemporaryDirectory(prefix="ug-") as directory,
        pytest.MonkeyPatch.context() as patch,
        short_waits(),
    ):
        server = OddServer(Path(directory))
        transport = httpx.MockTransport(server.respond)
        patch.setattr("unleash_gitops.api.transfer.BoundedTransport", lambda *_arguments, **_options: transport)
        patch.setattr("unleash_gitops.engine.applier._LONGEST_WAIT_FOR_SERVER", 0.1)
        server.prepare(**spec)
        yield server
