"""What is asked of the audit log, and what becomes of a log that does not answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from document_samples import flag, parse_resource, parse_workspace
from servers.fake_audit import FakeAudit
from servers.fake_unleash import TOKEN, FakeUnleash
from unleash_gitops.api.audit_log import parse_actor, read_events
from unleash_gitops.api.client import Client
from unleash_gitops.documents.loader import LoadedWorkspace
from unleash_gitops.model.errors import ServerError
from unleash_gitops.model.plan import Plan
from unleash_gitops.model.resource import ResourceSet
from unleash_gitops.workflow.plan import make_plan

OTHER = "*:*.another-token"
P = "/api/admin/projects/default/features"
USER, SEARCH = "/api/admin/user", "/api/admin/search/events?type=IS_ANY_OF:feature-created,"
LOG = (USER, SEARCH, "/api/admin/events/")
Answers = dict[str, tuple[int, Any]]


class World:
    """A server with flags that somebody else has changed, and documents that say otherwise."""

    def __init__(self, names: list[str]) -> None:
        self.fake = FakeUnleash(flags={"default": []}, audit=FakeAudit({TOKEN: "ours", OTHER: "somebody"}))
        self.fake.named["tag-types"]["gitops"] = {"name": "gitops", "description": None, "icon": None, "color": None}
        self.workspace = parse_workspace("ws")
        self.names = names
        for token, words in ((TOKEN, "a"), (OTHER, "b")):
            with Client("http://fake", token, transport=self.fake.transport()) as client:
                for name in names:
                    if token == TOKEN:
                        client.send("POST", P, {"name": name, "description": words}, repeatable=False)
                        tag = {"addedTags": [{"type": "gitops", "value": "ws"}], "removedTags": []}
                        client.send("PUT", f"/api/admin/features/{name}/tags", tag, repeatable=False)
                    else:
                        body = {"type": "release", "stale": False, "description": words}
                        client.send("PUT", f"{P}/{name}", body, repeatable=False)

    def plan(self, answers: Answers | None = None) -> tuple[Plan, list[str]]:
        """Plan, where paths that begin so are answered with a status and a body; return what was asked of the log."""
        resources = [parse_resource(flag(name, description="a"), "ws") for name in self.names]
        loaded = LoadedWorkspace(
            Path(), None, ResourceSet({found.key: found for found in resources}), (), (), len(resources)
        )
        asked: list[str] = []

        def respond(request: httpx.Request) -> httpx.Response:
            target = request.url.raw_path.decode()
            if target.startswith(LOG):
                asked.append(target)
            for begin, (status, body) in (answers or {}).items():
                if target.startswith(begin):
                    return httpx.Response(status, json=body)
            status, headers, content = self.fake.answer(request.method, target, dict(request.headers), request.content)
            return httpx.Response(status, headers=headers, content=content)

        with Client("http://fake", TOKEN, transport=httpx.MockTransport(respond)) as client:
            plan = make_plan(loaded, self.workspace, client)
        return plan, asked


def origins(plan: Plan) -> set[str | None]:
    return {field.origin for change in plan.changes for field in change.fields}


@pytest.fixture(scope="module")
def world() -> World:
    return World(["one", "two"])


def test_one_question_for_all_flags(world: World) -> None:
    plan, asked = world.plan()
    assert (origins(plan), plan.audit_error) == ({"drift"}, None)
    assert len(asked) == 2
    assert asked[0] == USER
    assert "&feature=IS_ANY_OF:one,two&" in asked[1]


def test_nothing_is_asked_when_nothing_differs() -> None:
    same = World([])
    (first, asked), (again, _) = same.plan(), same.plan()
    when = {"created_at": first.created_at}  # a second may have gone by
    assert (first, asked) == (again.model_copy(update=when), [])


@pytest.mark.parametrize("count", [1, 60])
def test_too_many_names_for_one_question_ask_for_the_project(count: int) -> None:
    plan, asked = World([f"{number:03}-{'long' * 20}" for number in range(count)]).plan()
    assert origins(plan) == {"drift"}
    assert len(asked) == 2
    assert ("project=IS:default" in asked[1], "feature=" in asked[1]) == (count > 1, count == 1)


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({SEARCH: (403, {"name": "NoAccessError", "message": "you may not"})}, "403"),
        ({SEARCH: (404, {"name": "NotFoundError"})}, "404"),
        ({USER: (401, {})}, "401"),
        ({USER: (200, {"user": {}})}, "does not tell who the token acts as"),
        ({USER: (200, ["else"])}, "does not tell who the token acts as"),
        ({SEARCH: (200, {"else": []})}, "not of the form that this version knows"),
        ({SEARCH: (200, {"events": [{"id": 1}]})}, "not of the form that this version knows"),
    ],
)
def test_a_log_that_does_not_tell_is_no_reason_to_fail(world: World, answers: Answers, words: str) -> None:
    plan, _ = world.plan(answers)
    assert origins(plan) == {"unknown"}
    assert words in str(plan.audit_error)
    assert len(plan.changes) == 2


def test_where_the_server_cannot_answer_for_all_flags_they_are_asked_for_one_by_one(world: World) -> None:
    event = {
        "id": 5, "type": "feature-metadata-updated", "createdBy": "somebody", "createdByUserId": -42,
        "createdAt": "2026-01-01T00:00:00.000Z", "data": {"description": "b"}, "preData": {"description": "a"},
        "featureName": "one", "project": "default",
    }  # fmt: skip
    made = {**event, "id": 4, "type": "feature-created", "createdBy": "ours", "data": {"description": "a"}}
    one = {"/api/admin/events/one": (200, {"events": [event, made]})}
    two = {"/api/admin/events/two": (200, {"events": []})}
    plan, asked = world.plan({SEARCH: (500, {}), **one, **two})
    assert plan.audit_error is None
    assert {change.name: {field.origin for field in change.fields} for change in plan.changes} == {
        "one": {"drift"}, "two": {"unknown"},
    }  # fmt: skip
    assert asked[2:] == [*one, *two]


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_in_trouble_is_not_taken_for_one_that_tells_nothing(
    world: World, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unleash_gitops.api.retries.RETRY_BUDGET", 0.0)
    with pytest.raises(ServerError):
        world.plan({SEARCH: (status, {})})


def test_pages_are_read_to_the_end_and_no_event_counts_twice() -> None:
    events = [
        {"id": number, "type": "t", "createdBy": "a", "createdAt": "2026-01-01T00:00:00.000Z"}
        for number in range(2500, 0, -1)
    ]
    asked: list[str] = []

    def get(path: str) -> Any:
        asked.append(path)
        offset = int(path.rpartition("offset=")[2])
        start = max(0, offset - 1)  # somebody wrote one meanwhile
        return {"events": events[start : start + 1000]}

    found = read_events(get, ["t"])
    assert [event.id for event in found] == list(range(2500, 0, -1))
    assert len(asked) == 3


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"user": {"id": 3, "username": "admin", "email": "admin@example.com"}}, (3, "admin")),
        ({"user": {"id": 3, "email": "admin@example.com"}}, (3, "admin@example.com")),
        ({"user": {"username": "tool", "internalAdminTokenUserId": -42}}, (-42, "tool")),
        ({"user": {"username": "tool"}}, (-42, "tool")),
        ({"user": {"id": 4}}, (4, "")),
        ({"user": {}}, None),
        ({}, None),
        ("else", None),
    ],
)
def test_who_we_are(answer: Any, expected: tuple[int, str] | None) -> None:
    actor = parse_actor(answer)
    assert (None if actor is None else (actor.user_id, actor.name)) == expected
