"""What the server does by itself after another user's change: who counts as its author, and what accept writes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from acceptance.conftest import SOMEBODY, Space
from document_samples import actions
from servers.instance import Instance

PROJECT = "/api/admin/projects/default"
PRODUCTION = f"{PROJECT}/environments/production"
ROLLOUT = {"name": "flexibleRollout"}


@pytest.fixture
def somebody(fake: Instance) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=fake.url, headers={"Authorization": SOMEBODY}, trust_env=False) as client:
        yield client


def detach(who: httpx.Client) -> None:
    who.delete(PRODUCTION).raise_for_status()


def attach(who: httpx.Client) -> None:
    who.post(f"{PROJECT}/environments", json={"environment": "production"}).raise_for_status()


def list_origins(plan: Any) -> dict[str, tuple[str, str | None]]:
    """Return the origin of each field, and who changed it, by kind and path."""
    return {
        f"{change['kind']} {field['path']}": (field["origin"], (field["changed"] or {}).get("by"))
        for change in plan["changes"]
        for field in change["fields"]
    }


def attach_in_files(space: Space, **flag: Any) -> None:
    space.write("Project", "default", environments=["development", "production"])
    space.flag("pay", environments={"production": flag})
    assert space.apply().code == 0


def test_an_environment_that_a_project_document_attaches_exists(fake_space: Space, somebody: httpx.Client) -> None:
    attach_in_files(fake_space, enabled=False)
    detach(somebody)
    plan = fake_space.plan()
    assert actions(plan) == [("update", "Project", "default")]
    assert list_origins(plan) == {"Project environments[1]": ("drift", "somebody")}
    assert fake_space.run("plan", "--drift").code == 2
    assert fake_space.apply().code == 0
    assert fake_space.plan()["changes"] == []


def test_a_new_flag_waits_for_the_environment_of_its_project(fake_space: Space, somebody: httpx.Client) -> None:
    fake_space.write("Project", "default", environments=["development", "production"])
    detach(somebody)
    fake_space.flag("pay", environments={"production": {"enabled": True, "strategies": [ROLLOUT]}})
    project, flag = fake_space.plan()["changes"]
    assert (project["kind"], flag["kind"], flag["dependsOn"]) == ("Project", "FeatureFlag", ["Project/default"])
    assert fake_space.apply().code == 0
    assert fake_space.plan()["changes"] == []


def test_outside_of_the_target_a_project_document_attaches_nothing(fake_space: Space, somebody: httpx.Client) -> None:
    attach_in_files(fake_space, enabled=False)
    detach(somebody)
    refused = fake_space.run("plan", "--target", "FeatureFlag")
    assert (refused.code, "there is no environment" in refused.err) == (1, True)
    assert fake_space.run("plan", "--target", "FeatureFlag", "--target", "Project").code == 0


def test_a_detached_environment_never_switches_production_on(fake_space: Space, somebody: httpx.Client) -> None:
    """The server keeps the strategies of a detached environment and switches the flag off, without an event of it."""
    attach_in_files(fake_space, enabled=True, strategies=[ROLLOUT])
    detach(somebody)
    refused = fake_space.run("plan", "--format", "json")
    assert refused.code == 1
    assert list_origins(refused.json)["FeatureFlag environments.production"] == ("drift", "somebody")
    project, flag = fake_space.plan("--on-drift", "overwrite")["changes"]
    assert (project["action"], flag["action"]) == ("update", "blocked")
    assert flag["reason"].startswith('its project does not have environment "production" yet')
    attach(somebody)
    refused = fake_space.run("plan", "--format", "json")
    assert refused.code == 1
    assert list_origins(refused.json) == {"FeatureFlag environments.production.enabled": ("drift", "somebody")}
    assert "environments.production.enabled by somebody" in refused.err
    live = fake_space.instance.flag("pay")
    assert live is not None
    assert not live["in"]["production"]["enabled"]
    assert fake_space.apply("--on-drift", "overwrite").code == 0
    assert fake_space.plan()["changes"] == []


def test_a_flag_that_the_file_switches_on_afterwards_is_a_change_of_the_file(
    fake_space: Space, somebody: httpx.Client
) -> None:
    attach_in_files(fake_space, enabled=False, strategies=[ROLLOUT])
    fake_space.flag("pay", environments={"production": {"enabled": True, "strategies": [ROLLOUT]}})
    origins = list_origins(fake_space.plan())
    assert origins == {"FeatureFlag environments.production.enabled": ("file", None)}


@pytest.mark.parametrize("created_with_tag", [True, False])
def test_tags_that_go_with_their_type_are_drift(
    fake_space: Space, somebody: httpx.Client, *, created_with_tag: bool
) -> None:
    fake_space.write("TagType", "team")
    fake_space.flag("pay", **({"tags": ["team:shop"]} if created_with_tag else {}))
    assert fake_space.apply().code == 0
    fake_space.flag("pay", tags=["team:shop"])
    assert fake_space.apply().code == 0
    somebody.delete("/api/admin/tag-types/team").raise_for_status()
    assert list_origins(fake_space.plan()) == {"FeatureFlag tags[0]": ("drift", "somebody")}


def test_a_tag_that_the_file_adds_is_a_change_of_the_file(fake_space: Space) -> None:
    fake_space.write("TagType", "team")
    fake_space.flag("pay", tags=[])
    assert fake_space.apply().code == 0
    fake_space.flag("pay", tags=["team:shop"])
    assert list_origins(fake_space.plan()) == {"FeatureFlag tags[0]": ("file", None)}


def test_a_segment_deleted_after_it_was_taken_off_is_drift(fake_space: Space, somebody: httpx.Client) -> None:
    fake_space.write("Segment", "beta", constraints=[])
    strategies = [{"name": "flexibleRollout", "segments": ["beta"]}]
    fake_space.flag("pay", environments={"development": {"enabled": True, "strategies": strategies}})
    assert fake_space.apply().code == 0
    environment = f"{PROJECT}/features/pay/environments/development"
    (strategy,) = somebody.get(f"{environment}/strategies").json()
    somebody.put(f"{environment}/strategies/{strategy['id']}", json={**strategy, "segments": []}).raise_for_status()
    (segment,) = somebody.get("/api/admin/segments").json()["segments"]
    somebody.delete(f"/api/admin/segments/{segment['id']}").raise_for_status()
    plan = fake_space.plan()
    assert [(change["kind"], change["origin"]) for change in plan["changes"]] == [
        ("Segment", "drift"), ("FeatureFlag", None),
    ]  # fmt: skip
    assert list_origins(plan) == {
        "FeatureFlag environments.development.strategies[0].segments[0]": ("drift", "somebody")
    }
    assert fake_space.run("accept").code == 0
    assert fake_space.plan()["changes"] == []
