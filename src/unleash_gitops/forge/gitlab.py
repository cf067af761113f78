"""GitLab: the notes of a merge request. Source: GitLab's documentation of the notes API and of its pagination."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from unleash_gitops.errors import ForgeError
from unleash_gitops.forge.comments import Comment
from unleash_gitops.forge.web import Web

if TYPE_CHECKING:
    from unleash_gitops.ci import Job

__all__ = ["GitLab"]

_TOKEN = "write notes with a project access token with the scope api, in the masked variable GITLAB_TOKEN"  # noqa: S105 - words
_HINTS = {401: _TOKEN, 403: _TOKEN, 404: f"the token may not see this merge request: {_TOKEN}"}


class GitLab:
    """The notes of the job's merge request. See `Forge`."""

    def __init__(self, job: Job) -> None:
        name, token = job.token_header or ("PRIVATE-TOKEN", "")
        self._web = Web("GitLab", job.api, {name: token}, _HINTS)
        self._notes = f"/projects/{quote(job.repository, safe='')}/merge_requests/{job.pull_request}/notes"
        self._page = f"{job.repository_url}/-/merge_requests/{job.pull_request}" if job.repository_url else None
        self._self: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._web.__exit__(*error)

    def comments(self) -> Iterator[Comment]:
        """See `Forge.comments`."""
        for note in self._web.pages(f"{self._notes}?per_page=100&sort=asc&order_by=created_at"):
            if not note.get("system"):
                yield self._comment(note)

    def create(self, body: str) -> Comment:
        """See `Forge.create`."""
        return self._comment(self._web.request("POST", self._notes, {"body": body}).content)

    def update(self, comment: Comment, body: str) -> Comment:
        """See `Forge.update`."""
        return self._comment(self._web.request("PUT", f"{self._notes}/{comment.id}", {"body": body}).content)

    def is_own(self, comment: Comment) -> bool:
        """See `Forge.is_own`."""
        author = comment.author.get("id") if isinstance(comment.author, dict) else None
        if author is None:
            return True
        if self._self is None:
            try:
                self._self = self._web.request("GET", "/user").content or {}
            except ForgeError as error:
                if error.again:
                    raise
                self._self = {}  # a token that may not ask
        return self._self.get("id") in {None, author}

    def _comment(self, note: Any) -> Comment:
        url = f"{self._page}#note_{note['id']}" if self._page else None
        return Comment(note["id"], note.get("body") or "", url, note.get("author"))
