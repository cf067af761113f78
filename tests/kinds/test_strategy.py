"""Types of strategy: what a document says, what a server answers, what is sent."""

from __future__ import annotations

from typing import Any

import pytest

from document_samples import desired
from kinds.named import FACTS, MARK, Answers, create, delete, live, problem, update
from unleash_gitops.kinds import kinds

REGION = {"name": "region", "type": "string", "required": True, "description": ""}
SERVER = Answers(
    strategies={
        "strategies": [
            {"name": "default", "title": None, "description": "For all", "parameters": [], "deprecated": False,
             "editable": False},
            {"name": "byRegion", "title": "", "description": f"Where\n{MARK}", "deprecated": True, "editable": True,
             "parameters": [{"name": "region", "type": "string", "required": True}]},
            {"name": "byHand", "title": "T", "description": None, "parameters": [], "deprecated": False,
             "editable": True},
        ]
    },
    projects={"projects": [{"id": "p"}]},
    paths={
        "projects/p/features": {"features": [{"name": "f"}, {"name": "g"}]},
        "projects/p/features/f": {"name": "f", "environments": [{"strategies": [{"name": "byRegion"}]}]},
        "projects/p/features/g": {"name": "g", "environments": [{"strategies": [{"name": "default"}]}]},
    },
    doomed={"byRegion"},
)  # fmt: skip


def test_what_is_live() -> None:
    found = live("Strategy", SERVER)
    assert {name: one.ownership for name, one in found.items()} == {
        "default": "builtin", "byRegion": "owned", "byHand": "unmanaged",
    }  # fmt: skip
    assert found["byRegion"].spec == {
        "title": None, "description": "Where", "parameters": [REGION], "deprecated": True,
    }  # fmt: skip
    assert (found["byRegion"].users, found["byHand"].users) == (("FeatureFlag/p/f",), ())


def test_what_is_sent() -> None:
    region = {"name": "region", "type": "string", "required": True}
    assert create(desired("Strategy", "byRegion", parameters=[region])) == (
        "POST", "/api/admin/strategies",
        {"name": "byRegion", "title": "", "description": MARK, "parameters": [REGION]},
    )  # fmt: skip
    found = live("Strategy", SERVER)
    assert update(desired("Strategy", "byHand", description="Text"), found["byHand"]) == (
        "PUT", "/api/admin/strategies/byHand",
        {"name": "byHand", "title": "T", "description": f"Text\n{MARK}", "parameters": []},
    )  # fmt: skip
    assert delete(found["byRegion"]) == ("DELETE", "/api/admin/strategies/byRegion", None)


def test_deprecating_is_a_call_of_its_own_and_all_that_can_be_done_to_the_servers_own() -> None:
    kind, found = kinds()["Strategy"], live("Strategy", SERVER)["default"]
    wanted = desired("Strategy", "default", deprecated=True)
    after = kind.spec_after_update(wanted, found)
    assert kind.server_refusal(wanted, found, after, FACTS) is None
    (call,) = kind.update(wanted, found, after)
    assert call.path == "/api/admin/strategies/default/deprecate"
    other = desired("Strategy", "default", title="Mine")
    assert kind.server_refusal(other, found, kind.spec_after_update(other, found), FACTS) == (
        "it is the server's own: only deprecated can be changed"
    )


@pytest.mark.parametrize(
    ("name", "spec", "code"),
    [
        ("a b", {}, "value"),
        ("a", {"parameters": [{"name": "x", "type": "text"}]}, "value"),
        ("a", {"parameters": [{"name": "x", "type": "list"}] * 2}, "twice"),
        ("a", {"description": MARK}, "mark"),
    ],
)
def test_what_is_refused(name: str, spec: dict[str, Any], code: str) -> None:
    assert problem("Strategy", name, **spec)[0] == code
