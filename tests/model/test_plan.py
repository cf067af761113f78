"""Saved plans: a written plan is read back unchanged, and any other file is refused with a reason."""

from __future__ import annotations

import json
from typing import Any

import pytest

from render.samples import ACTIONS, PLANS, without_calls
from unleash_gitops.model.call import Call
from unleash_gitops.model.errors import PlanFileError
from unleash_gitops.model.plan import parse_plan
from unleash_gitops.model.plan_file import seal as with_digest
from unleash_gitops.model.report import Report, ReportSummary, Result
from unleash_gitops.render.json import render_plan_json

AGAIN = "create it again with: unleash-gitops plan --out FILE"


def seal(**changed: Any) -> str:
    """Return a plan with changed content and a matching digest."""
    return json.dumps(with_digest({**ACTIONS.as_json(), **changed}))


def parse_refused(text: str | bytes) -> tuple[str, str | None]:
    """Parse a plan that must be refused; return the message and the hint."""
    with pytest.raises(PlanFileError) as caught:
        parse_plan(text, "p.json")
    return caught.value.message, caught.value.hint


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_survives_writing_and_reading(name: str) -> None:
    plan = PLANS[name]
    for text in (json.dumps(plan.to_json()), render_plan_json(plan), render_plan_json(plan).encode()):
        saved = parse_plan(text, "p.json")
        assert saved == without_calls(plan)
        assert saved.to_json() == plan.to_json()


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_is_none_is_refused(constant: str) -> None:
    text = seal(createdAt=12345).replace("12345", constant)
    assert parse_refused(text) == ("p.json: not a plan: the file is not complete JSON", AGAIN)


def test_writing_a_plan_twice_gives_the_same_bytes() -> None:
    assert render_plan_json(ACTIONS) == render_plan_json(parse_plan(render_plan_json(ACTIONS), "p.json"))


def test_the_json_document_has_the_documented_keys() -> None:
    document = ACTIONS.to_json()
    assert list(document) == [
        "formatVersion", "toolVersion", "createdAt", "workspace", "instance", "summary", "changes", "unmanaged",
        "deleteLimits", "foreign", "notRead", "warnings", "root", "kept", "auditError", "options", "digest",
    ]  # fmt: skip
    assert list(document["instance"]) == ["url", "id", "version", "edition"]
    assert list(document["summary"]) == [
        "create", "update", "adopt", "transfer", "release", "delete",
        "unchanged", "unmanaged", "foreign", "blocked", "drifted", "kept",
        "released",
    ]  # fmt: skip
    assert list(document["changes"][0]) == [
        "action", "kind", "name", "project", "feature", "id", "source", "before", "after", "fields", "reason",
        "requests", "numbered", "dependsOn", "archives", "origin", "changed", "drift", "takenFrom", "formerId",
        "owners",
    ]  # fmt: skip
    assert list(document["changes"][2]["fields"][0]) == ["path", "before", "after", "origin", "changed"]
    assert list(document["changes"][0]["requests"][0]) == ["method", "path", "bodySha256"]
    assert list(document["unmanaged"][0]) == ["kind", "name", "project", "feature", "id", "title"]


@pytest.mark.parametrize("text", ["", b"", " \n\t"])
def test_an_empty_file_is_refused(text: str | bytes) -> None:
    assert parse_refused(text) == ("p.json: the plan file is empty", AGAIN)


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_an_incomplete_file_is_refused(share: float) -> None:
    complete = render_plan_json(ACTIONS)
    incomplete = complete[: int(len(complete) * share)]
    assert parse_refused(incomplete) == ("p.json: not a plan: the file is not complete JSON", AGAIN)


@pytest.mark.parametrize("text", ["apiVersion: x", b"\xff\xfe\x00", "[" * 100_000, '{"formatVersion": "1"'])
def test_a_file_that_is_not_json_is_refused(text: str | bytes) -> None:
    assert parse_refused(text) == ("p.json: not a plan: the file is not complete JSON", AGAIN)


@pytest.mark.parametrize("text", ["{}", "[]", "1", "null", '"1"', '{"formatVersion": 1}', '{"formatVersion": null}'])
def test_json_that_is_not_a_plan_is_refused(text: str) -> None:
    assert parse_refused(text) == ("p.json: not a plan of unleash-gitops", AGAIN)


@pytest.mark.parametrize(
    ("version", "hint"),
    [("1", AGAIN), ("3", "use the version of unleash-gitops that created it, or create it again with this version")],
)
def test_another_format_is_refused_before_its_digest_is_checked(version: str, hint: str) -> None:
    assert parse_refused(json.dumps({"formatVersion": version, "digest": "blake3:…"})) == (
        f"p.json: the plan has format {version}, this version reads format 2",
        hint,
    )


def list_edits() -> list[str]:
    whole = ACTIONS.to_json()
    first, *rest = whole["changes"]
    return [
        json.dumps({**whole, "workspace": "other"}),
        json.dumps({**whole, "maxDeletes": 1000}),
        json.dumps({**whole, "changes": rest}),
        json.dumps({**whole, "changes": [*rest, first]}),
        json.dumps({**whole, "changes": [{**first, "requests": []}, *rest]}),
        json.dumps({**whole, "new": 1}),
        json.dumps({**whole, "digest": None}),
        json.dumps({**whole, "digest": "sha256:" + "0" * 64}),
        json.dumps({name: content for name, content in whole.items() if name != "digest"}),
        json.dumps({name: content for name, content in whole.items() if name != "unmanaged"}),
    ]


