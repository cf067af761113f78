"""The comment on a pull request: one for each workspace, updated in place, on GitHub and on GitLab."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from command_line import CommandResult, inherited_environment, run_here
from document_samples import document_text
from render.samples import ACTIONS, HUGE, PLANS, created, plan, planset
from servers.fake_forge import TOKEN, Answer, FakeForge
from unleash_gitops.ci import CommentResult, Marker, open_code_host, post
from unleash_gitops.ci.job import detect_job
from unleash_gitops.model.errors import CodeHostError
from unleash_gitops.model.plan import Plan
from unleash_gitops.model.plan_set import Planned, PlanSet
from unleash_gitops.render.json import render_plan_json, render_plan_set_json
from unleash_gitops.render.markdown import MAX_COMMENT_BYTES, render_plan_markdown
from unleash_gitops.render.markdown_syntax import count_bytes

NOTHING = PLANS["plan-nothing-at-all"]


@pytest.fixture(params=["github", "gitlab"])
def forge(request: pytest.FixtureRequest) -> Iterator[FakeForge]:
    with FakeForge(request.param).served() as forge:
        yield forge


@pytest.fixture
def github() -> Iterator[FakeForge]:
    with FakeForge().served() as forge:
        yield forge


class Desk:
    """A place with plan files, and the command line there."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def saved(self, made: Plan | PlanSet, name: str = "plan.json") -> str:
        text = render_plan_json(made) if isinstance(made, Plan) else render_plan_set_json(made)
        (self.root / name).write_text(text, encoding="utf-8")
        return name

    def run(self, *arguments: str, environment: dict[str, str]) -> CommandResult:
        inherited = inherited_environment("GITHUB_", "CI_", "GITLAB_", "GH_")
        result = run_here(arguments, cwd=self.root, environment={**inherited, **environment})
        assert TOKEN not in result.out + result.err
        assert "Traceback" not in result.err
        return result

    def comment(self, forge: FakeForge, made: Plan | PlanSet, *options: str, code: int = 0, **more: str) -> str:
        """Write the comment; return what was said about it."""
        done = self.run("comment", self.saved(made), *options, environment=forge.environment(**more))
        assert done.code == code, done.err
        return done.err


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def text_of(forge: FakeForge, made: Plan) -> str:
    """Return the comment that a plan should become."""
    job = detect_job(forge.environment())
    marker = f"{Marker.of(made.workspace, made.instance.url, 900)}\n"
    return marker + render_plan_markdown(made, job, MAX_COMMENT_BYTES - count_bytes(marker))


def test_the_first_comment_is_created_and_the_next_updates_it(forge: FakeForge, desk: Desk) -> None:
    forge.add("Looks good to me", {"id": 5, "type": "User"})
    assert "payments: created the comment https://git" in desk.comment(forge, ACTIONS)
    assert forge.bodies() == ["Looks good to me", text_of(forge, ACTIONS)]
    assert "payments: updated the comment https://git" in desk.comment(forge, NOTHING)
    assert forge.bodies() == ["Looks good to me", text_of(forge, NOTHING)]
    assert "**Nothing to change**" in forge.bodies()[1]
    before = len(forge.requests)
    assert "payments: the comment is up to date" in desk.comment(forge, NOTHING)
    assert {method for method, _ in forge.requests[before:]} == {"GET"}


def test_the_comment_links_sources_in_the_repository(forge: FakeForge, desk: Desk) -> None:
    desk.comment(forge, plan(created("a", source="charts/a.yaml:3"), root="deploy"))
    blob = {"github": "https://github.example/acme/flags/blob", "gitlab": "https://gitlab.example/acme/flags/-/blob"}
    assert f'<a href="{blob[forge.host]}/0123456789abcdef/deploy/charts/a.yaml#L3">' in forge.bodies()[0]


