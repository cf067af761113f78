"""The comments of a pull request, as GitHub's and GitLab's APIs have them in common.

Both have one path for the list of comments and one path for each comment, and name the author of each.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict

from unleash_gitops.ci.rest_client import RestClient
from unleash_gitops.model.errors import CodeHostError

__all__ = ["ApiObject", "CodeHost", "Comment"]


class ApiObject(BaseModel):
    """An object in an answer of the API. Other types than the fields' are errors, other fields are ignored."""

    model_config = ConfigDict(strict=True)


_Form = TypeVar("_Form", bound=ApiObject)


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment. `author` is the user object of the API's answer."""

    id: int
    body: str
    url: str | None
    author: Any = None


class CodeHost(ABC, Generic[_Form]):
    """The comments of one pull request; a context manager. `_Form` is the form of a comment in the API.

    `comments_path` creates a comment, and lists all of them with `list_query`. `update_method` on a path below
    `comment_path` changes one comment.
    """

    entry_model: type[_Form]
    not_a_user_status: ClassVar[int | None] = None
    """The status of `GET /user` for a token that belongs to a job and not to a user."""

    def __init__(
        self, client: RestClient, comments_path: str, list_query: str, comment_path: str, update_method: str
    ) -> None:
        self._client = client
        self._comments_path = comments_path
        self._list_query = list_query
        self._comment_path = comment_path
        self._update_method = update_method
        self._own_user: dict[str, Any] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._client.__exit__(*error)

    def comments(self) -> Iterator[Comment]:
        """Yield all comments, the oldest first. Raises CodeHostError."""
        entries = self._client.list_all(self.entry_model, f"{self._comments_path}?{self._list_query}")
        return (self._to_comment(entry) for entry in entries)

    def create(self, body: str) -> Comment:
        """Write a new comment. Raises CodeHostError."""
        return self._to_comment(self._client.read(self.entry_model, "POST", self._comments_path, {"body": body}))

    def update(self, comment: Comment, body: str) -> Comment:
        """Replace the text of a comment. Raises CodeHostError, with status 404 when the comment no longer exists."""
        path = f"{self._comment_path}/{comment.id}"
        return self._to_comment(self._client.read(self.entry_model, self._update_method, path, {"body": body}))

    def is_own(self, comment: Comment) -> bool:
        """Tell whether the token's user may have written `comment`: False only for a comment of another user.

        Raises CodeHostError.
        """
        author = comment.author if isinstance(comment.author, dict) else {}
        if not self._can_be_another_user(author):
            return True
        if self._own_user is None:
            self._own_user = self._read_own_user()
        return self._own_user.get("id") in (None, author.get("id"))

    @abstractmethod
    def _to_comment(self, entry: _Form) -> Comment:
        """Return the comment that an entry of the API describes."""

    @abstractmethod
    def _can_be_another_user(self, author: dict[str, Any]) -> bool:
        """Tell whether `author` has to be compared with the token's user."""

    def _read_own_user(self) -> dict[str, Any]:
        """Return the token's user, {} when it is unknown, and an id that no user has for a job's own token."""
        try:
            user = self._client.request("GET", "/user").content
            return user if isinstance(user, dict) else {}
        except CodeHostError as error:
            if error.retryable:
                raise
            return {"id": -1} if error.status == self.not_a_user_status else {}
