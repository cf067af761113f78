"""Plans and applies over many flags, against a bare client that asks for the same, or does the same."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
from measure import TOOL, peak, sandbox, timed

CONNECTIONS = 8
SIZES = (1_000, 4_990)  # a server allows 5,000 flags, and the sandbox has two of its own
APPLIED = 200
WORKSPACE = "apiVersion: unleash-gitops/v1\nkind: Workspace\nmetadata: {{name: {name}}}\nspec: {{reads: {reads}}}\n"
FLAG = """\
apiVersion: unleash-gitops/v1
kind: FeatureFlag
metadata: {{name: {name}, project: default}}
spec:
  description: One of many
  environments:
    development:
      enabled: true
      strategies:
        - name: flexibleRollout
          parameters: {{rollout: 25}}
          constraints: [{{contextName: userId, operator: IN, values: [a]}}]
        - {{name: flexibleRollout, parameters: {{rollout: 50}}}}
    production:
      enabled: false
      strategies:
        - name: flexibleRollout
          parameters: {{rollout: 25}}
          constraints: [{{contextName: userId, operator: IN, values: [a]}}]
        - {{name: flexibleRollout, parameters: {{rollout: 50}}}}
"""
PATH = "/api/admin/projects/default/features"


def bench_flags() -> None:
    """A plan over all flags of a server, the whole command, against one GET for each flag."""
    with sandbox() as (url, token), tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "UNLEASH_URL": url, "UNLEASH_AUTH_TOKEN": token}
        made = 0
        for size in SIZES:
            with _client(url, token) as http:
                new = [f"flag-{number}" for number in range(made, size)]
                _send_all(http, _calls_of(Path(folder) / "made", new, environment))
                made = size
                names = [f"flag-{number}" for number in range(size)]
                bare = statistics.median(timed(lambda names=names, http=http: _read_all(http, names)) for _ in range(3))
            print(f"flags     {size} flags, one GET each over {CONNECTIONS} connections: {bare:.1f} s")
            for reads in ("plain", "export"):
                _compare(Path(folder) / f"{size}-{reads}", names, reads, bare, environment)


def _compare(root: Path, names: list[str], reads: str, bare: float, environment: dict[str, str]) -> None:
    write(root, names, reads)
    command = [*TOOL, "-v", "plan", str(root)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    assert "No changes." in done.stdout, done.stdout[-2000:]
    asked = sum(line.startswith(("GET ", "POST ")) for line in done.stderr.splitlines())
    run = lambda: subprocess.run(command, check=True, capture_output=True, env=environment)  # noqa: E731
    took = statistics.median(timed(run) for _ in range(3))
    memory = peak(command, environment)
    print(
        f"flags     reads: {reads}: {bare / took:.1f} times as fast, {took:.1f} s, {asked} requests, {memory:.0f} MiB"
    )


def bench_drift() -> None:
    """What it costs to ask whose the differences are: a plan in which flags differ, against one in which none does."""
    size = SIZES[0]
    names = [f"flag-{number}" for number in range(size)]
    with sandbox() as (url, token), tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "UNLEASH_URL": url, "UNLEASH_AUTH_TOKEN": token}
        with _client(url, token) as http:
            _send_all(http, _calls_of(Path(folder) / "made", names, environment))
        took: dict[int, float] = {}
        for differing in (0, 10, size):
            root = Path(folder) / str(differing)
            write(root, names)
            file = root / "flags.yaml"
            file.write_text(file.read_text().replace("One of many", "Another", differing))
            command = [*TOOL, "-v", "plan", str(root), "--format", "json"]
            done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
            changes = json.loads(done.stdout)["changes"]
            assert [field["origin"] for change in changes for field in change["fields"]] == ["file"] * differing
            asked = sum(line.startswith(("GET ", "POST ")) for line in done.stderr.splitlines())
            run = lambda command=command: subprocess.run(command, check=True, capture_output=True, env=environment)  # noqa: E731
            took[differing] = statistics.median(timed(run) for _ in range(5))
            print(
                f"drift     {differing} of {size} flags differ: {took[differing] / took[0]:.2f} times as long as when "
                f"none does, {asked} requests, {peak(command, environment):.0f} MiB"
            )


def bench_apply() -> None:
    """An apply of new flags, against a bare client that sends the very calls, a flag's one after the other."""
    with sandbox() as (url, token), tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "UNLEASH_URL": url, "UNLEASH_AUTH_TOKEN": token}
        rates: dict[str, list[float]] = {"bare": [], "apply": []}
        for round_ in range(4):
            for what, found in rates.items():
                names = [f"{what}-{round_}-{number}" for number in range(APPLIED)]
                root = Path(folder) / f"{what}-{round_}"
                calls = _calls_of(root, names, environment, f"{what}-{round_}")
                count = sum(len(one) for one in calls)
                if what == "bare":
                    with _client(url, token) as http:
                        found.append(count / timed(lambda http=http, calls=calls: _send_all(http, calls)))
                    continue
                plan = str(root / "plan.json")
                found.append(count / timed(lambda plan=plan: _apply(plan, environment)))
        bare, ours = (statistics.median(found[1:]) for found in rates.values())
        print(f"apply     {APPLIED} new flags over {CONNECTIONS} connections; bare {bare:.0f} calls a second")
        print(f"apply     whole command, checking the plan first: {ours / bare:.2f} of the bare client's rate")


def _apply(plan: str, environment: dict[str, str]) -> None:
    command = [*TOOL, "apply", plan, "--yes", "--concurrency", str(CONNECTIONS)]
    subprocess.run(command, check=True, capture_output=True, env=environment)


def write(root: Path, names: Iterable[str], reads: str = "plain", workspace: str = "bench") -> None:
    """Write a workspace of flags."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "unleash-gitops.yaml").write_text(WORKSPACE.format(name=workspace, reads=reads))
    (root / "flags.yaml").write_text("---\n".join(FLAG.format(name=name) for name in names))


def _calls_of(
    root: Path, names: list[str], environment: dict[str, str], workspace: str = "bench"
) -> list[list[dict[str, Any]]]:
    """Return the calls that create the flags, those of one flag together, and save their plan."""
    from unleash_gitops.api.client import Client
    from unleash_gitops.workflow.plan import load_workspace, make_plan

    write(root, names, workspace=workspace)
    with Client(environment["UNLEASH_URL"], environment["UNLEASH_AUTH_TOKEN"]) as client:
        plan = make_plan(*load_workspace(root), client, ["FeatureFlag"])
    (root / "plan.json").write_text(json.dumps(plan.to_json()))
    creates = [change for change in plan.changes if change.action == "create"]
    return [[call.model_dump() for call in change.calls] for change in creates]


def _send_all(http: httpx.Client, calls: list[list[dict[str, Any]]]) -> None:
    once = {json.dumps(call): call for one in calls for call in one if call["path"].startswith("/api/admin/tag")}
    for call in once.values():
        http.request(call["method"], call["path"], json=call["body"])

    def send(one: list[dict[str, Any]]) -> None:
        for call in one:
            if not call["path"].startswith("/api/admin/tag"):
                http.request(call["method"], call["path"], json=call["body"]).raise_for_status()

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(send, calls))


def _read_all(http: httpx.Client, names: list[str]) -> None:
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        for answer in pool.map(lambda name: http.get(f"{PATH}/{name}"), names):
            answer.raise_for_status().json()


def _client(url: str, token: str) -> httpx.Client:
    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    headers = {"Authorization": token}
    return httpx.Client(base_url=url, headers=headers, limits=limits, timeout=60, trust_env=False)
