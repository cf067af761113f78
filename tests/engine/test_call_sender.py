"""What is sent for a call: its body with the fills, and nothing in the body that is read as more than data."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from document_samples import desired, document, parse_workspace
from servers.fake_audit import FakeAudit
from servers.fake_unleash import TOKEN, FakeUnleash
from unleash_gitops.api.client import Client
from unleash_gitops.documents.loader import LoadedWorkspace
from unleash_gitops.engine.call_sender import Sender
from unleash_gitops.kinds import kinds
from unleash_gitops.model.call import Call, Fill, Lookup
from unleash_gitops.model.errors import NotUnleash, UsageError
from unleash_gitops.model.plan import OnDrift, Plan, parse_plan
from unleash_gitops.model.report import Report
from unleash_gitops.model.resource import Resource, ResourceSet
from unleash_gitops.render.json import render_plan_json
from unleash_gitops.workflow.apply import apply_plan, check_plan
from unleash_gitops.workflow.plan import make_plan

FLAGS = "/api/admin/projects/default/features"
SECRET = "s3cr3t-of-the-team"
OTHER = "*:*.another-token"


class Server:
    """Answers what `answer` says, `{}` by default, and keeps the requests with their bodies."""

    def __init__(self, answer: Callable[[str, str], httpx.Response | None] = lambda _method, _path: None) -> None:
        self.answer = answer
        self.requests: list[tuple[str, str, Any]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content) if request.content else None
        self.requests.append((request.method, request.url.path, body))
        return self.answer(request.method, request.url.path) or httpx.Response(200, json={})

    def client(self) -> Client:
        return Client("http://x", "t", transport=httpx.MockTransport(self))

    def bodies(self, method: str = "POST") -> list[Any]:
        return [body for sent, _, body in self.requests if sent == method]


def returning_ids(method: str, path: str) -> httpx.Response | None:
    return httpx.Response(201, json={"id": 42}) if method == "POST" else None


def test_ids_and_secrets_are_filled_in_and_the_call_stays_as_it_was() -> None:
    server = Server(returning_ids)
    body = {"segments": [None, 3], "parameters": {"url": None}, "other": None}
    fills = (
        Fill(path=("segments", 0), id_of="Segment/beta"),
        Fill(path=("parameters", "url"), env="UNLEASH_SECRET_HOOK_URL"),
    )
    call = Call(method="PUT", path="/api/admin/x", body=body, fills=fills)
    with server.client() as client:
        sender = Sender(client, {"UNLEASH_SECRET_HOOK_URL": SECRET})
        sender.send(Call(method="POST", path="/api/admin/segments", body={}, id_label="Segment/beta"), "Segment/beta")
        sender.send(call, "K/x")
    assert server.bodies("PUT") == [{"segments": [42, 3], "parameters": {"url": SECRET}, "other": None}]
    assert call.body == {"segments": [None, 3], "parameters": {"url": None}, "other": None}


def test_a_call_whose_id_the_server_did_not_return_is_not_sent() -> None:
    server = Server()
    fill = Fill(path=("id",), id_of="Segment/beta")
    with server.client() as client:
        sender = Sender(client, {})
        sender.send(Call(method="POST", path="/api/admin/segments", body={}, id_label="Segment/beta"), "Segment/beta")
        with pytest.raises(NotUnleash, match="PUT /api/admin/x: not sent: the server returned no id for Segment/beta"):
            sender.send(Call(method="PUT", path="/api/admin/x", body={"id": None}, fills=(fill,)), "K/x")
    assert server.bodies("PUT") == []


def test_idempotent_calls_with_other_fills_are_other_calls() -> None:
    server = Server(returning_ids)
    order = "/api/admin/x/set-sort-order"

    def ordering(label: str) -> Call:
        fills = (Fill(path=(0, "id"), id_of=label),)
        return Call(method="POST", path=order, body=[{"id": None, "sortOrder": 0}], fills=fills, idempotent=True)

    with server.client() as client:
        sender = Sender(client, {})
        for label in ("a", "b"):
            sender.send(Call(method="POST", path="/api/admin/x", body={"name": label}, id_label=label), "K/x")
        for label in ("a", "b", "a"):
            sender.send(ordering(label), "K/x")
    assert [path for _, path, _ in server.requests].count(order) == 2


@pytest.mark.parametrize("live", [[], ["Segment/beta"]])
def test_a_strategy_whose_answer_is_lost_is_found_by_its_segments(
    live: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look-up has the segment's id too, whether the server gave it before or in this run."""
    monkeypatch.setattr("unleash_gitops.engine.call_sender._FIRST_WAIT_BEFORE_VERIFYING", 0.0)
    found = {"name": "default", "segments": [42], "id": "new"}
    other = {**found, "segments": [41], "id": "other"}

    def lose_the_answer(method: str, path: str) -> httpx.Response | None:
        if not path.endswith("/strategies"):
            return returning_ids(method, path)
        return httpx.Response(503) if method == "POST" else httpx.Response(200, json=[other, found])

    fill = Fill(path=("segments", 0), id_of="Segment/beta")
    strategies = "/api/admin/x/strategies"
    match = {"name": "default", "segments": [None]}
    verify = Lookup(path=strategies, match=match, fills=(fill,))
    call = Call(method="POST", path=strategies, body=match, fills=(fill,), id_label="first", verify=verify)
    server = Server(lose_the_answer)
    with server.client() as client:
        sender = Sender(client, {})
        sender.send(Call(method="POST", path="/api/admin/segments", body={}, id_label="Segment/beta"), "Segment/beta")
        sender.send(call.resolve_ids(dict.fromkeys(live, 42)), "K/x")
        last = Call(method="PUT", path="/api/admin/y", body={"id": None}, fills=(Fill(path=("id",), id_of="first"),))
        sender.send(last, "K/x")
    assert [path for method, path, _ in server.requests if method == "POST"] == ["/api/admin/segments", strategies]
    assert server.bodies("PUT") == [{"id": "new"}]


