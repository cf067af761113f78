"""Integrations that another user edits, under each drift policy: parameters are judged apart from the other fields."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from acceptance.conftest import SOMEBODY, Space
from kinds.named import MARK, Answers, live
from servers.actors import ANOTHER, token_holder
from servers.instance import Instance
from servers.sandbox_database import execute
from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.interfaces import Claimable

SPEC = {
    "provider": "slack-app",
    "description": "one",
    "events": ["feature-archived"],
    "parameters": {"accessToken": {"fromEnv": "UNLEASH_SECRET_TOKEN"}, "defaultChannels": "a"},
}


@pytest.fixture
def hook(tmp_path: Path, request: pytest.FixtureRequest, instance: Instance) -> Any:
    """Give a workspace with one integration, whose secret is `first`, and a client of another user."""
    space = Space(tmp_path, instance)
    write(space)
    apply(space, "first")
    assert secret(space) == "first"
    if instance.fake is not None:
        with token_holder(instance.url, SOMEBODY) as client:
            yield space, client
    else:
        yield space, request.getfixturevalue("other")


def write(space: Space, **more: Any) -> None:
    space.write("Addon", "hook", **{**SPEC, **more})


def apply(space: Space, secret: str, *arguments: str, code: int = 0) -> str:
    done = space.run("apply", "--yes", *arguments, UNLEASH_SECRET_TOKEN=secret)
    assert done.code == code, done.out + done.err
    return done.out + done.err


def secret(space: Space) -> str:
    """Return the secret that the server stores."""
    if space.instance.fake is not None:
        (addon,) = space.instance.fake.addons.addons.values()
        return str(addon["parameters"]["accessToken"])
    return execute("SELECT parameters->>'accessToken' FROM addons").strip()


def edit(space: Space, who: httpx.Client, **fields: Any) -> None:
    """Have another user save the integration's form with other values."""
    (addon,) = space.instance.addons()
    who.put(f"/api/admin/addons/{addon['id']}", json={**addon, **fields}).raise_for_status()


def origins(space: Space) -> dict[str, tuple[str, str | None]]:
    """Return the origin of each field of the one change, and who changed it last."""
    (change,) = space.run("plan", "--format", "json", UNLEASH_SECRET_TOKEN="second").json["changes"]
    return {field["path"]: (field["origin"], (field["changed"] or {}).get("by")) for field in change["fields"]}


@pytest.mark.parametrize("policy", ["overwrite", "keep", "fail"])
def test_a_secret_goes_with_the_next_change_after_another_users_edit(hook: Any, policy: str) -> None:
    space, who = hook
    space.workspace(drift=policy)
    edit(space, who, enabled=False)
    write(space, description="two")
    assert origins(space) == {"description": ("file", None), "parameters.accessToken": ("file", None)}
    apply(space, "second")
    (addon,) = space.instance.addons()
    assert (secret(space), addon["description"].partition("\n")[0], addon["enabled"]) == ("second", "two", False)
    plan = space.plan()
    assert (plan["changes"], plan["kept"]) == ([], [])


def test_what_is_kept_is_no_parameter(hook: Any) -> None:
    space, who = hook
    space.workspace(drift="keep")
    edit(space, who, enabled=False)
    write(space, description="two", enabled=True)
    apply(space, "second")
    (addon,) = space.instance.addons()
    assert (secret(space), addon["description"].partition("\n")[0], addon["enabled"]) == ("second", "two", False)
    (kept,) = space.plan()["kept"]
    assert [field["path"] for field in kept["fields"]] == ["enabled"]


def test_another_users_edit_of_parameters_alone_is_not_in_the_log(hook: Any) -> None:
    space, who = hook
    edit(space, who, parameters={"accessToken": "*****", "defaultChannels": "b"})
    assert origins(space) == {
        "parameters.accessToken": ("file", None), "parameters.defaultChannels": ("unknown", None),
    }  # fmt: skip
    done = space.run("plan", "--drift", UNLEASH_SECRET_TOKEN="second")
    assert (done.code, "the audit log does not record who changed Addon/hook" in done.err) == (0, True)


def test_a_parameter_that_may_have_been_edited_along_with_another_field_is_of_unknown_origin(hook: Any) -> None:
    space, who = hook
    somebody = "somebody" if space.instance.fake is not None else ANOTHER
    space.workspace(drift="fail")
    edit(space, who, enabled=False)
    write(space, parameters={**SPEC["parameters"], "defaultChannels": "c"})  # type: ignore[dict-item]
    assert origins(space) == {
        "parameters.accessToken": ("file", None), "parameters.defaultChannels": ("unknown", somebody),
    }  # fmt: skip
    apply(space, "second")
    (addon,) = space.instance.addons()
    assert (secret(space), addon["parameters"]["defaultChannels"], addon["enabled"]) == ("second", "c", False)


def test_an_unset_variable_refuses_every_way_to_apply_before_anything_is_sent(hook: Any) -> None:
    space, _ = hook
    second = Space(space.root.parent / f"{space.root.name}-second", space.instance)
    second.workspace("search")
    second.write("TagType", "made-first")
    write(space, description="two")
    saved = str(space.root.parent / f"{space.root.name}.json")
    assert space.run("plan", str(second.root), str(space.root), "--out", saved).code == 0
    for arguments in ([saved], [str(space.root), "--yes"], ["--yes", "--on-drift", "overwrite"]):
        done = space.run("apply", *arguments)
        assert (done.code, "TOKEN, which the environment does not have" in done.err) == (1, True), done.err
    assert "made-first" not in space.instance.named("tag-types")
    (addon,) = space.instance.addons()
    assert addon["description"].startswith("one\n")


@pytest.mark.parametrize(
    ("description", "parameters", "is_released"),
    [
        ("By hand", {"accessToken": "first"}, False),
        ("By hand", {"accessToken": "first", "defaultChannels": "a"}, False),
        (None, {"accessToken": "first"}, False),
        (f"unleash-gitops name: hook\n{MARK}", {"accessToken": "first"}, True),
        (f"Ours\nunleash-gitops name: hook\n{MARK}", {"accessToken": "first"}, True),
    ],
)
def test_writing_a_mark_changes_nothing_but_the_description(
    instance: Instance, description: str | None, parameters: dict[str, str], is_released: bool
) -> None:
    body = {"provider": "slack-app", "enabled": False, "events": ["b", "feature-archived", "a"], "projects": ["*"]}
    body |= {"description": description, "parameters": parameters, "environments": ["production", "development"]}
    instance.http.post("/api/admin/addons", json=body).raise_for_status()
    (before,) = instance.addons()
    kind = kinds()["Addon"]
    assert isinstance(kind, Claimable)
    (integration,) = live("Addon", Answers(addons=instance.http.get("/api/admin/addons").json())).values()
    document = replace(integration, mark=MARK)
    (call,) = kind.release(integration, "w") if is_released else kind.claim(document, integration, "w")
    assert (call.fills, call.required_variables) == ((), set())
    instance.http.request(call.method, call.path, json=call.body).raise_for_status()
    (after,) = instance.addons()
    text = (description or "").removesuffix(f"unleash-gitops name: hook\n{MARK}").rstrip("\n")
    expected = "\n".join(part for part in (text, None if is_released else MARK) if part)
    assert after == {**before, "description": expected}
    if instance.fake is None:
        stored = execute("SELECT parameters->>'accessToken' FROM addons").strip()
    else:
        stored = next(iter(instance.fake.addons.addons.values()))["parameters"]["accessToken"]
    assert stored == "first"
