"""The comment on a pull request, on GitHub and on GitLab: one for each workspace, updated in place."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from command_line import CommandResult, inherited_environment, run_here
from document_samples import document_text
from render.samples import ACTIONS, HUGE, PLANS, created, plan, planset
from servers.fake_code_host import BOT, TOKEN, Answer, FakeCodeHost
from unleash_gitops.ci import CommentResult, Marker, open_code_host, post
from unleash_gitops.ci.github_hints import build_find_hint
from unleash_gitops.ci.job import detect_job
from unleash_gitops.model.errors import CodeHostError
from unleash_gitops.model.plan import Plan
from unleash_gitops.model.plan_set import Planned, PlanSet
from unleash_gitops.render.json import render_plan_json, render_plan_set_json
from unleash_gitops.render.markdown import MAX_COMMENT_BYTES, render_plan_markdown
from unleash_gitops.render.markdown_syntax import count_bytes

NO_CHANGES = PLANS["plan-nothing-at-all"]


@pytest.fixture(params=["github", "gitlab"])
def code_host(request: pytest.FixtureRequest) -> Iterator[FakeCodeHost]:
    with FakeCodeHost(request.param).served() as code_host:
        yield code_host


@pytest.fixture
def github() -> Iterator[FakeCodeHost]:
    with FakeCodeHost().served() as code_host:
        yield code_host


class JobDirectory:
    """The working directory of a CI job: writes plan files into it, and runs commands there."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def save(self, plans: Plan | PlanSet, name: str = "plan.json") -> str:
        text = render_plan_json(plans) if isinstance(plans, Plan) else render_plan_set_json(plans)
        (self.root / name).write_text(text, encoding="utf-8")
        return name

    def run(self, *arguments: str, environment: dict[str, str]) -> CommandResult:
        inherited = inherited_environment("GITHUB_", "CI_", "GITLAB_", "GH_")
        result = run_here(arguments, cwd=self.root, environment={**inherited, **environment})
        assert TOKEN not in result.out + result.err
        assert "Traceback" not in result.err
        return result

    def comment(self, code_host: FakeCodeHost, plans: Plan | PlanSet, *options: str, code: int = 0, **more: str) -> str:
        """Run `comment` on a plan, expect the exit code `code`, and return its stderr."""
        done = self.run("comment", self.save(plans), *options, environment=code_host.environment(**more))
        assert done.code == code, done.err
        return done.err


@pytest.fixture
def directory(tmp_path: Path) -> JobDirectory:
    return JobDirectory(tmp_path)


def text_of(code_host: FakeCodeHost, plan: Plan) -> str:
    """Return the expected comment on a plan."""
    job = detect_job(code_host.environment())
    marker = f"{Marker.of(plan.workspace, plan.instance.url, 900)}\n"
    return marker + render_plan_markdown(plan, job, MAX_COMMENT_BYTES - count_bytes(marker))


def test_the_first_comment_is_created_and_the_next_updates_it(code_host: FakeCodeHost, directory: JobDirectory) -> None:
    code_host.add("Looks good to me", {"id": 5, "type": "User"})
    assert "payments: created the comment https://git" in directory.comment(code_host, ACTIONS)
    assert code_host.bodies() == ["Looks good to me", text_of(code_host, ACTIONS)]
    assert "payments: updated the comment https://git" in directory.comment(code_host, NO_CHANGES)
    assert code_host.bodies() == ["Looks good to me", text_of(code_host, NO_CHANGES)]
    assert "**Nothing to change**" in code_host.bodies()[1]
    before = len(code_host.requests)
    assert "payments: the comment is up to date" in directory.comment(code_host, NO_CHANGES)
    assert {method for method, path in code_host.requests[before:] if path != "/api/graphql"} == {"GET"}


def test_the_comment_links_sources_in_the_repository(code_host: FakeCodeHost, directory: JobDirectory) -> None:
    directory.comment(code_host, plan(created("a", source="charts/a.yaml:3"), root="deploy"))
    blob = {"github": "https://github.example/acme/flags/blob", "gitlab": "https://gitlab.example/acme/flags/-/blob"}
    assert f'<a href="{blob[code_host.host]}/0123456789abcdef/deploy/charts/a.yaml#L3">' in code_host.bodies()[0]


