"""Integrations: what a document says, what a server answers, what is sent, and that no secret is anywhere."""

from __future__ import annotations

import json
from typing import Any

import pytest

from document_samples import check, desired, document
from kinds.named import FACTS, MARK, Answers, create, delete, live, update
from unleash_gitops.documents.loader.document_checks import check_document
from unleash_gitops.documents.yamldoc import Document, read_documents
from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.addon import Addon
from unleash_gitops.kinds.addon_providers import PARAMETERS
from unleash_gitops.kinds.interfaces import Claimable
from unleash_gitops.model.call import Call, Claim, Fill, Lookup
from unleash_gitops.model.errors import UsageError
from unleash_gitops.model.ownership import workspace_mark
from unleash_gitops.model.resource import Area, ReadScope, Resource

OURS = f"unleash-gitops name: hook\n{MARK}"
ID = f"{workspace_mark('w')}/hook"
URL = {"fromEnv": "UNLEASH_SECRET_HOOK_URL"}
NOT_A_NAME = (
    "fromEnv must be the name of an environment variable, never the secret itself; it begins with UNLEASH_SECRET_, "
    "and has only A-Z, 0-9 and _"
)
IS_A_SECRET = "is a secret: write {fromEnv: UNLEASH_SECRET_NAME}, and put it into that environment variable"
RENAME = "fromEnv must begin with UNLEASH_SECRET_: rename the variable HOOK_URL to UNLEASH_SECRET_HOOK_URL"
PROVIDERS = [
    {
        "name": "webhook",
        "parameters": [{"name": "url", "sensitive": True}, {"name": "contentType"}],
        "events": ["feature-created", "feature-archived"],
    },
]


def entry(number: int, **more: Any) -> dict[str, Any]:
    usual = {"provider": "webhook", "enabled": True, "description": OURS, "events": ["feature-created"]}
    return {"id": number, **usual, "parameters": {"url": "*****", "contentType": "text/plain"}, **more}


def server(*addons: dict[str, Any]) -> Answers:
    return Answers(addons={"addons": list(addons), "providers": PROVIDERS})


def hook(**spec: Any) -> Resource:
    usual = {"provider": "webhook", "events": ["feature-created"], "parameters": {"url": URL}}
    return desired("Addon", "hook", **{**usual, **spec})


def taken_over(number: str, **spec: Any) -> Resource:
    content = document("Addon", "hook", **{"provider": "webhook", **spec})
    content["metadata"]["id"] = number
    resource, problems = check(content)
    assert (problems, resource is None) == ([], False)
    assert resource is not None
    return resource


def test_what_is_live() -> None:
    found = live(
        "Addon",
        server(
            entry(7, description=f"Says so\n{OURS}", events=["b", "a"], projects=["*"], environments=["y", "x"]),
            entry(3, description="By hand", parameters={"url": "shown after all", "contentType": 5}),
            entry(4, description=MARK),
            entry(5, description="unleash-gitops name: theirs\nmanaged by unleash-gitops: other"),
            entry(8),
        ),
    )
    assert {key: (one.address.name, one.server_id, one.ownership) for key, one in found.items()} == {
        ID: ("hook", "7", "owned"),
        "3": (None, "3", "unmanaged"),
        "4": (None, "4", "owned"),
        f"{workspace_mark('other')}/theirs": ("theirs", "5", "foreign"),
        "8": (None, "8", "owned"),  # a second one of the name, which has to go
    }
    assert found[ID].spec == {
        "provider": "webhook", "enabled": True, "description": "Says so", "events": ["a", "b"], "projects": [],
        "environments": ["x", "y"], "parameters": {"url": "*****", "contentType": "text/plain"},
    }  # fmt: skip
    assert found["3"].spec["parameters"] == {"url": "*****", "contentType": "5"}


