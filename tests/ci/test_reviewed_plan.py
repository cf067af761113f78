"""The plan that was reviewed: found by the commit that a merge made, and whole, or refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from render.samples import ACTIONS
from servers.fake_forge import FakeForge, zipped
from unleash_gitops.ci import read_reviewed_plan
from unleash_gitops.ci.job import detect_job
from unleash_gitops.model.errors import CodeHostError
from unleash_gitops.render.json import render_plan_json

HEAD, MERGED, NAME = "f00dfeedf00dfeed", "0123456789abcdef", "unleash-gitops-plan"
PLAN = render_plan_json(ACTIONS).encode()


@pytest.fixture
def github() -> Iterator[FakeForge]:
    """Give a merged pull request, whose run saved a plan."""
    with FakeForge().served() as forge:
        forge.pulls = [
            {"number": 6, "merged_at": None, "merge_commit_sha": MERGED, "head": {"sha": "another"}},
            {"number": 7, "merged_at": "2026-01-31T12:00:00Z", "merge_commit_sha": MERGED, "head": {"sha": HEAD}},
        ]
        save(forge, 1, PLAN)
        yield forge


def save(forge: FakeForge, number: int, plan: bytes, **more: Any) -> None:
    run = {"id": 1, "head_sha": HEAD, "repository_id": 1, "head_repository_id": 1, **more}
    forge.artifacts.append({"id": number, "name": NAME, "expired": False, "workflow_run": run})
    forge.archives[number] = zipped(plan)


def fetched(forge: FakeForge) -> bytes:
    return read_reviewed_plan(detect_job(forge.environment()), NAME)


def test_the_plan_of_the_merged_pull_request_is_found(github: FakeForge) -> None:
    assert fetched(github) == PLAN
    assert github.strangers == []  # the storage it lies in is told no token


def test_the_newest_one_counts_whatever_the_order(github: FakeForge) -> None:
    save(github, 3, b"newest")
    save(github, 2, b"older")
    assert fetched(github) == b"newest"


def test_plans_for_other_commits_and_from_forks_do_not_count(github: FakeForge) -> None:
    save(github, 2, b"another commit", head_sha="another")
    save(github, 3, b"a fork", head_repository_id=2)
    save(github, 4, b"nobody knows", repository_id=None, head_repository_id=None)
    assert fetched(github) == PLAN


SPOILT: list[tuple[Callable[[FakeForge], object], str]] = [
    (
        lambda forge: forge.artifacts.clear(),
        f'no artifact "{NAME}" for f00dfeedf00d, .*: no run saved one, or it has expired',
    ),
    (lambda forge: forge.artifacts[0].update(expired=True), "no artifact"),
    (lambda forge: forge.artifacts[0].update(name="other"), "no artifact"),
    (lambda forge: forge.pulls.pop(), "commit 0123456789ab is not the merge commit of a pull request"),
    (lambda forge: forge.pulls[1].update(merge_commit_sha="other"), "is not the merge commit of a pull request"),
    (lambda forge: forge.archives.update({1: b"no archive"}), "the artifact does not contain a plan file"),
    (lambda forge: forge.archives.update({1: zipped(PLAN)[:-30]}), "the artifact does not contain a plan file"),
]


@pytest.mark.parametrize(("spoil", "said"), SPOILT)
def test_without_one_there_is_an_error(github: FakeForge, spoil: Callable[[FakeForge], object], said: str) -> None:
    spoil(github)
    with pytest.raises(CodeHostError, match=said):
        fetched(github)


def test_only_a_job_of_github_has_one(github: FakeForge) -> None:
    with pytest.raises(CodeHostError, match="not running in a supported CI system"):
        read_reviewed_plan(None, NAME)
    gitlab = FakeForge("gitlab", url=github.url)
    with pytest.raises(CodeHostError, match="a reviewed plan can be fetched from GitHub only"):
        read_reviewed_plan(detect_job(gitlab.environment()), NAME)
