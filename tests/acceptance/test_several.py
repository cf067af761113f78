"""Several workspaces in one run: of one instance, and of two, each with a token of its own."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import document_samples
from acceptance.conftest import Space
from acceptance.variants import parametrize_instance
from command_line import CommandResult, run_here
from servers.fake_unleash import TOKEN, FakeUnleash
from servers.instance import Instance
from unleash_gitops.model.change_errors import ChangedSincePlanned
from unleash_gitops.model.plan_set import PlanSet, parse_plans
from unleash_gitops.workflow.apply import apply_plan


class Several(Space):
    """A repository of workspaces below one directory."""

    def workspace(self, name: str = "", directory: str = "", **spec: Any) -> None:
        if not name:
            return
        document_samples.write(self.root / (directory or name), document_samples.workspace(name, **spec))

    def chart_in(self, directory: str, name: str, **spec: Any) -> None:
        document_samples.write(self.root / directory, document_samples.chart(name, **spec), f"{name}.yaml")


@pytest.fixture
def several(tmp_path: Path, instance: Instance) -> Several:
    """Give two workspaces of one instance, a chart in each."""
    space = Several(tmp_path, instance)
    for name in ("payments", "search"):
        space.workspace(name)
        space.chart_in(name, "errors", title=name)
    return space


@pytest.fixture
def other() -> Iterator[Instance]:
    """Give a second instance, in memory, whose token is another."""
    server = FakeUnleash(instance_id="22222222-2222-3333-4444-555555555555")
    with server.served() as url:
        instance = Instance(url, TOKEN, server)
        yield instance
        instance.close()


def titles(instance: Instance) -> list[str]:
    return sorted(chart.get("title") or "" for chart in instance.charts().values())


def counts(summary: dict[str, int]) -> dict[str, int]:
    return {name: number for name, number in summary.items() if number}


@parametrize_instance(
    "named", [("payments", "search"), ("--all",), ("--all", "."), ("payments", "search", "payments")], real=[("--all",)]
)
def test_plan_and_apply_take_several_workspaces(several: Several, named: tuple[str, ...]) -> None:
    plan = several.plan(*named)
    assert list(plan) == ["formatVersion", "toolVersion", "createdAt", "summary", "workspaces", "digest"]
    assert counts(plan["summary"]) == {"create": 2}
    assert [(one["workspace"], one["plan"]["workspace"], one["error"]) for one in plan["workspaces"]] == [
        ("payments", "payments", None), ("search", "search", None),
    ]  # fmt: skip
    assert several.run("plan", *named, "--detailed-exitcode").code == 2
    done = several.apply(*named, "--format", "json")
    assert (done.code, counts(done.json["summary"])) == (0, {"applied": 2})
    assert [one["report"]["summary"]["applied"] for one in done.json["workspaces"]] == [1, 1]
    assert titles(several.instance) == ["payments", "search"]
    assert several.run("plan", *named, "--detailed-exitcode").code == 0


def test_a_saved_plan_of_several_is_applied_as_one_whole(several: Several) -> None:
    done = several.run("plan", "--all", "--out", "plans.json", "--format", "markdown")
    assert done.code == 0
    assert "### `payments`" in done.out
    assert "### `search`" in done.out
    assert several.run("show", "plans.json", "--format", "markdown").out == done.out
    saved = (several.root / "plans.json").read_bytes()
    assert json.loads(several.run("show", "plans.json", "--format", "json").out) == json.loads(saved)
    assert several.run("apply", "plans.json").code == 0
    assert titles(several.instance) == ["payments", "search"]
    again = several.run("apply", "plans.json")
    assert again.code == 1
    assert again.err.count("the server has changed since this plan was made") == 2


def test_when_one_part_of_a_saved_plan_is_stale_nothing_is_applied_anywhere(several: Several) -> None:
    several.run("plan", "--all", "--out", "plans.json")
    several.apply("search")
    done = several.run("apply", "plans.json")
    assert done.code == 1
    assert "workspace search (search):\nerror: the server has changed since this plan was made" in done.err.replace(
        f"{several.root}/", ""
    )
    assert done.err.endswith("nothing was applied in any workspace\n")
    assert titles(several.instance) == ["search"]


def test_files_that_are_wrong_anywhere_stop_everything(several: Several) -> None:
    several.chart_in("search", "errors", timeRange="daily")
    several.chart_in("payments", "worse", timeRange="weekly")
    for command in (("apply", "--yes"), ("plan",), ("validate",)):
        done = several.run(*command, "--all")
        said = done.out if command == ("validate",) else done.err
        assert done.code == 1
        assert "payments/worse.yaml:1:" in said
        assert "search/errors.yaml:1:" in said
        assert "2 errors in 2 files" in said
    assert titles(several.instance) == []


def test_validate_counts_over_all_workspaces(several: Several) -> None:
    done = several.run("validate", "--all")
    assert (done.code, done.err) == (0, "2 documents in 4 files: valid\n")
    several.chart_in("search", "errors", timeRange="daily")
    found = several.run("validate", "payments", "search", "--format", "json")
    assert (found.code, found.json["summary"]["errors"]) == (1, 1)
    assert found.json["diagnostics"][0]["path"] == "search/errors.yaml"


def test_one_workspace_that_fails_does_not_keep_the_others(several: Several) -> None:
    several.workspace("broken", url="http://127.0.0.1:9", tokenEnv="UNLEASH_TOKEN_BROKEN")
    for name in ("payments", "search"):
        several.workspace(name, url=several.instance.url)
    own = {"UNLEASH_URL": "", "UNLEASH_TOKEN_BROKEN": "*:*.broken"}
    done = several.run("plan", "--all", "--format", "json", "--out", "plans.json", **own)
    assert done.code == 1
    errors = {one["workspace"]: one["error"] for one in done.json["workspaces"]}
    assert "http://127.0.0.1:9 does not answer" in errors.pop("broken")
    assert errors == {"payments": None, "search": None}
    assert "workspace broken (broken/):\nerror: GET /api/admin/ui-config" in done.err
    saved = parse_plans(done.out, "x")
    assert isinstance(saved, PlanSet)
    assert [one.plan is None for one in saved.workspaces] == [True, False, False]
    text = several.run("plan", "--all", **own)
    assert text.out.endswith("3 workspaces: 2 to create; 1 could not be planned.\n")
    assert several.run("plan", "--all", "--detailed-exitcode", **own).code == 1

    refused = several.run("apply", "plans.json", **own)
    assert (refused.code, titles(several.instance)) == (1, [])
    assert "plans.json: the plan is incomplete; these workspaces failed: broken" in refused.err
    del own["UNLEASH_TOKEN_BROKEN"]  # fails that workspace alone, too
    done = several.run("apply", "--yes", "--all", "--format", "json", **own)
    assert (done.code, counts(done.json["summary"])) == (3, {"applied": 2})
    assert "no token is set: UNLEASH_TOKEN_BROKEN (spec.tokenEnv) is empty" in done.err
    assert titles(several.instance) == ["payments", "search"]


def test_each_instance_has_its_own_token(tmp_path: Path, instance: Instance, other: Instance) -> None:
    space = Several(tmp_path, instance)
    (tmp_path / ".git").mkdir()
    space.workspace("payments", "production", url=instance.url, tokenEnv="UNLEASH_TOKEN_PRODUCTION")
    space.workspace("payments", "staging", url=other.url, tokenEnv="UNLEASH_TOKEN_STAGING")
    for place in ("production", "staging"):
        space.chart_in(place, "errors", title=place)
    tokens = {
        "UNLEASH_TOKEN_PRODUCTION": instance.token,
        "UNLEASH_TOKEN_STAGING": other.token,
        "UNLEASH_URL": "",
        "UNLEASH_AUTH_TOKEN": "",
    }
    done = space.run("plan", "--all", "--out", "plans.json", **tokens)
    assert done.code == 0, done.err
    assert other.token not in (space.root / "plans.json").read_text()
    assert space.run("apply", "plans.json", **tokens).code == 0
    assert (titles(instance), titles(other)) == (["production"], ["staging"])
    assert space.run("plan", "--all", "--detailed-exitcode", **tokens).code == 0
    swapped = {**tokens, "UNLEASH_TOKEN_STAGING": "*:*.another"}
    refused = space.run("plan", "--all", **swapped)
    assert refused.code == 1
    assert "workspace payments (staging/):\nerror: GET /api/admin/ui-config: 401" in refused.err


@pytest.mark.parametrize(
    ("way", "in_repository"),
    [("each", False), ("all", False), *((way, True) for way in ("each", "several", "all", "plan", "plans"))],
)
def test_workspaces_of_one_name_on_two_instances_keep_both_secrets(
    tmp_path: Path, fake: Instance, other: Instance, way: str, in_repository: bool
) -> None:
    space = Several(tmp_path, fake)
    if in_repository:
        subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    directories = {"eu": fake, "us": other}
    for directory, one in directories.items():
        space.workspace("pay", directory, url=one.url)
        token = document_samples.document("ApiToken", "reader", type="client", environment="development")
        document_samples.write(space.root / directory, token)
    arguments = {"each": [["eu"], ["us"]], "several": [["eu", "us"]], "all": [["--all", "."]]}.get(way)
    if arguments is None:
        plans = [["eu", "us"]] if way == "plans" else [["eu"], ["us"]]
        arguments = [[f"../{tmp_path.name}-{number}.json"] for number, _ in enumerate(plans)]
        for directory, (saved,) in zip(plans, arguments, strict=True):
            assert apart(space, "plan", *directory, "--out", saved).code == 0
    secrets: dict[str, str] = {}
    for number, argument in enumerate(arguments):
        out = tmp_path.parent / f"{tmp_path.name}-secrets-{number}.json"
        confirm = () if argument[0].endswith(".json") else ("--yes",)
        done = apart(space, "apply", *argument, *confirm, "--secrets-out", str(out))
        assert done.code == 0, done.err
        secrets |= json.loads(out.read_text())
    assert secrets == {
        f"{one.url.removeprefix('http://')}/pay/ApiToken/reader": one.tokens()[0]["secret"]
        for one in directories.values()
    }


def apart(space: Space, *arguments: str) -> CommandResult:
    """Run a command that takes each instance from the workspace file."""
    environment = {name: value for name, value in space.environment().items() if name != "UNLEASH_URL"}
    return run_here(arguments, cwd=space.root, environment=environment)


def test_what_is_meant_for_one_server_does_not_go_to_several(tmp_path: Path, fake: Instance, other: Instance) -> None:
    space = Several(tmp_path, fake)
    for name, instance in (("payments", fake), ("search", other)):
        space.workspace(name, url=instance.url)
        space.chart_in(name, "errors")
    (space.root / "token").write_text(fake.token)
    for options, environment, said in (
        (("--url", fake.url), {"UNLEASH_URL": ""}, "--url names one instance, but the workspaces name several"),
        ((), {"UNLEASH_URL": fake.url}, "UNLEASH_URL names one instance, but the workspaces name several"),
        (
            ("--token-file", "token"),
            {"UNLEASH_URL": ""},
            "--token-file contains one token, but the workspaces are on several",
        ),
    ):
        done = space.run("apply", "--all", "--yes", *options, **environment)
        assert (done.code, done.out) == (1, "")
        assert said in done.err
    for one in (fake, other):
        assert one.fake is not None
        assert one.fake.requests == []


def test_two_workspaces_of_one_name_on_one_instance_are_refused(several: Several) -> None:
    several.workspace("payments", "search")
    done = several.apply("--all")
    assert done.code == 1
    assert 'payments/ and search/ are two workspaces named "payments" on one instance' in done.err
    assert titles(several.instance) == []


def test_a_target_goes_with_one_workspace(several: Several) -> None:
    assert (
        "--target cannot be used with several workspaces"
        in several.run("plan", "--all", "--target", "ImpactMetric").err
    )
    assert several.run("apply", "payments", "plans.json").code == 1
    several.run("plan", "--all", "--out", "plans.json")
    assert "a saved plan cannot be combined with directories" in several.run("apply", "plans.json", "payments").err


def test_where_there_is_no_workspace_it_is_said(tmp_path: Path, fake: Instance) -> None:
    space = Several(tmp_path, fake)
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "unleash-gitops.yaml").write_text("")
    done = space.run("validate", "--all")
    assert (done.code, done.err.splitlines()[0]) == (1, "error: there is no unleash-gitops.yaml in . or below it")


def test_the_worst_exit_code_counts(several: Several) -> None:
    """One workspace refuses its deletes, the other one is applied."""
    for number in range(3):
        several.chart_in("payments", f"chart-{number}")
    several.apply("--all")
    several.workspace("payments", maxDeletes=1)
    for number in range(3):
        (several.root / "payments" / f"chart-{number}.yaml").unlink()
    several.chart_in("search", "errors", title="new")
    done = several.run("apply", "--yes", "--all", "--format", "json")
    assert done.code == 3
    first, second = (one["error"] for one in done.json["workspaces"])
    assert (first, second) == ("3 deletes, more than the limit of 1; nothing was applied", None)
    assert "new" in titles(several.instance)
    assert len(several.instance.charts()) == 5
    assert several.apply("--all", "--max-deletes", "3").code == 0


def test_instances_are_asked_at_the_same_time(tmp_path: Path, fake: Instance, other: Instance) -> None:
    """Each server waits for the other one's first request before it answers its own."""
    space = Several(tmp_path, fake)
    meeting = threading.Barrier(2, timeout=20)
    for name, instance in (("payments", fake), ("search", other)):
        space.workspace(name, url=instance.url)
        space.chart_in(name, "errors")
        assert instance.fake is not None
        instance.fake.hook = _meet(meeting)
    done = space.run("plan", "--all", UNLEASH_URL="")
    assert (done.code, meeting.broken) == (0, False)


