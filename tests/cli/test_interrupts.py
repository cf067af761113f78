"""An interrupt ends the run with 130 at any moment, and nothing is sent after it that had not been sent before."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from command_line import inherited_environment
from servers.fake_unleash import TOKEN, FakeUnleash

CHART = {"metricName": "m", "timeRange": "day", "aggregationMode": "avg"}
SCRIPT = Path(sys.executable).with_name("unleash-gitops")
LONGEST = 1.2  # seconds: about as long as an apply takes
CHARTS = 8


def write_workspace(root: Path) -> None:
    workspace = {"apiVersion": "unleash-gitops/v1", "kind": "Workspace", "metadata": {"name": "payments"}}
    (root / "unleash-gitops.yaml").write_text(json.dumps(workspace))
    for number in range(CHARTS):
        chart = {"kind": "ImpactMetric", "metadata": {"name": f"c{number}"}, "spec": {**CHART, "title": "t"}}
        (root / f"c{number}.yaml").write_text(json.dumps({"apiVersion": "unleash-gitops/v1", **chart}))


def interrupt_applies(root: Path, delays: list[float], number: signal.Signals) -> dict[int, int]:
    """Interrupt an apply after each delay; return how many runs had each exit code. Asserts what holds of every run."""
    write_workspace(root)
    codes: dict[int, int] = {}
    for delay in delays:
        server = FakeUnleash()
        with server.served() as url:
            environment = {**inherited_environment(), "UNLEASH_URL": url, "UNLEASH_AUTH_TOKEN": TOKEN}
            process = subprocess.Popen(
                [SCRIPT, "apply", "--yes"], cwd=root, env=environment, text=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )  # fmt: skip
            time.sleep(delay)
            process.send_signal(number)
            out, err = process.communicate(timeout=60)
            code = process.returncode
            # Python starts before the program: a signal then ends it like any process, or it reports the interrupt.
            is_starting = code == -number or (code == 1 and "KeyboardInterrupt" in err and "unleash_gitops" not in err)
            is_done = code == 0 and len(server.charts) == CHARTS
            is_done |= code == -number and f"Applied {CHARTS}" in out  # Python ends after the program
            assert code == 130 or is_done or (is_starting and not server.charts), (delay, code, out, err)
            assert len(server.charts) in {0, CHARTS} or "interrupted" in err, (delay, out, err)
            if len(server.charts) > 0 and code == 130 and "waiting for requests" in err:
                assert out.count("created") >= 1, (delay, out, err)
        codes[code] = codes.get(code, 0) + 1
    return codes


@pytest.mark.parametrize(("number", "count"), [(signal.SIGINT, 12), (signal.SIGTERM, 6)])
def test_an_apply_interrupted_at_any_moment_ends_with_130(tmp_path: Path, number: signal.Signals, count: int) -> None:
    codes = interrupt_applies(tmp_path, [LONGEST * step / count for step in range(count)], number)
    assert sum(codes.values()) == count
    assert codes.get(130, 0) > 0, codes


def interrupt_at_random(root: Path, count: int) -> dict[int, int]:
    return interrupt_applies(root, [random.uniform(0, LONGEST) for _ in range(count)], signal.SIGINT)
