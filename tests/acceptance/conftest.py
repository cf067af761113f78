"""One Unleash for every test of behaviour: in memory behind a socket, then the real server of the sandbox."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import pytest

from servers.fake_unleash import TOKEN, FakeUnleash
from servers.sandbox_database import execute
from unleash_gitops import sandbox

FLAGS = ("checkout-v2", "search-ranking")


@dataclass
class Instance:
    """An Unleash to test against, and a second way in, for what other people do."""

    url: str
    token: str
    fake: FakeUnleash | None = None

    @cached_property
    def http(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers={"Authorization": self.token}, trust_env=False, timeout=30)

    def close(self) -> None:
        self.http.close()

    def path(self, feature: str | None = None) -> str:
        return f"/api/admin{f'/projects/default/features/{feature}' if feature else ''}/impact-metrics/config"

    def charts(self, feature: str | None = None) -> dict[str, dict[str, Any]]:
        """Return the live charts of a flag, or of the instance, by id."""
        configs = self.http.get(self.path(feature)).raise_for_status().json()["configs"]
        return {config["id"]: config for config in configs}

    def everything(self) -> dict[str, dict[str, Any]]:
        """Return all live charts by id."""
        return {**self.charts(), **self.charts(FLAGS[0]), **self.charts(FLAGS[1])}

    def save(self, feature: str | None = None, **config: Any) -> str:
        """Save a chart as a person would, by hand; return its id."""
        usual = {
            "metricName": "m",
            "timeRange": "day",
            "aggregationMode": "avg",
            "yAxisMin": "auto",
            "labelSelectors": {},
        }
        answer = self.http.post(self.path(feature), json={**usual, **config}).raise_for_status()
        return str(answer.json()["id"])

    def delete(self, object_id: str, feature: str | None = None) -> None:
        self.http.delete(f"{self.path(feature)}/{object_id}").raise_for_status()

    def guard(self, *charts: str) -> None:
        """Have safeguards use these charts, as an Enterprise server would."""
        if self.fake is not None:
            self.fake.guarded = set(charts)
        for chart in () if self.fake is not None else charts:
            execute(f"INSERT INTO safeguards VALUES ('guard-{chart}', '{chart}', '{{}}', '{{}}')")

    def clear(self) -> None:
        for feature in (None, *FLAGS):
            for object_id in self.charts(feature):
                self.delete(object_id, feature)


@pytest.fixture(scope="session")
def real() -> Iterator[Instance]:
    """Give the real server, in a sandbox of its own."""
    with tempfile.TemporaryDirectory(prefix="ug-") as directory:
        before = os.environ.get("UNLEASH_GITOPS_SANDBOX_DIR")
        os.environ["UNLEASH_GITOPS_SANDBOX_DIR"] = directory
        try:
            running = sandbox.start(say=lambda _: None)
            instance = Instance(running.url, running.token)
            yield instance
            instance.close()
        finally:
            os.environ["UNLEASH_GITOPS_SANDBOX_DIR"] = directory
            sandbox.reset(say=lambda _: None)
            if before is None:
                del os.environ["UNLEASH_GITOPS_SANDBOX_DIR"]
            else:
                os.environ["UNLEASH_GITOPS_SANDBOX_DIR"] = before


@pytest.fixture
def fake() -> Iterator[Instance]:
    server = FakeUnleash()
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
