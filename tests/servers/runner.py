"""A GitHub runner for the steps of an action or a job: expressions, conditions, shell, environment files.

A callback replaces steps that use another action. Every other step runs as on GitHub's runner.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

SHELL = ["bash", "--noprofile", "--norc", "-eo", "pipefail"]  # the command for `shell: bash`

Uses = Callable[[str, dict[str, str]], None]
RunScript = Callable[..., subprocess.CompletedProcess[str]]


def run_script(
    command: Sequence[str | Path], *, cwd: Path, env: dict[str, str], merge: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run a script without input. `merge` sends stderr to stdout."""
    stderr = subprocess.STDOUT if merge else subprocess.PIPE
    return subprocess.run(
        command, cwd=cwd, env=env, text=True, check=False, stdin=subprocess.DEVNULL, timeout=600,
        stdout=subprocess.PIPE, stderr=stderr,
    )  # fmt: skip


@dataclass
class Run:
    """A finished run: its result, its log, the names of the steps that ran, and the outputs of each step."""

    failed: bool = False
    log: str = ""
    ran: list[str] = field(default_factory=list)
    steps: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)


@dataclass
class Runner:
    """A job on a machine. `github` is the context of that name. `uses` runs steps that use another action.

    The runner skips the steps in `done`, whose effect this machine already has. `run_script` runs the shell.
    """

    temp: Path
    workspace: Path
    environment: dict[str, str]
    github: dict[str, Any]
    uses: Uses
    done: frozenset[str] = frozenset()
    run_script: RunScript = run_script

    def action(self, directory: Path, **inputs: str) -> Run:
        """Run a composite action with `inputs`. An input that the action does not have fails the test."""
        action = yaml.safe_load((directory / "action.yml").read_text(encoding="utf-8"))
        assert set(inputs) <= set(action["inputs"])
        given = {name: inputs.get(name, spec.get("default", "")) for name, spec in action["inputs"].items()}
        context: dict[str, Any] = {"github": self.github}
        context["inputs"] = {name: self._filled(text, context) for name, text in given.items()}
        run = self.steps(action["runs"]["steps"], context, GITHUB_ACTION_PATH=str(directory))
        run.outputs = {name: self._filled(spec["value"], context) for name, spec in action["outputs"].items()}
        return run

    def steps(self, steps: list[dict[str, Any]], context: dict[str, Any], **more: str) -> Run:
        """Run steps in order."""
        run = Run()
        run.steps = context.setdefault("steps", run.steps)
        context.setdefault("github", self.github)
        for step in steps:
            name = step.get("name") or step.get("uses") or ""
            if not self._holds(step.get("if", "success()"), context, failed=run.failed):
                continue
            run.ran.append(name)
            if name in self.done:
                continue
            if "uses" in step:
                self.uses(step["uses"], {key: self._filled(v, context) for key, v in step.get("with", {}).items()})
            else:
                self._shell(step, context, run, more)
        return run

    def _shell(self, step: dict[str, Any], context: dict[str, Any], run: Run, more: dict[str, str]) -> None:
        assert "${{" not in step["run"], "an expression in a script is an injection"
        files = {name: self.temp / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_ENV")}
        for file in files.values():
            file.write_text("")
        script = self.temp / "step.sh"
        script.write_text(step["run"])
        given = {name: self._filled(value, context) for name, value in step.get("env", {}).items()}
        paths = {name: str(file) for name, file in files.items()}
        finished = self.run_script(
            [*SHELL, str(script)],
            cwd=self.workspace,
            env={**self.environment, "RUNNER_TEMP": str(self.temp), **more, **given, **paths},
            merge=True,
        )
        run.log += finished.stdout
        run.failed = run.failed or finished.returncode != 0
        lines = files["GITHUB_OUTPUT"].read_text().splitlines()
        if "id" in step:
            run.steps[step["id"]] = {"outputs": dict(line.split("=", 1) for line in lines)}
        for line in files["GITHUB_PATH"].read_text().splitlines():
            self.environment["PATH"] = f"{line}:{self.environment['PATH']}"

    def _filled(self, text: Any, context: dict[str, Any]) -> str:
        return re.sub(r"\$\{\{(.*?)\}\}", lambda match: self._value(match[1].strip(), context), str(text))

    def _value(self, expression: str, context: dict[str, Any]) -> str:
        value: Any = context
        for part in expression.split("."):
            assert re.fullmatch("[A-Za-z_-]+", part), f"{expression}: this runner does not support the expression"
            value = value.get(part) if isinstance(value, dict) else None
        return "" if value is None else str(value)

    def _holds(self, condition: str, context: dict[str, Any], *, failed: bool) -> bool:
        """Tell whether all parts of a condition hold. Without `always()`, all earlier steps must have succeeded too."""
        parts = [part.strip() for part in condition.split("&&")]
        if "always()" not in parts and failed:
            return False
        return all(self._part(part, context) for part in parts)

    def _part(self, part: str, context: dict[str, Any]) -> bool:
        if part in {"always()", "success()"}:
            return True
        for sign in ("==", "!="):
            if sign in part:
                left, right = (side.strip() for side in part.split(sign))
                return (self._value(left, context) == right.strip("'")) == (sign == "==")
        return self._value(part, context) != ""


def event(path: Path, **content: Any) -> str:
    """Write the file with the event that triggered the job; return its path."""
    path.write_text(json.dumps(content), encoding="utf-8")
    return str(path)
