"""The pull request's side: the comments on a pull request, and the plan that was reviewed there.

Knows comments and files, not plans. Only this room and the client know httpx.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unleash_gitops.ci.comments import CommentResult, Marker, post, supersede
from unleash_gitops.ci.github import APPLY_HINT, GitHub
from unleash_gitops.ci.gitlab import GitLab
from unleash_gitops.model.errors import CodeHostError

if TYPE_CHECKING:
    from unleash_gitops.ci.job import Job

__all__ = ["CommentResult", "GitHub", "GitLab", "Marker", "open_code_host", "post", "read_reviewed_plan", "supersede"]


def open_code_host(job: Job | None) -> GitHub | GitLab:
    """Return a context manager for the comments of the job's pull request.

    Raises CodeHostError without a job, a token or a pull request.
    """
    job = _require_token(job, "to print the text instead of writing it, use --dry-run")
    if job.pull_request is None:
        raise CodeHostError(
            "this job does not belong to a pull request",
            (
                "run it on pull_request events (GitHub) or in merge request pipelines (GitLab)",
                "to name the pull request, use --pull-request N",
            ),
        )
    return GitHub(job) if job.host == "github" else GitLab(job)


def read_reviewed_plan(job: Job | None, artifact: str, workflow: str | None = None) -> bytes:
    """Return the plan file that was reviewed before the job's commit was merged.

    `artifact` is the name under which the pull request's job saved it. `workflow` is the path of the workflow with that
    job, None for the workflow of `job`. Raises CodeHostError.
    """
    job = _require_token(job, APPLY_HINT)
    if job.host != "github":
        raise CodeHostError("a reviewed plan can be fetched from GitHub only", APPLY_HINT)
    with GitHub(job) as github:
        return github.read_reviewed_plan(artifact, workflow)


def _require_token(job: Job | None, alternative: str) -> Job:
    """Return the job if it has a token. `alternative` is the way out for a process that is not a CI job."""
    if job is None:
        raise CodeHostError(
            "not running in a supported CI system (GitHub Actions, GitLab CI)",
            ("run the command in a job of GitHub Actions or GitLab CI", alternative),
        )
    if job.token_header is None:
        host, variable = ("GitHub", "GITHUB_TOKEN") if job.host == "github" else ("GitLab", "GITLAB_TOKEN")
        raise CodeHostError(f"no token for {host} is set", f"set {variable}")
    return job