def test_a_strategy_of_this_run_is_not_taken_for_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unleash_gitops.engine.call_sender._FIRST_WAIT_BEFORE_VERIFYING", 0.0)
    strategies = "/api/admin/x/strategies"
    posts = iter([httpx.Response(201, json={"id": "a"}), httpx.Response(503), httpx.Response(201, json={"id": "b"})])

    def answer(method: str, path: str) -> httpx.Response:
        return next(posts) if method == "POST" else httpx.Response(200, json=[{"name": "default", "id": "a"}])

    server = Server(answer)
    body = {"name": "default"}
    with server.client() as client:
        sender = Sender(client, {})
        for label, earlier in (("first", ()), ("second", ("first",))):
            verify = Lookup(path=strategies, match=body, exclude_labels=earlier)
            sender.send(Call(method="POST", path=strategies, body=body, id_label=label, verify=verify), "K/x")
    assert server.bodies() == [body, body, body]


class World:
    """A server in memory, and documents."""

    def __init__(self, *documents: Resource) -> None:
        self.fake = FakeUnleash(flags={"default": []}, audit=FakeAudit({TOKEN: "ours", OTHER: "other"}))
        self.workspace = parse_workspace()
        state = ResourceSet({resource.key: resource for resource in documents})
        self.loaded = LoadedWorkspace(Path(), None, state, (), (), len(documents))

    def client(self, token: str = TOKEN) -> Client:
        return Client("http://fake", token, transport=self.fake.transport())

    def plan(self, *targets: str, on_drift: OnDrift | None = None) -> Plan:
        """Plan, save the plan, read it back, and rebuild its calls."""
        with self.client() as client:
            plan = make_plan(self.loaded, self.workspace, client, targets, on_drift=on_drift)
            return check_plan(parse_plan(render_plan_json(plan), "plan.json"), client)

    def apply(self, plan: Plan) -> Report:
        with self.client() as client:
            return apply_plan(plan, client, threading.Event())


def flag(*strategies: dict[str, Any]) -> Resource:
    spec = {"environments": {"production": {"strategies": list(strategies)}}}
    content = document("FeatureFlag", "f", **spec)
    content["metadata"]["project"] = "default"
    kind = kinds()["FeatureFlag"]
    return kind.resource_from_document(kind.document.model_validate(content), "w")


def chart(**spec: Any) -> Resource:
    return desired("ImpactMetric", "c", metricName="m", timeRange="day", aggregationMode="avg", **spec)


def live_strategies(world: World) -> list[dict[str, Any]]:
    strategies: list[dict[str, Any]] = world.fake.about_flags.flag("f")["in"]["production"]["strategies"]
    return strategies


