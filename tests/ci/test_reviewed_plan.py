"""The reviewed plan of a merge commit: the newest complete plan of its pull request, or an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from render.samples import ACTIONS
from servers.fake_code_host import FakeCodeHost, zipped
from unleash_gitops.ci import read_reviewed_plan
from unleash_gitops.ci.job import detect_job
from unleash_gitops.model.errors import CodeHostError
from unleash_gitops.render.json import render_plan_json

HEAD, MERGED, NAME = "f00dfeedf00dfeed", "0123456789abcdef", "unleash-gitops-plan"
PLAN = render_plan_json(ACTIONS).encode()


@pytest.fixture
def github() -> Iterator[FakeCodeHost]:
    """Serve a merged pull request, whose run saved a plan."""
    with FakeCodeHost().served() as code_host:
        code_host.pulls = [
            {"number": 6, "merged_at": None, "merge_commit_sha": MERGED, "head": {"sha": "another"}},
            {"number": 7, "merged_at": "2026-01-31T12:00:00Z", "merge_commit_sha": MERGED, "head": {"sha": HEAD}},
        ]
        save(code_host, 1, PLAN)
        yield code_host


def save(code_host: FakeCodeHost, number: int, plan: bytes, **more: Any) -> None:
    run = {"id": 1, "head_sha": HEAD, "repository_id": 1, "head_repository_id": 1, **more}
    code_host.artifacts.append({"id": number, "name": NAME, "expired": False, "workflow_run": run})
    code_host.archives[number] = zipped(plan)


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
    save(github, 2, b"another commit", head_sha="another")
    save(github, 3, b"a fork", head_repository_id=2)
    save(github, 4, b"unknown repository", repository_id=None, head_repository_id=None)
    assert fetch_plan(github) == PLAN


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
