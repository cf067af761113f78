"""Long runs of leases: simultaneous applies at the real server, killed holders, schedules of the protocol."""

from __future__ import annotations

import os
import random
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from acceptance.test_leases import apply_pair, apply_saved_pair
from engine.test_lease import check_all, check_random
from servers.instance import Instance
from servers.pairs import CLOCK_ERRORS, find_duplicates, finish, let_go, start_waiting, write_workspace

PAIRS = int(os.environ.get("LEASE_PAIRS", "50"))
KILLS = int(os.environ.get("LEASE_KILLS", "20"))


@pytest.mark.parametrize("pair", [apply_pair, apply_saved_pair])
def test_fifty_pairs_make_nothing_twice(
    real: Instance, tmp_path: Path, pair: Callable[[Path, Instance], list[str]]
) -> None:
    problems = [pair(tmp_path, real) for _ in range(PAIRS)]
    print(f"{PAIRS} pairs, {sum(map(bool, problems))} with problems")  # noqa: T201 - the figure of the run
    assert [problem for problem in problems if problem] == []


def test_two_runs_finish_what_a_killed_one_began(real: Instance, tmp_path: Path) -> None:
    def kill_one(number: int) -> tuple[list[str], float]:
        name = f"k{uuid.uuid4().hex[:8]}"
        write_workspace(tmp_path / name, name)
        killed = start_waiting(tmp_path / name, real, random.uniform(-600, 600))
        let_go([killed])
        time.sleep(0.3 + 2.0 * number / KILLS)  # from before the lease to after the last request
        killed.kill()
        killed.communicate()
        began = time.monotonic()
        pair = [start_waiting(tmp_path / name, real, error, "--concurrency", "2") for error in CLOCK_ERRORS]
        let_go(pair)
        return finish(pair) or find_duplicates(real, name), time.monotonic() - began

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(kill_one, range(KILLS)))
    waits = sorted(round(seconds) for _, seconds in results)
    print(f"{KILLS} killed; the next two runs took {waits} s")  # noqa: T201 - the figure of the run
    assert [problem for problem, _ in results if problem] == []
    assert max(waits) < 100


def test_every_schedule_of_two_takers() -> None:
    print(check_all(2, deviations=2))  # noqa: T201 - the figure of the run


def test_random_schedules_of_three_takers() -> None:
    print(check_random(3, 5000, seed=random.randrange(10**9)))  # noqa: T201 - the figure of the run
