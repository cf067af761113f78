"""What pull writes, what it leaves out, and what it says: in memory and on the real server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from acceptance.conftest import Space

FLAG = "checkout-v2"
CONTEXT = "/api/admin/context"
USER_ID = {"description": "Allows you to constrain on userId", "stickiness": False, "legalValues": []}


def read(root: Path, path: str) -> Any:
    return yaml.safe_load((root / path).read_text(encoding="utf-8"))


def changed_fields(plan: Any) -> list[str]:
    """Return the fields that a plan changes; an object without any is only marked."""
    assert {change["action"] for change in plan["changes"]} <= {"adopt", "update"}
    return [field["path"] for change in plan["changes"] for field in change["fields"]]


def bytes_of(root: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in root.rglob("*.yaml")}


@pytest.fixture
def strategy(space: Space) -> Any:
    """Give the flag a strategy in production, where it is on."""
    place = f"/features/{FLAG}/environments/production"
    parameters = {"rollout": "25", "stickiness": "userId", "groupId": "007"}
    made = space.instance.call("POST", f"{place}/strategies", {"name": "flexibleRollout", "parameters": parameters})
    space.instance.call("POST", f"{place}/on")
    return made


def test_every_field_of_a_flag_is_written(space: Space, strategy: Any) -> None:
    space.instance.save(title="one")
    done = space.run("pull", "--project", "default")
    assert done.code == 0
    document = read(space.root, f"flags/default/{FLAG}.yaml")
    assert document["spec"] == {
        "description": document["spec"]["description"],
        "type": "release",
        "impressionData": False,
        "stale": False,
        "tags": [],
        "links": [],
        "dependencies": [],
        "environments": {
            "development": {"enabled": False, "strategies": []},
            "production": {
                "enabled": True,
                "strategies": [
                    {
                        "name": "flexibleRollout",
                        "title": None,
                        "disabled": False,
                        "parameters": {"groupId": "007", "rollout": 25, "stickiness": "userId"},
                        "constraints": [],
                        "segments": [],
                        "variants": [],
                    }
                ],
            },
        },
    }
    assert "use --leave enabled to let the UI decide" in done.err
    assert "these files now switch 2 flags in 2 environments;" in done.err


def test_a_change_of_a_default_is_a_difference_after_pull(space: Space, strategy: Any) -> None:
    space.run("pull", "--kind", "FeatureFlag")
    place = f"/features/{FLAG}/environments/development"
    assert changed_fields(space.plan()) == []
    space.instance.call("POST", f"{place}/on")
    fields = {
        field["path"] for change in space.plan("--on-drift", "overwrite")["changes"] for field in change["fields"]
    }
    assert "environments.development.enabled" in fields


def test_minimal_leaves_defaults_out(space: Space, strategy: Any) -> None:
    assert space.run("pull", "--kind", "FeatureFlag", "--minimal").code == 0
    spec = read(space.root, f"flags/default/{FLAG}.yaml")["spec"]
    parameters = {"groupId": "007", "rollout": 25, "stickiness": "userId"}
    environments = {
        "production": {"enabled": True, "strategies": [{"name": "flexibleRollout", "parameters": parameters}]}
    }
    assert {**spec, "description": None} == {"description": None, "environments": environments}
    assert changed_fields(space.plan()) == []


def test_fields_that_are_left_are_not_managed_and_the_file_names_them(space: Space, strategy: Any) -> None:
    done = space.run(
        "pull", "--kind", "FeatureFlag", "--leave", "production.enabled", "--leave", "rollout", "--leave", "tags"
    )
    assert done.code == 0
    text = (space.root / f"flags/default/{FLAG}.yaml").read_text()
    assert text.startswith(
        "# Not managed, by pull --leave: tags, environments.production.enabled, "
        "environments.production.strategies.parameters.rollout\napiVersion:"
    )
    spec = read(space.root, f"flags/default/{FLAG}.yaml")["spec"]
    assert "tags" not in spec
    assert spec["environments"]["development"] == {"enabled": False, "strategies": []}
    (written,) = spec["environments"]["production"]["strategies"]
    assert written["parameters"] == {"groupId": "007", "stickiness": "userId"}
    assert "these files now switch 2 flags in 1 environment;" in done.err
    space.instance.call("POST", f"/features/{FLAG}/environments/production/off")
    assert changed_fields(space.plan()) == []


def test_a_flag_whose_switch_is_left_to_the_ui_can_be_switched_there(space: Space) -> None:
    done = space.run("pull", "--kind", "FeatureFlag", "--leave", "enabled")
    assert "these files now switch" not in done.err
    text = (space.root / f"flags/default/{FLAG}.yaml").read_text()
    assert "environments.production.enabled" in text.splitlines()[0]
    place = f"/features/{FLAG}/environments/production"
    space.instance.call("POST", f"{place}/on")  # the server adds a strategy, which nobody wrote
    assert changed_fields(space.plan()) == []


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("enabeld", '--leave enabeld: no document has such a field\nhelp: did you mean "enabled"?'),
        (
            "prodction.enabled",
            '--leave prodction.enabled: no document has such a field\nhelp: did you mean "production.enabled"?',
        ),
        ("FeatureFlag.provider", "--leave FeatureFlag.provider: no document has such a field"),
        ("provider", "--leave provider: a document must have this field"),
    ],
)
def test_a_field_that_no_document_can_leave_out_is_a_usage_error(field: str, message: str, fake_space: Space) -> None:
    done = fake_space.run("pull", "--leave", field)
    assert done.code == 1
    assert message in done.err
    assert bytes_of(fake_space.root).keys() == {fake_space.root / "unleash-gitops.yaml"}


def test_a_second_pull_changes_no_file_and_validate_accepts_the_first(space: Space, strategy: Any) -> None:
    space.instance.make("segments", "Beta", constraints=[])
    space.instance.save(title="one")
    assert space.run("pull").code == 0
    before = bytes_of(space.root)
    assert space.run("validate").code == 0
    assert changed_fields(space.plan()) == []
    again = space.run("pull", "--minimal")
    assert (again.code, again.out) == (0, "")
    assert bytes_of(space.root) == before


def test_an_object_called_like_the_workspace_file_gets_another_file(space: Space) -> None:
    names = {"segments": "Unleash Gitops", "context": "unleash-gitops", "tag-types": "UNLEASH-GITOPS"}
    for collection, name in names.items():
        space.instance.make(collection, name, **({"constraints": []} if collection == "segments" else {}))
    space.instance.call("POST", "/features", {"name": "unleash-gitops"})
    space.instance.save(title="unleash-gitops")
    space.instance.save(FLAG, title="unleash-gitops")
    done = space.run("pull")
    assert done.code == 0
    written = {line.removeprefix("wrote ") for line in done.out.splitlines() if "unleash-gitops" in line}
    assert written == {
        "segments/unleash-gitops-2.yaml",
        "context-fields/unleash-gitops-2.yaml",
        "tag-types/unleash-gitops-2.yaml",
        "flags/default/unleash-gitops-2.yaml",
        "impact-metrics/unleash-gitops-2.yaml",
        f"impact-metrics/default/{FLAG}/unleash-gitops-2.yaml",
    }
    assert space.run("validate").code == 0
    assert changed_fields(space.plan()) == []


def test_what_a_plan_would_refuse_is_left_out_with_the_reason(space: Space) -> None:
    constraint = {"contextName": "no-such-field", "operator": "IN", "values": ["a"]}
    place = f"/features/{FLAG}/environments/development/strategies"
    space.instance.call("POST", place, {"name": "default", "constraints": [constraint]})
    done = space.run("pull")
    assert done.code == 0
    assert f'skipped FeatureFlag/default/{FLAG}: there is no context field "no-such-field"' in done.err
    assert f"flags/default/{FLAG}.yaml" not in done.out
    assert space.run("validate").code == 0
    assert changed_fields(space.plan()) == []


def test_what_validate_would_refuse_because_of_another_file_is_left_out(space: Space) -> None:
    space.instance.make("context", "country")
    constraint = {"contextName": "country", "operator": "IN", "values": ["SE"]}
    place = f"/features/{FLAG}/environments/development/strategies"
    space.instance.call("POST", place, {"name": "default", "constraints": [constraint]})
    space.instance.change("context", "country", legalValues=[{"value": "NO"}])
    done = space.run("pull")
    assert done.code == 0
    assert f"skipped FeatureFlag/default/{FLAG}: has what a file may not have: " in done.err
    assert space.run("validate").code == 0
    assert changed_fields(space.plan()) == []


def test_a_context_field_of_the_server_that_was_changed_by_hand_is_named(space: Space) -> None:
    assert "ContextField/" not in space.run("pull", "--kind", "ContextField").err
    space.instance.http.put(f"{CONTEXT}/userId", json={**USER_ID, "stickiness": True}).raise_for_status()
    done = space.run("pull", "--kind", "ContextField")
    assert done.out == ""
    assert (
        "skipped ContextField/userId: built into Unleash, with another stickiness than a new server; "
        "to manage it, write a document\n"
    ) in done.err


def test_kinds_without_marks_are_written_where_they_are_named(space: Space) -> None:
    done = space.run("pull")
    assert "note: Environment: 2 objects not written; run: unleash-gitops pull --kind Environment\n" in done.err
    assert "note: Project: 1 object not written; run: unleash-gitops pull --kind Project\n" in done.err
    assert space.run("pull", "--kind", "Environment").code == 0
    assert space.run("pull", "--kind", "Project").code == 0
    assert read(space.root, "environments/production.yaml")["spec"].keys() == {"type", "enabled", "sortOrder"}
    assert read(space.root, "projects/default.yaml")["spec"]["environments"] == ["development", "production"]
    assert changed_fields(space.plan()) == []
    assert "not written" not in space.run("pull").err


def test_charts_that_cannot_be_marked_are_counted_once(space: Space) -> None:
    space.instance.save(title="one")
    space.instance.save(title="two")
    done = space.run("pull", "--kind", "ImpactMetric")
    assert done.err.count("note: 2 charts cannot bear this workspace's mark") == 1
    assert changed_fields(space.plan()) == []


def test_a_secret_of_an_integration_is_named_as_not_managed(fake_space: Space) -> None:
    body = {"provider": "slack-app", "enabled": True, "description": "Hook", "events": ["feature-created"]}
    parameters = {"accessToken": "xoxb-secret", "defaultChannels": "general"}
    fake_space.instance.http.post("/api/admin/addons", json={**body, "parameters": parameters}).raise_for_status()
    assert fake_space.run("pull", "--kind", "Addon").code == 0
    (file,) = (fake_space.root / "addons").iterdir()
    assert file.read_text().startswith(
        "# Not managed, because Unleash does not return it, or a file may not hold it: parameters.accessToken\n"
    )
    assert changed_fields(fake_space.plan()) == []
