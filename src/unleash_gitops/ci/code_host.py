"""The comments of a pull request, as GitHub's and GitLab's APIs have them in common.

Both have one path for the list of comments and one path for each comment, and name the author of each.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict

from unleash_gitops.ci.rest_client import RestClient
from unleash_gitops.model.errors import CodeHostError

__all__ = ["ApiObject", "CodeHost", "Comment"]


class ApiObject(BaseModel):
    """An object in an answer of the API. Other types than the fields' are errors, other fields are ignored."""

    model_config = ConfigDict(strict=True, frozen=True)


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

    comment_form: type[_Form]

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
        entries = self._client.list_all(self.comment_form, f"{self._comments_path}?{self._list_query}")
        return (self._to_comment(entry) for entry in entries)

    def create(self, body: str) -> Comment:
        """Write a new comment. Raises CodeHostError."""
        return self._to_comment(self._client.read(self.comment_form, "POST", self._comments_path, {"body": body}))

    def update(self, comment: Comment, body: str) -> Comment:
        """Replace the text of a comment. Raises CodeHostError, with status 404 when the comment no longer exists."""
        path = f"{self._comment_path}/{comment.id}"
        return self._to_comment(self._client.read(self.comment_form, self._update_method, path, {"body": body}))

    def is_own(self, comment: Comment) -> bool:
        """Tell whether the token's own user or app wrote `comment`. Raises CodeHostError."""
        return self._is_own_author(comment.author if isinstance(comment.author, dict) else {})

    @abstractmethod
    def _to_comment(self, entry: _Form) -> Comment:
        """Return the comment that an entry of the API describes."""

    @abstractmethod
    def _is_own_author(self, author: dict[str, Any]) -> bool:
        """Tell whether `author` is the token's own user or app; False when that is unknown."""

    def _is_own_user(self, author: dict[str, Any]) -> bool:
        return author.get("id") is not None and author["id"] == self._read_own_user().get("id")

    def _read_own_user(self) -> dict[str, Any]:
        """Return the token's user, {} when it has none. Raises CodeHostError when that cannot be read now."""
        if self._own_user is None:
            try:
                content = self._client.request("GET", "/user").content
            except CodeHostError as error:
                if error.retryable:
                    raise
                content = None
            self._own_user = content if isinstance(content, dict) else {}
        return self._own_user
