"""Segments: what a document says, what a server answers, what is sent."""

from __future__ import annotations

from typing import Any

import pytest

from document_samples import desired
from kinds.named import MARK, Answers, create, delete, live, problem, update
from unleash_gitops.kinds import kinds
from unleash_gitops.model.resource import Reference

IN = {"contextName": "country", "operator": "IN", "values": ["NO"]}
AFTER = {"contextName": "currentTime", "operator": "DATE_AFTER", "value": "2026-01-31T12:00:00Z", "inverted": True}
SERVER = Answers(
    segments={
        "segments": [
            {"id": 7, "name": "Beta users", "description": MARK, "constraints": [
                {**IN, "inverted": False, "caseInsensitive": False}, {**AFTER, "values": []}]},
            {"id": 8, "name": "all", "description": "", "project": "shop", "constraints": []},
        ]
    },
    paths={"segments/7/strategies": {"strategies": [{"projectId": "p", "featureName": "f"}]}},
    doomed={"Beta users"},
)  # fmt: skip


def test_what_is_live() -> None:
    found = live("Segment", SERVER)
    assert found["Beta users"].spec == {"description": None, "project": None, "constraints": [IN, AFTER]}
    assert (found["Beta users"].server_id, found["Beta users"].users) == ("7", ("FeatureFlag/p/f",))
    assert (found["all"].ownership, found["all"].spec["project"]) == ("unmanaged", "shop")


def test_what_is_sent() -> None:
    sent = [IN, {**AFTER, "values": []}]
    assert create(desired("Segment", "Beta users", constraints=[{**IN, "inverted": False}, AFTER])) == (
        "POST", "/api/admin/segments",
        {"name": "Beta users", "description": MARK, "project": None, "constraints": [sent[0], sent[1]]},
    )  # fmt: skip
    found = live("Segment", SERVER)
    assert update(desired("Segment", "all", description="Everyone"), found["all"]) == (
        "PUT", "/api/admin/segments/8",
        {"name": "all", "description": f"Everyone\n{MARK}", "project": "shop", "constraints": []},
    )  # fmt: skip
    assert delete(found["Beta users"]) == ("DELETE", "/api/admin/segments/7", None)


def test_a_document_that_says_the_same_changes_nothing() -> None:
    found = live("Segment", SERVER)["Beta users"]
    written, _ = kinds()["Segment"].to_pulled_document(found)
    same = desired("Segment", "Beta users", **written["spec"])
    assert kinds()["Segment"].spec_after_update(same, found) == found.spec


def test_a_segment_refers_to_the_fields_of_its_constraints() -> None:
    assert desired("Segment", "a", constraints=[IN, AFTER]).references == (
        Reference("ContextField", None, "country"), Reference("ContextField", None, "currentTime"),
    )  # fmt: skip


def constraint(operator: str, **more: Any) -> dict[str, Any]:
    return {"contextName": "a", "operator": operator, **more}


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (constraint("IN"), "IN needs values"),
        (constraint("STR_CONTAINS", values=[]), "STR_CONTAINS needs values"),
        (constraint("IN", value="x"), "IN takes values, a list, not value"),
        (constraint("NUM_EQ", values=["1"]), "NUM_EQ takes value, a single one, not values"),
        (constraint("NUM_EQ", value="one"), "NUM_EQ needs a number"),
        (constraint("NUM_GT"), "NUM_GT needs a value"),
        (constraint("DATE_AFTER", value="tomorrow"), "DATE_AFTER needs a date such as 2026-01-31T12:00:00Z"),
        (constraint("SEMVER_EQ", value="1.2"), "SEMVER_EQ needs a version such as 1.2.0"),
        (constraint("REGEX", value="("), "REGEX needs a regular expression"),
    ],
)
def test_a_constraint_whose_values_do_not_fit_is_refused(spec: dict[str, Any], said: str) -> None:
    code, message = problem("Segment", "a", constraints=[spec])
    assert (code, message) == ("constraint", f"spec.constraints[0]: {said}")


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        (constraint("LIKE", values=["x"]), "value"),
        (constraint("IN", values=["x"] * 251), "value"),
        (constraint("IN", values=[1]), "type"),
        ({"operator": "IN", "values": ["x"]}, "missing"),
        (constraint("IN", values=["x"], negated=True), "unknown-key"),
    ],
)
def test_what_else_is_refused(spec: dict[str, Any], code: str) -> None:
    assert problem("Segment", "a", constraints=[spec])[0] == code
