"""A plan's calls: their order, what a failure takes with it, and how a run ends early."""

from __future__ import annotations

import json
import threading
from typing import Any

import httpx
import pytest

from unleash_gitops.api.client import Client
from unleash_gitops.engine.applier import apply_changes
from unleash_gitops.model.call import Call, Lookup
from unleash_gitops.model.change_errors import ChangedSincePlanned, UnexpectedFailure
from unleash_gitops.model.delete_limits import DeleteLimits
from unleash_gitops.model.plan import Change, Instance, Plan, Summary
from unleash_gitops.model.report import Report, Result


def change(name: str, action: str = "create", depends_on: tuple[str, ...] = (), calls: int = 1, **more: Any) -> Change:
    method = "DELETE" if action == "delete" else "POST"
    sent = tuple(Call(method=method, path=f"/api/admin/{name}/{number}", body={"id": name}) for number in range(calls))
    return Change(
        action=action, kind="K", name=name, project=None, feature=None, id=name, source=None,
        before=None if action in {"create", "blocked"} else {}, after=None,
        depends_on=tuple(f"K/{other}" for other in depends_on), **more,
    ).with_calls(() if action == "blocked" else sent)  # fmt: skip


def plan(*changes: Change) -> Plan:
    instance = Instance(url="http://x", id=None, version="8", edition="oss")
    return Plan(
        tool_version="0", created_at="", workspace="w", instance=instance, summary=Summary(), changes=changes,
        unmanaged=(), delete_limits=DeleteLimits(max_deletes=10),
    )  # fmt: skip


CYCLE = "it waits for changes that wait for it"


class Server:
    """Answers 200, but for what `faults` says, and remembers the order of what it was sent."""

    def __init__(self, faults: dict[str, Any] | None = None) -> None:
        self.faults = faults or {}
        self.paths: list[str] = []
        self.lock = threading.Lock()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/api/admin/")
        with self.lock:
            self.paths.append(path)
        fault = self.faults.get(path.split("/")[0])
        if callable(fault):
            fault()
        elif isinstance(fault, Exception):
            raise fault
        elif fault is not None:
            return httpx.Response(fault, json={"name": "Broken", "message": "broken"})
        return httpx.Response(200, json={})

    def apply(
        self,
        made: Plan,
        concurrency: int = 4,
        stop: threading.Event | None = None,
        seen: list[Result] | None = None,
        **more: Any,
    ) -> Report:
        sink = [] if seen is None else seen
        with Client("http://x", "t", concurrency=concurrency, transport=httpx.MockTransport(self)) as client:
            return apply_changes(made, client, stop or threading.Event(), sink.append, **more)


def statuses(report: Report) -> dict[str, str]:
    return {str(result.name): result.status for result in report.results}


def test_what_is_needed_goes_first_and_deletes_go_last() -> None:
    server = Server()
    report = server.apply(
        plan(change("gone", "delete"), change("child", depends_on=("parent",)), change("parent"), change("other"))
    )
    assert report.complete
    assert server.paths.index("parent/0") < server.paths.index("child/0")
    assert server.paths[-1] == "gone/0"
    assert [result.name for result in report.results] == ["gone", "child", "parent", "other"]


def test_the_calls_of_one_change_go_one_after_the_other_and_end_with_a_failure() -> None:
    server = Server()
    server.apply(plan(change("a", calls=3)))
    assert server.paths == ["a/0", "a/1", "a/2"]
    broken = Server({"a": 400})
    report = broken.apply(plan(change("a", calls=3)))
    assert broken.paths == ["a/0"]
    assert report.results[0].error == "POST /api/admin/a/0: 400 Broken: broken"


def test_a_failure_takes_only_what_depends_on_it() -> None:
    server = Server({"a": 400})
    report = server.apply(
        plan(
            change("a"),
            change("b", depends_on=("a",)),
            change("c", depends_on=("b",)),
            change("d"),
            change("e", "delete"),
        )
    )
    assert statuses(report) == {"a": "failed", "b": "skipped", "c": "skipped", "d": "applied", "e": "applied"}
    assert [result.error for result in report.results][1:3] == [
        "needs K/a, which failed",
        "needs K/b, which was skipped",
    ]
    assert report.summary.model_dump() == {"applied": 2, "failed": 1, "skipped": 2, "blocked": 0}
    assert not report.complete


