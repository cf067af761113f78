"""The example pipelines and the pre-commit hook: their parts exist, and their scripts work."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.conftest import HEAD, ROOT, Pipeline, change_chart_as_another_user
from servers.fake_code_host import FakeCodeHost
from servers.fake_unleash import FakeUnleash
from servers.runner import SHELL, Run
from unleash_gitops import __version__

GITHUB = ROOT / "examples" / "ci" / "github"
GITLAB = ROOT / "examples" / "ci" / ".gitlab-ci.yml"
PERMISSIONS = {
    ("unleash.yaml", "plan"): {"contents": "read", "pull-requests": "write"},
    ("unleash.yaml", "apply"): {"contents": "read", "pull-requests": "read", "actions": "read"},
    ("unleash-drift.yaml", "drift"): {"contents": "read", "issues": "write"},
}


def jobs(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((GITHUB / name).read_text(encoding="utf-8"))
    return dict(content["jobs"])


def test_every_job_has_the_least_permissions_it_needs() -> None:
    permissions = {}
    for path in sorted(GITHUB.glob("*.yaml")):
        assert yaml.safe_load(path.read_text(encoding="utf-8"))["permissions"] == {}
        permissions |= {(path.name, name): job["permissions"] for name, job in jobs(path.name).items()}
    assert permissions == PERMISSIONS


@pytest.mark.parametrize(("name", "job"), [("unleash.yaml", "plan"), ("unleash.yaml", "apply")])
def test_workflows_use_actions_with_inputs_that_exist(name: str, job: str) -> None:
    own_steps = [step for step in jobs(name)[job]["steps"] if "unleash-gitops" in step.get("uses", "")]
    assert own_steps
    for step in own_steps:
        path, _, version = step["uses"].removeprefix("OWNER/unleash-gitops/").partition("@")
        action = yaml.safe_load((ROOT / path / "action.yml").read_text(encoding="utf-8"))
        assert (version, set(step["with"]) - set(action["inputs"])) == (f"v{__version__}", set())


def test_every_pipeline_that_takes_a_url_from_the_environment_limits_the_hosts() -> None:
    assert yaml.safe_load((GITHUB / "unleash-drift.yaml").read_text(encoding="utf-8"))["env"] == {
        "UNLEASH_ALLOWED_HOSTS": "${{ vars.UNLEASH_ALLOWED_HOSTS }}"
    }
    variables = yaml.safe_load(GITLAB.read_text(encoding="utf-8"))["variables"]
    assert variables["UNLEASH_URL"] == f"https://{variables['UNLEASH_ALLOWED_HOSTS']}"
    for step in (
        step for job in jobs("unleash.yaml").values() for step in job["steps"] if "token" in step.get("with", {})
    ):
        assert step["with"]["url"] == "${{ vars.UNLEASH_URL }}"  # the actions limit the token to its host


def test_the_gitlab_pipeline_pins_this_version() -> None:
    assert f"unleash-gitops=={__version__}" in GITLAB.read_text(encoding="utf-8")


GH = """#!/usr/bin/env bash
echo "$*" >> "$GH_LOG"
if [ "$1 $2" = "issue list" ]; then printf '%s' "$GH_OPEN"; fi
for argument; do if [ "${last:-}" = --body-file ]; then cp "$argument" "$GH_LOG.body"; fi; last=$argument; done
"""


def drift(pipeline: Pipeline, open_issue: str) -> tuple[Run, list[str]]:
    """Run the nightly job with a stand-in for the program `gh`. Return the commands it got, except the listing."""
    runner = pipeline.runner(event_name="schedule")
    install, look = jobs("unleash-drift.yaml")["drift"]["steps"][2:]
    assert install["run"].endswith(f'"git+https://github.com/OWNER/unleash-gitops@v{__version__}"')
    (pipeline.temp / "gh").write_text(GH)
    (pipeline.temp / "gh").chmod(0o755)
    log = pipeline.temp / "gh.log"
    log.write_text("")
    runner.environment |= {
        "PATH": f"{pipeline.temp}:{runner.environment['PATH']}", "GH_LOG": str(log), "GH_OPEN": open_issue,
    }  # fmt: skip
    (pipeline.repository / "unleash").unlink(missing_ok=True)
    (pipeline.repository / "unleash").symlink_to(pipeline.workspace)
    context = {"vars": {"UNLEASH_URL": pipeline.unleash}, "secrets": {"UNLEASH_READ_TOKEN": pipeline.token}}
    run = runner.steps([look], context)
    commands = log.read_text().splitlines()
    assert not commands or commands[0].startswith("issue list --state open --label unleash-drift ")
    return run, commands[1:]


def test_the_nightly_job_opens_updates_and_closes_one_issue(pipeline: Pipeline, unleash: FakeUnleash) -> None:
    pipeline.chart("errors")
    assert drift(pipeline, "")[1] == []  # only the files changed
    assert not pipeline.apply(plan="fresh").failed
    change_chart_as_another_user(unleash)
    run, commands = drift(pipeline, "")
    assert not run.failed, run.log
    assert [line.split(" --")[0] for line in commands] == ["label create unleash-drift", "issue create"]
    assert "by somebody" in (pipeline.temp / "gh.log.body").read_text()
    run, commands = drift(pipeline, "12")
    assert (run.failed, [line.split(" --")[0] for line in commands]) == (False, ["issue edit 12"])
    assert not pipeline.apply(plan="fresh").failed
    run, commands = drift(pipeline, "12")
    assert (run.failed, [line.split(" --")[0] for line in commands]) == (False, ["issue close 12"])
    pipeline.token = "*:*.unknown"
    run, commands = drift(pipeline, "12")
    assert (run.failed, commands) == (True, [])  # an error does not close the issue


def gitlab(job: str, pipeline: Pipeline, code_host: FakeCodeHost) -> subprocess.CompletedProcess[str]:
    """Run the script of a GitLab job as GitLab's runner does."""
    content = yaml.safe_load(GITLAB.read_text(encoding="utf-8"))
    script = pipeline.temp / "job.sh"
    script.write_text("\n".join(content[job]["script"]))
    environment = {
        **code_host.environment(), "PATH": f"{pipeline.programs}:{os.environ['PATH']}", "HOME": str(pipeline.temp),
        "WORKSPACE": "deploy/unleash", "UNLEASH_URL": pipeline.unleash,
        "UNLEASH_READ_TOKEN": pipeline.token, "UNLEASH_WRITE_TOKEN": pipeline.token,
    }  # fmt: skip
    done = pipeline.run_script([*SHELL, str(script)], cwd=pipeline.repository, env=environment)
    assert pipeline.token not in done.stdout + done.stderr
    return done


