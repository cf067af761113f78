"""Whatever a server answers, a command ends with one of its exit codes and, where it failed, with a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from command_line import CommandResult
from odd_json import make_odd
from properties import examples
from workflow.odd_server import OddServer, is_write, odd_server

MODES: dict[str, dict[str, Any]] = {
    "plain": {},
    "export": {
        "reads": "export", "deletion": "delete", "drift": "keep",
        "exclusive": [{"kind": "ImpactMetric"}, {"kind": "ImpactMetric", "project": "default"}],
    },
}  # fmt: skip
COMMANDS = [["plan"], ["plan", "--drift", "--format", "json"]]
REQUESTS = 32
"""The requests of a plan, and a few more."""
STATUSES = [200, 200, 200, 201, 202, 204, 302, 400, 404, 409, 418, 429, 500, 502]
seeds = st.integers(0, 10**9)


@pytest.fixture(scope="module", params=sorted(MODES))
def server(request: pytest.FixtureRequest) -> Iterator[OddServer]:
    with odd_server(**MODES[request.param]) as server:
        yield server


def check(done: CommandResult, *codes: int) -> None:
    assert "internal error" not in done.err
    assert "Traceback" not in done.err
    assert done.code in codes
    assert done.err or done.code != 1


def test_without_odd_answers_the_plan_and_its_drift_are_shown(server: OddServer) -> None:
    server.change = lambda _request, response: response
    done = server.run("plan", "--detailed-exitcode")
    assert (done.code, "Plan: 0 to create, 11 to update, 3 to delete" in done.out) == (2, True), done.err
    assert server.run("plan", "--drift").code == 2


@examples(0.5, HealthCheck.function_scoped_fixture)
@given(command=st.sampled_from(COMMANDS), odd=st.sets(st.integers(0, REQUESTS), min_size=1, max_size=2), seed=seeds)
def test_a_plan_with_an_odd_answer_ends_with_an_exit_code(
    server: OddServer, command: list[str], odd: set[int], seed: int
) -> None:
    random = Random(seed)
    server.requests.clear()

    def change(_request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if len(server.requests) - 1 not in odd:
            return response
        status = response.status_code if random.random() < 0.8 else random.choice(STATUSES)
        return httpx.Response(status, content=make_odd(response.content, random))

    server.change = change
    check(server.run(*command, "--concurrency", "1"), 0, 1, 2, 3)


@examples(0.3, HealthCheck.function_scoped_fixture)
@given(reads_too=st.booleans(), has_lease=st.booleans(), seed=seeds)
def test_an_apply_whose_writes_get_odd_answers_ends_with_a_report(
    server: OddServer, reads_too: bool, has_lease: bool, seed: int
) -> None:
    """The writes do not reach the server, whose state all examples share. Without its lease, a run sends nothing."""
    random = Random(seed)

    def change(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        has_written = any(is_write(sent) for sent in list(server.requests))
        if not has_written or random.random() < 0.3 or (request.method == "GET" and not reads_too):
            return response
        status = random.choice(STATUSES)
        headers = {"retry-after": "0"} if status == 429 else {}
        return httpx.Response(status, content=make_odd(response.content, random), headers=headers)

    server.requests.clear()
    server.change = change
    server.is_read_only = True
    try:
        done = server.run(
            "apply", "--yes", "--concurrency", "1", *(("--lock-timeout", "0") if has_lease else ("--no-lock",))
        )
    finally:
        server.is_read_only = False
    check(done, 0, 1, 3)
    assert "Applied " in done.out or (has_lease and done.code == 1)
