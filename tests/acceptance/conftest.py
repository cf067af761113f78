"""One Unleash for every test of behaviour: in memory behind a socket, then the real server of the sandbox."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from servers.fake_audit import FakeAudit
from servers.fake_unleash import TOKEN, FakeUnleash
from servers.instance import Instance


@pytest.fixture
def fake() -> Iterator[Instance]:
    server = FakeUnleash(audit=FakeAudit({TOKEN: "ours"}))
    with server.served() as url:
        instance = Instance(url, TOKEN, server)
        yield instance
        instance.close()


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.sandbox)])
def instance(request: pytest.FixtureRequest) -> Iterator[Instance]:
    """Give an instance without charts: in memory, then the real one."""
    found: Instance = request.getfixturevalue(request.param)
    found.clear()
    yield found
    found.clear()


@dataclass
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Space:
    """A workspace on disk and the command line on it, against one instance."""

    def __init__(self, root: Path, instance: Instance) -> None:
        self.root = root
        self.instance = instance
        self.workspace()

    def workspace(self, name: str = "payments", **spec: Any) -> None:
        document = {"apiVersion": "unleash-gitops/v1", "kind": "Workspace", "metadata": {"name": name}, "spec": spec}
        (self.root / "unleash-gitops.yaml").write_text(json.dumps(document), encoding="utf-8")

    def chart(self, name: str, feature: str | None = None, object_id: str | None = None, **spec: Any) -> None:
        """Write a document, in a file of its name."""
        metadata = {"name": name}
        if feature is not None:
            metadata |= {"project": "default", "feature": feature}
        if object_id is not None:
            metadata["id"] = object_id
        usual = {"metricName": "m", "timeRange": "day", "aggregationMode": "avg"}
        document = {
            "apiVersion": "unleash-gitops/v1",
            "kind": "ImpactMetric",
            "metadata": metadata,
            "spec": {**usual, **spec},
        }
        self.file(name).write_text(json.dumps(document), encoding="utf-8")

    def file(self, name: str) -> Path:
        return self.root / f"{name}.yaml"

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("UNLEASH_")}
        return {**kept, "UNLEASH_URL": self.instance.url, "UNLEASH_AUTH_TOKEN": self.instance.token, **more}

    def start(self, *arguments: str, **more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "unleash_gitops", *arguments],
            cwd=self.root,
            env=self.environment(**more),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **more: str) -> Done:
        """Run a command; whatever it does, the token is in nothing that it says, and there is no traceback."""
        process = self.start(*arguments, **more)
        out, err = process.communicate(timeout=120)
        for text in (out, err):
            assert self.instance.token not in text
            assert "Traceback" not in text
        return Done(process.returncode, out, err)

    def plan(self, *arguments: str) -> Any:
        done = self.run("plan", "--format", "json", *arguments)
        assert done.code == 0, done.err
        return done.json

    def apply(self, *arguments: str) -> Done:
        return self.run("apply", "--yes", *arguments)


@pytest.fixture
def space(tmp_path: Path, instance: Instance) -> Space:
    return Space(tmp_path, instance)


@pytest.fixture
def fake_space(tmp_path: Path, fake: Instance) -> Space:
    return Space(tmp_path, fake)
