"""Another user edits while an apply runs, in memory and on the real server: nothing of theirs is lost unnamed."""

from __future__ import annotations

import os
import statistics
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from acceptance.conftest import SOMEBODY, Space
from command_line import start_process
from servers.actors import ANOTHER, make_token
from servers.fault_proxy import FaultProxy
from servers.instance import Instance
from unleash_gitops.model.lease_record import LEASE_PREFIX

LONG_VALUE = "x" * 101
"""A value of a constraint that the server refuses, and `validate` does not know of."""


@pytest.fixture
def rival(instance: Instance) -> Iterator[Instance]:
    """Give the instance as another user sees it."""
    token = SOMEBODY if instance.fake is not None else make_token(ANOTHER)
    found = Instance(instance.url, token)
    yield found
    found.close()


@contextmanager
def proxied(space: Space) -> Iterator[FaultProxy]:
    """Put a proxy between the tool and the instance."""
    proxy = FaultProxy(space.instance.url)
    with proxy.served() as url, space.through(url):
        yield proxy


def rollout(title: str, percentage: int, **more: Any) -> dict[str, Any]:
    return {"name": "flexibleRollout", "title": title, "parameters": {"rollout": percentage}, **more}


def production(*strategies: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"environments": {"production": {"enabled": True, "strategies": list(strategies)}}, **more}


@pytest.fixture
def flag(space: Space) -> str:
    """Give a flag that the workspace has applied."""
    name = f"race-{uuid.uuid4().hex[:8]}"
    space.flag(name, **production(rollout("one", 10), rollout("two", 10)))
    assert space.apply().code == 0
    return name


def roll_out(rival: Instance, flag: str, percentage: int) -> None:
    """Change the first strategy in production."""
    live = rival.flag(flag)
    assert live is not None
    strategy = live["in"]["production"]["strategies"][0]
    body = {**strategy, "parameters": {**strategy["parameters"], "rollout": str(percentage)}}
    rival.call("PUT", f"/features/{flag}/environments/production/strategies/{strategy['id']}", body)


def first_rollout(instance: Instance, flag: str) -> str:
    live = instance.flag(flag)
    assert live is not None
    return str(live["in"]["production"]["strategies"][0]["parameters"]["rollout"])


def test_an_edit_between_the_check_and_the_first_request_is_refused(space: Space, rival: Instance, flag: str) -> None:
    space.flag(flag, **production(rollout("one", 50), rollout("two", 50)))
    with proxied(space) as proxy:
        edits = iter([lambda: roll_out(rival, flag, 0)])

        def edit(_method: str, path: str) -> None:
            if path.startswith(f"/api/admin/features/{flag}/tags"):  # the first thing that is read again
                next(edits, lambda: None)()

        proxy.before_passing = edit
        done = space.apply("--on-drift", "overwrite")
    assert done.code == 3
    changed = "changed since planned: environments.production.strategies[0].parameters.rollout, by "
    assert f"x failed   update FeatureFlag/default/{flag}: {changed}" in done.out
    assert first_rollout(space.instance, flag) == "0"
    plan = space.plan("--on-drift", "overwrite")
    assert [change["address"] if "address" in change else change["name"] for change in plan["changes"]] == [flag]


def test_an_edit_right_before_the_put_is_named(space: Space, rival: Instance, flag: str) -> None:
    space.flag(flag, **production(rollout("one", 50), rollout("two", 10)))
    with proxied(space) as proxy:
        edits = iter([lambda: roll_out(rival, flag, 0)])

        def edit(method: str, path: str) -> None:
            if method == "PUT" and LEASE_PREFIX not in path:
                next(edits, lambda: None)()

        proxy.before_passing = edit
        done = space.apply("--on-drift", "overwrite", "--format", "json")
    assert done.code == 3
    (entry,) = done.json["concurrent"]
    assert (entry["address"], entry["overwritten"]) == (f"FeatureFlag/default/{flag}", True)
    assert entry["changed"]["by"] == ("somebody" if space.instance.fake else ANOTHER)
    assert first_rollout(space.instance, flag) == "50"