@pytest.mark.parametrize("page", [1, 2])
def test_the_marker_is_recognised_on_a_later_page(code_host: FakeCodeHost, directory: JobDirectory, page: int) -> None:
    code_host.page = page
    for number in range(4):
        code_host.add(f"comment {number}", {"id": 5, "type": "User"})
    directory.comment(code_host, ACTIONS)
    code_host.add("a later comment", {"id": 5, "type": "User"})
    directory.comment(code_host, NO_CHANGES)
    assert [body.split("\n")[0] for body in code_host.bodies()] == [
        "comment 0", "comment 1", "comment 2", "comment 3",
        text_of(code_host, NO_CHANGES).split("\n")[0], "a later comment",
    ]  # fmt: skip


def test_the_marker_is_recognised_after_more_than_a_page_of_a_hundred_comments(
    code_host: FakeCodeHost, directory: JobDirectory
) -> None:
    for number in range(250):
        code_host.add(f"comment {number}", {"id": 5, "type": "User"})
    directory.comment(code_host, ACTIONS)
    directory.comment(code_host, NO_CHANGES)
    assert code_host.bodies()[250:] == [text_of(code_host, NO_CHANGES)]


def test_each_workspace_has_its_own_comment(code_host: FakeCodeHost, directory: JobDirectory) -> None:
    other, elsewhere = plan(created("a"), workspace="payments-2"), plan(created("b"))
    elsewhere = elsewhere.model_copy(
        update={"instance": elsewhere.instance.model_copy(update={"url": "https://staging.example"})}
    )
    for saved_plan in (ACTIONS, other, elsewhere, NO_CHANGES):
        directory.comment(code_host, saved_plan)
    assert code_host.bodies() == [
        text_of(code_host, NO_CHANGES),
        text_of(code_host, other),
        text_of(code_host, elsewhere),
    ]


def test_a_set_of_plans_becomes_a_comment_for_each_workspace(code_host: FakeCodeHost, directory: JobDirectory) -> None:
    other = plan(created("a"), workspace="search")
    failed = Planned(workspace="infra", root="infra", url=None, plan=None, error="GET /api/admin/ui-config: no answer")
    printed = directory.comment(code_host, planset(ACTIONS, other, failed))
    assert [line.split(" https")[0] for line in printed.splitlines()] == [
        "payments: created the comment", "search: created the comment", "infra: created the comment",
    ]  # fmt: skip
    assert code_host.bodies()[:2] == [text_of(code_host, ACTIONS), text_of(code_host, other)]
    assert "**Could not be planned:** `GET /api/admin/ui-config: no answer`" in code_host.bodies()[2]


def test_only_changes_creates_no_comment_for_a_plan_without_changes(
    code_host: FakeCodeHost, directory: JobDirectory
) -> None:
    assert "up to date" in directory.comment(code_host, NO_CHANGES, "--only-changes")
    assert code_host.bodies() == []
    directory.comment(code_host, ACTIONS, "--only-changes")
    directory.comment(code_host, NO_CHANGES, "--only-changes")
    assert code_host.bodies() == [text_of(code_host, NO_CHANGES)]


def test_of_two_comments_of_concurrent_runs_the_older_is_superseded(
    code_host: FakeCodeHost, directory: JobDirectory
) -> None:
    for saved_plan in (ACTIONS, HUGE):
        code_host.add(text_of(code_host, saved_plan).replace("run=900", "run=800"))
    directory.comment(code_host, NO_CHANGES)
    first, second = code_host.bodies()
    assert first.startswith("<!-- unleash-gitops workspace=payments ")
    assert "run=800 -->\n**Superseded:** a newer comment has the plan." in first
    assert second == text_of(code_host, NO_CHANGES)
    directory.comment(code_host, ACTIONS)
    assert code_host.bodies() == [first, text_of(code_host, ACTIONS)]