@pytest.mark.parametrize("page", [1, 2])
def test_the_marker_is_found_on_a_later_page(forge: FakeForge, desk: Desk, page: int) -> None:
    forge.page = page
    for number in range(4):
        forge.add(f"comment {number}", {"id": 5, "type": "User"})
    desk.comment(forge, ACTIONS)
    forge.add("a later one", {"id": 5, "type": "User"})
    desk.comment(forge, NOTHING)
    assert [body.split("\n")[0] for body in forge.bodies()] == [
        "comment 0", "comment 1", "comment 2", "comment 3", text_of(forge, NOTHING).split("\n")[0], "a later one",
    ]  # fmt: skip


def test_more_comments_than_fit_a_page_of_a_hundred(forge: FakeForge, desk: Desk) -> None:
    for number in range(250):
        forge.add(f"comment {number}", {"id": 5, "type": "User"})
    desk.comment(forge, ACTIONS)
    desk.comment(forge, NOTHING)
    assert forge.bodies()[250:] == [text_of(forge, NOTHING)]


def test_each_workspace_has_its_own_comment(forge: FakeForge, desk: Desk) -> None:
    other, elsewhere = plan(created("a"), workspace="payments-2"), plan(created("b"))
    elsewhere = elsewhere.model_copy(
        update={"instance": elsewhere.instance.model_copy(update={"url": "https://staging.example"})}
    )
    for made in (ACTIONS, other, elsewhere, NOTHING):
        desk.comment(forge, made)
    assert forge.bodies() == [text_of(forge, NOTHING), text_of(forge, other), text_of(forge, elsewhere)]


def test_a_set_of_plans_becomes_a_comment_for_each_workspace(forge: FakeForge, desk: Desk) -> None:
    other = plan(created("a"), workspace="search")
    failed = Planned(workspace="infra", root="infra", url=None, plan=None, error="GET /api/admin/ui-config: no answer")
    said = desk.comment(forge, planset(ACTIONS, other, failed))
    assert [line.split(" https")[0] for line in said.splitlines()] == [
        "payments: created the comment", "search: created the comment", "infra: created the comment",
    ]  # fmt: skip
    assert forge.bodies()[:2] == [text_of(forge, ACTIONS), text_of(forge, other)]
    assert "**Could not be planned:** `GET /api/admin/ui-config: no answer`" in forge.bodies()[2]


def test_only_changes_begins_no_comment_that_has_nothing_to_say(forge: FakeForge, desk: Desk) -> None:
    assert "up to date" in desk.comment(forge, NOTHING, "--only-changes")
    assert forge.bodies() == []
    desk.comment(forge, ACTIONS, "--only-changes")
    desk.comment(forge, NOTHING, "--only-changes")
    assert forge.bodies() == [text_of(forge, NOTHING)]


def test_two_comments_that_a_race_left_become_one(forge: FakeForge, desk: Desk) -> None:
    for made in (ACTIONS, HUGE):
        forge.add(text_of(forge, made).replace("run=900", "run=800"))
    desk.comment(forge, NOTHING)
    first, second = forge.bodies()
    assert first.startswith("<!-- unleash-gitops workspace=payments ")
    assert "run=800 -->\n**Superseded:** a newer comment has the plan." in first
    assert second == text_of(forge, NOTHING)
    desk.comment(forge, ACTIONS)
    assert forge.bodies() == [first, text_of(forge, ACTIONS)]


def test_a_slow_job_does_not_overwrite_what_a_later_run_wrote(forge: FakeForge, desk: Desk) -> None:
    later = {"github": "GITHUB_RUN_ID", "gitlab": "CI_PIPELINE_ID"}[forge.host]
    desk.comment(forge, ACTIONS, **{later: "1000"})
    before = forge.bodies()
    assert "payments: did not overwrite the comment of a later run" in desk.comment(forge, NOTHING)
    assert forge.bodies() == before


def test_a_marker_in_a_strangers_comment_is_not_believed(forge: FakeForge, desk: Desk) -> None:
    forged = text_of(forge, NOTHING)
    stranger = {"id": 666, "type": "User"}
    forge.add(forged, stranger)
    desk.comment(forge, ACTIONS)
    assert forge.bodies() == [forged, text_of(forge, ACTIONS)]


