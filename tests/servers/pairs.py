"""Processes that apply one workspace at the same moment, and what must hold on the server afterwards."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import document_samples
from command_line import inherited_environment, run_process
from servers.instance import Instance
from unleash_gitops.model.lease_record import workspace_prefix

SCRIPT = """\
import sys, time
error = float(sys.argv.pop(1))
from unleash_gitops.__main__ import main
import unleash_gitops.api.client, unleash_gitops.render.text, unleash_gitops.workflow.leases
local = time.time
time.time = lambda: local() + error
print("ready", flush=True)
sys.stdin.readline()
main()
"""
CLOCK_ERRORS = (600.0, -600.0)
FLAGS = 3
PLAN_FILE = "plan.json"


def write_workspace(root: Path, name: str) -> None:
    """Write a workspace with what simultaneous applies could create twice: strategies, links, a segment, a token."""
    document_samples.write(root, document_samples.workspace(name))
    segment = f"{name}-segment"
    document_samples.write(root, document_samples.document("Segment", segment), "segment.yaml")
    token = document_samples.document("ApiToken", f"{name}-token", type="client", environment="development")
    document_samples.write(root, token, "token.yaml")
    strategies = [{"name": "flexibleRollout", "parameters": {"rollout": str(share)}} for share in (10, 50)]
    environments = {
        "development": {"enabled": True, "strategies": [*strategies, {"name": "default", "segments": [segment]}]}
    }
    for number in range(FLAGS):
        flag = document_samples.flag(
            f"{name}-{number}",
            "default",
            environments=environments,
            links=[{"url": f"https://example.com/{number}"}],
        )
        document_samples.write(root, flag, f"flag-{number}.yaml")


def _make_environment(instance: Instance) -> dict[str, str]:
    return {**inherited_environment(), "UNLEASH_URL": instance.url, "UNLEASH_AUTH_TOKEN": instance.token}


def save_plan(root: Path, instance: Instance) -> None:
    """Save the plan of a workspace as `PLAN_FILE` in its directory."""
    done = run_process(("plan", "--out", PLAN_FILE), cwd=root, environment=_make_environment(instance))
    assert done.code == 0, done.err


def start_waiting(
    root: Path, instance: Instance, clock_error: float, *options: str, command: Sequence[str] = ("apply", "--yes")
) -> subprocess.Popen[str]:
    """Start an apply that waits for a line of its input. Its machine's clock is wrong by `clock_error` seconds."""
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(clock_error), *command, *options],
        cwd=root, env=_make_environment(instance), text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def let_go(processes: Sequence[subprocess.Popen[str]]) -> None:
    """Let processes go on at the same moment."""
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()


def finish(processes: Sequence[subprocess.Popen[str]]) -> list[str]:
    """Wait for processes. Return the output of each that did not end with 0."""
    failures = []
    for process in processes:
        out, err = process.communicate(timeout=180)
        if process.returncode:
            failures.append(f"exit code {process.returncode}\n{out}{err}")
    return failures


def finish_saved(processes: Sequence[subprocess.Popen[str]]) -> list[str]:
    """Wait for applies of one saved plan. Return what is wrong: one applies it, and the others refuse it as stale."""
    ends = [(process.communicate(timeout=180), process.returncode) for process in processes]
    is_right = sorted(code for _, code in ends) == [0, *(1 for _ in ends[1:])]
    is_refused = all("the server has changed since this plan was made" in err for (_, err), code in ends if code)
    return [] if is_right and is_refused else [f"exit code {code}\n{out}{err}" for (out, err), code in ends]


def find_duplicates(instance: Instance, name: str) -> list[str]:
    """Return what is on the server other than once: of the objects of a workspace, and leases that were left."""
    prefix = workspace_prefix(name)
    problems = [f"left {tag_type}" for tag_type in instance.named("tag-types") if tag_type.startswith(prefix)]
    segments = instance.http.get("/api/admin/segments").raise_for_status().json()["segments"]
    names = Counter(f"Segment {segment['name']}" for segment in segments if segment["name"].startswith(f"{name}-"))
    token_names = (token["tokenName"].split(" ")[0] for token in instance.tokens())
    names.update(f"ApiToken {token}" for token in token_names if token.startswith(f"{name}-"))
    problems += [f"{count} of {what}" for what, count in names.items() if count != 1]
    problems += [] if len(names) == 2 else [f"only {sorted(names)}"]
    for number in range(FLAGS):
        flag = instance.flag(f"{name}-{number}")
        assert flag is not None
        links = instance.http.get(f"/api/admin/projects/default/features/{name}-{number}").json().get("links") or []
        counts = (len(flag["in"]["development"]["strategies"]), len(links), flag["tags"])
        if counts != (3, 1, [f"gitops:{name}"]):
            problems.append(f"flag {number}: {counts}")
    return problems
