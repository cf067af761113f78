"""What a CI job tells of itself in its environment: GitHub Actions and whatever speaks its language, and GitLab CI.

Reads variables and the event file, nothing else: no requests, no decisions. Sources: GitHub's and GitLab's lists of
predefined variables.
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
    """A CI job.

    `api` is the base of the host's API; `repository` is `owner/name` on GitHub, the project's id on GitLab; `run` grows
    from run to run; `pull_request` is None for a job that runs for none; `token_header` lets requests write there;
    `summary` is the file that a page about the job is made of. Whatever the environment does not tell is None.
    """

    host: Literal["github", "gitlab"]
    api: str
    repository: str
    repository_url: str | None = None
    commit: str | None = None
    run: int | None = None
    run_url: str | None = None
    pull_request: int | None = None
    token_header: tuple[str, str] | None = field(default=None, repr=False)
    summary: Path | None = None

    def source_url(self, path: str, line: int) -> str | None:
        """Return the address of a line of a file, whose `path` begins at the repository's top; None if not known."""
        if self.repository_url is None or self.commit is None or {"", ".", ".."} & set(path.split("/")):
            return None
        blob = "blob" if self.host == "github" else "-/blob"
        return f"{self.repository_url}/{blob}/{quote(self.commit, safe='')}/{quote(path)}#L{line}"

    @property
    def commit_url(self) -> str | None:
        """The address of the commit that the job runs for, None if not known."""
        if self.repository_url is None or self.commit is None:
            return None
        page = "commit" if self.host == "github" else "-/commit"
        return f"{self.repository_url}/{page}/{quote(self.commit, safe='')}"


def detect_job(environment: Mapping[str, str]) -> Job | None:
    """Return the CI job that `environment` describes, None when it describes none that is known here."""
    if environment.get("GITHUB_REPOSITORY"):
        return _github(environment)
    if environment.get("CI_PROJECT_ID") and environment.get("CI_API_V4_URL"):
        return _gitlab(environment)
    return None


def _github(environment: Mapping[str, str]) -> Job:
    repository = environment["GITHUB_REPOSITORY"]
    url = _address(environment.get("GITHUB_SERVER_URL") or "https://github.com", repository)
    event = _event(environment.get("GITHUB_EVENT_PATH"))
    run = _number(environment.get("GITHUB_RUN_ID"))
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
        pull_request=_github_number(event, environment.get("GITHUB_REF", "")),
        token_header=("Authorization", f"Bearer {token}") if token else None,
        summary=Path(summary) if summary else None,
    )


def _github_number(event: Any, ref: str) -> int | None:
    """Return the pull request's number, as the events of pull requests, of comments on them and of merges have it."""
    number = _at(event, "pull_request", "number")
    if number is None and _at(event, "issue", "pull_request") is not None:
        number = _at(event, "issue", "number")
    if number is None:
        parts = ref.split("/")
        number = _number(parts[2]) if len(parts) > 3 and parts[:2] == ["refs", "pull"] else None
    return number if isinstance(number, int) and number > 0 else None


def _gitlab(environment: Mapping[str, str]) -> Job:
    personal, own = environment.get("GITLAB_TOKEN"), environment.get("CI_JOB_TOKEN")
    header = ("PRIVATE-TOKEN", personal) if personal else ("JOB-TOKEN", own) if own else None
    target = environment.get("CI_MERGE_REQUEST_PROJECT_ID")
    return Job(
        host="gitlab",
        api=environment["CI_API_V4_URL"].rstrip("/"),
        # A merge request from a fork may run in the fork's pipeline: its notes are in the project it wants to get into.
        repository=target or environment["CI_PROJECT_ID"],
        repository_url=_address(environment.get("CI_PROJECT_URL") or "", ""),
        commit=environment.get("CI_COMMIT_SHA") or None,
        run=_number(environment.get("CI_PIPELINE_ID")),
        run_url=_address(environment.get("CI_JOB_URL") or environment.get("CI_PIPELINE_URL") or "", ""),
        pull_request=_number(environment.get("CI_MERGE_REQUEST_IID")),
        token_header=header,
    )


def _event(path: str | None) -> Any:
    """Return what started the job, as far as the file about it can be read."""
    try:
        return json.loads(Path(path).read_bytes()) if path else None
    except (OSError, ValueError):
        return None


def _at(content: Any, *keys: str) -> Any:
    for key in keys:
        content = content.get(key) if isinstance(content, dict) else None
    return content


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() else None


def _address(base: str, path: str) -> str | None:
    """Return an address that can stand in a link, None when `base` is none."""
    if not base.startswith(("http://", "https://")):
        return None
    joined = f"{base.rstrip('/')}/{path}".rstrip("/")
    return quote(joined, safe="/:")
