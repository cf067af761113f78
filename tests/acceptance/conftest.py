"""One Unleash for every test of behaviour: in memory behind a socket, then the real server of the sandbox."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

import document_samples
from acceptance.trio import Parts, Trio, same
from command_line import CommandResult, inherited_environment, run_here, start_process
from servers.actors import ANOTHER, make_token, person, token_holder
from servers.fake_audit import FakeAudit
from servers.fake_unleash import TOKEN, FakeUnleash
from servers.instance import Instance
from unleash_gitops.model.lease_record import is_lease_name
from waits import short_waits

ANY_DELETES = ("--max-deletes", "1000")
SOMEBODY = "*:*.somebody"
"""The token of somebody else, at the server in memory."""


@pytest.fixture(autouse=True, scope="module")
def _short_waits() -> Iterator[None]:
    with short_waits():
        yield


@pytest.fixture
def fake() -> Iterator[Instance]:
    server = FakeUnleash(audit=FakeAudit({TOKEN: "ours", SOMEBODY: "somebody"}))
    with server.served() as url:
        instance = Instance(url, TOKEN, server)
        yield instance
        instance.close()


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.sandbox)])
def instance(request: pytest.FixtureRequest) -> Instance:
    """Give a fresh instance: in memory, then the real one."""
    fresh: Instance = request.getfixturevalue(request.param)
    return fresh


class Space:
    """A workspace on disk and the command line on it, against one instance."""

    def __init__(self, root: Path, instance: Instance) -> None:
        self.root = root
        self.instance = instance
        self.workspace()

    def workspace(self, name: str = "payments", **spec: Any) -> None:
        document_samples.write(self.root, document_samples.workspace(name, **spec))

    def write(
        self, kind: str, name: str, metadata: Mapping[str, Any] | None = None, file: str | None = None, **spec: Any
    ) -> Path:
        """Write a document, in a file of its kind and name unless `file` names another."""
        return document_samples.write(self.root, document_samples.document(kind, name, metadata, **spec), file)

    def flag(self, name: str, project: str = "default", **spec: Any) -> None:
        """Write a flag's document, in a file of its name."""
        document_samples.write(self.root, document_samples.flag(name, project, **spec), self.file(name).name)

    def chart(self, name: str, feature: str | None = None, object_id: str | None = None, **spec: Any) -> None:
        """Write a chart's document, in a file of its name."""
        place = {} if feature is None else {"project": "default", "feature": feature}
        identity = {} if object_id is None else {"id": object_id}
        document_samples.write(
            self.root, document_samples.chart(name, {**place, **identity}, **spec), self.file(name).name
        )

    def file(self, name: str) -> Path:
        return self.root / f"{name}.yaml"

    def environment(self, **more: str) -> dict[str, str]:
        server = {"UNLEASH_URL": self.instance.url, "UNLEASH_AUTH_TOKEN": self.instance.token}
        return {**inherited_environment(), **server, **more}

    @contextmanager
    def through(self, url: str | None = None, token: str | None = None) -> Iterator[None]:
        """Have commands use another address, or another token, meanwhile."""
        direct = self.instance
        self.instance = Instance(url or direct.url, token or direct.token)
        try:
            yield
        finally:
            self.instance.close()
            self.instance = direct

    def forget_lease(self) -> None:
        """Remove the leases of killed runs, which otherwise expire after 40 seconds."""
        for name in self.instance.named("tag-types"):
            if is_lease_name(name):
                self.instance.http.delete(f"/api/admin/tag-types/{name}").raise_for_status()

    def kill(self, process: subprocess.Popen[str]) -> None:
        """Kill an apply as `kill -9` does, and remove its lease."""
        process.kill()
        process.communicate()
        self.forget_lease()

    def start(self, *arguments: str, **more: str) -> subprocess.Popen[str]:
        """Start a command in a process of its own."""
        return start_process(arguments, cwd=self.root, environment=self.environment(**more))

    def run(self, *arguments: str, **more: str) -> CommandResult:
        """Run a command in this process; its output never holds the token or a traceback."""
        result = run_here(arguments, cwd=self.root, environment=self.environment(**more))
        for text in (result.out, result.err):
            assert self.instance.token not in text
            assert "Traceback" not in text
        return result

    def plan(self, *arguments: str) -> Any:
        """Return the plan. Any number of deletes is allowed, since tests often delete all that they made."""
        done = self.run("plan", "--format", "json", *ANY_DELETES, *arguments)
        content = done.json
        assert done.code == (3 if content["summary"]["blocked"] else 0), done.err
        return content

    def apply(self, *arguments: str) -> CommandResult:
        return self.run("apply", "--yes", *ANY_DELETES, *arguments)


@pytest.fixture
def space(tmp_path: Path, instance: Instance) -> Space:
    return Space(tmp_path, instance)


@pytest.fixture
def fake_space(tmp_path: Path, fake: Instance) -> Space:
    return Space(tmp_path, fake)


@pytest.fixture(scope="session")
def other(real_server: Instance) -> Iterator[httpx.Client]:
    """Give a client with a second admin token."""
    with token_holder(real_server.url, make_token(ANOTHER)) as client:
        yield client


@pytest.fixture(scope="session")
def admin(real_server: Instance) -> Iterator[httpx.Client]:
    """Give a client of somebody who has logged in."""
    with person(real_server.url) as client:
        yield client


@pytest.fixture
def trio(tmp_path: Path, real: Instance) -> Trio:
    """Give three objects that we have applied, on a server that has nothing else."""
    found = Trio(Space(tmp_path, real))
    found.write()
    assert found.space.apply().code == 0
    assert found.live() == same(Parts())
    return found