def test_a_slow_job_does_not_overwrite_the_comment_of_a_later_run(
    code_host: FakeCodeHost, directory: JobDirectory
) -> None:
    run_variable = {"github": "GITHUB_RUN_ID", "gitlab": "CI_PIPELINE_ID"}[code_host.host]
    directory.comment(code_host, ACTIONS, **{run_variable: "1000"})
    before = code_host.bodies()
    assert "payments: did not overwrite the comment of a later run" in directory.comment(code_host, NO_CHANGES)
    assert code_host.bodies() == before


def test_a_marker_in_the_comment_of_another_user_is_ignored(code_host: FakeCodeHost, directory: JobDirectory) -> None:
    forged = text_of(code_host, NO_CHANGES)
    another_user = {"id": 666, "type": "User"}
    code_host.add(forged, another_user)
    directory.comment(code_host, ACTIONS)
    assert code_host.bodies() == [forged, text_of(code_host, ACTIONS)]


def test_a_personal_token_updates_only_comments_of_its_user(github: FakeCodeHost, directory: JobDirectory) -> None:
    github.me = {"id": 5, "type": "User"}
    github.add(text_of(github, HUGE), {"id": 6, "type": "User"})
    for saved_plan in (ACTIONS, NO_CHANGES):
        directory.comment(github, saved_plan)
    assert github.bodies() == [text_of(github, HUGE), text_of(github, NO_CHANGES)]


ANOTHER_APP = {"id": 49699333, "login": "dependabot[bot]", "type": "Bot"}
OUR_APP = {"id": 777, "login": "our-app[bot]", "type": "Bot"}


def test_a_marker_in_the_comment_of_another_app_is_ignored(github: FakeCodeHost, directory: JobDirectory) -> None:
    forged = text_of(github, NO_CHANGES)
    github.add(forged, ANOTHER_APP)
    github.add(forged, {"login": "github-actions[bot]", "id": 666, "type": "User"})
    github.add(forged, {"type": "Bot"})
    for saved_plan in (HUGE, ACTIONS):
        directory.comment(github, saved_plan)
    assert github.bodies() == [forged] * 3 + [text_of(github, ACTIONS)]


@pytest.mark.parametrize("login", ["our-app[bot]", "our-app"])  # the two APIs of GitHub differ in it
def test_the_token_of_an_app_updates_only_comments_of_its_app(
    github: FakeCodeHost, directory: JobDirectory, login: str
) -> None:
    github.me = OUR_APP
    viewer = {"data": {"viewer": {"login": login}}}
    github.hook = lambda _method, path, go: (200, {}, viewer) if path == "/api/graphql" else go()
    github.add(text_of(github, HUGE), ANOTHER_APP)
    for saved_plan in (HUGE, ACTIONS):
        directory.comment(github, saved_plan)
    assert github.bodies() == [text_of(github, HUGE), text_of(github, ACTIONS)]


def test_the_token_of_an_app_leaves_the_comments_of_jobs_alone(github: FakeCodeHost, directory: JobDirectory) -> None:
    github.me = OUR_APP
    github.add(text_of(github, HUGE), BOT)
    directory.comment(github, ACTIONS)
    assert github.bodies() == [text_of(github, HUGE), text_of(github, ACTIONS)]


def test_the_token_of_a_job_updates_its_comment_where_the_api_does_not_tell_its_user(
    github: FakeCodeHost, directory: JobDirectory
) -> None:
    github.me = BOT
    github.hook = lambda _method, path, go: (404, {}, {"message": "Not Found"}) if path == "/api/graphql" else go()
    for saved_plan in (HUGE, ACTIONS):
        directory.comment(github, saved_plan)
    assert github.bodies() == [text_of(github, ACTIONS)]


