"""Print how the tool compares with the least that its job can cost: ratios within one run, on this machine.

    python tests/benchmarks/run.py            # all
    python tests/benchmarks/run.py start      # one: start, validate, changes, plan, memory, flags, apply, drift

All but `start`, `validate` and `changes` need the extra `sandbox`: they start a real server of their own, in a
temporary folder.
Nothing here is asserted: a time is only worth something beside another one.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import yaml
from changes import bench_changes
from flags import bench_apply, bench_drift, bench_flags
from measure import TOOL, peak, sandbox, timed

CONNECTIONS = 4
FLAGS = 400
DOCUMENTS = 5_000
WORKSPACE = "apiVersion: unleash-gitops/v1\nkind: Workspace\nmetadata: {name: bench}\n"
CHART = """\
apiVersion: unleash-gitops/v1
kind: ImpactMetric
metadata:
  name: chart-{number}{flag}
spec:
  metricName: unleash_counter_bench_{number}
  title: Chart number {number}
  timeRange: day
  aggregationMode: rps
  yAxisMin: zero
  labelSelectors:
    environment: [production, development]
"""


def main() -> None:
    """Run the benchmarks named on the command line, all of them by default."""
    benchmarks: dict[str, Callable[[], None]] = {
        "start": bench_start,
        "validate": bench_validate,
        "changes": bench_changes,
        "plan": bench_plan,
        "memory": bench_memory,
        "flags": bench_flags,
        "apply": bench_apply,
        "drift": bench_drift,
    }
    for name in sys.argv[1:] or benchmarks:
        benchmarks[name]()


def bench_start() -> None:
    """`--version` and `--help` against a Python that does nothing."""
    commands = {"bare": [sys.executable, "-c", "pass"], "--version": [*TOOL, "--version"], "--help": [*TOOL, "--help"]}
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(21):
        for name, command in commands.items():
            times[name].append(timed(lambda command=command: subprocess.run(command, check=True, capture_output=True)))
    bare = statistics.median(times["bare"][1:])
    for name in ("--version", "--help"):
        ratio = statistics.median(times[name][1:]) / bare
        print(f"start     {name}: {ratio:.1f} times bare Python ({bare * 1000:.0f} ms)")


def bench_validate() -> None:
    """`validate` of many documents, in one file and in as many files, against PyYAML's C loader on the same text."""
    from unleash_gitops.documents.loader import load

    texts = [CHART.format(number=number, flag="") for number in range(DOCUMENTS)]
    with tempfile.TemporaryDirectory() as folder:
        for layout in ("one file", f"{DOCUMENTS} files"):
            root = Path(folder) / layout.replace(" ", "-")
            root.mkdir()
            (root / "unleash-gitops.yaml").write_text(WORKSPACE)
            if layout == "one file":
                (root / "charts.yaml").write_text("---\n".join(texts))
            else:
                for number, text in enumerate(texts):
                    (root / f"{number}.yaml").write_text(text)
            paths = [path for path in root.iterdir() if path.name != "unleash-gitops.yaml"]
            parse = min(timed(lambda paths=paths: _parse(paths)) for _ in range(3))
            ours = min(timed(lambda root=root: load(root)) for _ in range(3))
            print(f"validate  {DOCUMENTS} documents in {layout}: {ours / parse:.2f} times parsing them ({parse:.2f} s)")


def _parse(paths: list[Path]) -> None:
    for path in paths:
        for _ in yaml.load_all(path.read_bytes(), Loader=yaml.CSafeLoader):
            pass


def bench_plan() -> None:
    """A plan over many flags, against a bare client that only sends the same GETs over as many connections."""
    with sandbox() as (url, token), tempfile.TemporaryDirectory() as folder:
        headers = {"Authorization": token}
        with httpx.Client(base_url=url, headers=headers, trust_env=False) as http:
            for number in range(FLAGS):
                answer = http.post("/api/admin/projects/default/features", json={"name": f"bench-{number}"})
                assert answer.status_code in {201, 409}, answer.text
        root = Path(folder)
        (root / "unleash-gitops.yaml").write_text(WORKSPACE)
        flags = [f"\n  project: default\n  feature: bench-{number}" for number in range(FLAGS)]
        (root / "charts.yaml").write_text(
            "---\n".join(CHART.format(number=number, flag=flag) for number, flag in enumerate(flags))
        )
        environment = {**os.environ, "UNLEASH_URL": url, "UNLEASH_AUTH_TOKEN": token}
        subprocess.run([*TOOL, "apply", str(root), "--yes"], check=True, capture_output=True, env=environment)
        for where, policy in (("every project", ""), ("the project named", "spec: {projects: [default]}\n")):
            (root / "unleash-gitops.yaml").write_text(WORKSPACE + policy)
            _compare_plans(where, root, url, token, environment)


def _compare_plans(where: str, root: Path, url: str, token: str, environment: dict[str, str]) -> None:
    from unleash_gitops.api.client import Client
    from unleash_gitops.workflow.plan import load_workspace, make_plan

    loaded, workspace = load_workspace(root)
    asked: list[str] = []
    with Client(url, token, concurrency=CONNECTIONS, log=asked.append) as client:
        make_plan(loaded, workspace, client)
    requests = len(asked)

    def in_process() -> None:
        with Client(url, token, concurrency=CONNECTIONS) as client:
            assert make_plan(loaded, workspace, client).summary.unchanged == FLAGS

    def command() -> None:
        subprocess.run([*TOOL, "plan", str(root)], check=True, capture_output=True, env=environment)

    rates: dict[str, list[float]] = {"bare": [], "in process": [], "whole command": []}
    for _ in range(9):
        rates["bare"].append(FLAGS / timed(lambda: _bare(url, token)))
        rates["in process"].append(requests / timed(in_process))
        rates["whole command"].append(requests / timed(command))
    bare = statistics.median(rates["bare"][1:])
    print(
        f"plan      {FLAGS} flags' charts, {where}: {requests} requests, {CONNECTIONS} connections; bare {bare:.0f}/s"
    )
    for name in ("in process", "whole command"):
        print(f"plan      {name}: {statistics.median(rates[name][1:]) / bare:.2f} of the bare client's rate")


def _bare(url: str, token: str) -> None:
    paths = [f"/api/admin/projects/default/features/bench-{number}/impact-metrics/config" for number in range(FLAGS)]
    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    with (
        httpx.Client(base_url=url, headers={"Authorization": token}, limits=limits, trust_env=False) as http,
        ThreadPoolExecutor(CONNECTIONS) as pool,
    ):
        for answer in pool.map(http.get, paths):
            answer.raise_for_status().json()


def bench_memory() -> None:
    """The peak memory of a plan that creates many charts."""
    with sandbox() as (url, token), tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "unleash-gitops.yaml").write_text(WORKSPACE)
        (root / "charts.yaml").write_text("---\n".join(CHART.format(number=n, flag="") for n in range(DOCUMENTS)))
        environment = {**os.environ, "UNLEASH_URL": url, "UNLEASH_AUTH_TOKEN": token}
        for what, directory in (("nothing", _empty(root)), (f"{DOCUMENTS} documents", root)):
            command = [*TOOL, "plan", str(directory), "--out", str(root / "plan.json")]
            print(f"memory    plan of {what}: peak {peak(command, environment):.0f} MiB")
        print(f"memory    the saved plan: {(root / 'plan.json').stat().st_size / 2**20:.1f} MiB")


def _empty(root: Path) -> Path:
    empty = root / ".empty"
    empty.mkdir()
    (empty / "unleash-gitops.yaml").write_text(WORKSPACE)
    return empty


if __name__ == "__main__":
    main()
