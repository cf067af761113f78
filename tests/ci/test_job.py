"""The CI job that the environment describes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from servers.fake_code_host import TOKEN, FakeCodeHost
from unleash_gitops.ci.job import Job, detect_job

GITHUB = {"GITHUB_REPOSITORY": "acme/flags", "GITHUB_TOKEN": "s3cret"}


def github(**more: str) -> Job:
    job = detect_job({**GITHUB, **more})
    assert job is not None
    return job


def test_outside_of_ci_there_is_no_job() -> None:
    assert detect_job({}) is None
    assert detect_job({"CI": "true", "CI_PROJECT_ID": "1"}) is None


def test_a_job_of_github_actions() -> None:
    job = detect_job({**FakeCodeHost(url="http://127.0.0.1:1").environment(), "GITHUB_STEP_SUMMARY": "/tmp/summary"})
    assert job == Job(
        host="github", api="http://127.0.0.1:1/api/v3", repository="acme/flags",
        repository_url="https://github.example/acme/flags", commit="0123456789abcdef", run=900,
        run_url="https://github.example/acme/flags/actions/runs/900", pull_request=7,
        workflow=".github/workflows/unleash.yaml",
        token_header=("Authorization", f"Bearer {TOKEN}"),
        summary=Path("/tmp/summary"),
    )  # fmt: skip


def test_a_job_of_gitlab_ci() -> None:
    job = detect_job(FakeCodeHost("gitlab", url="http://127.0.0.1:1").environment())
    assert job == Job(
        host="gitlab", api="http://127.0.0.1:1/api/v4", repository="42",
        repository_url="https://gitlab.example/acme/flags", commit="0123456789abcdef", run=900,
        run_url="https://gitlab.example/acme/flags/-/jobs/1", pull_request=7,
        token_header=("PRIVATE-TOKEN", TOKEN),
    )  # fmt: skip


def test_the_repr_of_a_job_does_not_contain_the_token() -> None:
    assert "s3cret" not in repr(github())


@pytest.mark.parametrize(
    ("event", "ref", "number"),
    [
        ({"pull_request": {"number": 7}}, "", 7),
        ({"issue": {"number": 7, "pull_request": {"url": "…"}}}, "refs/heads/main", 7),
        ({"issue": {"number": 7}}, "refs/heads/main", None),
        (None, "refs/pull/7/merge", 7),
        ({}, "refs/heads/pull/7/merge", None),
        ({"pull_request": {"number": "7"}}, "", None),
        ("not an event", "refs/pull/x/merge", None),
    ],
)
def test_the_pull_request_of_a_github_job(tmp_path: Path, event: Any, ref: str, number: int | None) -> None:
    file = tmp_path / "event.json"
    file.write_text(json.dumps(event))
    assert github(GITHUB_EVENT_PATH=str(file), GITHUB_REF=ref).pull_request == number


def test_an_unreadable_event_file_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "event.json").write_text("{")
    for path in ("event.json", "missing.json"):
        assert github(GITHUB_EVENT_PATH=str(tmp_path / path), GITHUB_REF="refs/pull/7/merge").pull_request == 7


def test_github_com_is_the_default() -> None:
    assert github().api == "https://api.github.com"
    assert github().repository_url == "https://github.com/acme/flags"


def test_the_notes_of_a_merge_request_from_a_fork_are_in_the_target_project() -> None:
    job = detect_job({"CI_API_V4_URL": "https://g/api/v4", "CI_PROJECT_ID": "5", "CI_MERGE_REQUEST_PROJECT_ID": "42"})
    assert job is not None
    assert job.repository == "42"


def test_without_gitlab_token_the_job_token_is_used() -> None:
    job = detect_job({"CI_API_V4_URL": "https://g/api/v4", "CI_PROJECT_ID": "5", "CI_JOB_TOKEN": "x"})
    assert job is not None
    assert job.token_header == ("JOB-TOKEN", "x")


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("a/b c.yaml", "https://github.com/acme/flags/blob/abc/a/b%20c.yaml#L3"),
        ('"><b>.yaml', "https://github.com/acme/flags/blob/abc/%22%3E%3Cb%3E.yaml#L3"),
        ("a/../../x", None),
        ("/etc/passwd", None),
    ],
)
def test_a_source_url_stays_in_the_repository(path: str, url: str | None) -> None:
    assert github(GITHUB_SHA="abc").source_url(path, 3) == url
    assert github().source_url(path, 3) is None


def test_an_invalid_server_url_gives_no_links() -> None:
    job = github(GITHUB_SERVER_URL="javascript:alert(1)//", GITHUB_SHA="abc", GITHUB_RUN_ID="1")
    assert (job.repository_url, job.run_url, job.commit_url, job.source_url("a", 1)) == (None, None, None, None)