def test_a_person_finds_the_own_comment_and_no_other(github: FakeForge, desk: Desk) -> None:
    github.me = {"id": 5, "type": "User"}
    github.add(text_of(github, HUGE), {"id": 6, "type": "User"})
    for made in (ACTIONS, NOTHING):
        desk.comment(github, made)
    assert github.bodies() == [text_of(github, HUGE), text_of(github, NOTHING)]


def test_a_marker_further_down_is_only_text(forge: FakeForge, desk: Desk) -> None:
    quoted = "> " + text_of(forge, NOTHING).replace("\n", "\n> ")
    forge.add(quoted)
    desk.comment(forge, ACTIONS)
    assert forge.bodies() == [quoted, text_of(forge, ACTIONS)]


def workspace(root: Path, name: str = "payments") -> None:
    (root / "unleash-gitops.yaml").write_text(document_text("Workspace", name), encoding="utf-8")


def test_without_a_new_plan_the_comment_is_marked_as_superseded(forge: FakeForge, desk: Desk) -> None:
    workspace(desk.root)
    other = plan(created("a"), workspace="search")
    for made in (ACTIONS, other):
        desk.comment(forge, made)
    done = desk.run("comment", "--superseded", ".", environment=forge.environment())
    assert (done.code, "payments: marked the comment as superseded" in done.err) == (0, True)
    first, second = forge.bodies()
    assert (
        "**Superseded:** the files have changed since, and a new plan could not be made. For details, see [this job](https://"
        in first
    )
    assert second == text_of(forge, other)
    desk.comment(forge, NOTHING)
    assert forge.bodies() == [text_of(forge, NOTHING), text_of(forge, other)]


def test_a_slow_job_does_not_supersede_what_a_later_run_wrote(github: FakeForge, desk: Desk) -> None:
    workspace(desk.root)
    desk.comment(github, ACTIONS, GITHUB_RUN_ID="1000")
    before = github.bodies()
    assert desk.run("comment", "--superseded", ".", environment=github.environment()).code == 0
    assert github.bodies() == before


def test_nothing_is_superseded_where_there_is_no_comment(forge: FakeForge, desk: Desk) -> None:
    workspace(desk.root)
    done = desk.run("comment", "--superseded", ".", environment=forge.environment())
    assert (done.code, forge.bodies()) == (0, [])


def test_a_comment_that_is_deleted_in_between_is_written_anew(forge: FakeForge, desk: Desk) -> None:
    desk.comment(forge, ACTIONS)

    def hook(method: str, path: str, go: Any) -> Answer:
        if method in {"PATCH", "PUT"}:
            forge.comments.clear()
        answer: Answer = go()
        return answer

    forge.hook = hook
    assert "payments: created the comment" in desk.comment(forge, NOTHING)
    assert forge.bodies() == [text_of(forge, NOTHING)]


@pytest.mark.parametrize("counts", [len, lambda text: len(text.encode())], ids=["characters", "bytes"])
def test_no_plan_is_too_long_in_characters_or_bytes(github: FakeForge, desk: Desk, counts: Any) -> None:
    github.counts = counts
    desk.comment(github, plan(*(created(f"{number}-größte-チャート-🦄", number) for number in range(900))))
    assert count_bytes(github.bodies()[0]) <= MAX_COMMENT_BYTES
    assert re.search(r"\*\*\d+ changes are not shown here \(\d+ create\)", github.bodies()[0])


def refusing(status: int, message: str, **headers: str) -> Any:
    return lambda _method, _path, _go: (status, headers, {"message": message})


REFUSALS = [
    (401, "Bad credentials", "GitHub: GET /repos/acme/flags/issues/7/comments?per_page=100: 401: Bad credentials"),
    (403, "Resource not accessible by integration", "permissions: pull-requests: write"),
    (404, "Not Found", "if the pull request exists, the token has no access to it"),
    (422, "Validation Failed", "422: Validation Failed"),
]


