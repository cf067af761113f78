"""The reviewed plan of a merge commit: the newest complete plan of its pull request, or an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from render.samples import ACTIONS
from servers.fake_code_host import WORKFLOW, FakeCodeHost, zipped
from unleash_gitops.ci import read_reviewed_plan
from unleash_gitops.ci.job import detect_job
from unleash_gitops.model.errors import CodeHostError
from unleash_gitops.render.json import render_plan_json

HEAD, MERGED, NAME = "f00dfeedf00dfeed", "0123456789abcdef", "unleash-gitops-plan"
HEAD_OF_PULL = {"sha": HEAD, "ref": "topic"}
PLAN = render_plan_json(ACTIONS).encode()


@pytest.fixture
def github() -> Iterator[FakeCodeHost]:
    """Serve a merged pull request, whose run saved a plan."""
    with FakeCodeHost().served() as code_host:
        code_host.pulls = [
            {"number": 6, "merged_at": None, "merge_commit_sha": MERGED, "head": {"sha": "another", "ref": "x"}},
            {"number": 7, "merged_at": "2026-01-31T12:00:00Z", "merge_commit_sha": MERGED, "head": HEAD_OF_PULL},
        ]
        save(code_host, 1, PLAN)
        yield code_host


def save(code_host: FakeCodeHost, number: int, plan: bytes, *, head: str = HEAD, **run: Any) -> None:
    code_host.save_artifact(number, NAME, plan, head, **{"id": 100 + number, **run})


def fetch_plan(code_host: FakeCodeHost) -> bytes:
    return read_reviewed_plan(detect_job(code_host.environment()), NAME)


def test_the_plan_of_the_merged_pull_request_is_downloaded(github: FakeCodeHost) -> None:
    assert fetch_plan(github) == PLAN
    assert github.strangers == []  # the storage of the artifact gets no token


def test_the_newest_artifact_is_used_in_any_order(github: FakeCodeHost) -> None:
    save(github, 3, b"newest")
    save(github, 2, b"older")
    assert fetch_plan(github) == b"newest"


def test_plans_of_other_commits_and_of_forks_are_ignored(github: FakeCodeHost) -> None:
    save(github, 2, b"another commit", head="another")
    save(github, 3, b"a fork", head_repository_id=2)
    save(github, 4, b"unknown repository", repository_id=None, head_repository_id=None)
    assert fetch_plan(github) == PLAN


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        ({"event": "push"}, "has the event push, not pull_request"),
        ({"event": "pull_request_target"}, "has the event pull_request_target, not pull_request"),
        ({"path": ".github/workflows/forged.yaml"}, f"is of .github/workflows/forged.yaml, not of {WORKFLOW}"),
        ({"path": f"{WORKFLOW}.yaml@refs/heads/x"}, f"is of {WORKFLOW}.yaml@refs/heads/x, not of {WORKFLOW}"),
        ({"pull_requests": [{"number": 8}]}, "may be of another pull request than #7 (it has the commit of #8)"),
        (
            {"pull_requests": [{"number": 7}, {"number": 8}]},
            "may be of another pull request than #7 (it has the commit of #7, #8)",
        ),
        ({"head_sha": "another"}, "is for the commit another"),
    ],
)
def test_an_artifact_of_another_run_is_passed_over_and_never_applied(
    github: FakeCodeHost, run: dict[str, Any], reason: str
) -> None:
    save(github, 2, b"forged", **run)
    assert fetch_plan(github) == PLAN
    del github.artifacts[0]
    with pytest.raises(CodeHostError) as caught:
        fetch_plan(github)
    assert caught.value.message == (
        f'no artifact "{NAME}" for f00dfeedf00d, the last commit of the pull request: run 102 {reason}'
    )


@pytest.mark.parametrize("state", [{"merged_at": None}, {"merged_at": "2026-01-30T12:00:00Z"}])
def test_a_second_pull_request_of_the_same_branch_and_commit_makes_a_plan_ambiguous(
    github: FakeCodeHost, state: dict[str, Any]
) -> None:
    github.pulls.append({"number": 9, "merge_commit_sha": "other", "head": HEAD_OF_PULL, **state})
    with pytest.raises(CodeHostError, match=r"may be of another pull request than #7 \(it has the commit of #7, #9\)"):
        fetch_plan(github)
    github.pulls[2]["head"] = {"sha": "earlier", "ref": "topic"}
    assert fetch_plan(github) == PLAN


def test_the_pull_request_that_github_still_lists_is_enough(github: FakeCodeHost) -> None:
    github.runs[101]["pull_requests"] = [{"number": 7}]
    github.runs[101]["path"] = f"{WORKFLOW}@refs/pull/7/merge"
    assert fetch_plan(github) == PLAN


def test_the_workflow_can_be_named_and_must_be_known(github: FakeCodeHost) -> None:
    other = ".github/workflows/plan.yaml"
    github.runs[101]["path"] = other
    job = detect_job(github.environment())
    assert read_reviewed_plan(job, NAME, other) == PLAN
    for reference in ("", "another/repository/.github/workflows/unleash.yaml@refs/heads/main"):
        job = detect_job(github.environment(GITHUB_WORKFLOW_REF=reference))
        with pytest.raises(CodeHostError, match="the workflow that saved the plan is not known") as caught:
            read_reviewed_plan(job, NAME)
        assert caught.value.hint == "name it with --workflow .github/workflows/NAME.yaml"


def test_artifacts_on_later_pages_are_found(github: FakeCodeHost) -> None:
    github.page = 1
    github.artifacts.insert(0, {"id": 50, "name": NAME, "expired": False, "workflow_run": None})
    assert fetch_plan(github) == PLAN


def test_an_expired_archive_says_how_to_get_a_new_one(github: FakeCodeHost) -> None:
    github.hook = lambda _method, path, go: (410, {}, {"message": "Gone"}) if path.endswith("/zip") else go()
    with pytest.raises(CodeHostError, match="410: Gone") as caught:
        fetch_plan(github)
    assert caught.value.hint == "the artifact has expired: run the pull request's job again"


@pytest.mark.parametrize(
    "answer", [[], "x", None, {"artifacts": {}}, {"artifacts": [7]}, {"artifacts": [{"id": "x", "workflow_run": 7}]}]
)
def test_an_odd_answer_is_an_error_that_names_the_request(github: FakeCodeHost, answer: Any) -> None:
    github.hook = lambda _method, path, go: (200, {}, answer) if path.endswith("/artifacts") else go()
    with pytest.raises(CodeHostError, match=r"GET /repos/acme/flags/actions/artifacts\?name=|no artifact"):
        fetch_plan(github)


SPOILT: list[tuple[Callable[[FakeCodeHost], object], str]] = [
    (
        lambda code_host: code_host.artifacts.clear(),
        f'no artifact "{NAME}" for f00dfeedf00d, .*: no run saved one, or it has expired',
    ),
    (lambda code_host: code_host.artifacts[0].update(expired=True), "no artifact"),
    (lambda code_host: code_host.artifacts[0].update(name="other"), "no artifact"),
    (lambda code_host: code_host.pulls.pop(), "commit 0123456789ab is not the merge commit of a pull request"),
    (
        lambda code_host: code_host.pulls[1].update(merge_commit_sha="other"),
        "is not the merge commit of a pull request",
    ),
    (lambda code_host: code_host.archives.update({1: b"no archive"}), "the artifact does not contain a plan file"),
    (lambda code_host: code_host.archives.update({1: zipped(PLAN)[:-30]}), "the artifact does not contain a plan file"),
]


@pytest.mark.parametrize(("spoil", "error"), SPOILT)
def test_a_missing_or_broken_plan_is_an_error(
    github: FakeCodeHost, spoil: Callable[[FakeCodeHost], object], error: str
) -> None:
    spoil(github)
    with pytest.raises(CodeHostError, match=error):
        fetch_plan(github)


def test_only_github_has_reviewed_plans(github: FakeCodeHost) -> None:
    with pytest.raises(CodeHostError, match="not running in a supported CI system"):
        read_reviewed_plan(None, NAME)
    gitlab = FakeCodeHost("gitlab", url=github.url)
    with pytest.raises(CodeHostError, match="a reviewed plan can be fetched from GitHub only"):
        read_reviewed_plan(detect_job(gitlab.environment()), NAME)