@pytest.mark.parametrize("action", ["update", "adopt", "transfer", "release"])
def test_a_failed_change_of_a_live_object_takes_only_deletes_with_it(action: str) -> None:
    """What refers to the object finds it on the server; what it was to stop using may not go."""
    server = Server({"a": 403})
    report = server.apply(
        plan(
            change("a", action),
            change("b", depends_on=("a",)),
            change("c", "blocked", reason="because").model_copy(update={"before": {}}),
            change("d", depends_on=("c",)),
            change("e", "delete", depends_on=("a",)),
            change("f", "delete", depends_on=("e",)),
        )
    )
    assert statuses(report) == {
        "a": "failed",
        "b": "applied",
        "c": "blocked",
        "d": "applied",
        "e": "skipped",
        "f": "skipped",
    }
    assert sorted(server.paths) == ["a/0", "b/0", "d/0"]


def test_a_failed_change_says_which_of_its_requests_were_sent() -> None:
    server = Server()
    broken = iter([None, None, 400])

    def answer(request: httpx.Request) -> httpx.Response:
        status = next(broken)
        return server(request) if status is None else httpx.Response(status, json={"message": "too long"})

    with Client("http://x", "t", transport=httpx.MockTransport(answer)) as client:
        (result,) = apply_changes(plan(change("a", "update", calls=4)), client, threading.Event()).results
    assert (result.status, result.sent) == ("failed", 2)
    assert result.error == (
        "POST /api/admin/a/2: 400: too long; 2 of 4 requests were sent; the next plan shows what is left"
    )


def test_any_exception_fails_its_change_only_and_is_handed_over() -> None:
    failures: list[UnexpectedFailure] = []
    server = Server({"a": ZeroDivisionError("odd")})
    report = server.apply(plan(change("a"), change("b", depends_on=("a",)), change("c")), on_unexpected=failures.append)
    assert statuses(report) == {"a": "failed", "b": "skipped", "c": "applied"}
    hint = "this is a bug in unleash-gitops; please report it with the output of -v"
    assert report.results[0].error == f"ZeroDivisionError: odd ({hint})"
    assert [type(failure.__cause__) for failure in failures] == [ZeroDivisionError]


def test_a_listener_that_fails_does_not_end_the_run() -> None:
    failures: list[UnexpectedFailure] = []

    def listen(_result: Result) -> None:
        raise BrokenPipeError

    with Client("http://x", "t", transport=httpx.MockTransport(Server())) as client:
        made = plan(change("a"), change("b", depends_on=("a",)))
        report = apply_changes(made, client, threading.Event(), listen, on_unexpected=failures.append)
    assert report.complete
    assert [type(failure.__cause__) for failure in failures] == [BrokenPipeError] * 2


def test_a_live_object_is_checked_once_right_before_its_first_request() -> None:
    server = Server()

    def check(checked: Change) -> None:
        server.paths.append(f"check {checked.name}")
        if checked.name == "b":
            raise ChangedSincePlanned("title", "by admin at noon (event 7)")

    made = plan(change("a", "update", calls=2), change("b", "update"), change("c"), two_step("d"))
    report = server.apply(made, 1, check_object=check)
    assert statuses(report) == {"a": "applied", "b": "failed", "c": "applied", "d": "applied"}
    error = "changed since planned: title, by admin at noon (event 7) (plan again)"
    assert (report.results[1].error, report.results[1].sent) == (error, 0)
    assert server.paths == ["check a", "a/0", "a/1", "check b", "c/0", "check d", "d/0", "noted", "d/1"]