@pytest.mark.parametrize("key", ["fromEnv", "$id"])
def test_a_parameter_with_any_name_is_sent_as_it_is(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", SECRET)
    world = World(flag({"name": "default", "parameters": {key: "GITHUB_TOKEN"}}))
    assert world.apply(world.plan()).complete
    (strategy,) = live_strategies(world)
    assert strategy["parameters"] == {key: "GITHUB_TOKEN"}
    assert world.plan().changes == ()


@pytest.mark.parametrize("key", ["fromEnv", "$id"])
def test_a_label_with_any_name_is_sent_as_it_is(key: str) -> None:
    world = World(chart(labelSelectors={key: ["x"]}))
    assert world.apply(world.plan()).complete
    ((_, config),) = world.fake.charts.values()
    assert config["labelSelectors"] == {key: ["x"]}
    assert world.plan().changes == ()


def test_a_new_segment_and_a_live_one_are_sent_by_their_ids() -> None:
    world = World(flag({"name": "default", "segments": ["live", "new"]}), desired("Segment", "new"))
    with world.client() as client:
        client.send("POST", "/api/admin/segments", {"name": "live", "constraints": []}, repeatable=False)
    plan = world.plan()
    (adding,) = [call for change in plan.changes for call in change.calls if call.path.endswith("/strategies")]
    assert (adding.body["segments"], adding.fills) == (
        [1, None],
        (Fill(path=("segments", 1), id_of="Segment/new"),),
    )
    assert adding.verify is not None
    assert (adding.verify.match["segments"], adding.verify.fills) == ([1, None], adding.fills)
    assert world.apply(plan).complete
    (strategy,) = live_strategies(world)
    assert strategy["segments"] == [1, 2]
    assert world.plan().changes == ()


def test_strategies_of_this_run_are_put_in_order_by_their_ids() -> None:
    """A new strategy in front of a live one is added last, and then moved."""
    live = {"name": "flexibleRollout", "title": "live"}
    world = World(flag(live))
    assert world.apply(world.plan()).complete
    again = World(flag({"name": "default", "title": "new"}, live))
    again.fake = world.fake
    plan = again.plan()
    (ordering,) = [call for change in plan.changes for call in change.calls if call.path.endswith("/set-sort-order")]
    (identifier,) = [strategy["id"] for strategy in live_strategies(world)]
    assert ordering.body == [{"id": None, "sortOrder": 0}, {"id": identifier, "sortOrder": 1}]
    assert ordering.fills == (Fill(path=(0, "id"), id_of="FeatureFlag/default/f:production[1]"),)
    assert again.apply(plan).complete
    assert again.plan().changes == ()


def test_a_change_that_needs_an_object_outside_the_targets_is_blocked() -> None:
    world = World(flag({"name": "default", "segments": ["new"]}), desired("Segment", "new"))
    plan = world.plan("FeatureFlag")
    assert [(change.action, change.reason, change.calls) for change in plan.changes] == [
        ("blocked", "needs Segment/new, which this plan does not create", ())
    ]
    assert (plan.summary.blocked, plan.summary.create) == (1, 0)
    world.apply(plan)
    assert world.fake.writes() == []


def test_a_change_that_needs_what_the_drift_policy_refuses_is_blocked() -> None:
    world = World(flag(), desired("Segment", "new"))
    assert world.apply(world.plan()).complete
    with world.client(OTHER) as client:
        client.send("DELETE", "/api/admin/segments/1", None, repeatable=True)
    again = World(flag({"name": "default", "segments": ["new"]}), desired("Segment", "new"))
    again.fake = world.fake
    plan = again.plan(on_drift="fail")
    assert {change.address: (change.action, change.calls) for change in plan.changes} == {
        "Segment/new": ("blocked", ()),
        "FeatureFlag/default/f": ("blocked", ()),
    }
    assert [change.address for change in plan.refused] == ["Segment/new"]
    assert [change.reason for change in plan.changes if change.kind == "FeatureFlag"] == [
        "needs Segment/new, which this plan does not create"
    ]


def test_a_secret_that_is_not_set_is_missed_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UNLEASH_SECRET_HOOK_URL", raising=False)
    world = World(chart())
    plan = world.plan()
    (change,) = plan.changes
    fill = Fill(path=("url",), env="UNLEASH_SECRET_HOOK_URL")
    call = Call(method="POST", path="/api/admin/addons", body={"url": None, "fromEnv": "OTHER"}, fills=(fill,))
    needy = plan.model_copy(update={"changes": (change.with_calls([*change.calls, call]),)})
    world.fake.requests.clear()
    with pytest.raises(UsageError, match="the plan needs UNLEASH_SECRET_HOOK_URL, which the environment does not have"):
        world.apply(needy)
    assert world.fake.writes() == []
