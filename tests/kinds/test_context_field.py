"""Context fields: what a document says, what a server answers, what is sent."""

from __future__ import annotations

from typing import Any

import pytest

from document_samples import desired
from kinds.named import FACTS, MARK, Answers, create, delete, live, problem, update
from unleash_gitops.kinds import kinds

NORWAY = {"value": "NO", "description": "Norway"}
SERVER = Answers(
    context=[
        {"name": "userId", "description": "The user", "stickiness": False, "sortOrder": 1, "legalValues": []},
        {"name": "country", "description": MARK, "stickiness": True, "legalValues": [NORWAY, {"value": "SE"}]},
        {"name": "used", "description": None, "stickiness": False, "legalValues": []},
        {"name": "long", "description": "x" * 240, "stickiness": False, "legalValues": []},
    ],
    segments={"segments": [{"name": "s", "constraints": [{"contextName": "used"}]}]},
    paths={"context/used/strategies": {"strategies": [{"projectId": "p", "featureName": name} for name in "bab"]}},
    doomed={"used"},
)


def test_what_is_live() -> None:
    found = live("ContextField", SERVER)
    assert {name: one.ownership for name, one in found.items()} == {
        "userId": "builtin", "country": "owned", "used": "unmanaged", "long": "unmanaged",
    }  # fmt: skip
    assert found["country"].spec == {"description": None, "stickiness": True, "legalValues": [NORWAY, {"value": "SE"}]}
    assert (found["used"].users, found["country"].users) == (("FeatureFlag/p/a", "FeatureFlag/p/b", "Segment/s"), ())


def test_what_is_sent() -> None:
    assert create(desired("ContextField", "country", legalValues=[NORWAY, {"value": "SE", "description": ""}])) == (
        "POST", "/api/admin/context",
        {"name": "country", "description": MARK, "stickiness": False, "legalValues": [NORWAY, {"value": "SE"}]},
    )  # fmt: skip
    found = live("ContextField", SERVER)
    assert update(desired("ContextField", "country", description="The market"), found["country"]) == (
        "PUT", "/api/admin/context/country",
        {"name": "country", "description": f"The market\n{MARK}", "stickiness": True,
         "legalValues": [NORWAY, {"value": "SE"}]},
    )  # fmt: skip
    assert delete(found["country"]) == ("DELETE", "/api/admin/context/country", None)


def test_the_order_of_legal_values_counts() -> None:
    kind, found = kinds()["ContextField"], live("ContextField", SERVER)["country"]
    same = desired("ContextField", "country", legalValues=[NORWAY, {"value": "SE"}])
    other = desired("ContextField", "country", legalValues=[{"value": "SE"}, NORWAY])
    assert kind.spec_after_update(same, found) == found.spec
    assert kind.spec_after_update(other, found) != found.spec


def test_a_description_has_to_leave_room_for_the_mark() -> None:
    longest = 250 - len(f"\n{MARK}")
    desired("ContextField", "a", description="x" * longest)
    code, message = problem("ContextField", "a", description="x" * (longest + 1))
    assert code == "too-long"
    assert "have 251 characters, more than the 250 that Unleash takes" in message
    taking_over = desired("ContextField", "long", stickiness=True)
    kind, found = kinds()["ContextField"], live("ContextField", SERVER)["long"]
    refusal = kind.server_refusal(taking_over, found, kind.spec_after_update(taking_over, found), FACTS)
    assert refusal is not None
    assert "more than the 250" in refusal


@pytest.mark.parametrize(
    ("name", "spec", "code"),
    [
        ("a/b", {}, "value"),
        ("", {}, "value"),
        ("a", {"sortOrder": 1}, "unknown-key"),
        ("a", {"legalValues": [NORWAY, NORWAY]}, "legal-value"),
        ("a", {"legalValues": [{"value": ""}]}, "value"),
        ("a", {"legalValues": ["NO"]}, "type"),
        ("a", {"stickiness": "yes"}, "type"),
    ],
)
def test_what_is_refused(name: str, spec: dict[str, Any], code: str) -> None:
    assert problem("ContextField", name, **spec)[0] == code