def test_what_is_blocked_is_never_sent_and_blocks_what_needs_it() -> None:
    server = Server()
    report = server.apply(plan(change("a", "blocked", reason="because"), change("b", depends_on=("a",)), change("c")))
    assert statuses(report) == {"a": "blocked", "b": "skipped", "c": "applied"}
    assert server.paths == ["c/0"]
    assert report.results[0].error == "because"


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ([change("a", depends_on=("elsewhere",))], {"a": "needs K/elsewhere, which is not in the plan"}),
        ([change("a", depends_on=("a",))], {"a": CYCLE}),
        (
            [change("a", depends_on=("b",)), change("b", depends_on=("c",)), change("c", depends_on=("a",))],
            dict.fromkeys("abc", CYCLE),
        ),
        ([change("a", depends_on=("b",)), change("b", depends_on=("b",))], dict.fromkeys("ab", CYCLE)),
        ([change("a", depends_on=("b",)), change("b", "delete")], {"a": CYCLE}),
        (
            [change("a", depends_on=("elsewhere", "b")), change("b", depends_on=("c",)), change("c", "blocked")],
            {
                "a": "needs K/elsewhere, which is not in the plan",
                "b": "needs K/c, which is blocked",
                "c": None,
            },
        ),
    ],
)
def test_a_dependency_that_cannot_be_met_skips_the_change_and_nothing_else(
    changes: list[Change], errors: dict[str, str | None]
) -> None:
    server = Server()
    report = server.apply(plan(*changes, change("other"), change("gone", "delete")), concurrency=1)
    unapplied = {result.name: result.error for result in report.results if result.status != "applied"}
    assert unapplied == errors
    deletes = sorted(str(one.name) for one in changes if one.action == "delete")
    assert server.paths == ["other/0", *(f"{name}/0" for name in deletes), "gone/0"]


def test_the_changes_of_a_deep_plan_are_sent_in_the_order_of_their_dependencies() -> None:
    names = [f"c{number:03}" for number in range(200)]
    changes = [change(name, depends_on=tuple(names[max(0, place - 2) : place])) for place, name in enumerate(names)]
    server = Server()
    assert server.apply(plan(*reversed(changes)), concurrency=8).complete
    assert server.paths == [f"{name}/0" for name in names]


def test_a_dependency_that_is_named_twice_is_met_once() -> None:
    assert Server().apply(plan(change("a"), change("b", depends_on=("a", "a")))).complete


def test_deleting_what_is_gone_is_success() -> None:
    assert Server({"a": 404}).apply(plan(change("a", "delete"))).complete
    assert statuses(Server({"a": 404}).apply(plan(change("a")))) == {"a": "failed"}


NOTED = Lookup(path="/api/admin/noted", list_key="")


def two_step(name: str, depends_on: tuple[str, ...] = ()) -> Change:
    """Return a delete whose second call waits for the server."""
    made = change(name, "delete", depends_on, calls=2)
    return made.with_calls([made.calls[0], made.calls[1].model_copy(update={"wait_for": NOTED})])


def test_calls_that_wait_for_the_server_go_last_and_share_one_wait() -> None:
    server = Server()
    names = [f"flag-{number}" for number in range(9)]
    report = server.apply(plan(*(two_step(name) for name in names), change("plain", "delete")), concurrency=2)
    assert report.complete
    first, last = server.paths[:10], [path for path in server.paths[10:] if path != "noted"]
    assert sorted(first) == sorted([*(f"{name}/0" for name in names), "plain/0"])
    assert sorted(last) == sorted(f"{name}/1" for name in names)
    assert server.paths[10] == "noted"
    assert server.paths.count("noted") == len(names)


def test_what_depends_on_a_waiting_change_goes_when_that_has_ended() -> None:
    server = Server()
    assert server.apply(plan(two_step("child"), two_step("parent", ("child",)))).complete
    assert server.paths == ["child/0", "noted", "child/1", "parent/0", "noted", "parent/1"]