@pytest.mark.parametrize(("status", "message", "said"), REFUSALS)
def test_a_refusal_is_said_and_fails_the_job_only_when_strict(
    github: FakeForge, desk: Desk, status: int, message: str, said: str
) -> None:
    github.hook = refusing(status, message)
    name = desk.saved(ACTIONS)
    done = desk.run("comment", name, environment=github.environment())
    assert done.code == 0
    assert said in done.err
    assert "the comment was not written; the job continues (to let it fail, use --strict)" in done.err
    assert done.out.startswith("::warning title=the plan could not be written as a comment::GitHub: GET ")
    strict = desk.run("comment", name, "--strict", environment=github.environment())
    assert (strict.code, strict.out, said in strict.err) == (1, "", True)


def test_gitlab_says_which_token_can_write_notes(desk: Desk) -> None:
    with FakeForge("gitlab").served() as forge:
        said = desk.comment(forge, ACTIONS, GITLAB_TOKEN="", CI_JOB_TOKEN="job-token")
    assert "GitLab: GET /projects/42/merge_requests/7/notes" in said
    assert "set the masked variable GITLAB_TOKEN to a project access token with the scope api" in said


def test_a_rate_limit_says_when_it_is_over(github: FakeForge, desk: Desk) -> None:
    limits = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "4102444800"}
    github.hook = refusing(403, "API rate limit exceeded", **limits)
    said = desk.comment(github, ACTIONS)
    assert re.search("GitHub's rate limit is used up until 00:00 UTC: GET .*: 403: API rate limit exceeded", said)
    assert "permissions" not in said
    assert len(github.requests) == 1


def test_what_passes_is_tried_again(forge: FakeForge, desk: Desk) -> None:
    troubles = [(429, {"retry-after": "0"}, {"message": "slow down"}), (502, {"retry-after": "0"}, {"message": "oops"})]
    forge.hook = lambda _method, _path, go: troubles.pop() if troubles else go()
    desk.comment(forge, ACTIONS)
    assert forge.bodies() == [text_of(forge, ACTIONS)]


def test_a_comment_whose_answer_is_lost_is_not_written_twice(forge: FakeForge) -> None:
    lost = [True]

    def hook(method: str, path: str, go: Any) -> Answer:
        answer: Answer = go()
        if method == "POST" and lost:
            lost.clear()
            raise ConnectionError
        return answer

    forge.hook = hook
    waits: list[float] = []
    with open_code_host(detect_job(forge.environment())) as host:
        posted = post(host, text_of(forge, ACTIONS), "superseded", sleep=waits.append)
    assert posted == CommentResult("unchanged", posted.url)
    assert (forge.bodies(), waits) == ([text_of(forge, ACTIONS)], [1.0])


def test_a_host_that_stays_away_is_given_up(forge: FakeForge) -> None:
    forge.hook = refusing(503, "down")
    waits: list[float] = []
    with (
        open_code_host(detect_job(forge.environment())) as host,
        pytest.raises(CodeHostError, match=r"GET /.*: 503: down") as caught,
    ):
        post(host, text_of(forge, ACTIONS), "superseded", sleep=waits.append)
    assert (caught.value.status, waits) == (503, [1.0, 2.0, 4.0])


def test_nobody_listening_is_said(desk: Desk) -> None:
    with FakeForge().served() as forge:
        environment = forge.environment()
    with (
        open_code_host(detect_job(environment)) as host,
        pytest.raises(CodeHostError, match="GitHub does not answer: GET /repos/"),
    ):
        post(host, text_of(forge, ACTIONS), "superseded", sleep=lambda _: None)


ELSEWHERE: list[tuple[dict[str, str], str]] = [
    ({}, "not running in a supported CI system (GitHub Actions, GitLab CI)"),
    ({"GITHUB_REPOSITORY": "acme/flags", "GITHUB_TOKEN": "x"}, "this job does not belong to a pull request"),
    ({"GITHUB_REPOSITORY": "acme/flags", "GITHUB_REF": "refs/pull/7/merge"}, "set GITHUB_TOKEN"),
    ({"CI_PROJECT_ID": "1", "CI_API_V4_URL": "http://127.0.0.1:9", "CI_MERGE_REQUEST_IID": "1"}, "set GITLAB_TOKEN"),
]


