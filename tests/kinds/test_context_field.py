"""Context fields: what a document says, what a server answers, what is sent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from document_samples import desired
from kinds.named import MARK, Answers, create, delete, live, problem, update
from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.interfaces import Claimable

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


def test_a_description_that_leaves_no_room_for_the_mark_is_saved_without_it() -> None:
    longest = 250 - len(f"\n{MARK}")
    kind = kinds()["ContextField"]
    assert isinstance(kind, Claimable)
    for length, mark in ((longest, f"\n{MARK}"), (longest + 1, ""), (250, "")):
        field = desired("ContextField", "a", description="x" * length)
        (call,) = kind.create(field, kind.spec_after_create(field))
        assert call.body["description"] == "x" * length + mark
        live_field = replace(field, ownership="unmanaged", spec=kind.spec_after_create(field))
        reason = kind.unmarkable_reason(field, live_field)
        assert (reason is None) == bool(mark)
        assert len(kind.claim(field, live_field, "payments")) == bool(mark)
    code, message = problem("ContextField", "a", description="x" * 251)
    assert code == "too-long"
    assert message == "its description has 251 characters, more than the 250 that Unleash takes"


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
