"""Integrations and API tokens through their lives, on the real server; their secrets are where they belong only."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from acceptance.conftest import Space
from command_line import CommandResult
from document_samples import actions
from servers.fault_proxy import FaultProxy
from servers.instance import Instance

pytestmark = pytest.mark.sandbox

SECRET = "xoxb-s3cr3t/of the team"
TOKEN = {"UNLEASH_SECRET_TOKEN": SECRET}
SLACK = {
    "provider": "slack-app",
    "enabled": False,
    "events": ["feature-created"],
    "parameters": {"accessToken": {"fromEnv": "UNLEASH_SECRET_TOKEN"}},
}
READER = {"type": "client", "environment": "development"}


@pytest.fixture
def space(tmp_path: Path, real: Instance) -> Space:
    root = tmp_path / "workspace"
    root.mkdir()
    return Space(root, real)


def secret_of(real: Instance, name: str) -> str:
    (found,) = [one["secret"] for one in real.tokens() if one["tokenName"] == name]
    return str(found)


def key(space: Space, name: str) -> str:
    """Return the key of a token's secret in the file of secrets."""
    return f"{space.instance.url.removeprefix('http://')}/payments/ApiToken/{name}"


def apply(space: Space, *arguments: str, code: int = 0, **more: str) -> CommandResult:
    """Apply with the secret in the environment; say everything, and have the secret in nothing of it."""
    command, *rest = arguments or ("",)
    done = space.run("-v", "apply", *filter(None, (command, *rest)), "--yes", **{**TOKEN, **more})
    assert done.code == code, done.err
    for text in (done.out, done.err):
        assert SECRET not in text
        assert not any(one["secret"] in text for one in space.instance.tokens())
    return done


def test_the_life_of_an_integration(space: Space) -> None:
    file = space.write("Addon", "to-slack", **SLACK, description="Says what happens")
    saved = space.root.parent / "plan.json"
    assert space.run("plan", "--out", str(saved), **TOKEN).code == 0
    assert SECRET not in saved.read_text()
    apply(space, str(saved))
    (live,) = space.instance.addons()
    assert live["description"] == (
        "Says what happens\nunleash-gitops name: to-slack\nmanaged by unleash-gitops: payments"
    )
    assert live["parameters"] == {"accessToken": "*****"}
    assert space.plan()["changes"] == []

    space.write("Addon", "to-slack", **{**SLACK, "parameters": {"defaultChannels": "x", **SLACK["parameters"]}})
    plan = space.plan()
    assert actions(plan) == [("update", "Addon", "to-slack")]
    assert [(one["path"], one["before"], one["after"]) for one in plan["changes"][0]["fields"]] == [
        ("parameters.accessToken", "*****", {"fromEnv": "UNLEASH_SECRET_TOKEN"}),
        ("parameters.defaultChannels", None, "x"),
    ]
    apply(space)
    assert space.instance.addons()[0]["parameters"] == {"accessToken": "*****", "defaultChannels": "x"}
    assert space.instance.addons()[0]["description"] == live["description"]
    assert space.plan()["changes"] == []

    file.unlink()
    assert actions(space.plan()) == [("delete", "Addon", "to-slack")]
    apply(space)
    assert space.instance.addons() == []


def test_a_pulled_integration_is_managed_by_its_number_and_keeps_its_secret(space: Space) -> None:
    http = space.instance.http
    body = {**SLACK, "description": "By hand", "parameters": {"accessToken": SECRET}, "events": ["bogus"]}
    http.post("/api/admin/addons", json=body).raise_for_status()
    (live,) = space.instance.addons()
    assert space.run("pull").code == 0
    (file,) = (space.root / "addons").iterdir()
    assert SECRET not in file.read_text()
    plan = space.plan()
    assert {(change["action"], len(change["fields"])) for change in plan["changes"]} == {("adopt", 0)}
    assert plan["unmanaged"] == []
    for pulled in (space.root / "flags").rglob("*.yaml"):
        pulled.unlink()
    space.write("Addon", "x", {"id": str(live["id"])}, provider="slack-app", events=["feature-created"])
    file.unlink()
    changes = space.plan()["changes"]
    assert [change["action"] for change in changes if change["kind"] == "Addon"] == ["adopt"]
    apply(space)
    (after,) = space.instance.addons()
    assert after == {
        **live,
        "events": ["feature-created"],
        "description": "By hand\nmanaged by unleash-gitops: payments",
    }
    assert space.plan()["changes"] == []
    events = http.get("/api/admin/search/events?type=IS:addon-config-updated&limit=1").raise_for_status().json()
    assert events["events"][0]["data"]["id"] == live["id"]


def test_a_secret_that_is_not_in_the_environment_is_said_before_anything_is_sent(space: Space) -> None:
    space.write("Addon", "to-slack", **SLACK)
    space.write("ApiToken", "reader", **READER)
    done = space.run("apply", "--yes", "--secrets-out", str(space.root / "out.json"))
    assert done.code == 1
    assert "the plan needs UNLEASH_SECRET_TOKEN, which the environment does not have" in done.err
    assert (space.instance.addons(), space.instance.tokens()) == ([], [])
    assert not (space.root / "out.json").exists()


@pytest.mark.parametrize("url", ["http://s3cr3t-host.invalid/s3cr3t/path", "s3cr3t", "http://127.0.0.1/s3cr3t"])
def test_a_server_that_refuses_a_secret_does_not_spread_it(space: Space, url: str) -> None:
    space.write(
        "Addon",
        "hook",
        provider="webhook",
        events=["feature-created"],
        parameters={"url": {"fromEnv": "UNLEASH_SECRET_URL"}},
    )
    for form in ("text", "json"):
        done = apply(space, "--format", form, code=3, UNLEASH_SECRET_URL=url)
        assert "s3cr3t" not in done.out + done.err
    assert space.instance.addons() == []