def test_the_gitlab_jobs_validate_plan_apply_and_find_drift(pipeline: Pipeline, unleash: FakeUnleash) -> None:
    pipeline.chart("errors")
    with FakeCodeHost("gitlab").served() as code_host:
        assert gitlab("validate", pipeline, code_host).returncode == 0
        assert gitlab("plan", pipeline, code_host).returncode == 0
        assert "**1 to create**" in code_host.bodies()[0]
        assert (pipeline.repository / "plan.json").is_file()
        assert gitlab("drift", pipeline, code_host).returncode == 0
        assert unleash.writes() == []
        assert gitlab("apply", pipeline, code_host).returncode == 0
        change_chart_as_another_user(unleash)
        assert gitlab("drift", pipeline, code_host).returncode == 2
        pipeline.write_workspace(drift="fail")
        assert gitlab("plan", pipeline, code_host).returncode == 1
        assert "by somebody" in code_host.bodies()[0]
        (pipeline.repository / "plan.json").unlink()
        pipeline.chart("errors", timeRange="daily")
        assert gitlab("validate", pipeline, code_host).returncode == 1
        assert gitlab("plan", pipeline, code_host).returncode == 1
        assert "**Superseded:**" in code_host.bodies()[0]


def test_the_pipeline_of_init_comments_why_a_plan_is_refused(pipeline: Pipeline, unleash: FakeUnleash) -> None:
    fresh = pipeline.temp / "fresh"
    command = [pipeline.programs / "unleash-gitops", "init", str(fresh), "--name", "acme-fresh"]
    assert pipeline.run_script(command, cwd=pipeline.repository, env=dict(os.environ)).returncode == 0
    written = yaml.safe_load((fresh / ".github" / "workflows" / "unleash-gitops.yaml").read_text(encoding="utf-8"))
    plan_step = {key: value for key, value in written["jobs"]["plan"]["steps"][-1].items() if key != "if"}
    event = {"pull_request": {"number": 7, "head": {"sha": HEAD, "repo": {"full_name": "acme/flags"}}}}

    def run() -> Run:
        runner = pipeline.runner(event_name="pull_request", event=event)
        runner.workspace = pipeline.workspace
        runner.environment["UNLEASH_URL"] = pipeline.unleash
        return runner.steps([plan_step], {"secrets": {"UNLEASH_AUTH_TOKEN": pipeline.token}})

    pipeline.chart("errors")
    done = run()
    assert not done.failed, done.log
    assert "**1 to create**" in pipeline.code_host.bodies()[0]
    assert not pipeline.apply(plan="fresh").failed
    change_chart_as_another_user(unleash)
    pipeline.write_workspace(drift="fail")
    assert run().failed
    assert (
        "nothing of it will be applied: 1 object changed on the server by other users" in pipeline.code_host.bodies()[0]
    )


def test_the_pre_commit_hook_validates_every_workspace(pipeline: Pipeline) -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert (hook["id"], hook["language"], hook["pass_filenames"]) == ("unleash-gitops-validate", "python", False)

    def run() -> subprocess.CompletedProcess[str]:
        program, *arguments = hook["entry"].split()
        command = [pipeline.programs / program, *arguments, *hook["args"]]
        return pipeline.run_script(command, cwd=pipeline.repository, env=dict(os.environ))

    pipeline.chart("errors")
    assert run().returncode == 0
    pipeline.chart("errors", timeRange="daily")
    assert run().returncode == 1
    assert "deploy/unleash/errors.yaml:1:" in run().stdout


def test_every_example_pipeline_has_a_test_here() -> None:
    examples = {
        path.relative_to(ROOT / "examples" / "ci") for path in (ROOT / "examples" / "ci").rglob("*") if path.is_file()
    }
    assert examples == {Path("github/unleash.yaml"), Path("github/unleash-drift.yaml"), Path(".gitlab-ci.yml")}


@pytest.mark.parametrize("name", ["plan", "apply"])
def test_the_readme_lists_the_inputs_and_outputs_of_an_action(name: str) -> None:
    action = yaml.safe_load((ROOT / ".github" / "actions" / name / "action.yml").read_text(encoding="utf-8"))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (row,) = [line for line in readme.splitlines() if line.startswith(f"| `{name}` | `")]
    _, _, inputs, outputs, _ = row.split("|")
    assert set(re.findall("`([a-z-]+)`", re.sub(r"\(.*?\)", "", inputs))) == set(action["inputs"])
    assert set(re.findall("`([a-z-]+)`", outputs)) == set(action["outputs"])


def test_the_readme_pins_this_version() -> None:
    versions = set(re.findall(r"/actions/[a-z]+@v([0-9.]+)", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert versions == {__version__}
