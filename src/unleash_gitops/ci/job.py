"""The CI job that the process runs in, as its environment describes it.

Supports GitHub Actions, the systems that set the same variables, and GitLab CI. Reads variables and the event file;
sends no requests. Sources: GitHub's and GitLab's lists of predefined variables.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

__all__ = ["Job", "detect_job"]


@dataclass(frozen=True, slots=True)
class Job:
    """A CI job. What the environment does not name is None.

    `api` is the base URL of the host's API. `repository` is `owner/name` on GitHub, and the project's id on GitLab.
    `workflow` is the path of the workflow's file in the repository (GitHub). `run` is a number that grows from run to
    run. `pull_request` is the number of the job's pull request. `token_header` is the name and value of the header that
    authorises requests. `summary` is the file whose Markdown the host shows on the job's page.
    """

    host: Literal["github", "gitlab"]
    api: str
    repository: str
    repository_url: str | None = None
    commit: str | None = None
    run: int | None = None
    run_url: str | None = None
    pull_request: int | None = None
    workflow: str | None = None
    token_header: tuple[str, str] | None = field(default=None, repr=False)
    summary: Path | None = None

    def source_url(self, path: str, line: int) -> str | None:
        """Return the URL of a line of a file, None when it is unknown. `path` is relative to the repository's root."""
        if self.repository_url is None or self.commit is None or {"", ".", ".."} & set(path.split("/")):
            return None
        blob = "blob" if self.host == "github" else "-/blob"
        return f"{self.repository_url}/{blob}/{quote(self.commit, safe='')}/{quote(path)}#L{line}"

    @property
    def commit_url(self) -> str | None:
        """The URL of the job's commit, None when it is unknown."""
        if self.repository_url is None or self.commit is None:
            return None
        page = "commit" if self.host == "github" else "-/commit"
        return f"{self.repository_url}/{page}/{quote(self.commit, safe='')}"


def detect_job(environment: Mapping[str, str]) -> Job | None:
    """Return the CI job that `environment` describes, None outside of the supported CI systems."""
    if environment.get("GITHUB_REPOSITORY"):
        return _parse_github_job(environment)
    if environment.get("CI_PROJECT_ID") and environment.get("CI_API_V4_URL"):
        return _parse_gitlab_job(environment)
    return None


def _parse_github_job(environment: Mapping[str, str]) -> Job:
    repository = environment["GITHUB_REPOSITORY"]
    url = _build_url(environment.get("GITHUB_SERVER_URL") or "https://github.com", repository)
    event = _load_event(environment.get("GITHUB_EVENT_PATH"))
    run = _parse_number(environment.get("GITHUB_RUN_ID"))
    token = environment.get("GITHUB_TOKEN") or environment.get("GH_TOKEN") or None
    summary = environment.get("GITHUB_STEP_SUMMARY")
    return Job(
        host="github",
        api=(environment.get("GITHUB_API_URL") or "https://api.github.com").rstrip("/"),
        repository=repository,
        repository_url=url,
        commit=environment.get("GITHUB_SHA") or None,
        run=run,
        run_url=f"{url}/actions/runs/{run}" if url and run else None,
        pull_request=_find_github_pull_request(event, environment.get("GITHUB_REF", "")),
        workflow=_find_workflow(environment.get("GITHUB_WORKFLOW_REF", ""), repository),
        token_header=("Authorization", f"Bearer {token}") if token else None,
        summary=Path(summary) if summary else None,
    )


def _find_github_pull_request(event: Any, ref: str) -> int | None:
    """Return the pull request's number, None without one.

    It is in the events of pull requests and of comments on them, and in the ref of a pull request's merge commit.
    """
    number = _lookup(event, "pull_request", "number")
    if number is None and _lookup(event, "issue", "pull_request") is not None:
        number = _lookup(event, "issue", "number")
    if number is None:
        parts = ref.split("/")
        number = _parse_number(parts[2]) if len(parts) > 3 and parts[:2] == ["refs", "pull"] else None
    return number if isinstance(number, int) and number > 0 else None


def _find_workflow(reference: str, repository: str) -> str | None:
    """Return the path in a reference such as `acme/flags/.github/workflows/a.yaml@refs/heads/main`, or None."""
    path, _, _ref = reference.partition("@")
    prefix = f"{repository}/"
    return path.removeprefix(prefix) if path.lower().startswith(prefix.lower()) and path != prefix else None


def _parse_gitlab_job(environment: Mapping[str, str]) -> Job:
    access_token, job_token = environment.get("GITLAB_TOKEN"), environment.get("CI_JOB_TOKEN")
    job_header = ("JOB-TOKEN", job_token) if job_token else None
    target = environment.get("CI_MERGE_REQUEST_PROJECT_ID")
    return Job(
        host="gitlab",
        api=environment["CI_API_V4_URL"].rstrip("/"),
        # A merge request from a fork can run in the fork's pipeline. Its notes are in the target project.
        repository=target or environment["CI_PROJECT_ID"],
        repository_url=_build_url(environment.get("CI_PROJECT_URL") or "", ""),
        commit=environment.get("CI_COMMIT_SHA") or None,
        run=_parse_number(environment.get("CI_PIPELINE_ID")),
        run_url=_build_url(environment.get("CI_JOB_URL") or environment.get("CI_PIPELINE_URL") or "", ""),
        pull_request=_parse_number(environment.get("CI_MERGE_REQUEST_IID")),
        token_header=("PRIVATE-TOKEN", access_token) if access_token else job_header,
    )


def _load_event(path: str | None) -> Any:
    """Return the event that started the job, None when its file cannot be read."""
    try:
        return json.loads(Path(path).read_bytes()) if path else None
    except (OSError, ValueError):
        return None


def _lookup(content: Any, *keys: str) -> Any:
    """Return the value at `keys` in nested mappings, None when it is missing."""
    for key in keys:
        content = content.get(key) if isinstance(content, dict) else None
    return content


def _parse_number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() else None


def _build_url(base: str, path: str) -> str | None:
    """Return `path` below the URL `base`, quoted for a link; None when `base` is not an http(s) URL."""
    if not base.startswith(("http://", "https://")):
        return None
    joined = f"{base.rstrip('/')}/{path}".rstrip("/")
    return quote(joined, safe="/:")
