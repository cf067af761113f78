"""A repository on a runner, with an Unleash server and a code host."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from document_samples import chart, workspace, write
from servers.fake_audit import FakeAudit
from servers.fake_code_host import TOKEN as JOB_TOKEN
from servers.fake_code_host import FakeCodeHost
from servers.fake_unleash import TOKEN, FakeUnleash
from servers.program import Program, served_program
from servers.runner import Run, Runner, RunScript, run_script
from unleash_gitops.api.client import Client
from waits import short_waits

ROOT = Path(__file__).parents[2]
PLAN, APPLY = (ROOT / ".github" / "actions" / name for name in ("plan", "apply"))
OTHER = "*:*.another-token"
INSTALLED = pytest.mark.xdist_group("installed")
"""The mark of tests with the program that the action installs: one worker installs it for all."""
HEAD, MERGED = "f00dfeedf00dfeed", "0123456789abcdef"


@pytest.fixture(autouse=True, scope="module")
def _short_waits() -> Iterator[None]:
    with short_waits():
        yield


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the installation step of the plan action once. Return the directory of its programs."""
    temp = tmp_path_factory.mktemp("runner")
    (temp / "python").symlink_to(sys.executable)
    environment = {**os.environ, "PATH": f"{temp}:{os.environ['PATH']}"}
    steps = yaml.safe_load((PLAN / "action.yml").read_text(encoding="utf-8"))["runs"]["steps"]
    runner = Runner(temp, temp, environment, {}, lambda _uses, _given: None)
    run = runner.steps([step for step in steps if step.get("name") == "Install"], {}, GITHUB_ACTION_PATH=str(PLAN))
    assert not run.failed, run.log
    return Path(runner.environment["PATH"].split(":")[0])


@dataclass
class Pipeline:
    """A repository with a workspace in `deploy/unleash`, and its jobs.

    `programs` is the directory of the program `unleash-gitops`, and `run_script` runs scripts that call it.
    """

    repository: Path
    temp: Path
    programs: Path
    run_script: RunScript
    unleash: str
    token: str
    code_host: FakeCodeHost

    @property
    def workspace(self) -> Path:
        return self.repository / "deploy" / "unleash"

    def chart(self, name: str, **spec: Any) -> None:
        write(self.workspace, chart(name, **spec), f"{name}.yaml")

    def write_workspace(self, **spec: Any) -> None:
        """Write the workspace file with this spec."""
        write(self.workspace, workspace(**spec))

    def runner(self, **github: Any) -> Runner:
        kept = {name: os.environ[name] for name in ("LANG", "HOME") if name in os.environ}
        environment = {
            **kept, **self.code_host.environment(), "PATH": f"{self.programs}:{os.environ['PATH']}",
            "GITHUB_STEP_SUMMARY": str(self.temp / "summary.md"), "GITHUB_TOKEN": "",
        }  # fmt: skip
        context = {"token": JOB_TOKEN, "repository": "acme/flags", "event_name": "push", "event": {}, **github}
        return Runner(
            self.temp, self.repository, environment, context, self._uses, frozenset({"Install"}), self.run_script
        )

    def plan(self, head: str = "acme/flags", **inputs: str) -> Run:
        """Run the plan action for a pull request whose branch is in the repository `head`."""
        event = {"pull_request": {"number": 7, "head": {"sha": HEAD, "repo": {"full_name": head}}}}
        given = {"directories": "deploy/unleash", "url": self.unleash, "token": self.token, **inputs}
        return self._check(self.runner(event_name="pull_request", event=event).action(PLAN, **given))

    def merge(self) -> None:
        """Merge the pull request."""
        head = {"sha": HEAD, "ref": "topic", "repo": {"full_name": "acme/flags"}}
        self.code_host.pulls = [
            {"number": 7, "merged_at": "2026-01-31T12:00:00Z", "merge_commit_sha": MERGED, "head": head}
        ]

    def apply(self, **inputs: str) -> Run:
        """Run the apply action on the default branch."""
        given = {"directories": "deploy/unleash", "url": self.unleash, "token": self.token, **inputs}
        return self._check(self.runner(ref="refs/heads/main").action(APPLY, **given))

    def _check(self, run: Run) -> Run:
        """Assert that the log has no secret and no traceback, and return the run."""
        for secret in (JOB_TOKEN, self.token):
            assert secret not in run.log
        assert "Traceback" not in run.log
        return run

    def _uses(self, action: str, given: dict[str, str]) -> None:
        """Replace actions of others: keep an upload as an artifact of the code host, ignore the set-up of Python."""
        name = action.split("@")[0]
        assert name in {"actions/setup-python", "actions/upload-artifact"}, action
        if name == "actions/upload-artifact":
            number = len(self.code_host.artifacts) + 1
            self.code_host.save_artifact(number, given["name"], Path(given["path"]).read_bytes(), HEAD, id=number)


def build_pipeline(
    tmp_path: Path, programs: Path, run: RunScript, unleash: str, token: str, code_host: FakeCodeHost
) -> Pipeline:
    """Return a repository on a runner in `tmp_path`, with only a workspace file."""
    repository, temp = tmp_path / "repository", tmp_path / "temp"
    for directory in (repository / ".git", repository / "deploy" / "unleash", temp):
        directory.mkdir(parents=True)
    (temp / "unleash-gitops" / "bin").mkdir(parents=True)
    pipeline = Pipeline(repository, temp, programs, run, unleash, token, code_host)
    pipeline.write_workspace()
    return pipeline


@pytest.fixture
def unleash() -> FakeUnleash:
    return FakeUnleash(audit=FakeAudit({TOKEN: "ours", OTHER: "somebody"}))


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with served_program(tmp_path_factory.mktemp("program")) as program:
        yield program


@pytest.fixture
def pipeline(tmp_path: Path, program: Program, unleash: FakeUnleash) -> Iterator[Pipeline]:
    with unleash.served() as url, FakeCodeHost().served() as code_host:
        yield build_pipeline(tmp_path, program.directory, program.run, url, TOKEN, code_host)


@pytest.fixture
def installed_pipeline(tmp_path: Path, installed: Path, unleash: FakeUnleash) -> Iterator[Pipeline]:
    """Yield a pipeline with the installed program, which runs in its own process."""
    with unleash.served() as url, FakeCodeHost().served() as code_host:
        yield build_pipeline(tmp_path, installed, run_script, url, TOKEN, code_host)


def change_chart_as_another_user(unleash: FakeUnleash) -> None:
    """Change the only chart with the token of another user."""
    ((key, (_, config)),) = unleash.charts.items()
    with Client("http://fake", OTHER, transport=unleash.transport()) as client:
        body = {**config, "id": key, "timeRange": "month"}
        client.send("POST", "/api/admin/impact-metrics/config", body, repeatable=False)
