"""API tokens: what a document says, what a server answers, what is sent, and that no secret is anywhere."""

from __future__ import annotations

from typing import Any

import pytest

from document_samples import desired
from kinds.named import FACTS, Answers, create, live, problem
from unleash_gitops.kinds import kinds
from unleash_gitops.model.call import Call, Lookup
from unleash_gitops.model.errors import ApiError
from unleash_gitops.model.resource import Resource

KIND = kinds()["ApiToken"]
TYPES = {"type": "client", "environment": "development"}


def entry(name: str, created: str = "2026-01-01T00:00:00.000Z", **more: Any) -> dict[str, Any]:
    usual = {**TYPES, "projects": ["*"], "expiresAt": None, "alias": "4l14s"}
    return {"secret": "s3cr3t", "tokenName": name, "createdAt": created, **usual, **more}


def server(*tokens: dict[str, Any]) -> Answers:
    return Answers(api_tokens={"tokens": list(tokens)})


def token(**spec: Any) -> Resource:
    return desired("ApiToken", "checkout", **{**TYPES, **spec})


def own(**more: Any) -> Resource:
    return live("ApiToken", server(entry("checkout [gitops:w]", **more)))["checkout"]


def test_what_is_live() -> None:
    found = live(
        "ApiToken",
        server(
            entry("checkout [gitops:w]", "2026-01-02", projects=["b", "a"], expiresAt="2030-01-01T00:00:00.000Z"),
            entry("checkout [gitops:w]", "2026-01-03"),
            entry("search [gitops:other]", "2026-01-01"),
            entry("by hand", "2026-01-01"),
            entry("admin", "2026-01-01", type="admin"),
        ),
    )
    assert {key: (one.address.name, one.ownership) for key, one in found.items()} == {
        "checkout": ("checkout", "owned"),
        "checkout [gitops:w] of 2026-01-03": (None, "owned"),  # a second one of the name, which has to go
        "search [gitops:other] of 2026-01-01": (None, "foreign"),
        "by hand of 2026-01-01": (None, "unmanaged"),
    }
    assert found["checkout"].spec == {**TYPES, "projects": ["a", "b"], "expiresAt": "2030-01-01T00:00:00.000Z"}
    for secret in ("s3cr3t", "4l14s"):
        assert secret not in repr(found)


def test_what_is_sent() -> None:
    one = token(type="backend", projects=["b", "a", "b"], expiresAt="2030-01-31T12:00:00+02:00")
    name = {"tokenName": "checkout [gitops:w]", **TYPES}
    body = {**name, "projects": ["a", "b"], "expiresAt": "2030-01-31T10:00:00.000Z"}
    assert create(one) == ("POST", "/api/admin/api-tokens", body)
    assert create(token())[2] == {**name, "projects": ["*"]}
    (call,) = KIND.create(one, KIND.spec_after_create(one))
    assert (call.secret_field, call.verify) == (
        "secret", Lookup(path="/api/admin/api-tokens", list_key="tokens", match=name, field="secret"),
    )  # fmt: skip
    found = own()
    find = Lookup(
        path="/api/admin/api-tokens",
        list_key="tokens",
        match={**name, "createdAt": "2026-01-01T00:00:00.000Z"},
        field="secret",
    )
    path = "/api/admin/api-tokens/{found}"
    assert KIND.update(one, found, KIND.spec_after_update(one, found)) == (
        Call(method="PUT", path=path, body={"expiresAt": "2030-01-31T10:00:00.000Z"}, lookup=find),
    )
    assert KIND.delete(found) == (Call(method="DELETE", path=path, lookup=find),)


@pytest.mark.parametrize(
    ("spec", "more", "said"),
    [
        ({"expiresAt": "2030-01-01T00:00:00Z"}, {}, None),
        ({"type": "frontend"}, {}, "its type, environment and projects cannot be changed"),
        ({"environment": "production"}, {}, "its type, environment and projects cannot be changed"),
        ({"projects": ["a"]}, {}, "its type, environment and projects cannot be changed"),
        ({"expiresAt": None}, {"expiresAt": "2030-01-01T00:00:00.000Z"}, "an expiry date cannot be removed"),
    ],
)
def test_what_cannot_be_changed(spec: dict[str, Any], more: dict[str, Any], said: str | None) -> None:
    one, found = token(**spec), own(**more)
    after = KIND.spec_after_update(one, found)
    assert after != found.spec
    assert (KIND.server_refusal(one, found, after, FACTS) or "").startswith(said or "") is True
    assert (KIND.server_refusal(one, found, after, FACTS) is None) is (said is None)


def test_what_no_file_mentions_is_kept() -> None:
    found = own(projects=["a"], expiresAt="2030-01-01T00:00:00.000Z")
    assert KIND.spec_after_update(token(), found) == found.spec
    assert KIND.spec_after_update(token(type="backend"), found) == found.spec


def test_only_what_is_the_workspaces_own_can_be_pulled() -> None:
    found = own(projects=["a"])
    assert KIND.pull_exclusion(found) is None
    spec = {**TYPES, "projects": ["a"]}
    assert KIND.to_pulled_document(found) == ({"metadata": {}, "spec": {**spec, "expiresAt": None}}, "checkout")
    assert KIND.to_pulled_document(found, minimal=True) == ({"metadata": {}, "spec": spec}, "checkout")
    (other,) = live("ApiToken", server(entry("checkout"))).values()
    assert KIND.pull_exclusion(other) == "a token that was made elsewhere cannot be taken over"


def test_a_refusal_is_not_an_empty_list() -> None:
    answers = server()

    def refuse(path: str) -> Any:
        raise ApiError("GET", path, 403, "PermissionError", "no")

    answers.get_cached = refuse  # type: ignore[assignment, method-assign] - another server
    with pytest.raises(ApiError):
        live("ApiToken", answers)


@pytest.mark.parametrize(
    ("spec", "code", "message"),
    [
        ({"environment": "*"}, "every-environment", "spec.environment: a token is for one environment, not for all"),
        ({"expiresAt": "2030-01-31T12:00:00"}, "date-time", None),
        ({"expiresAt": "0001-01-01T00:00:00+10:00"}, "date-time", None),
        ({"expiresAt": "soon"}, "date-time", "spec.expiresAt: must be an ISO 8601 time with a UTC offset"),
        ({"type": "admin"}, "value", None),
        ({"projects": []}, "value", None),
        ({"alias": "s3cr3t"}, "unknown-key", None),
    ],
)
def test_what_is_refused(spec: dict[str, Any], code: str, message: str | None) -> None:
    found = problem("ApiToken", "checkout", **{**TYPES, **spec})
    assert found[0] == code
    assert message is None or found[1] == message
