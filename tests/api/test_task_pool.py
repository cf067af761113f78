"""Runs of one client share their threads, and the failure of one leaves the others alone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from unleash_gitops.api.client import Client
from unleash_gitops.model.errors import ApiError

PATIENCE = 60.0
"""Seconds after which a test counts as hung."""


def finish(function: Callable[[], Any]) -> Any:
    """Return what `function` returns; fail when it hangs."""
    outcome: list[Any] = []
    thread = threading.Thread(target=lambda: outcome.append(function()), daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive(), "it hangs"
    assert outcome, "it raised"
    return outcome[0]


def connect(answer: Callable[[httpx.Request], httpx.Response], concurrency: int = 4) -> Client:
    return Client(
        "http://unleash.test", "token-of-tests", concurrency=concurrency, transport=httpx.MockTransport(answer)
    )


def succeed(_request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={})


@pytest.mark.parametrize("concurrency", [1, 2, 32])
def test_nested_runs_stay_within_the_concurrency_and_keep_the_order(concurrency: int) -> None:
    threads: set[threading.Thread] = set()
    active, most_active, lock = 0, 0, threading.Lock()

    with connect(succeed, concurrency) as client:

        def read(path: str) -> str:
            nonlocal active, most_active
            with lock:
                threads.add(threading.current_thread())
                active += 1
                most_active = max(most_active, active)
            client.get(f"/api/admin/{path}")
            with lock:
                active -= 1
            return path

        def read_group(group: int) -> list[list[str]]:
            threads.add(threading.current_thread())
            subgroups = range(3)
            return client.map_concurrently(
                lambda subgroup: client.map_concurrently(read, [f"{group}-{subgroup}-{item}" for item in range(5)]),
                subgroups,
            )

        results = finish(lambda: client.map_concurrently(read_group, range(40)))

    expected = [[[f"{group}-{part}-{item}" for item in range(5)] for part in range(3)] for group in range(40)]
    assert results == expected
    assert len(threads) <= concurrency
    assert 1 <= most_active <= concurrency


def test_as_many_threads_work_as_the_concurrency_allows() -> None:
    all_at_work = threading.Barrier(8)
    with connect(succeed, 8) as client:
        # Each call waits for seven others: with fewer threads none would return.
        finish(lambda: client.map_concurrently(lambda _item: all_at_work.wait(PATIENCE), range(8)))


def test_a_nested_run_uses_the_threads_that_have_nothing_else_to_do() -> None:
    all_at_work = threading.Barrier(4)
    with connect(succeed, 4) as client:

        def nested(_item: int) -> list[int]:
            return client.map_concurrently(lambda _item: all_at_work.wait(PATIENCE), range(4))

        assert len(finish(lambda: client.map_concurrently(nested, [0]))[0]) == 4


def test_nothing_is_done_for_no_items() -> None:
    with connect(succeed) as client:
        assert client.map_concurrently(client.get, []) == []


def refuse(_item: Any = None) -> Any:
    raise ApiError("GET", "/refused", 403, None, "refused")


def test_a_failed_run_leaves_the_client_as_it_was() -> None:
    requests: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request.url.path)
        return httpx.Response(503 if len(requests) == 1 else 200, json={})

    with connect(answer) as client:
        with pytest.raises(ApiError):
            client.map_concurrently(refuse, range(3))
        assert not client.stop.is_set()
        assert client.get("/api/admin/busy") == {}
        assert client.map_concurrently(client.get, ["/api/admin/a", "/api/admin/b"]) == [{}, {}]
    assert requests[:2] == ["/api/admin/busy", "/api/admin/busy"]  # it was retried


def test_a_nested_failure_that_is_caught_cancels_only_the_nested_run() -> None:
    with connect(succeed) as client:

        def read_group(_group: int) -> str:
            try:
                client.map_concurrently(refuse, range(3))
            except ApiError:
                return "refused"
            return "read"

        assert finish(lambda: client.map_concurrently(read_group, range(10))) == ["refused"] * 10


def test_a_failure_ends_the_waits_of_its_run_and_begins_nothing_more() -> None:
    is_waiting, wait_ended, begun = threading.Event(), threading.Event(), []

    def answer(_request: httpx.Request) -> httpx.Response:
        is_waiting.set()
        return httpx.Response(503, headers={"retry-after": "100"})

    with connect(answer, 2) as client:

        def read_slowly(_item: int) -> None:
            try:
                client.get("/api/admin/busy")
            finally:
                wait_ended.set()

        def call(item: str) -> None:
            begun.append(item)
            if item == "refused":
                assert is_waiting.wait(PATIENCE)
                refuse()
            elif item == "busy":
                client.map_concurrently(read_slowly, range(1))  # a run within the run that fails

        with pytest.raises(ApiError, match="refused"):
            client.map_concurrently(call, ["refused", "busy", "later", "later"])
        assert wait_ended.wait(PATIENCE)
        assert begun == ["refused", "busy"]


def test_the_failure_of_the_earliest_item_is_raised() -> None:
    later_failed = threading.Event()

    def fail(item: int) -> None:
        if item == 0:
            assert later_failed.wait(PATIENCE)
        else:
            later_failed.set()
        raise ApiError("GET", f"/{item}", 403, None, "refused")

    with connect(succeed, 2) as client, pytest.raises(ApiError) as caught:
        client.map_concurrently(fail, [0, 1])
    assert caught.value.path == "/0"


def test_an_interrupt_of_the_calling_thread_waits_for_no_other_call() -> None:
    is_waiting, released = threading.Event(), threading.Event()
    caller = threading.current_thread()

    def call(_item: int) -> None:
        if threading.current_thread() is caller:
            assert is_waiting.wait(PATIENCE)
            raise KeyboardInterrupt
        is_waiting.set()
        assert released.wait(PATIENCE)

    with connect(succeed, 2) as client:
        with pytest.raises(KeyboardInterrupt):
            client.map_concurrently(call, range(2))
        released.set()