def test_the_life_of_a_token(space: Space) -> None:
    file = space.write("ApiToken", "reader", **{**READER, "type": "backend"}, projects=["default"])
    out = space.root.parent / "secrets.json"
    done = apply(space, "--secrets-out", str(out))
    (live,) = space.instance.tokens()
    assert (live["tokenName"], live["projects"], live["alias"]) == ("reader [gitops:payments]", ["default"], None)
    assert json.loads(out.read_text()) == {key(space, "reader"): live["secret"]}
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert "secret" not in done.err
    assert space.plan()["changes"] == []

    space.write("ApiToken", "reader", **READER, expiresAt="2030-01-31T12:00:00+02:00")
    saved = space.root.parent / "plan.json"
    assert space.run("plan", "--out", str(saved)).code == 0
    assert live["secret"] not in saved.read_text()
    done = apply(space, str(saved))
    assert "PUT /api/admin/api-tokens/***: 200" in done.err
    assert space.instance.tokens() == [{**live, "expiresAt": "2030-01-31T10:00:00.000Z"}]
    assert space.plan()["changes"] == []

    space.write("ApiToken", "reader", **{**READER, "environment": "production"})
    (change,) = space.plan()["changes"]
    assert (change["action"], change["reason"].partition(":")[0]) == (
        "blocked", "its type, environment and projects cannot be changed",
    )  # fmt: skip

    file.unlink()
    assert actions(space.plan()) == [("delete", "ApiToken", "reader")]
    apply(space)
    assert space.instance.tokens() == []


def test_without_a_file_a_secret_goes_nowhere(space: Space) -> None:
    space.write("ApiToken", "reader", **READER)
    done = apply(space)
    assert f"secrets not written to a file: {key(space, 'reader')}\nhelp: to read a secret, open API" in done.err
    assert "help: to read a secret, open API access in Unleash's UI" in done.err
    assert {path.name for path in space.root.iterdir()} == {"unleash-gitops.yaml", "ApiToken-reader.yaml"}


def test_a_file_of_secrets_is_not_overwritten_nor_left_without_one(space: Space) -> None:
    space.write("ApiToken", "reader", **READER)
    out = space.root.parent / "secrets.json"
    out.write_text("mine")
    done = space.run("apply", "--yes", "--secrets-out", str(out))
    assert (done.code, "the file already exists" in done.err, out.read_text()) == (1, True, "mine")
    done = space.run("apply", "--yes", "--secrets-out", str(out.parent / "no" / "such.json"))
    assert (done.code, "cannot be written" in done.err) == (1, True)
    assert space.instance.tokens() == []
    out.unlink()
    apply(space)
    done = apply(space, "--secrets-out", str(out))  # there is nothing to make any more
    assert not out.exists()


def test_many_tokens_are_all_written_down(space: Space) -> None:
    for number in range(12):
        space.write("ApiToken", f"t{number}", **READER)
    out = space.root.parent / "secrets.json"
    apply(space, "--secrets-out", str(out), "--concurrency", "4")
    made = {
        key(space, one["tokenName"].removesuffix(" [gitops:payments]")): one["secret"]
        for one in space.instance.tokens()
    }
    assert (len(made), json.loads(out.read_text())) == (12, made)
    assert {path.name for path in out.parent.iterdir()} == {"secrets.json", "workspace"}


def test_what_others_made_is_reported_and_left_alone(space: Space) -> None:
    for name in ("by hand", "theirs [gitops:search]", "reader"):
        body = {"tokenName": name, **READER, "projects": ["*"]}
        space.instance.http.post("/api/admin/api-tokens", json=body).raise_for_status()
    before = space.instance.tokens()
    plan = space.plan()
    assert plan["changes"] == []
    unmanaged = [one["title"] for one in plan["unmanaged"] if one["kind"] == "ApiToken"]
    assert (sorted(unmanaged), plan["summary"]["foreign"]) == (["by hand", "reader"], 1)
    assert not any(one["secret"] in json.dumps(plan) for one in before)
    done = space.run("-v", "pull")
    assert (done.code, "a token that was made elsewhere cannot be taken over" in done.err) == (0, True)
    assert {change["action"] for change in space.plan()["changes"]} <= {"adopt"}
    for path in space.root.iterdir():
        assert path.name != "api-tokens"
    space.workspace(exclusive=[{"kind": "ApiToken"}])
    assert len([change for change in space.plan()["changes"] if change["kind"] == "ApiToken"]) == 2
    apply(space)
    assert [one["tokenName"] for one in space.instance.tokens()] == ["theirs [gitops:search]"]


@pytest.mark.parametrize("fault", ["cut after", "cut before", "503"])
def test_a_lost_answer_makes_no_second_one(space: Space, fault: str) -> None:
    space.write("Addon", "to-slack", **SLACK)
    space.write("ApiToken", "reader", **READER)
    proxy = FaultProxy(space.instance.url)
    faulted: set[str] = set()

    def once(_number: int, method: str, path: str) -> str | None:
        if method != "POST" or path in faulted:
            return None
        faulted.add(path)
        return fault

    proxy.fault = once
    out = space.root.parent / "secrets.json"
    with proxy.served() as url:
        apply(space, "--secrets-out", str(out), "--url", url)
        host = url.removeprefix("http://")
    assert faulted == {f"/api/admin/{name}" for name in ("addons", "api-tokens", "tag-types")}
    (addon,), (token,) = space.instance.addons(), space.instance.tokens()
    assert addon["parameters"] == {"accessToken": "*****"}
    assert json.loads(out.read_text()) == {f"{host}/payments/ApiToken/reader": token["secret"]}
    assert space.plan()["changes"] == []
