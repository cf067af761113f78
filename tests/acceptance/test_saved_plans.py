"""What was reviewed is what is done, on both servers: saved plans, confirmation, and the documents for programs."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from acceptance.conftest import Space
from acceptance.test_life import FLAG, chart_id
from acceptance.variants import IN_MEMORY


def sha256(body: dict[str, Any]) -> str:
    """Return the digest of a body without fills, as the README defines it."""
    canonical = json.dumps({"body": body, "fills": []}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


@pytest.fixture
def saved(space: Space) -> Path:
    """Save a plan of one create, one update and one delete."""
    space.chart("kept", timeRange="day")
    space.chart("gone", FLAG)
    assert space.apply().code == 0
    space.chart("kept", timeRange="week")
    space.file("gone").unlink()
    space.chart("new", FLAG, title="New")
    out = space.root / "plan.json"
    assert space.run("plan", "--out", str(out)).code == 0
    return out


def test_a_saved_plan_does_exactly_its_changes(space: Space, saved: Path) -> None:
    space.chart("later")
    assert space.run("apply", str(saved)).code == 0
    assert set(space.instance.everything()) == {chart_id("kept"), chart_id("new", FLAG)}
    assert space.instance.charts()[chart_id("kept")]["timeRange"] == "week"


def test_a_saved_plan_is_what_plan_prints(space: Space, saved: Path) -> None:
    printed = space.run("plan", "--format", "json").json
    content = json.loads(saved.read_text())
    for document in (printed, content):
        del document["createdAt"], document["digest"]
    assert printed == content
    shown = space.run("show", str(saved), "--format", "json")
    assert json.loads(shown.out) == json.loads(saved.read_text())
    assert space.run("show", str(saved)).out == space.run("plan").out


def test_the_shape_of_a_plan(space: Space, saved: Path) -> None:
    plan = json.loads(saved.read_text())
    assert list(plan) == [
        "formatVersion",
        "toolVersion",
        "createdAt",
        "workspace",
        "instance",
        "summary",
        "changes",
        "unmanaged",
        "deleteLimits",
        "foreign",
        "notRead",
        "warnings",
        "root",
        "kept",
        "auditError",
        "options",
        "digest",
    ]
    assert list(plan["instance"]) == ["url", "id", "version", "edition"]
    assert list(plan["summary"]) == [
        "create", "update", "adopt", "transfer", "release", "delete", "unchanged", "unmanaged", "foreign", "blocked",
        "drifted", "kept", "released",
    ]  # fmt: skip
    create, update, delete = plan["changes"]
    assert list(create) == [
        "action",
        "kind",
        "name",
        "project",
        "feature",
        "id",
        "source",
        "before",
        "after",
        "fields",
        "reason",
        "requests",
        "numbered",
        "dependsOn",
        "archives",
        "origin",
        "changed",
        "drift",
        "takenFrom",
        "formerId",
        "owners",
    ]
    path = f"/api/admin/projects/default/features/{FLAG}/impact-metrics/config"
    spec = {
        "metricName": "m",
        "title": "New",
        "timeRange": "day",
        "aggregationMode": "avg",
        "yAxisMin": "auto",
        "labelSelectors": {},
    }
    assert create == {
        "action": "create",
        "kind": "ImpactMetric",
        "name": "new",
        "project": "default",
        "feature": FLAG,
        "id": chart_id("new", FLAG),
        "source": "new.yaml:1",
        "before": None,
        "after": spec,
        "fields": [],
        "reason": None,
        "requests": [{"method": "POST", "path": path, "bodySha256": sha256({"id": chart_id("new", FLAG), **spec})}],
        "numbered": [],
        "dependsOn": [],
        "archives": None,
        "origin": "file",
        "changed": None,
        "drift": None,
        "takenFrom": None,
        "formerId": None,
        "owners": [],
    }
    field = {"path": "timeRange", "before": "day", "after": "week", "origin": "file", "changed": None}
    assert update["fields"] == [field]
    assert (delete["action"], delete["name"], delete["after"]) == ("delete", None, None)
    assert delete["requests"] == [{"method": "DELETE", "path": f"{path}/{chart_id('gone', FLAG)}", "bodySha256": None}]


def _change(space: Space) -> None:
    space.instance.save(id=chart_id("kept"), timeRange="month")


def _take(space: Space) -> None:
    space.instance.save(FLAG, id=chart_id("new", FLAG))


def _remove(space: Space) -> None:
    space.instance.delete(chart_id("gone", FLAG), FLAG)


@pytest.mark.parametrize(
    ("move", "words"),
    [
        (_change, "ImpactMetric/kept: has other values now (timeRange)"),
        (_take, f"ImpactMetric/default/{FLAG}/new: already exists"),
        (_remove, f"ImpactMetric/default/{FLAG}/{chart_id('gone', FLAG)}: no longer exists"),
    ],
)
def test_a_saved_plan_is_refused_when_what_it_touches_has_moved(
    space: Space, saved: Path, move: Any, words: str
) -> None:
    move(space)
    before = space.instance.everything()
    done = space.run("apply", str(saved))
    assert done.code == 1
    assert words in done.err
    assert space.instance.everything() == before


def test_what_a_saved_plan_does_not_touch_may_move(space: Space, saved: Path) -> None:
    space.instance.save(title="something else")
    assert space.run("apply", str(saved)).code == 0


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda text: "", "the plan file is empty"),
        (lambda text: text[: len(text) // 2], "not complete JSON"),
        (lambda text: text.replace('"week"', '"hour"'), "was changed after it was created"),
        (lambda text: text.replace('"formatVersion": "2"', '"formatVersion": "1"'), "has format 1"),
        (lambda text: text.replace('"formatVersion": "2"', '"formatVersion": "3"'), "has format 3"),
        (lambda text: "{}", "not a plan"),
    ],
)
@IN_MEMORY
def test_a_spoilt_plan_is_refused(space: Space, saved: Path, spoil: Any, words: str) -> None:
    before = space.instance.everything()
    saved.write_text(spoil(saved.read_text()))
    for command in ("apply", "show"):
        done = space.run(command, str(saved))
        assert done.code == 1
        assert words in done.err
    assert space.instance.everything() == before


def test_a_plan_for_another_instance_is_refused(fake_space: Space) -> None:
    fake_space.chart("a")
    out = fake_space.root / "plan.json"
    assert fake_space.run("plan", "--out", str(out)).code == 0
    assert fake_space.instance.fake is not None
    fake_space.instance.fake.instance_id = "another"
    done = fake_space.run("apply", str(out))
    assert done.code == 1
    assert "made for another instance" in done.err
    assert fake_space.instance.everything() == {}


def test_a_saved_plan_takes_its_instance_from_the_checkout_and_only_an_allowed_one(space: Space) -> None:
    (space.root / ".git").mkdir()
    space.workspace(url=space.instance.url, tokenEnv="UNLEASH_TOKEN_EU")
    space.chart("a")
    own = {"UNLEASH_URL": "", "UNLEASH_AUTH_TOKEN": "", "UNLEASH_TOKEN_EU": space.instance.token}
    host = space.instance.url.removeprefix("http://")
    assert space.run("plan", "--out", "plan.json", UNLEASH_ALLOWED_HOSTS=host, **own).code == 0
    refused = space.run("apply", "plan.json", UNLEASH_ALLOWED_HOSTS="unleash.example.com", **own)
    assert (refused.code, f"UNLEASH_ALLOWED_HOSTS does not list {host}" in refused.err) == (1, True)
    space.workspace("search", url=space.instance.url, tokenEnv="UNLEASH_TOKEN_EU")
    refused = space.run("apply", "plan.json", **own)
    assert (refused.code, 'unleash-gitops.yaml is of the workspace "search"' in refused.err) == (1, True)
    assert space.instance.everything() == {}
    space.workspace(url=space.instance.url, tokenEnv="UNLEASH_TOKEN_EU")
    assert space.run("apply", "plan.json", UNLEASH_ALLOWED_HOSTS=host, **own).code == 0
    assert len(space.instance.everything()) == 1


def test_a_saved_plan_keeps_the_limit_on_deletes(space: Space) -> None:
    space.workspace(maxDeletes=0)
    space.chart("a")
    assert space.apply().code == 0
    space.file("a").unlink()
    out = space.root / "plan.json"
    assert space.run("plan", "--out", str(out)).code == 1  # it is saved all the same
    assert "limit of 0" in space.run("apply", str(out)).err
    assert len(space.instance.everything()) == 1
    assert space.run("apply", str(out), "--max-deletes", "1").code == 0
    assert space.instance.everything() == {}


def test_without_a_terminal_a_directory_is_not_applied_unasked(space: Space) -> None:
    space.chart("a")
    done = space.run("apply")
    assert done.code == 1
    assert "--yes" in done.err
    assert space.instance.everything() == {}


def test_a_plan_without_changes_is_applied_to_nothing(space: Space) -> None:
    out = space.root / "plan.json"
    assert space.run("plan", "--out", str(out)).code == 0
    assert space.run("apply", str(out)).code == 0


def test_the_report_for_programs(space: Space) -> None:
    space.chart("a")
    by_hand = space.instance.save(FLAG)
    space.chart("b", "search-ranking", object_id=by_hand)
    done = space.apply("--format", "json")
    assert done.code == 3
    report = done.json
    assert list(report) == ["formatVersion", "summary", "results", "concurrent", "unverified", "auditError"]
    assert report["summary"] == {"applied": 1, "failed": 0, "skipped": 0, "blocked": 1}
    assert [list(result) for result in report["results"]] == [
        ["action", "kind", "name", "project", "feature", "id", "status", "error", "sent", "attempted"]
    ] * 2
    assert {result["name"]: result["status"] for result in report["results"]} == {"a": "applied", "b": "blocked"}


def test_data_goes_to_stdout_and_everything_else_to_stderr(space: Space) -> None:
    space.chart("a")
    done = space.run("-v", "plan", "--format", "json")
    assert done.json["summary"]["create"] == 1
    assert "GET /api/admin/ui-config: 200" in done.err
    assert space.run("-v", "apply", "--yes", "--format", "json").json["summary"]["applied"] == 1


def test_markdown_and_text_say_the_same_numbers(space: Space) -> None:
    space.chart("a")
    assert "1 to create" in space.run("plan").out
    assert space.run("plan", "--format", "markdown").out.startswith("**1 to create**")
