"""The composite actions on a runner: plan on a pull request, apply on its merge."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from pipeline.conftest import APPLY, INSTALLED, PLAN, Pipeline, change_chart_as_another_user
from servers.fake_unleash import FakeUnleash
from servers.runner import SHELL
from unleash_gitops.model.plan import parse_plan

STEPS = [
    "actions/setup-python@v5",
    "Install",
    "Check whether the pull request comes from a fork",
    "Validate",
    "Plan",
    "Save the plan",
    "Comment",
]


@pytest.mark.parametrize("kind", ["pipeline", pytest.param("installed_pipeline", marks=INSTALLED)])
def test_a_pull_request_is_planned_and_its_merge_applies_that_plan(
    request: pytest.FixtureRequest, kind: str, unleash: FakeUnleash
) -> None:
    pipeline: Pipeline = request.getfixturevalue(kind)
    pipeline.chart("errors")
    run = pipeline.plan()
    assert not run.failed, run.log
    assert run.ran == STEPS
    assert {name: run.outputs[name] for name in ("has-changes", "create", "update", "delete", "blocked")} == {
        "has-changes": "true", "create": "1", "update": "0", "delete": "0", "blocked": "0",
    }  # fmt: skip
    plan = parse_plan(Path(run.outputs["plan"]).read_bytes(), "plan")
    assert [change.address for change in plan.changes] == ["ImpactMetric/errors"]
    (comment,) = pipeline.code_host.bodies()
    assert "**1 to create**" in comment
    assert 'href="https://github.example/acme/flags/blob/0123456789abcdef/deploy/unleash/errors.yaml#L1"' in comment
    assert "**1 to create**" in (pipeline.temp / "summary.md").read_text()
    assert unleash.writes() == []

    pipeline.merge()
    run = pipeline.apply()
    assert not run.failed, run.log
    assert run.outputs | {"plan": ""} == {
        "has-changes": "true", "applied": "1", "failed": "0", "skipped": "0", "blocked": "0", "plan": "",
    }  # fmt: skip
    assert len(unleash.charts) == 1
    assert pipeline.code_host.strangers == []

    run = pipeline.plan()
    assert (run.failed, run.outputs["has-changes"]) == (False, "false")
    assert "**Nothing to change**" in pipeline.code_host.bodies()[0]
    assert len(pipeline.code_host.bodies()) == 1


def test_a_pull_request_from_a_fork_is_validated_and_uses_no_token(pipeline: Pipeline, unleash: FakeUnleash) -> None:
    pipeline.chart("errors")
    for head in ("mallory/flags", ""):  # the second: the fork was deleted
        run = pipeline.plan(head=head)
        assert not run.failed, run.log
        assert "This pull request comes from a fork" in run.log
        assert "1 document in 2 files: valid" in run.log
        assert run.outputs["has-changes"] == ""
        assert (unleash.requests, pipeline.code_host.requests, pipeline.code_host.artifacts) == ([], [], [])
    pipeline.chart("errors", timeRange="daily")
    run = pipeline.plan(head="mallory/flags")
    assert run.failed
    assert "::error file=deploy/unleash/errors.yaml,line=1,col=" in run.log


def test_invalid_files_are_annotated_and_the_old_plan_is_superseded(pipeline: Pipeline) -> None:
    pipeline.chart("errors")
    pipeline.plan()
    pipeline.chart("errors", timeRange="daily")
    run = pipeline.plan()
    assert run.failed
    assert "::error file=deploy/unleash/errors.yaml,line=1,col=" in run.log
    assert "Plan" not in run.ran
    assert ["**Superseded:**" in body for body in pipeline.code_host.bodies()] == [True]


def test_a_server_that_is_down_fails_the_job_and_supersedes_the_old_plan(pipeline: Pipeline) -> None:
    pipeline.chart("errors")
    pipeline.plan()
    run = pipeline.plan(url="http://127.0.0.1:9")
    assert run.failed
    assert "error: GET /api/admin/ui-config: http://127.0.0.1:9 does not answer" in run.log
    assert "**Superseded:**" in pipeline.code_host.bodies()[0]
    assert len(pipeline.code_host.artifacts) == 1


def test_a_refused_comment_does_not_fail_the_job(pipeline: Pipeline) -> None:
    pipeline.chart("errors")
    pipeline.code_host.hook = lambda _method, _path, _go: (
        403,
        {},
        {"message": "Resource not accessible by integration"},
    )
    run = pipeline.plan()
    assert (run.failed, run.outputs["has-changes"]) == (False, "true")
    assert "::warning title=the plan could not be written as a comment::" in run.log


def test_comments_can_be_switched_off(pipeline: Pipeline) -> None:
    run = pipeline.plan(comment="only-changes")
    assert (run.failed, pipeline.code_host.bodies()) == (False, [])
    pipeline.chart("errors")
    run = pipeline.plan(comment="false")
    assert (run.failed, pipeline.code_host.bodies(), "Comment" in run.ran) == (False, [], False)
    pipeline.plan(comment="only-changes")
    assert len(pipeline.code_host.bodies()) == 1


def test_several_workspaces_have_one_plan_and_one_comment_each(pipeline: Pipeline, unleash: FakeUnleash) -> None:
    pipeline.chart("errors")
    other = pipeline.repository / "deploy" / "the other one"
    other.mkdir()
    text = (pipeline.workspace / "unleash-gitops.yaml").read_text()
    (other / "unleash-gitops.yaml").write_text(text.replace("payments", "search"))
    (other / "errors.yaml").write_bytes((pipeline.workspace / "errors.yaml").read_bytes())
    for inputs in ({"directories": "deploy/unleash\ndeploy/the other one\n"}, {"directories": "deploy", "all": "true"}):
        run = pipeline.plan(**inputs)
        assert not run.failed, run.log
        assert (run.outputs["has-changes"], run.outputs["create"]) == ("true", "2")
        assert len(pipeline.code_host.bodies()) == 2
    pipeline.merge()
    run = pipeline.apply(directories="deploy", all="true")
    assert (run.failed, run.outputs["applied"], len(unleash.charts)) == (False, "2", 2)
    run = pipeline.apply(plan="fresh", directories="deploy", all="true")
    assert (run.failed, run.outputs["has-changes"]) == (False, "false")


def test_a_job_that_runs_again_finds_nothing_left_to_apply(pipeline: Pipeline, unleash: FakeUnleash) -> None:
    pipeline.chart("errors")
    pipeline.plan()
    pipeline.merge()
    assert not pipeline.apply().failed
    run = pipeline.apply()
    assert (run.failed, run.outputs["has-changes"]) == (False, "false")
    assert "expected, and no longer different:" in run.log
    assert len(unleash.charts) == 1


def test_what_was_not_reviewed_is_refused(pipeline: Pipeline, unleash: FakeUnleash) -> None:
    pipeline.chart("errors")
    pipeline.plan()
    pipeline.merge()
    pipeline.chart("late")
    run = pipeline.apply()
    assert run.failed
    assert "the plan has changes that were not reviewed; nothing was applied" in run.log
    assert run.outputs["applied"] == ""
    assert unleash.charts == {}


def test_a_commit_that_is_not_a_merge_is_only_applied_with_a_fresh_plan(
    pipeline: Pipeline, unleash: FakeUnleash
) -> None:
    pipeline.chart("errors")
    pipeline.plan()
    run = pipeline.apply()
    assert run.failed
    assert "commit 0123456789ab is not the merge commit of a pull request, so it has no reviewed plan" in run.log
    assert unleash.writes() == []
    run = pipeline.apply(plan="fresh")
    assert (run.failed, run.outputs["applied"]) == (False, "1")


def test_a_plan_that_a_fork_saved_is_not_applied(pipeline: Pipeline, unleash: FakeUnleash) -> None:
    pipeline.chart("errors")
    pipeline.plan()
    pipeline.merge()
    pipeline.code_host.artifacts[0]["workflow_run"]["head_repository_id"] = 666
    run = pipeline.apply()
    assert run.failed
    assert 'no artifact "unleash-gitops-plan" for f00dfeedf00d, the last commit of the pull request' in run.log
    assert unleash.writes() == []


def test_deletes_beyond_the_limit_are_refused_unless_allowed(pipeline: Pipeline, unleash: FakeUnleash) -> None:
    for number in range(11):
        pipeline.chart(f"chart-{number}")
    assert pipeline.apply(plan="fresh").outputs["applied"] == "11"
    for number in range(11):
        (pipeline.workspace / f"chart-{number}.yaml").unlink()
    refused = pipeline.plan()
    assert (refused.failed, refused.outputs["delete"]) == (True, "11")
    assert "11 deletes, more than the limit of 10" in pipeline.code_host.bodies()[0].splitlines()[2]
    pipeline.merge()
    run = pipeline.apply()
    assert (run.failed, len(unleash.charts)) == (True, 11)
    assert "11 deletes, more than the limit of 10; nothing was applied" in run.log
    allowed = pipeline.plan(**{"max-deletes": "11", "allow-in-use": "FeatureFlag/shop/a\nFeatureFlag/shop/b"})
    assert not allowed.failed
    run = pipeline.apply(**{"max-deletes": "11"})
    assert (run.failed, run.outputs["applied"], len(unleash.charts)) == (False, "11", 0)


CHARTS = "/api/admin/impact-metrics/config"


def test_a_failed_change_fails_the_job_and_is_counted(pipeline: Pipeline, unleash: FakeUnleash) -> None:
    pipeline.chart("errors")
    refusal = (400, {"content-type": "application/json"}, b'{"name": "BadDataError", "message": "no"}')
    unleash.hook = lambda method, path, go: refusal if (method, path) == ("POST", CHARTS) else go()
    run = pipeline.apply(plan="fresh")
    assert (run.failed, run.outputs["failed"], run.outputs["has-changes"]) == (True, "1", "true")


@pytest.mark.parametrize("action", [PLAN, APPLY], ids=lambda path: path.name)
@pytest.mark.parametrize(
    ("environment", "hosts"),
    [
        ({"INPUT_URL": "https://unleash.example.com/base?x#y"}, "unleash.example.com"),
        ({"INPUT_URL": "http://127.0.0.1:4242"}, "127.0.0.1:4242"),
        ({"INPUT_URL": "https://[::1]:4242/"}, "[::1]:4242"),
        ({"INPUT_URL": "https://a.example", "UNLEASH_ALLOWED_HOSTS": "b.example"}, "b.example"),
        ({"INPUT_URL": "https://a.example", "UNLEASH_ALLOWED_HOSTS": ""}, "a.example"),
        ({"INPUT_URL": "https://a.example", "UNLEASH_ALLOWED_HOSTS": "b", "INPUT_HOSTS": "c d"}, "c d"),
        ({"UNLEASH_ALLOWED_HOSTS": ""}, ""),  # refused by the command
        ({}, "unset"),
    ],
)
def test_an_action_limits_the_token_to_the_host_of_its_url(
    action: Path, environment: dict[str, str], hosts: str
) -> None:
    steps = yaml.safe_load((action / "action.yml").read_text(encoding="utf-8"))["runs"]["steps"]
    (script,) = [step["run"] for step in steps if "INPUT_URL" in step.get("env", {})]
    setting = script[: script.index("set -f")] + 'echo "${UNLEASH_ALLOWED_HOSTS-unset}"'
    done = subprocess.run([*SHELL, "-c", setting], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == f"{hosts}\n"


def test_a_pull_request_with_another_url_or_host_gets_no_token(pipeline: Pipeline, unleash: FakeUnleash) -> None:
    pipeline.chart("errors")
    pipeline.write_workspace(url="https://evil.example")
    run = pipeline.plan(**{"url": "", "allowed-hosts": "unleash.example.com"})
    assert (run.failed, unleash.requests) == (True, [])
    assert "the token is not sent to https://evil.example: UNLEASH_ALLOWED_HOSTS does not list evil.example" in run.log


def test_a_plan_of_another_workflow_or_event_is_not_applied(pipeline: Pipeline, unleash: FakeUnleash) -> None:
    pipeline.chart("errors")
    pipeline.plan()
    pipeline.merge()
    pipeline.code_host.runs[1]["event"] = "push"
    run = pipeline.apply()
    assert (run.failed, unleash.writes()) == (True, [])
    assert "run 1 has the event push, not pull_request" in run.log
    pipeline.code_host.runs[1] |= {"event": "pull_request", "path": ".github/workflows/plan.yaml"}
    assert pipeline.apply().failed
    run = pipeline.apply(workflow=".github/workflows/plan.yaml")
    assert (run.failed, run.outputs["applied"]) == (False, "1")


@pytest.mark.parametrize("action", [PLAN, APPLY], ids=lambda path: path.name)
def test_an_action_uses_its_inputs_and_sets_its_outputs(action: Path) -> None:
    text = (action / "action.yml").read_text(encoding="utf-8")
    content = yaml.safe_load(text)
    used = set(re.findall(r"inputs\.([a-z-]+)", text))
    assert used == set(content["inputs"])
    for spec in [*content["inputs"].values(), *content["outputs"].values()]:
        assert spec["description"]
    for step in content["runs"]["steps"]:
        assert "${{" not in step.get("run", "")
        assert ("run" in step) == (step.get("shell") == "bash")
    assert json.loads(json.dumps(content)) == content


def test_a_change_by_another_user_fails_the_plan_and_the_comment_names_the_user(
    pipeline: Pipeline, unleash: FakeUnleash
) -> None:
    pipeline.chart("errors")
    assert not pipeline.apply(plan="fresh").failed
    change_chart_as_another_user(unleash)
    pipeline.write_workspace(drift="fail")
    run = pipeline.plan()
    assert run.failed
    assert "by somebody" in pipeline.code_host.bodies()[0]
    assert "by somebody" in (pipeline.temp / "summary.md").read_text()
    assert (run.outputs["has-changes"], run.outputs["blocked"]) == ("", "1")
    writes = len(unleash.writes())
    pipeline.merge()
    for plan in ("reviewed", "fresh"):
        assert pipeline.apply(plan=plan).failed
    assert len(unleash.writes()) == writes
    assert pipeline.apply(**{"plan": "fresh", "on-drift": "keep"}).outputs["has-changes"] == "false"
    run = pipeline.plan(**{"on-drift": "overwrite"})
    assert (run.failed, run.outputs["update"]) == (False, "1")
    assert pipeline.apply().outputs["applied"] == "1"