@pytest.mark.parametrize("text", list_edits())
def test_an_edited_file_is_refused(text: str) -> None:
    assert parse_refused(text) == (
        "p.json: the plan was changed after it was created (its digest does not match)",
        AGAIN,
    )


def test_white_space_and_the_order_of_keys_do_not_count_as_an_edit() -> None:
    whole = ACTIONS.to_json()
    assert parse_plan("\n" + json.dumps(dict(reversed(whole.items())), indent=8), "p.json") == without_calls(ACTIONS)


CHANGES = ACTIONS.as_json()["changes"]


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"new": 1}, "new: Extra inputs are not permitted"),
        ({"workspace": None}, "workspace: Input should be a valid string"),
        ({"deleteLimits": {"maxDeletes": -1}}, "deleteLimits.maxDeletes: Input should be greater than or equal to 0"),
        ({"instance": {}}, "instance.url: Field required"),
        ({"changes": [{**CHANGES[0], "fate": 1}]}, "changes[0].fate: Extra inputs are not permitted"),
        (
            {"changes": [{**CHANGES[0], "action": "replace"}]},
            (
                "changes[0].action: Input should be 'create', 'update', 'adopt', 'transfer', 'release', "
                "'delete' or 'blocked'"
            ),
        ),
        (
            {"changes": [{**CHANGES[0], "calls": [{"method": "POST", "path": "/api/admin/x", "body": None}]}]},
            "changes[0].calls: Extra inputs are not permitted",
        ),
        (
            {"changes": [{**CHANGES[0], "requests": [{"method": "PATCH", "path": "/api/admin/x"}]}]},
            "changes[0].requests[0].method: Input should be 'POST', 'PUT' or 'DELETE'",
        ),
    ],
)
def test_invalid_content_with_a_matching_digest_is_refused(changed: dict[str, Any], problem: str) -> None:
    assert parse_refused(seal(**changed)) == (f"p.json: not a plan this version can read: {problem}", AGAIN)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/api/admin",
        "/api/admin/",
        "/api/client/metrics",
        "/api/administrator/x",
        "api/admin/x",
        "//evil.example/api/admin/x",
        "https://evil.example/api/admin/x",
        "@evil.example/api/admin/x",
        "/api/admin/../client/x",
        "/api/admin/x/..",
        "/api/admin/./x",
        "/api/admin//x",
        "/api/admin/x/",
    ],
)
def test_a_call_outside_the_admin_api_is_refused(path: str) -> None:
    problem = "changes[0].requests[0].path: Value error, not a path of the Admin API"
    expected = f"p.json: not a plan this version can read: {problem}"
    request = {"method": "POST", "path": path}
    assert parse_refused(seal(changes=[{**CHANGES[0], "requests": [request]}])) == (expected, AGAIN)


@pytest.mark.parametrize(
    ("call", "repeatable"),
    [
        (Call(method="PUT", path="/api/admin/x", body={}), True),
        (Call(method="DELETE", path="/api/admin/x"), True),
        (Call(method="POST", path="/api/admin/x", body={"id": "1"}), True),
        (Call(method="POST", path="/api/admin/x", body={"name": "1"}), False),
        (Call(method="POST", path="/api/admin/x", body=["id"]), False),
        (Call(method="POST", path="/api/admin/x"), False),
    ],
)
def test_a_call_knows_whether_it_may_be_sent_twice(call: Call, repeatable: bool) -> None:
    assert call.repeatable is repeatable


def test_the_address_of_a_change_has_its_id_where_the_name_is_unknown() -> None:
    assert [change.address for change in ACTIONS.changes] == [
        "ImpactMetric/shop/checkout-v2/checkout-errors",
        "ImpactMetric/checkout-latency",
        "ImpactMetric/signups",
        "ImpactMetric/guarded",
        "ImpactMetric/01G1T0PS00PAYMNT0000000005",
        "ImpactMetric/taken",
        "ImpactMetric/01G1T0PS00PAYMNT0000000007",
    ]


def test_a_plan_without_changes_is_not_pending() -> None:
    pending: dict[str, bool] = {name: plan.pending for name, plan in PLANS.items()}
    assert [name for name, is_pending in pending.items() if not is_pending] == [
        "plan-no-changes",
        "plan-nothing-at-all",
        "plan-only-unmanaged",
    ]


def test_a_report_is_complete_when_every_change_was_applied() -> None:
    result = Result(action="create", kind="K", name=None, project="p", feature=None, id="1", status="applied")
    assert result.address == "K/p/1"
    assert Report(summary=ReportSummary(applied=1), results=(result,)).complete
    assert not Report(summary=ReportSummary(applied=0, failed=1), results=(result,)).complete
    assert Report(summary=ReportSummary(), results=()).complete


def test_a_lone_surrogate_is_refused() -> None:
    changes = [{**CHANGES[2], "fields": [{"path": "title", "before": {"\ud800": 1}, "after": "x"}]}]
    with pytest.raises(PlanFileError, match="not complete JSON"):
        parse_plan(seal(changes=changes), "p.json")