def _meet(meeting: threading.Barrier) -> Any:
    def hook(_method: str, path: str, go: Any) -> Any:
        if path.endswith("/ui-config"):
            meeting.wait()
        return go()

    return hook


def test_an_interrupt_ends_all_of_it(several: Several) -> None:
    for name in ("payments", "search"):
        for number in range(60):
            several.chart_in(name, f"chart-{number}")
    process = several.start("apply", "--all", "--yes")
    assert process.stdout is not None
    process.stdout.readline()
    while "created" not in process.stdout.readline():
        pass
    process.terminate()
    try:
        out, err = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    assert process.returncode == 130, (out, err)
    done: CommandResult = several.apply("--all")
    assert done.code == 0
    assert len(several.instance.charts()) == 122


def test_a_bug_in_one_workspace_leaves_the_report_of_the_other(
    tmp_path: Path, fake: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = Several(tmp_path, fake)
    for name in ("payments", "search"):
        space.workspace(name)
        space.chart_in(name, "errors", title=name)

    def fail_for_search(plan: Any, *arguments: Any, **options: Any) -> Any:
        if plan.workspace == "search":
            raise RecursionError("too deep")
        return apply_plan(plan, *arguments, **options)

    monkeypatch.setattr("unleash_gitops.workflow.many_workspaces.apply_plan", fail_for_search)
    done = space.run("apply", "--all", "--yes")
    assert done.code == 3
    assert "Applied 1, failed 0, skipped 0, blocked 0." in done.out
    assert "error: internal error: RecursionError: too deep" in done.err
    assert titles(fake) == ["payments"]


@pytest.mark.parametrize(("refused", "failed", "expected"), [(True, True, 1), (True, False, 3), (False, True, 3)])
def test_the_exit_code_is_1_only_when_a_workspace_failed_and_nothing_was_sent_anywhere(
    tmp_path: Path, fake: Instance, monkeypatch: pytest.MonkeyPatch, refused: bool, failed: bool, expected: int
) -> None:
    """One workspace may have no token, and the object of another may have changed since it was planned."""
    space = Several(tmp_path, fake)
    space.workspace("payments")
    space.chart_in("payments", "errors", title="old")
    assert space.apply("--all").code == 0
    space.chart_in("payments", "errors", title="new")
    if refused:
        space.workspace("search", tokenEnv="UNLEASH_TOKEN_SEARCH")

    def check_object(*_arguments: Any) -> None:
        if failed:
            raise ChangedSincePlanned("title", None)

    monkeypatch.setattr("unleash_gitops.workflow.apply.check_object", check_object)
    assert space.apply("--all").code == expected
    assert titles(fake) == ["old" if failed else "new"]