def test_a_waiting_call_is_sent_when_the_server_shows_what_it_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unleash_gitops.engine.call_sender._POLL", 0.01)
    server = Server()
    late = two_step("flag")
    noted = late.calls[1].model_copy(update={"wait_for": Lookup(path="/api/admin/noted", match={"stage": "archived"})})
    stages: list[Any] = [[], [{"stage": "initial"}], [{"stage": "initial"}, {"stage": "archived"}]]

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/api/admin/")
        server.paths.append(path)
        return httpx.Response(200, json=stages.pop(0) if path == "noted" else {})

    with Client("http://x", "t", transport=httpx.MockTransport(answer)) as client:
        made = plan(late.with_calls([late.calls[0], noted]))
        assert apply_changes(made, client, threading.Event()).complete
    assert server.paths == ["flag/0", "noted", "noted", "noted", "flag/1"]


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_server_that_does_not_answer_the_look_up_is_waited_for_until_the_limit(
    monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr("unleash_gitops.engine.call_sender._POLL", 0.01)
    monkeypatch.setattr("unleash_gitops.engine.applier._LONGEST_WAIT_FOR_SERVER", 0.1)
    monkeypatch.setattr("unleash_gitops.api.retries.RETRY_BUDGET", 0.0)
    monkeypatch.setattr("unleash_gitops.api.retries.CONNECT_RETRY_BUDGET", 0.0)
    server = Server({"noted": status})
    assert server.apply(plan(two_step("flag"))).complete
    assert (server.paths[0], server.paths[-1]) == ("flag/0", "flag/1")
    assert server.paths.count("noted") > 1


def test_a_stop_during_the_wait_says_how_far_a_change_is() -> None:
    stop = threading.Event()
    server = Server({"flag": stop.set})
    report = server.apply(plan(two_step("flag"), two_step("other", ("flag",))), stop=stop)
    assert [(result.status, result.error) for result in report.results] == [
        ("failed", "interrupted; 1 of 2 requests were sent; the next plan shows what is left"),
        ("skipped", "interrupted"),
    ]
    assert server.paths == ["flag/0"]


def test_a_wait_for_the_server_ends_with_the_run() -> None:
    """The look-up shows nothing until the client is stopped."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("noted"):
            client.stop.set()
            return httpx.Response(404, json={"name": "NotFoundError", "message": "not noted"})
        return httpx.Response(200, json={})

    with Client("http://x", "t", transport=httpx.MockTransport(answer)) as client:
        (result,) = apply_changes(plan(two_step("flag")), client, threading.Event()).results
    assert (result.status, result.error) == (
        "failed",
        "interrupted; 1 of 2 requests were sent; the next plan shows what is left",
    )


def test_a_server_that_is_gone_for_good_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unleash_gitops.api.retries.CONNECT_RETRY_BUDGET", 0.05)
    names = [f"c{number:02}" for number in range(20)]
    server = Server({name: httpx.ConnectError("refused") for name in names[3:]})
    report = server.apply(plan(*(change(name) for name in names)), concurrency=1)
    assert [result.status for result in report.results] == ["applied"] * 3 + ["failed"] + ["skipped"] * 16
    assert {result.error for result in report.results[4:]} == {"the server does not answer any more"}


def test_a_stop_finishes_what_is_under_way_and_skips_the_rest() -> None:
    stop = threading.Event()
    server = Server({"c1": stop.set})
    seen: list[Result] = []
    report = server.apply(plan(*(change(f"c{number}") for number in range(6)), change("d", "delete")), 1, stop, seen)
    assert statuses(report) == {
        "c0": "applied",
        "c1": "applied",
        **dict.fromkeys(["c2", "c3", "c4", "c5", "d"], "skipped"),
    }
    assert sorted(str(result.name) for result in seen) == sorted(statuses(report))
    assert server.paths == ["c0/0", "c1/0"]


def test_no_more_at_once_than_the_client_has_connections() -> None:
    under_way, most, lock = 0, 0, threading.Lock()

    def count() -> None:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        threading.Event().wait(0.005)
        with lock:
            under_way -= 1

    names = [f"c{number}" for number in range(30)]
    Server(dict.fromkeys(names, count)).apply(plan(*(change(name) for name in names)), concurrency=3)
    assert most == 3


def test_only_a_post_with_an_id_of_ours_is_repeatable() -> None:
    def call(method: str, body: Any) -> bool:
        return Call.model_validate(
            json.loads(json.dumps({"method": method, "path": "/api/admin/x", "body": body}))
        ).repeatable

    assert [call("POST", {"id": "x"}), call("PUT", {}), call("DELETE", None)] == [True, True, True]
    assert [call("POST", {}), call("POST", None), call("POST", [1])] == [False, False, False]