def test_a_kill_switch_during_an_apply_stays(space: Space, rival: Instance, flag: str) -> None:
    space.flag(flag, **production(rollout("one", 50), rollout("two", 10)))
    with proxied(space) as proxy:
        switches = iter(["off"])

        def edit(method: str, path: str) -> None:
            if method == "PUT" and LEASE_PREFIX not in path and next(switches, None):
                rival.call("POST", f"/features/{flag}/environments/production/off")

        proxy.before_passing = edit
        done = space.apply("--on-drift", "overwrite")
    assert done.code == 0, done.out
    live = space.instance.flag(flag)
    assert live is not None
    assert live["in"]["production"]["enabled"] is False
    assert first_rollout(space.instance, flag) == "50"


def test_a_failed_update_says_what_of_it_was_done(space: Space, flag: str) -> None:
    """The server refuses the second request of the update."""
    place = [{"contextName": "userId", "operator": "IN", "values": [LONG_VALUE]}]
    strategies = (rollout("one", 100, constraints=place), rollout("two", 0))
    space.flag(flag, **production(*strategies, description="changed"))
    with proxied(space) as proxy:
        proxy.fault = lambda _number, method, path: "400" if method == "PUT" and "/strategies/" in path else None
        done = space.apply("--on-drift", "overwrite")
    assert done.code == 3
    assert "; 1 of 3 requests were sent; the next plan shows what is left" in done.out
    live = space.instance.flag(flag)
    assert live is not None
    assert (live["description"], first_rollout(space.instance, flag)) == ("changed", "10")


def test_the_window_between_the_check_and_the_request(space: Space, flag: str) -> None:
    """Print how long it takes from the answer of the last read to the request that overwrites; see the README."""
    windows = measure_windows(space, flag, rounds=2 if space.instance.fake else 10)
    print(f"\nwindow: median {statistics.median(windows):.1f} ms, maximum {max(windows):.1f} ms")  # noqa: T201
    assert len(windows) > 1


def measure_windows(space: Space, flag: str, rounds: int) -> list[float]:
    """Return the milliseconds between the last read of a flag and the request that changes it, of each apply."""
    windows: list[float] = []
    with proxied(space) as proxy:
        last_read = 0.0

        def note(method: str, path: str) -> None:
            nonlocal last_read
            if method == "GET" and path.endswith(f"/{flag}"):
                last_read = time.perf_counter()
            elif method == "PUT":
                windows.append((time.perf_counter() - last_read) * 1000)

        proxy.before_passing = note
        for number in range(rounds):
            space.flag(flag, **production(rollout("one", 20 + number), rollout("two", 10)))
            assert space.apply().code == 0
    return windows


def test_a_failed_update_of_what_exists_skips_nothing(space: Space) -> None:
    """An environment that cannot be updated is there all the same for the token that reads it."""
    space.write("Environment", "development", sortOrder=77)
    space.write("ApiToken", "reader", type="client", environment="development")
    with proxied(space) as proxy:
        proxy.fault = lambda _number, method, path: "403" if method == "PUT" and "sort-order" in path else None
        done = space.apply()
    assert done.code == 3
    assert "x failed   update Environment/development: PUT /api/admin/environments/sort-order: 403" in done.out
    assert "Applied 1, failed 1, skipped 0, blocked 0." in done.out
    (space.root / "ApiToken-reader.yaml").unlink()
    (space.root / "Environment-development.yaml").unlink()
    assert space.apply().code == 0


def test_a_report_that_cannot_be_printed_goes_to_stderr_with_exit_code_3(fake_space: Space) -> None:
    fake_space.chart("a")
    fake_space.chart("b")
    reader, writer = os.pipe()
    os.close(reader)
    arguments = ("apply", "--yes", "--format", "json")
    started = start_process(arguments, cwd=fake_space.root, environment=fake_space.environment(), stdout=writer)
    os.close(writer)
    _, err = started.communicate(timeout=60)
    assert (started.returncode, "Applied 2, failed 0" in err) == (3, True), err
    assert len(fake_space.instance.charts()) == 2
