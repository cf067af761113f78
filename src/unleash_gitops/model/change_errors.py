"""The exceptions that fail one change of a run, beside errors of the server.

```
ServerError
├── ClaimLost           another workspace took the object at the same time
├── LeaseLost           another apply of the workspace may run: nothing more may be sent
├── ChangedSincePlanned another user changed the object while the plan was applied
└── UnexpectedFailure   an exception that no part of the tool expects: a bug
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unleash_gitops.model.errors import REPORT_BUG, ServerError, describe_exception

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ChangedSincePlanned", "ClaimLost", "LeaseLost", "UnexpectedFailure"]


class ClaimLost(ServerError):
    """Other workspaces (`rivals`, by name) marked an object while this one did. No value was sent."""

    def __init__(self, path: str, rivals: Sequence[str]) -> None:
        by = (
            f"adopted by {' and '.join(rivals)} at the same time" if rivals else "its mark was removed at the same time"
        )
        super().__init__("GET", path, by, "plan again")
        self.rivals = rivals

    def __str__(self) -> str:
        return self.message


class ChangedSincePlanned(ServerError):
    """An object is not as planned, so that nothing of its change was sent.

    `details` says what has changed: fields, or what became of the object. `author` says who changed it and when, None
    when that is unknown.
    """

    def __init__(self, details: str, author: str | None) -> None:
        by = f", {author}" if author is not None else ""
        super().__init__("GET", "", f"changed since planned: {details}{by}", "plan again")
        self.details = details
        self.author = author

    def __str__(self) -> str:
        return self.message


class LeaseLost(ServerError):
    """The run no longer has the lease of its workspace. The request was not sent. `reason` says how it was lost."""

    def __init__(self, method: str, path: str, reason: str) -> None:
        super().__init__(method, path, reason, "plan again")

    def __str__(self) -> str:
        return self.message


class UnexpectedFailure(ServerError):
    """A change met an exception that no part of the tool expects. `__cause__` is that exception."""

    def __init__(self, cause: Exception) -> None:
        super().__init__("", "", describe_exception(cause), REPORT_BUG)
        self.__cause__ = cause

    def __str__(self) -> str:
        return self.message