def test_what_is_sent() -> None:
    body = {
        "provider": "webhook", "enabled": True, "description": f"Why\n{OURS}", "events": ["feature-created"],
        "projects": [], "environments": [], "parameters": {"url": None},
    }  # fmt: skip
    secret = Fill(path=("parameters", "url"), env="UNLEASH_SECRET_HOOK_URL")
    one = hook(description="Why", projects=["*"])
    assert create(one) == ("POST", "/api/admin/addons", body)
    (call,) = kinds()["Addon"].create(one, kinds()["Addon"].spec_after_create(one))
    assert call.verify == Lookup(path="/api/admin/addons", list_key="addons", match={"description": f"Why\n{OURS}"})
    assert call.fills == (secret,)

    found = live("Addon", server(entry(7)))[ID]
    assert update(hook(enabled=False), found) == (
        "PUT", "/api/admin/addons/7",
        {**body, "description": OURS, "enabled": False, "parameters": {"url": None, "contentType": "text/plain"}},
    )  # fmt: skip
    off = hook(enabled=False)
    (call,) = kinds()["Addon"].update(off, found, kinds()["Addon"].spec_after_update(off, found))
    assert call.fills == (secret,)
    assert delete(found) == ("DELETE", "/api/admin/addons/7", None)


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"url": URL, "contentType": URL}, "contentType is no secret"),
        ({"url": {"fromEnv": "HOME"}}, "env"),
        ({"url": URL, "other": URL}, "other"),
    ],
)
def test_a_forged_plan_reads_no_variable_into_a_parameter_that_everyone_sees(
    parameters: dict[str, Any], error: str
) -> None:
    kind, one = kinds()["Addon"], hook()
    after = {**kind.spec_after_create(one), "parameters": parameters}
    with pytest.raises((ValueError, KeyError), match=error):
        kind.create(one, after)


def test_a_secret_is_no_difference_of_its_own() -> None:
    found = live("Addon", server(entry(7)))[ID]
    assert kinds()["Addon"].spec_after_update(hook(), found) == found.spec
    changed = kinds()["Addon"].spec_after_update(hook(parameters={"url": URL, "contentType": None}), found)
    assert changed["parameters"] == {"url": URL}


def test_an_existing_one_is_taken_over_by_its_number_and_keeps_what_no_file_mentions() -> None:
    found = live("Addon", server(entry(3, description="By hand")))["3"]
    one = taken_over("3", enabled=False)
    assert one.key == found.key
    method, path, body = update(one, found)
    assert (method, path, body["description"]) == ("PUT", "/api/admin/addons/3", f"By hand\n{MARK}")
    assert body["parameters"] == {"url": "*****", "contentType": "text/plain"}
    kind = kinds()["Addon"]
    assert kind.server_refusal(one, None, kind.spec_after_create(one), FACTS) == (
        "there is no integration 3 to take over; without metadata.id it is created anew"
    )
    other = taken_over("3", provider="datadog")
    assert kind.server_refusal(other, found, kind.spec_after_update(other, found), FACTS) == "datadog needs apiKey"


def test_only_the_description_changes_with_the_mark() -> None:
    stored = entry(3, description="By hand", events=["b", "a"], projects=["*"], environments=["y", "x"])
    found = live("Addon", server({**stored, "parameters": {"url": "*****", "contentType": 5}}))["3"]
    kind = kinds()["Addon"]
    assert isinstance(kind, Claimable)
    body = {
        "provider": "webhook", "enabled": True, "events": ["b", "a"], "projects": ["*"], "environments": ["y", "x"],
        "parameters": {"url": "*****", "contentType": 5},
    }  # fmt: skip
    path = "/api/admin/addons/3"
    (call,) = kind.claim(taken_over("3"), found, "w")
    claim = Claim(path=path, workspace="w")
    assert call == Call(method="PUT", path=path, body={**body, "description": f"By hand\n{MARK}"}, claim=claim)
    (released,) = kind.release(found, "w")
    assert released == Call(method="PUT", path=path, body={**body, "description": "By hand"})
    owned = live("Addon", server(entry(7)))[ID]
    (released,) = kind.release(owned, "w")
    assert released.body["description"] == ""


def test_a_stored_secret_is_write_only() -> None:
    found = live("Addon", server(entry(7)))[ID]
    kind = kinds()["Addon"]
    assert isinstance(kind, Addon)
    parts = [("parameters", "url"), ("parameters", "contentType"), ("parameters", "authorization"), ("enabled",)]
    assert [kind.is_write_only(part, found) for part in parts] == [True, False, False, False]


def test_what_is_pulled_changes_nothing() -> None:
    found = live("Addon", server(entry(3, description="By hand"), entry(7, description=f"Ours\n{OURS}")))
    written, title = kinds()["Addon"].to_pulled_document(found["3"])
    assert (written["metadata"], title) == ({"id": "3"}, "By hand")
    unset = {"authorization": None, "bodyTemplate": None, "customHeaders": None}
    assert written["spec"]["parameters"] == {"contentType": "text/plain", **unset}
    assert written["spec"].keys() == kinds()["Addon"].spec.model_fields.keys()
    minimal, _ = kinds()["Addon"].to_pulled_document(found["3"], minimal=True)
    assert minimal["spec"]["parameters"] == {"contentType": "text/plain"}
    same = taken_over("3", **written["spec"])
    assert kinds()["Addon"].spec_after_update(same, found["3"]) == found["3"].spec

    written, _ = kinds()["Addon"].to_pulled_document(found[ID])
    assert written["spec"]["parameters"]["url"] == {"fromEnv": "UNLEASH_SECRET_HOOK_URL"}
    assert kinds()["Addon"].spec_after_update(desired("Addon", "hook", **written["spec"]), found[ID]) == found[ID].spec


