"""What GitHub's and GitLab's comments have in common: one address for all, one for each, and an author."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from unleash_gitops.ci.rest_client import Web
from unleash_gitops.model.errors import CodeHostError

__all__ = ["Comment", "Host"]


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment. `author` is what the host tells of who wrote it."""

    id: int
    body: str
    url: str | None
    author: Any = None


class Host(ABC):
    """The comments of one pull request; a context manager.

    `comments_path` is where comments are created, and listed with `listing` behind it; each has its own address below
    `comment_path`, where `update_method` changes it.
    """

    no_person: ClassVar[int | None] = None
    """The status of the answer to whose the token is, where it is no person's."""

    def __init__(self, web: Web, comments_path: str, listing: str, comment_path: str, update_method: str) -> None:
        self._web = web
        self._comments = comments_path
        self._listing = listing
        self._each = comment_path
        self._update = update_method
        self._self: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._web.__exit__(*error)

    def comments(self) -> Iterator[Comment]:
        """Yield all comments, the oldest first. Raises CodeHostError."""
        return (self._read(entry) for entry in self._web.pages(f"{self._comments}?{self._listing}"))

    def create(self, body: str) -> Comment:
        """Write a new comment. Raises CodeHostError."""
        return self._read(self._web.request("POST", self._comments, {"body": body}).content)

    def update(self, comment: Comment, body: str) -> Comment:
        """Give a comment a new text. Raises CodeHostError, with status 404 when it is gone."""
        return self._read(self._web.request(self._update, f"{self._each}/{comment.id}", {"body": body}).content)

    def is_own(self, comment: Comment) -> bool:
        """Tell whether it may be ours: False only when it is known that somebody else wrote it."""
        author = comment.author if isinstance(comment.author, dict) else {}
        if not self._may_be_another(author):
            return True
        if self._self is None:
            self._self = self._asked()
        return self._self.get("id") in {None, author.get("id")}

    @abstractmethod
    def _read(self, entry: Any) -> Comment:
        """Return a comment as the API gives it."""

    @abstractmethod
    def _may_be_another(self, author: dict[str, Any]) -> bool:
        """Tell whether it has to be asked whose the token is."""

    def _asked(self) -> dict[str, Any]:
        try:
            return self._web.request("GET", "/user").content or {}
        except CodeHostError as error:
            if error.again:
                raise
            return {"id": -1} if error.status == self.no_person else {}