@pytest.mark.parametrize("answer", [(404, {"message": "Not Found"}), (200, {"data": None}), (200, [])])
def test_an_app_that_is_unknown_owns_no_comment(
    github: FakeCodeHost, directory: JobDirectory, answer: tuple[int, Any]
) -> None:
    github.me = OUR_APP
    github.hook = lambda _method, path, go: (answer[0], {}, answer[1]) if path == "/api/graphql" else go()
    github.add(text_of(github, HUGE), ANOTHER_APP)
    directory.comment(github, ACTIONS)
    assert github.bodies() == [text_of(github, HUGE), text_of(github, ACTIONS)]


def test_a_marker_after_the_first_line_is_ignored(code_host: FakeCodeHost, directory: JobDirectory) -> None:
    quoted = "> " + text_of(code_host, NO_CHANGES).replace("\n", "\n> ")
    code_host.add(quoted)
    directory.comment(code_host, ACTIONS)
    assert code_host.bodies() == [quoted, text_of(code_host, ACTIONS)]


def workspace(root: Path, name: str = "payments") -> None:
    (root / "unleash-gitops.yaml").write_text(document_text("Workspace", name), encoding="utf-8")


def test_without_a_new_plan_the_comment_is_marked_as_superseded(
    code_host: FakeCodeHost, directory: JobDirectory
) -> None:
    workspace(directory.root)
    other = plan(created("a"), workspace="search")
    for saved_plan in (ACTIONS, other):
        directory.comment(code_host, saved_plan)
    done = directory.run("comment", "--superseded", ".", environment=code_host.environment())
    assert (done.code, "payments: marked the comment as superseded" in done.err) == (0, True)
    first, second = code_host.bodies()
    assert (
        "**Superseded:** the files have changed since, and a new plan could not be made. For details, see [this job](https://"
        in first
    )
    assert second == text_of(code_host, other)
    directory.comment(code_host, NO_CHANGES)
    assert code_host.bodies() == [text_of(code_host, NO_CHANGES), text_of(code_host, other)]


def test_a_slow_job_does_not_supersede_the_comment_of_a_later_run(
    github: FakeCodeHost, directory: JobDirectory
) -> None:
    workspace(directory.root)
    directory.comment(github, ACTIONS, GITHUB_RUN_ID="1000")
    before = github.bodies()
    assert directory.run("comment", "--superseded", ".", environment=github.environment()).code == 0
    assert github.bodies() == before


def test_superseded_writes_nothing_without_an_earlier_comment(code_host: FakeCodeHost, directory: JobDirectory) -> None:
    workspace(directory.root)
    done = directory.run("comment", "--superseded", ".", environment=code_host.environment())
    assert (done.code, code_host.bodies()) == (0, [])


def test_a_comment_that_is_deleted_during_the_update_is_created_again(
    code_host: FakeCodeHost, directory: JobDirectory
) -> None:
    directory.comment(code_host, ACTIONS)

    def hook(method: str, path: str, go: Any) -> Answer:
        if method in {"PATCH", "PUT"}:
            code_host.comments.clear()
        answer: Answer = go()
        return answer

    code_host.hook = hook
    assert "payments: created the comment" in directory.comment(code_host, NO_CHANGES)
    assert code_host.bodies() == [text_of(code_host, NO_CHANGES)]


@pytest.mark.parametrize("counts", [len, lambda text: len(text.encode())], ids=["characters", "bytes"])
def test_a_comment_on_a_huge_plan_fits_the_limit_in_characters_and_bytes(
    github: FakeCodeHost, directory: JobDirectory, counts: Any
) -> None:
    github.counts = counts
    directory.comment(github, plan(*(created(f"{number}-größte-チャート-🦄", number) for number in range(900))))
    assert count_bytes(github.bodies()[0]) <= MAX_COMMENT_BYTES
    assert re.search(r"\*\*\d+ changes are not shown here \(\d+ create\)", github.bodies()[0])


def refuse_with(status: int, message: str, **headers: str) -> Any:
    return lambda _method, _path, _go: (status, headers, {"message": message})


