"""What the server does by itself after another user's change: who counts as its author, and what accept writes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

import document_samples
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
    event = refused.json["changes"][0]["fields"][0]["changed"]["event"]
    flag = {"enabled": True, "strategies": [ROLLOUT]}
    document = document_samples.flag("pay", environments={"production": flag})
    document["metadata"]["accepted"] = event
    document_samples.write(fake_space.root, document, "pay.yaml")
    assert list_origins(fake_space.plan())["FeatureFlag environments.production.enabled"][0] != "drift"
    fake_space.flag("pay", environments={"production": flag})
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


def segment_in_use(space: Space, name: str = "beta") -> None:
    """Have a segment whose flag names it in two environments, each with another strategy beside."""
    space.write("Segment", name, file="segment.yaml", constraints=[], description="For tests")
    strategies = [{"name": "default"}, {"name": "flexibleRollout", "segments": [name]}]
    environment = {"enabled": True, "strategies": strategies}
    space.flag("pay", environments={"development": environment, "production": environment})
    assert space.apply().code == 0


def rename(who: httpx.Client, old: str, new: str, **body: Any) -> None:
    segments = who.get("/api/admin/segments").json()["segments"]
    segment = next(segment for segment in segments if segment["name"] == old)
    who.put(f"/api/admin/segments/{segment['id']}", json={**segment, "name": new, **body}).raise_for_status()


def read_files(space: Space) -> dict[str, str]:
    return {path.name: path.read_text() for path in space.root.glob("*.yaml")}


def test_a_renamed_segment_is_recognised_and_accepted_everywhere(fake_space: Space, somebody: httpx.Client) -> None:
    segment_in_use(fake_space)
    rename(somebody, "beta", "gamma")
    rename(somebody, "gamma", "delta")
    refused = fake_space.run("plan", "--format", "json")
    assert refused.code == 1  # the strategies of production
    by_kind = {change["kind"]: change for change in refused.json["changes"] if change["action"] != "delete"}
    assert by_kind["Segment"]["reason"].startswith('renamed to "delta" by somebody at ')
    origins = {origin for path, (origin, _) in list_origins(refused.json).items() if path.startswith("FeatureFlag")}
    assert origins == {"drift"}
    done = fake_space.run("accept")
    assert done.code == 0, done.err
    assert 'segment.yaml:1: accepted name "delta" of Segment/beta (changed by somebody, event' in done.out
    assert "pay.yaml:1: accepted environments.development.strategies, environments.production.strategies" in done.out
    assert "beta" not in "".join(read_files(fake_space).values())
    assert fake_space.plan()["changes"] == []


def test_a_renamed_segment_takes_its_other_changes_along(fake_space: Space, somebody: httpx.Client) -> None:
    segment_in_use(fake_space)
    rename(somebody, "beta", "gamma", description="Renamed\nmanaged by unleash-gitops: payments")
    segment = fake_space.file("segment")
    segment.write_text(segment.read_text().replace('"constraints": []', '"project": "default", "constraints": []'))
    assert fake_space.run("accept", "--target", "Segment/beta").code == 0
    assert '"description": "Renamed"' in segment.read_text()
    assert '"project": "default"' in segment.read_text()
    assert list_origins(fake_space.plan()) == {"Segment project": ("file", None)}


def test_another_workspace_hears_of_the_new_name(
    fake_space: Space, somebody: httpx.Client, tmp_path_factory: pytest.TempPathFactory
) -> None:
    segment_in_use(fake_space)
    other = Space(tmp_path_factory.mktemp("other"), fake_space.instance)
    other.workspace("search")
    other.flag("find", environments={"development": {"strategies": [{"name": "default", "segments": ["beta"]}]}})
    assert other.apply().code == 0
    rename(somebody, "beta", "gamma")
    refused = other.run("plan")
    assert refused.code == 1
    assert 'there is no segment "beta"' in refused.err
    assert 'help: renamed to "gamma" by somebody at ' in refused.err


def test_accept_takes_the_tags_of_a_deleted_type_out_of_flags(fake_space: Space, somebody: httpx.Client) -> None:
    fake_space.write("TagType", "team")
    fake_space.write("TagType", "area")
    fake_space.flag("pay", tags=["area:shop", "team:shop"])
    assert fake_space.apply().code == 0
    somebody.delete("/api/admin/tag-types/team").raise_for_status()
    done = fake_space.run("accept")
    assert done.code == 0, done.err
    text = fake_space.file("pay").read_text()
    assert '"tags": [area:shop]' in text
    assert "accepted" not in text  # it would be an event of the tag type, which the log of the flag does not have
    assert not (fake_space.root / "TagType-team.yaml").exists()
    assert fake_space.plan()["changes"] == []


@pytest.mark.parametrize("flag", [{"enabled": False}, {"enabled": True, "strategies": [ROLLOUT]}])
def test_accept_takes_a_detached_environment_out_of_flags(
    fake_space: Space, somebody: httpx.Client, flag: dict[str, Any]
) -> None:
    attach_in_files(fake_space, **flag)
    detach(somebody)
    done = fake_space.run("accept")
    assert done.code == 0, done.err
    assert "pay.yaml:1: accepted environments.production of FeatureFlag/default/pay" in done.out
    assert '"environments": [development]' in (fake_space.root / "Project-default.yaml").read_text()
    assert "production" not in fake_space.file("pay").read_text()
    assert fake_space.plan()["changes"] == []


def test_accept_refuses_what_would_leave_a_missing_reference(fake_space: Space, somebody: httpx.Client) -> None:
    """The server keeps the strategies of a deleted strategy type."""
    fake_space.write("Strategy", "byRegion")
    fake_space.write("TagType", "team", icon="T")
    fake_space.flag("pay", environments={"development": {"strategies": [{"name": "byRegion"}]}})
    assert fake_space.apply().code == 0
    somebody.delete("/api/admin/strategies/byRegion").raise_for_status()
    live = fake_space.instance.named("tag-types")["team"]
    somebody.put("/api/admin/tag-types/team", json={**live, "icon": "X"}).raise_for_status()
    before = read_files(fake_space)
    refused = fake_space.run("accept")
    assert refused.code == 1
    assert 'there is no strategy "byRegion"' in refused.err
    assert "pay.yaml:1:" in refused.err
    assert "restore the object with: unleash-gitops apply" in refused.err
    assert refused.err.endswith("no file was changed\n")
    assert read_files(fake_space) == before
    assert fake_space.run("accept", "--target", "TagType").code == 0
    assert fake_space.plan()["summary"]["create"] == 1