@pytest.mark.parametrize(("environment", "said"), ELSEWHERE)
def test_where_there_is_no_pull_request_it_says_so(desk: Desk, environment: dict[str, str], said: str) -> None:
    name = desk.saved(ACTIONS)
    done = desk.run("comment", name, environment=environment)
    assert (done.code, said in done.err) == (0, True)
    assert desk.run("comment", name, "--strict", environment=environment).code == 1


def test_a_pull_request_can_be_named(github: FakeForge, desk: Desk) -> None:
    desk.comment(github, ACTIONS, "--pull-request", "7", GITHUB_REF="refs/heads/main")
    assert github.bodies() == [text_of(github, ACTIONS)]


def test_a_dry_run_prints_the_text_and_asks_nobody(forge: FakeForge, desk: Desk) -> None:
    summary = desk.root / "summary.md"
    done = desk.run(
        "comment", desk.saved(ACTIONS), "--dry-run", environment=forge.environment(GITHUB_STEP_SUMMARY=str(summary))
    )
    assert (done.code, done.out) == (0, text_of(forge, ACTIONS))
    assert (forge.requests, summary.exists()) == ([], False)
    assert desk.run("comment", "plan.json", "--dry-run", environment={}).code == 0


def test_the_jobs_summary_has_the_plan_even_where_the_comment_cannot_be_written(github: FakeForge, desk: Desk) -> None:
    summary = desk.root / "summary.md"
    summary.write_text("earlier\n")
    github.hook = refusing(403, "Resource not accessible by integration")
    desk.comment(github, ACTIONS, GITHUB_STEP_SUMMARY=str(summary))
    assert summary.read_text() == "earlier\n" + render_plan_markdown(ACTIONS, detect_job(github.environment()))


@pytest.mark.parametrize("content", ["", "{", json.dumps({"formatVersion": "2", "digest": "x"}), "[]"])
def test_a_file_that_is_no_plan_is_an_error(github: FakeForge, desk: Desk, content: str) -> None:
    (desk.root / "bad.json").write_text(content)
    done = desk.run("comment", "bad.json", environment=github.environment())
    assert done.code == 1
    assert done.err.startswith("error: bad.json: ")
    assert github.requests == []


def test_a_directory_goes_with_superseded_only(github: FakeForge, desk: Desk) -> None:
    workspace(desk.root)
    assert desk.run("comment", ".", environment=github.environment()).code == 1
    assert desk.run("comment", "--superseded", desk.saved(ACTIONS), environment=github.environment()).code == 1
    assert desk.run("comment", "plan.json", "--all", environment=github.environment()).code == 1
    assert desk.run("comment", environment=github.environment()).code == 1
    assert github.requests == []


def test_all_workspaces_below_a_directory_can_be_superseded(github: FakeForge, desk: Desk) -> None:
    for name in ("payments", "search", "broken"):
        (desk.root / name).mkdir()
        workspace(desk.root / name, name if name != "broken" else "Not a name!")
    for made in (ACTIONS, plan(created("a"), workspace="search")):
        desk.comment(github, made)
    (desk.root / "plan.json").unlink()
    done = desk.run("comment", "--superseded", "--all", environment=github.environment())
    assert done.code == 0
    assert "warning: broken/: the workspace file is invalid, so its comment cannot be found" in done.err
    assert ["**Superseded:**" in body for body in github.bodies()] == [True, True]
    printed = desk.run("comment", "--superseded", "payments", "search", "--dry-run", environment={})
    assert printed.out.count("**Superseded:**") == 2


@pytest.mark.parametrize("name", ["payments", "a--b", "x -->\n<b>", "名前", ""])
def test_a_marker_holds_any_name(name: str) -> None:
    marker = Marker.of(name, "https://a.example", 7)
    assert Marker.parse(f"{marker}\nrest") == (marker if name else Marker("-", marker.instance, 7))
    assert "\n" not in str(marker)
    assert str(marker).count("-->") == 1
