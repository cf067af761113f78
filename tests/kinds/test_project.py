"""Projects: what the open-source edition can change of them, and what it cannot."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from document_samples import desired
from kinds.named import FACTS, Answers, create, problem
from unleash_gitops.api.audit_log import Actor, Event
from unleash_gitops.kinds import kinds
from unleash_gitops.model.resource import Area, ReadScope, Reference, Resource, UnknownValue

OVERVIEW = {"name": "The shop", "description": "", "mode": "open", "defaultStickiness": "default",
            "environments": [{"environment": "production"}, {"environment": "development"}]}  # fmt: skip
KIND = kinds()["Project"]
LOST = "every flag is switched off in development, and the default strategy there is lost"


def live() -> Resource:
    reads = Answers(paths={"projects/shop/overview": OVERVIEW})
    reads.scope = ReadScope({Area("Project"): {"shop": {}}}, lambda _: False)
    (area,) = KIND.areas(reads)
    (found,) = KIND.read(reads, area)
    return found


def test_what_is_live() -> None:
    assert live().ownership == "builtin"
    assert live().spec == {
        "name": "The shop", "description": None, "mode": "open", "defaultStickiness": "default",
        "environments": ["development", "production"],
    }  # fmt: skip
    assert list(KIND.areas(Answers())) == []  # nothing is asked where no document is about a project


def test_environments_come_and_go() -> None:
    wanted = desired("Project", "shop", environments=["production", "qa"])
    assert wanted.references[1] == Reference("Environment", None, "qa")
    after = KIND.spec_after_update(wanted, live())
    calls = KIND.update(wanted, live(), after)
    assert [(call.method, call.path) for call in calls] == [
        ("POST", "/api/admin/projects/shop/environments"),
        ("DELETE", "/api/admin/projects/shop/environments/development"),
    ]
    assert KIND.side_effect_note(live(), after) == LOST
    assert KIND.server_refusal(wanted, live(), after, FACTS) is None


def test_what_needs_enterprise() -> None:
    wanted, new = desired("Project", "shop", mode="private"), desired("Project", "new", name="New")
    after = KIND.spec_after_update(wanted, live())
    assert "cannot change mode" in (KIND.server_refusal(wanted, live(), after, FACTS) or "")
    assert "needs Unleash Enterprise" in (KIND.server_refusal(new, None, KIND.spec_after_create(new), FACTS) or "")
    enterprise = replace(FACTS, enterprise=True)
    assert KIND.server_refusal(wanted, live(), after, enterprise) is None
    (call,) = KIND.update(wanted, live(), after)
    assert (call.method, call.body["mode"]) == ("PUT", "private")
    assert create(new)[2] == {
        "id": "new", "name": "New", "description": "", "mode": "open", "defaultStickiness": "default",
        "environments": [],
    }  # fmt: skip


def test_what_is_refused() -> None:
    assert problem("Project", "a b", mode="open")[0] == "value"
    assert problem("Project", "a", environments=["x", "x"])[0] == "twice"


def event(number: int, what: str, environment: str | None = None, **told: Any) -> Event:
    return Event(
        number, f"project-{what}", Actor(1, "admin"), "", project="shop", environment=environment, **told,
    )  # fmt: skip


def test_its_past_is_told_by_the_environments_that_came_and_went() -> None:
    events = [
        event(3, "environment-removed", "qa"),
        event(2, "environment-added", "production"),
        event(1, "updated", data={"name": "The shop"}, before={"name": "A shop"}),
    ]
    assert [set(KIND.event_subjects(one, "w")) for one in events] == [{"shop"}] * 3
    steps = [*KIND.history_states(live(), "shop", events, Answers())]  # type: ignore[arg-type]
    assert [before["environments"] for before, _ in steps] == [
        ["development", "production", "qa"], ["development", "qa"], ["development", "qa"],
    ]  # fmt: skip
    assert steps[0][1]["environments"] == ["development", "production"]
    assert [before["name"] for before, _ in steps] == ["The shop", "The shop", "A shop"]
    assert isinstance(steps[-1][0]["mode"], UnknownValue)


def test_of_one_that_is_gone_nothing_is_told() -> None:
    ((before, after),) = KIND.history_states(None, "shop", [event(1, "environment-added", "qa")], Answers())  # type: ignore[arg-type]
    assert isinstance(before, UnknownValue)
    assert isinstance(after, UnknownValue)