@pytest.mark.parametrize(
    ("spec", "code", "message"),
    [
        ({"parameters": {"url": "https://x/s3cr3t"}}, "value",
         f"spec.parameters.url: {IS_A_SECRET}"),
        ({"parameters": {"url": {"fromEnv": "s3cr3t!"}}}, "value",
         f"spec.parameters.url: {NOT_A_NAME}"),
        ({"parameters": {"url": {"fromEnv": "HOOK_URL"}}}, "value",
         f"spec.parameters.url: {RENAME}"),
        ({"parameters": {"url": {"fromEnv": "AKIA4S3CR3TEXAMPLE00"}}}, "value", f"spec.parameters.url: {NOT_A_NAME}"),
        ({"parameters": {"url": {"fromEnv": "UNLEASH_SECRET_"}}}, "value", f"spec.parameters.url: {NOT_A_NAME}"),
        ({"parameters": {"url": {"env": "s3cr3t"}}}, "value",
         "spec.parameters.url: expected a string or {fromEnv: UNLEASH_SECRET_NAME}"),
        ({"parameters": {"url": None}}, "value", "spec.parameters.url: is required"),
        ({"parameters": {"url": URL, "contentType": {"fromEnv": "X"}}}, "value",
         "spec.parameters.contentType: is no secret: write the value itself, which is compared"),
        ({"parameters": {"url": URL, "contentType": ""}}, "value",
         "spec.parameters.contentType: must not be empty; null says that it is not set"),
        ({"parameters": {"url": URL, "contentType": 31337}}, "value",
         "spec.parameters.contentType: expected a string, found something else; put it in quotes"),
        ({"parameters": {"url": URL, "URL": "s3cr3t"}}, "value",
         f"spec.parameters.URL: webhook takes no such parameter; it takes {', '.join(PARAMETERS['webhook'])}"),
        ({"parameters": "s3cr3t"}, "value", "spec.parameters: expected a mapping of the service's parameters"),
        ({"parameters": {}}, "missing", "spec.parameters.url is required"),
        ({"events": []}, "value", "spec.events: must not be empty"),
        ({"provider": "slack"}, "value", None),
        ({"provider": "teams"}, "deprecated-provider", "spec.provider: is deprecated, and not created any more"),
        ({"provider": "webhok"}, "value", None),
        ({"description": "unleash-gitops name: other"}, "mark", None),
        ({"description": MARK}, "mark", None),
    ],
)  # fmt: skip
def test_what_is_refused(spec: dict[str, Any], code: str, message: str | None) -> None:
    usual = {"provider": "webhook", "events": ["feature-created"], "parameters": {"url": URL}}
    if spec.get("provider") == "slack":
        spec["parameters"] = {"url": "s3cr3t", "defaultChannel": "#x"}
    _, (problem,) = check(document("Addon", "hook", **{**usual, **spec}))
    assert problem[0] == code
    assert message is None or problem[1] == message


def test_no_line_with_a_secret_is_shown_and_every_problem_is_said() -> None:
    text = json.dumps(document("Addon", "hook", provider="webhook", parameters={"url": "s3cr3t", "authorization": 7}))
    (parsed,) = read_documents(text.encode(), "a.yaml")
    assert isinstance(parsed, Document)
    _, problems = check_document(parsed, "w")
    assert [problem.code for problem in problems] == ["value", "value"]
    assert all(problem.excerpt is None for problem in problems)
    assert "s3cr3t" not in repr(problems)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"provider": "datadog"}, "this server knows no service datadog"),
        ({"provider": "webhook", "events": ["feature-creatd"]}, "webhook does not support event feature-creatd"),
        ({"provider": "webhook", "parameters": {"url": "literal"}}, "url is a secret on this server"),
    ],
)
def test_what_this_server_does_not_take_is_said_when_it_is_planned(spec: dict[str, Any], said: str) -> None:
    answers = server(entry(7, description="x", events=["bogus"]))
    answers.scope = ReadScope({Area("Addon"): {"7": {"provider": "webhook", "events": ["bogus"]}}}, lambda _: False)
    assert set(live("Addon", answers)) == {"7"}  # what is there is taken as it is
    answers.scope = ReadScope({Area("Addon"): {ID: spec}}, lambda _: False)
    with pytest.raises(UsageError, match=said):
        live("Addon", answers)