REFUSALS = [
    (401, "Bad credentials", "GitHub: GET /repos/acme/flags/issues/7/comments?per_page=100: 401: Bad credentials"),
    (403, "Resource not accessible by integration", "permissions: pull-requests: write"),
    (404, "Not Found", "if the pull request exists, the token has no access to it"),
    (422, "Validation Failed", "422: Validation Failed"),
    (
        403,
        "Unable to create comment because issue is locked.",
        "help: unlock the conversation of the pull request, and run",
    ),
    (
        403,
        "Resource not accessible by personal access token",
        "help: give the personal access token the permissions Pull requests: read and write",
    ),
    (
        403,
        "Resource protected by organization SAML enforcement. You must grant your token access to this organization.",
        "help: authorize the token for the single sign-on of the organization",
    ),
    (403, "Repository was archived so is read-only.", "help: the repository is archived"),
]


@pytest.mark.parametrize(("status", "message", "printed"), REFUSALS)
def test_a_refused_comment_is_a_warning_and_an_error_with_strict(
    github: FakeCodeHost, directory: JobDirectory, status: int, message: str, printed: str
) -> None:
    github.hook = refuse_with(status, message)
    name = directory.save(ACTIONS)
    done = directory.run("comment", name, environment=github.environment())
    assert done.code == 0
    assert printed in done.err
    assert "the comment was not written; the job continues (to let it fail, use --strict)" in done.err
    assert done.out.startswith("::warning title=the plan could not be written as a comment::GitHub: GET ")
    strict = directory.run("comment", name, "--strict", environment=github.environment())
    assert (strict.code, strict.out, printed in strict.err) == (1, "", True)


def test_a_refusal_by_gitlab_names_the_token_that_can_write_notes(directory: JobDirectory) -> None:
    with FakeCodeHost("gitlab").served() as code_host:
        printed = directory.comment(code_host, ACTIONS, GITLAB_TOKEN="", CI_JOB_TOKEN="job-token")
    assert "GitLab: GET /projects/42/merge_requests/7/notes" in printed
    assert "set the masked variable GITLAB_TOKEN to a project access token with the scope api" in printed


@pytest.mark.parametrize(
    ("status", "content", "hint"),
    [
        (403, {"error": "insufficient_scope", "error_description": "The request requires higher privileges"},
         "help: set the masked variable GITLAB_TOKEN to a project access token with the scope api\n"),
        (403, {"message": "403 Forbidden"}, "with the scope api and at least the role Reporter\n"),
        (401, {"error": "invalid_token", "error_description": "Token is expired. You can either do re-authorization"},
         "help: create a new token: set the masked variable GITLAB_TOKEN"),
        (403, {"message": "The discussion is locked"}, "help: unlock the discussion of the merge request"),
    ],
)  # fmt: skip
def test_the_help_for_a_refusal_by_gitlab_follows_its_message(
    directory: JobDirectory, status: int, content: dict[str, str], hint: str
) -> None:
    with FakeCodeHost("gitlab").served() as code_host:
        code_host.hook = lambda _method, _path, _go: (status, {}, content)
        assert hint in directory.comment(code_host, ACTIONS)


def test_the_help_for_a_personal_token_does_not_ask_for_permissions_of_the_job() -> None:
    find_hint = build_find_hint("Bearer ghp_a-classic-token")
    assert find_hint("/repos/acme/flags/issues/7/comments", 403, "Must have admin rights to Repository.") == (
        "give the personal access token the permissions Pull requests: read and write"
    )
    assert find_hint("/repos/acme/flags/actions/runs/1", 404, "Not Found") == (
        "if the pull request exists, the token has no access to it: "
        "give the personal access token the permissions Actions: read, Pull requests: read"
    )


@pytest.mark.parametrize(
    ("reset", "end"),
    [
        ("in an hour", r"until \d\d:\d\d UTC"),
        ("4102444800", "for more than 1000 days"),
        ("9" * 400, "for more than 1000 days"),
    ],
)
def test_the_error_for_a_rate_limit_names_the_time_of_its_end(
    github: FakeCodeHost, directory: JobDirectory, reset: str, end: str
) -> None:
    second = str(int(time.time()) + 3600) if reset == "in an hour" else reset
    limits = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": second}
    github.hook = refuse_with(403, "API rate limit exceeded", **limits)
    printed = directory.comment(github, ACTIONS)
    assert re.search(f"GitHub's rate limit is used up {end}: GET .*: 403: API rate limit exceeded", printed)
    assert "permissions" not in printed
    assert len(github.requests) == 1


