"""GitLab: the notes of a merge request. Source: GitLab's documentation of the notes API and of its pagination."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from unleash_gitops.ci.code_host import ApiObject, CodeHost, Comment
from unleash_gitops.ci.rest_client import RestClient

if TYPE_CHECKING:
    from unleash_gitops.ci.job import Job

__all__ = ["GitLab"]

_TOKEN_HINT = "set the masked variable GITLAB_TOKEN to a project access token with the scope api"  # noqa: S105 - text


class _Note(ApiObject):
    """A note as GitLab's API has it."""

    id: int
    body: str | None = None
    author: Any = None


class GitLab(CodeHost[_Note]):
    """The notes of the job's merge request."""

    comment_form = _Note

    def __init__(self, job: Job) -> None:
        name, token = job.token_header or ("PRIVATE-TOKEN", "")
        notes = f"/projects/{quote(job.repository, safe='')}/merge_requests/{job.pull_request}/notes"
        client = RestClient("GitLab", job.api, {name: token}, _find_hint)
        super().__init__(client, notes, "per_page=100&sort=asc&order_by=created_at", notes, "PUT")
        self._page = f"{job.repository_url}/-/merge_requests/{job.pull_request}" if job.repository_url else None

    def _to_comment(self, entry: _Note) -> Comment:
        url = f"{self._page}#note_{entry.id}" if self._page else None
        return Comment(entry.id, entry.body or "", url, entry.author)

    def _is_own_author(self, author: dict[str, Any]) -> bool:
        return self._is_own_user(author)


def _find_hint(_path: str, status: int, message: str) -> str | None:
    """Return what to do about a failure. GitLab's message tells more than the status."""
    reason = message.lower()
    if "locked" in reason:
        return "unlock the discussion of the merge request, and run the job again"
    if status == 401 and ("expired" in reason or "revoked" in reason):
        return f"create a new token: {_TOKEN_HINT}"
    if status == 403 and "privileges" not in reason and "scope" not in reason:
        return f"{_TOKEN_HINT} and at least the role Reporter"
    if status == 404:
        return f"if the merge request exists, {_TOKEN_HINT}"
    return _TOKEN_HINT if status in {401, 403} else None
