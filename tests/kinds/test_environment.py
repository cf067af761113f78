"""Environments: what the open-source edition can change of them, and what it cannot."""

from __future__ import annotations

from dataclasses import replace

from document_samples import desired
from kinds.named import FACTS, Answers, create, live, problem
from unleash_gitops.kinds import kinds

SERVER = Answers(
    environments={
        "environments": [
            {"name": "production", "type": "production", "sortOrder": 3, "enabled": True, "protected": False}
        ]
    }
)
KIND = kinds()["Environment"]


def test_what_is_live() -> None:
    found = live("Environment", SERVER)["production"]
    assert (found.spec, found.ownership) == ({"type": "production", "enabled": True, "sortOrder": 3}, "builtin")


def test_what_is_sent() -> None:
    found = live("Environment", SERVER)["production"]
    wanted = desired("Environment", "production", enabled=False, sortOrder=1)
    calls = KIND.update(wanted, found, KIND.spec_after_update(wanted, found))
    assert [(call.method, call.path, call.body) for call in calls] == [
        ("PUT", "/api/admin/environments/sort-order", {"production": 1}),
        ("POST", "/api/admin/environments/production/off", {}),
    ]
    typed = desired("Environment", "production", type="test")
    (call,) = KIND.update(typed, found, KIND.spec_after_update(typed, found))
    assert (call.path, call.body) == ("/api/admin/environments/update/production", {"type": "test", "sortOrder": 3})
    assert create(desired("Environment", "qa", type="test")) == (
        "POST", "/api/admin/environments", {"name": "qa", "type": "test", "enabled": True, "sortOrder": 9999},
    )  # fmt: skip


def test_what_needs_enterprise() -> None:
    found = live("Environment", SERVER)["production"]
    typed, new = desired("Environment", "production", type="test"), desired("Environment", "qa")
    assert "needs Unleash Enterprise" in (
        KIND.server_refusal(typed, found, KIND.spec_after_update(typed, found), FACTS) or ""
    )
    assert "needs Unleash Enterprise" in (KIND.server_refusal(new, None, KIND.spec_after_create(new), FACTS) or "")
    assert KIND.server_refusal(new, None, KIND.spec_after_create(new), replace(FACTS, enterprise=True)) is None


def test_what_is_refused() -> None:
    assert problem("Environment", "a b")[0] == "value"
    assert problem("Environment", "a", sortOrder=-1)[0] == "value"
