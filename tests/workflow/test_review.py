"""After an apply: what the server does not hold is failed, and what other users did meanwhile is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from servers.fake_routes import Answer
from unleash_gitops.model.plan import Changed
from unleash_gitops.model.report import ConcurrentChange
from workflow.rivals import FLAG, Rivals, in_production, rollout

NOT_STORED = "the server accepted the change but does not hold it: "
SEGMENT = {"description": "one", "constraints": []}


def last_event(rivals: Rivals) -> Changed:
    event = next(each for each in reversed(rivals.fake.audit.events) if each["createdBy"] == "somebody")
    return Changed(by="somebody", at=event["createdAt"], event=event["id"])


def store_nothing(rivals: Rivals, *methods: str) -> None:
    """Have the server accept writes with these methods and forget them."""

    def hook(method: str, path: str, go: Callable[[], Answer]) -> Answer:
        return (200, {}, b"{}") if method in methods and "playground" not in path else go()

    rivals.fake.hook = hook


def results(rivals: Rivals, *spec: Any) -> list[tuple[str, str | None]]:
    report = rivals.apply(rivals.plan(*spec))
    assert not report.complete
    return [(result.status, result.error) for result in report.results]


@pytest.mark.parametrize(
    ("kind", "first", "second", "paths"),
    [
        ("Segment", SEGMENT, {"description": "two"}, "description"),
        ("TagType", {"icon": "A"}, {"icon": "B"}, "icon"),
        ("FeatureFlag", {"description": "one"}, {"description": "two"}, "description"),
        (
            "FeatureFlag",
            in_production(rollout(10), description="one"),
            in_production(rollout(20), rollout(30), description="two"),
            "description, {0}[0].parameters.rollout, {0}[1]".format("environments.production.strategies"),
        ),
    ],
)
def test_a_server_that_accepts_and_stores_nothing_fails_the_change(
    kind: str, first: Any, second: Any, paths: str
) -> None:
    rivals = Rivals(kind, first)
    store_nothing(rivals, "PUT", "POST")
    assert results(rivals, second) == [("failed", NOT_STORED + paths)]


def test_an_object_that_was_not_created_or_not_deleted_fails() -> None:
    rivals = Rivals("Segment", SEGMENT)
    store_nothing(rivals, "DELETE")
    assert results(rivals) == [("failed", NOT_STORED + "the object still exists")]
    rivals.fake.hook = lambda _method, _path, go: go()
    assert rivals.apply(rivals.plan()).complete
    store_nothing(rivals, "POST")
    assert results(rivals, SEGMENT) == [("failed", NOT_STORED + "the object does not exist")]


def test_a_flag_that_was_created_without_its_mark_fails() -> None:
    rivals = Rivals("FeatureFlag", {})
    assert rivals.apply(rivals.plan()).complete
    rivals.fake.about_flags.archived.clear()

    def hook(method: str, path: str, go: Callable[[], Answer]) -> Answer:
        answer = go()
        if method == "POST" and path.endswith("/features"):
            rivals.fake.about_flags.flag("f")["tags"].clear()
        return answer

    plan = rivals.plan({})
    rivals.fake.hook = hook
    (result,) = rivals.apply(plan).results
    assert (result.status, result.error) == ("failed", NOT_STORED + "it bears no mark")


def test_a_change_between_the_check_and_the_request_is_named() -> None:
    rivals = Rivals("Segment", SEGMENT)
    plan = rivals.plan({**SEGMENT, "description": "two"})
    rivals.edit_before("PUT", lambda other: other.update(constraints=[], description="theirs"))
    report = rivals.apply(plan)
    entry = ConcurrentChange(address="Segment/thing", changed=last_event(rivals), overwritten=True)
    assert report.concurrent == (entry,)
    assert [result.status for result in report.results] == ["applied"]
    assert not report.complete


def test_the_flag_that_was_edited_right_before_it_was_archived_is_named() -> None:
    rivals = Rivals("FeatureFlag", in_production(rollout(10)))
    plan = rivals.plan()
    rivals.edit_before("DELETE", lambda other: other.roll_out(0))
    report = rivals.apply(plan)
    entry = ConcurrentChange(address="FeatureFlag/default/f", changed=last_event(rivals), overwritten=True)
    assert report.concurrent == (entry,)


def test_a_change_elsewhere_between_the_check_and_the_request_is_not_named() -> None:
    rivals = Rivals("FeatureFlag", in_production(rollout(10)))
    plan = rivals.plan(in_production(rollout(50)))
    rivals.edit_before("PUT", lambda other: other.send("POST", f"{FLAG}/environments/production/off", {}))
    report = rivals.apply(plan)
    assert (report.complete, report.concurrent) == (True, ())
    assert rivals.fake.about_flags.flag("f")["in"]["production"]["enabled"] is False


def test_a_change_between_two_requests_that_stands_is_not_lost() -> None:
    rivals = Rivals("FeatureFlag", {"description": "one", **in_production(rollout(10))})
    plan = rivals.plan({"description": "two", **in_production(rollout(50))})
    edit = {"name": "f", "type": "release", "description": "theirs"}
    rivals.edit_before("PUT", lambda other: other.send("PUT", FLAG, edit), "/strategies/")
    report = rivals.apply(plan)
    assert rivals.fake.about_flags.flag("f")["description"] == "theirs"
    assert [result.status for result in report.results] == ["applied"]
    entry = ConcurrentChange(address="FeatureFlag/default/f", changed=last_event(rivals), overwritten=False)
    assert report.concurrent == (entry,)
    assert report.complete


def test_what_another_user_changed_after_the_write_is_no_failure_of_the_server() -> None:
    rivals = Rivals("Segment", SEGMENT)
    plan = rivals.plan({**SEGMENT, "description": "two"})
    rivals.fake.requests.clear()

    def hook(method: str, path: str, go: Callable[[], Answer]) -> Answer:
        is_written = any(sent == "PUT" for sent, _ in rivals.fake.requests)
        if is_written and (method, path) == ("GET", "/api/admin/segments"):
            rivals.fake.hook = lambda _method, _path, go: go()
            rivals.update(description="theirs")
        return go()

    rivals.fake.hook = hook
    report = rivals.apply(plan)
    assert [(result.status, result.error) for result in report.results] == [("applied", None)]
    entry = ConcurrentChange(address="Segment/thing", changed=last_event(rivals), overwritten=False)
    assert report.concurrent == (entry,)
    assert report.complete


def lose_strategy_write(rivals: Rivals, edit: dict[str, Any]) -> None:
    """Let the server drop the next write of a strategy, and another user edit the flag at that moment."""

    def hook(method: str, path: str, go: Callable[[], Answer]) -> Answer:
        if method != "PUT" or "/strategies/" not in path:
            return go()
        rivals.fake.hook = lambda _method, _path, go: go()
        rivals.send("PUT", FLAG, edit)
        return (200, {}, b"{}")

    rivals.fake.hook = hook


def test_a_lost_write_is_not_excused_by_another_user_who_changed_another_field() -> None:
    rivals = Rivals("FeatureFlag", in_production(rollout(10), description="one"))
    plan = rivals.plan(in_production(rollout(50), description="one"))
    edit = {"name": "f", "type": "release", "description": "theirs"}

    lose_strategy_write(rivals, edit)
    report = rivals.apply(plan)
    error = NOT_STORED + "environments.production.strategies[0].parameters.rollout"
    assert [(result.status, result.error) for result in report.results] == [("failed", error)]
    assert not report.complete


def test_a_lost_write_is_not_excused_by_a_change_before_the_write_of_another_part() -> None:
    rivals = Rivals("FeatureFlag", {"description": "one", **in_production(rollout(10))})
    plan = rivals.plan({"description": "two", **in_production(rollout(50))})
    edit = {"name": "f", "type": "experiment", "description": "two"}

    lose_strategy_write(rivals, edit)
    (result,) = rivals.apply(plan).results
    error = NOT_STORED + "environments.production.strategies[0].parameters.rollout"
    assert (result.status, result.error) == ("failed", error)


def test_an_object_that_another_user_deleted_after_the_write_is_no_failure_of_the_server() -> None:
    rivals = Rivals("Segment", SEGMENT)
    plan = rivals.plan({**SEGMENT, "description": "two"})
    rivals.fake.requests.clear()

    def hook(method: str, path: str, go: Callable[[], Answer]) -> Answer:
        is_written = any(sent == "PUT" for sent, _ in rivals.fake.requests)
        if is_written and (method, path) == ("GET", "/api/admin/segments"):
            rivals.fake.hook = lambda _method, _path, go: go()
            (entry,) = rivals.send("GET", "/api/admin/segments")["segments"]
            rivals.send("DELETE", f"/api/admin/segments/{entry['id']}")
        return go()

    rivals.fake.hook = hook
    report = rivals.apply(plan)
    assert [(result.status, result.error) for result in report.results] == [("applied", None)]


def test_a_change_that_was_stored_but_answered_with_an_error_is_reviewed() -> None:
    rivals = Rivals("Segment", SEGMENT)
    plan = rivals.plan({**SEGMENT, "description": "two"})

    def hook(method: str, _path: str, go: Callable[[], Answer]) -> Answer:
        if method != "PUT":
            return go()
        rivals.fake.hook = lambda _method, _path, go: go()
        rivals.update(description="theirs")
        go()
        return (400, {"content-type": "application/json"}, b'{"name": "X", "message": "odd"}')

    rivals.fake.hook = hook
    report = rivals.apply(plan)
    assert [(result.status, result.sent, result.attempted) for result in report.results] == [("failed", 0, True)]
    entry = ConcurrentChange(address="Segment/thing", changed=last_event(rivals), overwritten=True)
    assert report.concurrent == (entry,)


@pytest.mark.parametrize("status", [403, 500])
def test_a_log_that_cannot_be_read_is_said_and_fails_nothing(status: int) -> None:
    rivals = Rivals("Segment", SEGMENT)
    plan = rivals.plan({**SEGMENT, "description": "two"})

    def hook(_method: str, path: str, go: Callable[[], Answer]) -> Answer:
        return (status, {}, b'{"message": "no log"}') if "/events" in path else go()

    rivals.fake.hook = hook
    report = rivals.apply(plan)
    assert report.complete
    assert report.audit_error is not None
    assert f"{status}: no log" in report.audit_error


def test_a_server_that_does_not_answer_afterwards_leaves_the_result_unverified(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("unleash_gitops.api.retries.RETRY_BUDGET", 0.0)
    rivals = Rivals("Segment", SEGMENT)
    plan = rivals.plan({**SEGMENT, "description": "two"})
    rivals.fake.requests.clear()

    def hook(method: str, _path: str, go: Callable[[], Answer]) -> Answer:
        is_written = method == "GET" and any(sent == "PUT" for sent, _ in rivals.fake.requests)
        return (503, {}, b'{"message": "gone"}') if is_written else go()

    rivals.fake.hook = hook
    report = rivals.apply(plan)
    assert [result.status for result in report.results] == ["applied"]
    assert report.unverified == "GET /api/admin/segments: 503: gone"
    assert not report.complete


def test_an_apply_without_changes_asks_nothing() -> None:
    rivals = Rivals("Segment", SEGMENT)
    plan = rivals.plan(SEGMENT)
    rivals.fake.requests.clear()
    assert rivals.apply(plan).complete
    assert rivals.fake.requests == []
