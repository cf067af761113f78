"""Runs that end badly: there is always a report, the next apply finishes the work, and nothing is there twice."""

from __future__ import annotations

import random
import re
import time
from typing import Any

import pytest

from acceptance.conftest import Space
from servers.fault_proxy import FaultProxy
from servers.instance import Instance

FAULTS = ("429", "500", "502", "503", "504", "cut before", "cut after")
FLAGS = 4
REPORT = re.compile(r"^Applied \d+, failed \d+, skipped \d+, blocked \d+\.$", re.MULTILINE)


def write_files(space: Space, percentage: int) -> None:
    """Write documents of which each create may leave a second object behind."""
    strategies = [
        {"name": "flexibleRollout", "title": title, "parameters": {"rollout": percentage}, "segments": ["people"]}
        for title in ("one", "two")
    ]
    space.write("Segment", "people", description=f"at {percentage}", constraints=[])
    space.write("ApiToken", "reader", type="client", environment="development")
    for number in range(FLAGS):
        space.flag(
            f"f{number}",
            description=f"at {percentage}",
            links=[{"url": "https://one.example/"}],
            environments={"production": {"enabled": True, "strategies": strategies}},
        )


def count_objects(instance: Instance) -> dict[str, Any]:
    """Return how many there are of everything that could be there twice."""
    flags = [instance.flag(f"f{number}") for number in range(FLAGS)]
    tokens = instance.http.get("/api/admin/api-tokens").raise_for_status().json()["tokens"]
    return {
        "strategies": [len(flag["in"]["production"]["strategies"]) for flag in flags if flag is not None],
        "links": [len(flag["links"]) for flag in flags if flag is not None],
        "segments": len(instance.http.get("/api/admin/segments").raise_for_status().json()["segments"]),
        "tokens": sum(token["type"] != "admin" for token in tokens),
    }


COMPLETE = {"strategies": [2] * FLAGS, "links": [1] * FLAGS, "segments": 1, "tokens": 1}


def check_convergence(space: Space) -> None:
    """Apply in peace, and compare everything."""
    done = space.apply("--on-drift", "overwrite")
    assert done.code == 0, done.out
    assert space.run("plan", "--detailed-exitcode").code == 0
    assert count_objects(space.instance) == COMPLETE


@pytest.mark.parametrize("seed", [1])
def test_one_of_three_answers_is_a_fault(fake_space: Space, seed: int) -> None:
    apply_with_faults(fake_space, seed)


def apply_with_faults(space: Space, seed: int) -> None:
    chance = random.Random(seed)
    proxy = FaultProxy(space.instance.url)
    fake = space.instance.fake
    assert fake is not None
    for percentage in (10, 20):
        write_files(space, percentage)
        with proxy.served() as url, space.through(url):
            proxy.fault = lambda _number, _method, _path: chance.choice(FAULTS) if chance.random() < 1 / 3 else None
            fake.requests.clear()
            done = space.apply("--on-drift", "overwrite")
            has_written = any(method != "GET" and "playground" not in path for method, path in fake.requests)
        assert done.code in ({0, 3} if has_written else {0, 1, 3}), done.err
        assert not has_written or REPORT.search(done.out), done.out
        assert "internal error" not in done.err
        check_convergence(space)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_killed_run_leaves_nothing_twice(fake_space: Space, seed: int) -> None:
    kill_and_converge(fake_space, random.Random(seed))


def kill_and_converge(space: Space, chance: random.Random) -> None:
    """Kill an apply after a number of requests that could have changed something, and finish its work."""
    fake = space.instance.fake
    assert fake is not None
    write_files(space, chance.randrange(100))
    fake.requests.clear()
    process = space.start("apply", "--yes", "--on-drift", "overwrite")
    target = chance.randrange(1, 25)
    deadline = time.monotonic() + 120  # a busy machine starts a process in ten seconds
    while len(fake.writes()) < target and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    space.kill(process)
    check_convergence(space)