def test_requests_are_retried_after_temporary_errors(
    code_host: FakeCodeHost, directory: JobDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unleash_gitops.ci.comments._FIRST_WAIT", 0.01)
    errors = [(429, {"retry-after": "0"}, {"message": "slow down"}), (502, {"retry-after": "0"}, {"message": "oops"})]
    code_host.hook = lambda _method, _path, go: errors.pop() if errors else go()
    directory.comment(code_host, ACTIONS)
    assert code_host.bodies() == [text_of(code_host, ACTIONS)]


def test_a_comment_whose_answer_is_lost_is_not_created_twice(code_host: FakeCodeHost) -> None:
    lost = [True]

    def hook(method: str, path: str, go: Any) -> Answer:
        answer: Answer = go()
        if method == "POST" and lost:
            lost.clear()
            raise ConnectionError
        return answer

    code_host.hook = hook
    waits: list[float] = []
    with open_code_host(detect_job(code_host.environment())) as connection:
        posted = post(connection, text_of(code_host, ACTIONS), "superseded", sleep=waits.append)
    assert posted == CommentResult("unchanged", posted.url)
    assert (code_host.bodies(), waits) == ([text_of(code_host, ACTIONS)], [1.0])


def test_a_long_wait_is_shown(github: FakeCodeHost) -> None:
    github.hook = lambda _method, _path, _go: (429, {"retry-after": "30"}, {"message": "slow down"})
    waits: list[float] = []
    lines: list[str] = []
    with open_code_host(detect_job(github.environment())) as connection, pytest.raises(CodeHostError):
        post(connection, text_of(github, ACTIONS), "superseded", sleep=waits.append, on_wait=lines.append)
    assert waits == [30.0] * 3
    assert [line.split("; ")[-1] for line in lines] == ["trying again in 30 s"] * 3


def test_retries_end_when_the_code_host_stays_unavailable(code_host: FakeCodeHost) -> None:
    code_host.hook = refuse_with(503, "down")
    waits: list[float] = []
    with (
        open_code_host(detect_job(code_host.environment())) as connection,
        pytest.raises(CodeHostError, match=r"GET /.*: 503: down") as caught,
    ):
        post(connection, text_of(code_host, ACTIONS), "superseded", sleep=waits.append)
    assert (caught.value.status, waits) == (503, [1.0, 2.0, 4.0])


def test_a_code_host_that_does_not_answer_is_an_error(directory: JobDirectory) -> None:
    with FakeCodeHost().served() as code_host:
        environment = code_host.environment()
    with (
        open_code_host(detect_job(environment)) as connection,
        pytest.raises(CodeHostError, match="GitHub does not answer: GET /repos/"),
    ):
        post(connection, text_of(code_host, ACTIONS), "superseded", sleep=lambda _: None)


WITHOUT_PULL_REQUEST: list[tuple[dict[str, str], str]] = [
    ({}, "not running in a supported CI system (GitHub Actions, GitLab CI)"),
    ({"GITHUB_REPOSITORY": "acme/flags", "GITHUB_TOKEN": "x"}, "this job does not belong to a pull request"),
    ({"GITHUB_REPOSITORY": "acme/flags", "GITHUB_REF": "refs/pull/7/merge"}, "set GITHUB_TOKEN"),
    ({"CI_PROJECT_ID": "1", "CI_API_V4_URL": "http://127.0.0.1:9", "CI_MERGE_REQUEST_IID": "1"}, "set GITLAB_TOKEN"),
]


@pytest.mark.parametrize(("environment", "error"), WITHOUT_PULL_REQUEST)
def test_without_a_pull_request_the_comment_is_a_warning_and_an_error_with_strict(
    directory: JobDirectory, environment: dict[str, str], error: str
) -> None:
    name = directory.save(ACTIONS)
    done = directory.run("comment", name, environment=environment)
    assert (done.code, error in done.err) == (0, True)
    assert directory.run("comment", name, "--strict", environment=environment).code == 1


def test_the_pull_request_can_be_named_by_an_option(github: FakeCodeHost, directory: JobDirectory) -> None:
    directory.comment(github, ACTIONS, "--pull-request", "7", GITHUB_REF="refs/heads/main")
    assert github.bodies() == [text_of(github, ACTIONS)]


def test_a_dry_run_prints_the_text_and_sends_no_request(code_host: FakeCodeHost, directory: JobDirectory) -> None:
    summary = directory.root / "summary.md"
    done = directory.run(
        "comment",
        directory.save(ACTIONS),
        "--dry-run",
        environment=code_host.environment(GITHUB_STEP_SUMMARY=str(summary)),
    )
    assert (done.code, done.out) == (0, text_of(code_host, ACTIONS))
    assert (code_host.requests, summary.exists()) == ([], False)
    assert directory.run("comment", "plan.json", "--dry-run", environment={}).code == 0


def test_the_job_summary_has_the_plan_when_the_comment_cannot_be_written(
    github: FakeCodeHost, directory: JobDirectory
) -> None:
    summary = directory.root / "summary.md"
    summary.write_text("earlier\n")
    github.hook = refuse_with(403, "Resource not accessible by integration")
    directory.comment(github, ACTIONS, GITHUB_STEP_SUMMARY=str(summary))
    assert summary.read_text() == "earlier\n" + render_plan_markdown(ACTIONS, detect_job(github.environment()))


@pytest.mark.parametrize("content", ["", "{", json.dumps({"formatVersion": "2", "digest": "x"}), "[]"])
def test_a_file_that_is_not_a_plan_is_an_error(github: FakeCodeHost, directory: JobDirectory, content: str) -> None:
    (directory.root / "bad.json").write_text(content)
    done = directory.run("comment", "bad.json", environment=github.environment())
    assert done.code == 1
    assert done.err.startswith("error: bad.json: ")
    assert github.requests == []


def test_comment_takes_one_plan_file_or_with_superseded_directories(
    github: FakeCodeHost, directory: JobDirectory
) -> None:
    workspace(directory.root)
    assert directory.run("comment", ".", environment=github.environment()).code == 1
    assert directory.run("comment", "--superseded", directory.save(ACTIONS), environment=github.environment()).code == 1
    assert directory.run("comment", "plan.json", "--all", environment=github.environment()).code == 1
    assert directory.run("comment", environment=github.environment()).code == 1
    assert github.requests == []


def test_all_workspaces_below_a_directory_can_be_superseded(github: FakeCodeHost, directory: JobDirectory) -> None:
    for name in ("payments", "search", "broken"):
        (directory.root / name).mkdir()
        workspace(directory.root / name, name if name != "broken" else "Not a name!")
    for saved_plan in (ACTIONS, plan(created("a"), workspace="search")):
        directory.comment(github, saved_plan)
    (directory.root / "plan.json").unlink()
    done = directory.run("comment", "--superseded", "--all", environment=github.environment())
    assert done.code == 0
    assert "warning: broken/: the workspace file is invalid, so its comment cannot be found" in done.err
    assert ["**Superseded:**" in body for body in github.bodies()] == [True, True]
    printed = directory.run("comment", "--superseded", "payments", "search", "--dry-run", environment={})
    assert printed.out.count("**Superseded:**") == 2


@pytest.mark.parametrize("name", ["payments", "a--b", "x -->\n<b>", "名前", ""])
def test_a_marker_can_hold_any_workspace_name(name: str) -> None:
    marker = Marker.of(name, "https://a.example", 7)
    assert Marker.parse(f"{marker}\nrest") == (marker if name else Marker("-", marker.instance, 7))
    assert "\n" not in str(marker)
    assert str(marker).count("-->") == 1
