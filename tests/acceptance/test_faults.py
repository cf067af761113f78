"""A network and a server that fail: everything is applied in the end, and nothing twice."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from acceptance.conftest import Space
from acceptance.test_life import chart_id
from acceptance.variants import parametrize_instance
from document_samples import document_text
from servers.fault_proxy import FaultProxy
from servers.instance import Instance
from unleash_gitops import sandbox

CHARTS = 24
MANY = 200


def _charts(space: Space, count: int) -> set[str]:
    """Write `count` documents in one file; return the ids they stand for."""
    charts = [
        document_text("ImpactMetric", f"c{number}", f"{{metricName: m{number}, timeRange: day, aggregationMode: avg}}")
        for number in range(count)
    ]
    (space.root / "charts.yaml").write_text("---\n".join(charts))
    return {chart_id(f"c{number}") for number in range(count)}


@pytest.fixture
def proxied(space: Space) -> Iterator[tuple[Space, FaultProxy]]:
    """Put a proxy between the tool and the instance."""
    proxy = FaultProxy(space.instance.url)
    direct = space.instance
    with proxy.served() as url:
        space.instance = Instance(url, direct.token)
        yield space, proxy
        space.instance.close()
    space.instance = direct


@parametrize_instance(
    "fault", ["429", "502", "503", "504", "cut before", "cut after", "slow"], real=["502", "cut before", "cut after"]
)
def test_faults_of_every_kind_are_lived_through(proxied: tuple[Space, FaultProxy], fault: str) -> None:
    space, proxy = proxied
    expected = _charts(space, CHARTS)
    proxy.fault = lambda number, _method, _path: fault if number % 3 == 1 else None
    done = space.apply()
    assert done.code == 0, done.err
    assert proxy.faults > CHARTS // 3
    proxy.fault = lambda _number, _method, _path: None
    assert set(space.instance.everything()) == expected
    assert space.run("plan", "--detailed-exitcode").code == 0


def test_an_error_of_the_servers_own_is_not_repeated_and_takes_nothing_else_with_it(
    proxied: tuple[Space, FaultProxy],
) -> None:
    space, proxy = proxied
    expected = _charts(space, CHARTS)
    posts = iter(range(10_000))
    proxy.fault = lambda _number, method, _path: "500" if method == "POST" and next(posts) == 5 else None
    done = space.apply("--format", "json")
    assert done.code == 3
    assert done.json["summary"] == {"applied": CHARTS - 1, "failed": 1, "skipped": 0, "blocked": 0}
    (failed,) = [result for result in done.json["results"] if result["status"] == "failed"]
    assert failed["error"] == "POST /api/admin/impact-metrics/config: 500 Busy: try later"
    assert proxy.faults == 1
    assert space.apply().code == 0
    assert set(space.instance.everything()) == expected


def _wait_for_charts(space: Space, count: int, process: Any) -> None:
    deadline = time.monotonic() + 60
    while len(space.instance.charts()) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_killed_half_way_and_applied_again(space: Space) -> None:
    expected = _charts(space, MANY)
    process = space.start("apply", "--yes")
    _wait_for_charts(space, 30, process)
    space.kill(process)
    assert 30 <= len(space.instance.charts()) < MANY
    assert space.apply().code == 0
    assert set(space.instance.everything()) == expected
    assert space.run("plan", "--detailed-exitcode").code == 0


@parametrize_instance("number", [signal.SIGINT, signal.SIGTERM], real=[signal.SIGINT])
def test_interrupted_half_way_reports_and_applied_again(space: Space, number: signal.Signals) -> None:
    expected = _charts(space, MANY)
    process = space.start("apply", "--yes")
    _wait_for_charts(space, 30, process)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "interrupted: waiting for requests in flight" in err
    live = len(space.instance.charts())
    assert 30 <= live < MANY
    assert out.splitlines()[-1] == f"Applied {live}, failed 0, skipped {MANY - live}, blocked 0."
    assert space.apply().code == 0
    assert set(space.instance.everything()) == expected


def test_a_second_interrupt_stops_at_once(proxied: tuple[Space, FaultProxy]) -> None:
    space, proxy = proxied
    _charts(space, CHARTS)
    proxy.fault = lambda _number, method, _path: "503" if method == "POST" else None
    process = space.start("apply", "--yes")
    deadline = time.monotonic() + 30
    while proxy.faults < 4:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert process.returncode == 130


def test_interrupted_while_planning(proxied: tuple[Space, FaultProxy]) -> None:
    space, proxy = proxied
    proxy.fault = lambda number, _method, _path: "503" if number > 1 else None
    process = space.start("plan")
    deadline = time.monotonic() + 30
    while proxy.faults < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=10)
    assert (process.returncode, "Traceback" in err) == (130, False)


@pytest.mark.sandbox
def test_the_server_dies_and_comes_back_in_the_middle_of_an_apply(tmp_path: Any, real: Instance) -> None:
    space = Space(tmp_path, real)
    expected = _charts(space, MANY)
    process = space.start("apply", "--yes")
    _wait_for_charts(space, 30, process)
    _kill_server()
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert f"Applied {MANY}, failed 0, skipped 0, blocked 0." in out
    assert set(real.everything()) == expected


def _kill_server() -> None:
    """Kill the sandbox's node, which its supervisor brings back."""
    running = sandbox.status()
    assert running is not None
    children = psutil.Process(running.pid).children(recursive=True)
    (node,) = [child for child in children if "server.mjs" in " ".join(child.cmdline())]
    os.kill(node.pid, signal.SIGKILL)
