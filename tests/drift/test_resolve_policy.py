"""How the drift policy treats others' changes, and what an audit log that cannot be understood may hide."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from document_samples import document, parse_resource, parse_workspace
from servers.fake_audit import FakeAudit
from servers.fake_unleash import TOKEN, FakeUnleash
from unleash_gitops.api.client import Client
from unleash_gitops.documents.loader import LoadedWorkspace
from unleash_gitops.kinds import kinds
from unleash_gitops.model.errors import DriftRefused
from unleash_gitops.model.plan import OnDrift, Plan
from unleash_gitops.model.resource import Resource, ResourceSet
from unleash_gitops.workflow.apply import apply_plan, check_drift
from unleash_gitops.workflow.plan import make_plan

OTHER = "*:*.another-token"
FLAGS = "/api/admin/projects/default/features"
SEARCH = "/api/admin/search/events"
ON = [{"name": "flexibleRollout", "parameters": {"rollout": 100}}]
Answers = dict[str, tuple[int, Any]]


class World:
    """A server in memory that this workspace and another user write to."""

    def __init__(self) -> None:
        self.fake = FakeUnleash(flags={"default": []}, audit=FakeAudit({TOKEN: "ours", OTHER: "another"}))
        self.workspace = parse_workspace("ws")

    def plan(self, *resources: Resource, answers: Answers | None = None, on_drift: OnDrift | None = None) -> Plan:
        """Plan for documents, where paths that begin as in `answers` have that status and body."""

        def respond(request: httpx.Request) -> httpx.Response:
            target = request.url.raw_path.decode()
            for begin, (status, body) in (answers or {}).items():
                if target.startswith(begin):
                    return httpx.Response(status, json=body)
            status, headers, content = self.fake.answer(request.method, target, dict(request.headers), request.content)
            return httpx.Response(status, headers=headers, content=content)

        desired = ResourceSet({resource.key: resource for resource in resources})
        loaded = LoadedWorkspace(Path(), None, desired, (), (), len(resources))
        with Client("http://fake", TOKEN, transport=httpx.MockTransport(respond)) as client:
            return make_plan(loaded, self.workspace, client, on_drift=on_drift)

    def apply(self, *resources: Resource) -> None:
        with Client("http://fake", TOKEN, transport=self.fake.transport()) as client:
            assert apply_plan(self.plan(*resources), client, threading.Event()).complete

    def other(self, method: str, path: str, body: Any = None) -> None:
        """Send what another user sends."""
        with Client("http://fake", OTHER, transport=self.fake.transport()) as client:
            client.send(method, path, body, repeatable=False)


def resource(kind: str, name: str, spec: Mapping[str, Any], **metadata: Any) -> Resource:
    return parse_resource(document(kind, name, metadata, **spec), "ws")


def flag(name: str = "f", **environments: Mapping[str, Any]) -> Resource:
    return resource("FeatureFlag", name, {"description": "a", "environments": environments}, project="default")


def enabled(*, production: bool = True, development: bool = True) -> Resource:
    """Return a flag that is on for everyone, or off."""
    return flag(
        production={"enabled": production, "strategies": ON}, development={"enabled": development, "strategies": ON}
    )


@pytest.fixture
def switched() -> World:
    """Give a server where another user switched the flag off in production."""
    world = World()
    world.apply(enabled())
    world.other("POST", f"{FLAGS}/f/environments/production/off", {})
    return world


UNREADABLE: dict[str, Answers] = {
    "another form": {SEARCH: (200, {"else": []})},
    "events of another form": {SEARCH: (200, {"events": [{"id": "one", "type": "t", "createdAt": "now"}]})},
    "no list of events": {SEARCH: (200, ["else"])},
    "no such user": {"/api/admin/user": (200, {"user": {}})},
    "a failing query": {SEARCH: (400, {"name": "BadDataError", "message": "no such filter"})},
}


@pytest.mark.parametrize("answers", UNREADABLE.values(), ids=UNREADABLE)
def test_a_kill_switch_is_not_undone_when_the_log_cannot_be_understood(switched: World, answers: Answers) -> None:
    plan = switched.plan(enabled(), answers=answers)
    (change,) = plan.changes
    assert (change.action, change.drift, change.calls) == ("blocked", "fail", ())
    assert [(field.path, field.origin) for field in change.fields] == [("environments.production.enabled", "unknown")]
    assert (
        change.reason == f"who changed it on the server is unknown: {plan.audit_error}; not overwritten (drift: fail)"
    )
    with pytest.raises(DriftRefused) as refusal:
        check_drift(plan)
    assert refusal.value.details == ((change.address, change.reason),)


@pytest.mark.parametrize("body", [{}, {"name": "NoAccessError", "message": "you may not"}])
@pytest.mark.parametrize("status", [401, 403, 404])
def test_where_the_log_is_denied_the_files_win(switched: World, status: int, body: Any) -> None:
    plan = switched.plan(enabled(), answers={SEARCH: (status, body)})
    assert plan.audit_error is not None
    assert [(change.action, change.drift) for change in plan.changes] == [("update", None)]
    check_drift(plan)


@pytest.mark.parametrize(
    ("policy", "action", "kept"), [("overwrite", ["update"], []), ("keep", [], ["update"]), ("fail", ["blocked"], [])]
)
def test_an_explicit_policy_holds_for_what_an_unreadable_log_may_hide(
    switched: World, policy: OnDrift, action: list[str], kept: list[str]
) -> None:
    plan = switched.plan(enabled(), answers=UNREADABLE["another form"], on_drift=policy)
    assert ([change.action for change in plan.changes], [change.action for change in plan.kept]) == (action, kept)
    assert len(plan.refused) == (policy == "fail")


def test_what_needs_no_confirmation_is_overwritten_without_a_log() -> None:
    world = World()
    world.apply(enabled())
    world.other("POST", f"{FLAGS}/f/environments/development/off", {})
    (change,) = world.plan(enabled(), answers=UNREADABLE["another form"]).changes
    assert (change.action, change.drift) == ("update", None)


def test_a_flag_is_created_without_a_log_and_not_deleted_when_it_is_in_production() -> None:
    world = World()
    answers = UNREADABLE["another form"]
    (create,) = world.plan(enabled(), answers=answers).changes
    assert (create.action, create.drift) == ("create", None)
    world.apply(enabled())
    (delete,) = world.plan(answers=answers).changes
    assert (delete.action, delete.drift) == ("blocked", "fail")
    assert [change.action for change in world.plan(answers=answers, on_drift="overwrite").changes] == ["delete"]
    kept = world.plan(answers=answers, on_drift="keep")
    assert ([*kept.changes], [change.action for change in kept.kept]) == ([], ["delete"])
    assert [change.action for change in world.plan().changes] == ["delete"]


def test_a_change_that_is_blocked_anyway_does_not_refuse_the_plan(switched: World) -> None:
    mark = [{"type": "gitops", "value": value} for value in ("another-workspace", "ws")]
    switched.other("PUT", "/api/admin/features/f/tags", {"addedTags": mark[:1], "removedTags": mark[1:]})
    (change,) = switched.plan(enabled(), answers=UNREADABLE["another form"]).changes
    assert change.reason == (
        "owned by workspace another-workspace: set metadata.transferFrom: another-workspace, release it there, "
        "or remove this document"
    )
    assert (change.action, change.drift, change.refused) == ("blocked", None, False)


def test_one_event_that_cannot_be_understood_hides_the_changes_before_it(switched: World) -> None:
    document = enabled()
    assert [change.drift for change in switched.plan(document).changes] == ["fail"]
    audit = switched.fake.audit
    assert audit is not None
    event = {**audit.events[-1], "id": len(audit.events) + 1, "type": "feature-strategy-update", "createdBy": "ours"}
    audit.events.append({**event, "data": {"no": "strategy"}, "preData": None})
    (change,) = switched.plan(document).changes
    assert [(field.path, field.origin) for field in change.fields] == [("environments.production.enabled", "unknown")]
    assert (change.action, change.drift) == ("blocked", "fail")
    assert f"event {event['id']} (feature-strategy-update)" in str(change.reason)


def test_a_fault_of_this_program_is_not_taken_for_an_unreadable_log(
    switched: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: Any) -> Any:
        raise KeyError("ours")

    monkeypatch.setattr(type(kinds()["FeatureFlag"]), "event_subjects", fail)
    with pytest.raises(KeyError, match="ours"):
        switched.plan(enabled())


def test_the_reason_of_a_refusal_names_the_newest_change(switched: World) -> None:
    switched.other("POST", f"{FLAGS}/f/environments/development/off", {})
    (change,) = switched.plan(enabled()).changes
    production = next(field for field in change.fields if "production" in field.path)
    assert production.changed is not None
    assert (
        change.reason == f"changed on the server by another at {production.changed.at}; not overwritten (drift: fail)"
    )


def chart(name: str, feature: str = "f") -> Resource:
    spec = {"metricName": "m", "timeRange": "day", "aggregationMode": "avg"}
    return resource("ImpactMetric", name, spec, project="default", feature=feature)


def segment(name: str = "s") -> Resource:
    return resource("Segment", name, {"constraints": []})


def delete_flag(world: World, name: str = "f") -> None:
    world.other("DELETE", f"{FLAGS}/{name}")
    world.other("DELETE", f"/api/admin/archive/{name}")


def test_the_parts_of_an_object_that_stays_deleted_are_not_created() -> None:
    world = World()
    documents = [enabled(), chart("b"), chart("a")]
    world.apply(*documents)
    delete_flag(world)
    plan = world.plan(*documents, on_drift="keep")
    assert plan.changes == ()
    assert [(change.address, change.action, change.origin) for change in plan.kept] == [
        ("FeatureFlag/default/f", "create", "drift"),
        ("ImpactMetric/default/f/a", "create", "drift"),
        ("ImpactMetric/default/f/b", "create", "drift"),
    ]
    assert (plan.summary.kept, plan.summary.drifted, plan.summary.unchanged) == (3, 3, 0)


def test_an_object_that_another_document_needs_does_not_stay_deleted() -> None:
    world = World()
    user = flag(development={"strategies": [{**ON[0], "segments": ["s"]}]})
    world.apply(segment(), flag(development={"strategies": ON}))
    identifier = world.fake.named["segments"]["s"]["id"]
    world.other("DELETE", f"/api/admin/segments/{identifier}")
    plan = world.plan(segment(), user, on_drift="keep")
    assert [(change.address, change.action, change.drift) for change in plan.changes] == [
        ("Segment/s", "blocked", "fail"),
        ("FeatureFlag/default/f", "blocked", None),  # it needs the id of the segment
    ]
    assert plan.changes[1].reason == "needs Segment/s, which this plan does not create"
    assert plan.kept == ()


def test_a_part_that_is_kept_is_taken_out_of_the_change_and_the_rest_is_done(switched: World) -> None:
    changed = resource(
        "FeatureFlag", "f",
        {"description": "b", "environments": {"production": {"enabled": True, "strategies": ON}}}, project="default",
    )  # fmt: skip
    plan = switched.plan(changed, on_drift="keep")
    (update,), (kept,) = plan.changes, plan.kept
    assert [field.path for field in update.fields] == ["description"]
    assert [field.path for field in kept.fields] == ["environments.production.enabled"]
    assert update.after is not None
    assert update.after["environments"]["production"]["enabled"] is False
    assert [(call.method, call.path) for call in update.calls] == [("PUT", f"{FLAGS}/f")]
    assert (plan.summary.update, plan.summary.kept, plan.summary.drifted) == (1, 1, 1)
