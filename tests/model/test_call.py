"""Calls and look-ups of a plan: their fills are checked, and ids that are known are written into them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from unleash_gitops.model.call import Call, Fill, Lookup, Request

PATH = "/api/admin/x"
BODY = {"name": "s", "segments": [None, 3], "parameters": {"url": None, "fromEnv": "X"}}
SEGMENT = {"path": ["segments", 0], "idOf": "Segment/beta"}
SECRET = {"path": ["parameters", "url"], "env": "UNLEASH_SECRET_HOOK_URL"}


def parse(*fills: Any, body: Any = BODY) -> Call:
    return Call.model_validate_json(json.dumps({"method": "POST", "path": PATH, "body": body, "fills": fills}))


def problem(*fills: Any, body: Any = BODY) -> str:
    with pytest.raises(ValidationError) as caught:
        parse(*fills, body=body)
    return str(caught.value.errors()[0]["msg"])


def test_a_request_shows_no_body_and_differs_with_the_body_and_its_fills() -> None:
    calls = [
        parse(),
        parse(SEGMENT),
        parse({**SEGMENT, "idOf": "Segment/gamma"}),
        parse(SEGMENT, SECRET),
        parse(SEGMENT, {**SECRET, "env": "UNLEASH_SECRET_OTHER_URL"}),
        parse(body={**BODY, "name": "t"}),
    ]
    assert {(call.request.method, call.request.path) for call in calls} == {("POST", PATH)}
    assert len({call.request.body_sha256 for call in calls}) == len(calls)
    assert parse(body=dict(reversed(BODY.items()))).request == calls[0].request
    assert Call(method="DELETE", path=PATH).request == Request(method="DELETE", path=PATH, body_sha256=None)


@pytest.mark.parametrize(
    "path",
    [
        ["segments", 1],
        ["segments", 2],
        ["segments", -2],
        ["segments", "0"],
        ["segments", 0, "id"],
        ["segments"],
        ["parameters", "fromEnv"],
        ["parameters", "other"],
        ["parameters", 0],
        ["name", 0],
        ["other"],
    ],
)
def test_a_fill_without_a_null_to_replace_is_refused(path: list[str | int]) -> None:
    assert problem({**SEGMENT, "path": path}) == f"Value error, no null to fill at {json.dumps(path)}"


def test_a_fill_of_a_call_without_a_body_is_refused() -> None:
    assert problem(SEGMENT, body=None) == 'Value error, no null to fill at ["segments", 0]'


def test_two_fills_of_one_place_are_refused() -> None:
    other = {"path": SEGMENT["path"], "env": "UNLEASH_SECRET_HOOK_URL"}
    assert problem(SEGMENT, other) == 'Value error, two fills for ["segments", 0]'


@pytest.mark.parametrize("path", [[], [True], [0.0], [None]])
def test_a_path_that_is_none_is_refused(path: list[Any]) -> None:
    with pytest.raises(ValidationError):
        parse({**SEGMENT, "path": path}, body=[None])


@pytest.mark.parametrize("source", [{}, {"idOf": "a", "env": "UNLEASH_SECRET_B"}])
def test_a_fill_has_exactly_one_source(source: dict[str, str]) -> None:
    assert problem({"path": ["segments", 0], **source}) == "Value error, needs either idOf or env"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "HOME",
        "UNLEASH_AUTH_TOKEN",
        "UNLEASH_SECRET_",
        "UNLEASH_SECRET_A\n",
        "UNLEASH_SECRET_a",
        "XUNLEASH_SECRET_A",
    ],
)
def test_only_a_variable_of_a_secret_can_be_filled_in(name: str) -> None:
    assert problem({**SECRET, "env": name}) == "String should match pattern '^UNLEASH_SECRET_[A-Z0-9_]+$'"


def test_the_fills_of_a_lookup_are_checked_too() -> None:
    fill = Fill(path=("segments", 0), id_of="Segment/beta")
    assert Lookup(path=PATH, match={"segments": [None]}, fills=(fill,)).fills == (fill,)
    with pytest.raises(ValidationError, match="no null to fill"):
        Lookup(path=PATH, match={"segments": []}, fills=(fill,))


def test_an_id_that_is_known_is_written_into_the_body_and_the_look_ups() -> None:
    fills = tuple(Fill(path=("segments", index), id_of=f"Segment/{name}") for index, name in enumerate("ab"))
    lookup = Lookup(path=PATH, match={"segments": [None, None]}, fills=fills, exclude_labels=("first",))
    call = Call(method="POST", path=PATH, body={"segments": [None, None]}, fills=fills, verify=lookup)
    assert call.required_labels == {"Segment/a", "Segment/b", "first"}
    resolved = call.resolve_ids({"Segment/b": 7, "Segment/c": 8})
    expected = {"segments": [None, 7]}
    assert (resolved.body, resolved.fills) == (expected, fills[:1])
    assert resolved.verify is not None
    assert (resolved.verify.match, resolved.verify.fills) == (expected, fills[:1])
    assert resolved.required_labels == {"Segment/a", "first"}
    assert call.body == {"segments": [None, None]}


def test_a_body_without_fills_has_no_labels_and_no_variables() -> None:
    body = {"fromEnv": "TOKEN", "parameters": {"$id": "Segment/beta"}, "list": [{"fromEnv": ["x"]}]}
    call = Call(method="POST", path=PATH, body=body)
    assert (call.required_labels, call.required_variables) == (set(), set())
    assert call.resolve_ids({"Segment/beta": 7}) == call


def test_the_variables_of_a_call_are_those_of_its_fills() -> None:
    assert parse(SEGMENT, SECRET).required_variables == {"UNLEASH_SECRET_HOOK_URL"}
