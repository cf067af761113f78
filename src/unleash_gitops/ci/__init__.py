"""The host of the pull request, GitHub or GitLab: our own comment there, and the plan that was reviewed there.

Knows comments and files, not plans. The only room besides the client that knows httpx.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unleash_gitops.ci.comments import Marker, Posted, post, supersede
from unleash_gitops.ci.github import GitHub
from unleash_gitops.ci.gitlab import GitLab
from unleash_gitops.model.errors import CodeHostError

if TYPE_CHECKING:
    from unleash_gitops.ci.job import Job

__all__ = ["GitHub", "GitLab", "Marker", "Posted", "open_code_host", "post", "reviewed_plan", "supersede"]


def open_code_host(job: Job | None) -> GitHub | GitLab:
    """Return the host of the job's pull request, a context manager. Raises CodeHostError when there is none."""
    job = _with_token(job)
    if job.pull_request is None:
        raise CodeHostError(
            "this job runs for no pull request",
            "run it on pull_request events (GitHub) or in merge request pipelines (GitLab)",
        )
    return GitHub(job) if job.host == "github" else GitLab(job)


def reviewed_plan(job: Job | None, artifact: str) -> bytes:
    """Return the plan file that was reviewed before the job's commit was merged. Raises CodeHostError."""
    job = _with_token(job)
    if job.host != "github":
        raise CodeHostError(
            "only GitHub keeps a plan from the pull request to the merge", "apply afresh: apply DIR --yes"
        )
    with GitHub(job) as github:
        return github.reviewed_plan(artifact)


def _with_token(job: Job | None) -> Job:
    if job is None:
        raise CodeHostError(
            "this is no CI job that is known here",
            "GitHub Actions and GitLab CI tell the pull request in the environment; --dry-run prints the text",
        )
    if job.token_header is None:
        name = "GITHUB_TOKEN" if job.host == "github" else "GITLAB_TOKEN"
        raise CodeHostError("no token for the comments is given", f"put one into {name}")
    return job
