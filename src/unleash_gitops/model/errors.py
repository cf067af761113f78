"""The exceptions that stop a run.

```
GitopsError
├── UsageError          the command line or the environment is wrong
├── InvalidFiles        the user's files are wrong (carries the diagnostics)
├── PlanFileError       a saved plan cannot be used
├── StalePlan           the server moved on since the plan was made
├── TooManyDeletes      a plan deletes more than the limit allows
├── Drifted             what somebody else changed would be written over, and the policy is to fail
├── Untold              whether somebody else changed anything cannot be known
├── SandboxError        the local server could not be started or stopped
├── CodeHostError          GitHub or GitLab could not be read or written
└── ServerError         anything about talking to the server
    ├── Unreachable     no answer
    ├── NotUnleash      an answer, but not Unleash's
    │   └── UnexpectedAnswer    an answer of a form that this version does not know
    ├── TooOld          an Unleash older than this tool can talk to
    ├── Maintenance     the server refuses writes for now
    └── ApiError        an error answer, with status and the server's own words
        └── MissingRoute    this server has no such route (edition or version)
```

Facts are attributes; the sentence is built in `__str__`. `hint` says what to do. Nothing here may ever hold a token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unleash_gitops.model.diagnostics import Diagnostic

__all__ = [
    "ApiError",
    "AuditLogUnavailable",
    "CodeHostError",
    "DriftRefused",
    "GitopsError",
    "InvalidFiles",
    "Maintenance",
    "MissingRoute",
    "NotUnleash",
    "PlanFileError",
    "SandboxError",
    "ServerError",
    "StalePlan",
    "TooManyDeletes",
    "TooOld",
    "UnexpectedAnswer",
    "Unreachable",
    "UsageError",
]


class GitopsError(Exception):
    """Whatever ends a run with exit code 1. `message` says what is wrong, `hint` the way out."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message


class UsageError(GitopsError):
    """The command line or the environment is wrong."""


class InvalidFiles(GitopsError):
    """The files are wrong; `diagnostics` says where, all of them at once."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        count = len(diagnostics)
        super().__init__(f"{count} problem{'' if count == 1 else 's'} in the files")
        self.diagnostics = tuple(diagnostics)


class PlanFileError(GitopsError):
    """A saved plan that is empty, cut short, edited, of a newer format, or made for another instance."""


class StalePlan(GitopsError):
    """What the plan touches is no longer as it was planned; `addresses` names what moved, each with how."""

    def __init__(self, moved: Sequence[tuple[str, str]]) -> None:
        self.moved = tuple(moved)
        count = len(moved)
        what = "; ".join(f"{address}: {how}" for address, how in self.moved[:5])
        more = f"; and {count - 5} more" if count > 5 else ""
        super().__init__(
            f"the server has changed since this plan was made, nothing was applied: {what}{more}",
            "make a new plan and review it again",
        )


class TooManyDeletes(GitopsError):
    """A plan deletes more than `limit`."""

    def __init__(self, deletes: int, limit: int) -> None:
        self.deletes = deletes
        self.limit = limit
        super().__init__(
            f"the plan deletes {deletes} objects, more than the limit of {limit}; nothing was applied",
            f"if that is meant, say so with --max-deletes {deletes} (or spec.maxDeletes in unleash-gitops.yaml)",
        )


class DriftRefused(GitopsError):
    """What somebody else changed on the server would be written over; `found` names it: address, and who and when."""

    def __init__(self, found: Sequence[tuple[str, str]]) -> None:
        self.found = tuple(found)
        what = "; ".join(f"{address}: {how}" for address, how in self.found)
        super().__init__(
            f"somebody else changed on the server what the files would undo, and nothing is applied: {what}",
            "take it into the files with: unleash-gitops accept; or write over it with --on-drift overwrite, "
            "or leave it as it is with --on-drift keep; where the files have taken it over since, "
            "metadata.accepted with the event's number says so",
        )


class AuditLogUnavailable(GitopsError):
    """Files and server differ, and the audit log, which knows whose doing that is, cannot be read: `why`."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(
            f"files and server differ, and who changed what cannot be known: {why}",
            "give the token leave to read the event log; what differs is shown by: unleash-gitops plan",
        )


class SandboxError(GitopsError):
    """The local server could not be started, stopped or reset."""


class CodeHostError(GitopsError):
    """GitHub or GitLab could not be read or written.

    `status` is the HTTP status, None where there was no answer. `again` tells whether another try may help, `wait` the
    seconds until then, None where the host does not say.
    """

    def __init__(
        self,
        message: str,
        hint: str | None = None,
        *,
        status: int | None = None,
        again: bool = False,
        wait: float | None = None,
    ) -> None:
        super().__init__(message, hint)
        self.status = status
        self.again = again
        self.wait = wait


class ServerError(GitopsError):
    """Talking to the server failed. `method` and `path` name the request."""

    def __init__(self, method: str, path: str, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.method = method
        self.path = path

    def __str__(self) -> str:
        return f"{self.method} {self.path}: {self.message}"


class Unreachable(ServerError):
    """No answer: refused, timed out, cut off, a name that does not resolve, a certificate not trusted.

    `sent` tells whether the request may have reached the server, so that its effect is unknown.
    """

    def __init__(self, method: str, path: str, message: str, hint: str | None = None, *, sent: bool = True) -> None:
        super().__init__(method, path, message, hint)
        self.sent = sent
        self.lasting = False
        """Set when it was tried for as long as it is sensible: other requests will fare no better."""


class NotUnleash(ServerError):
    """The address answers, but not as Unleash's Admin API does."""


class UnexpectedAnswer(NotUnleash):
    """An answer is not of a form that this version knows. Its cause is the mismatch."""


class TooOld(ServerError):
    """The server's version is older than this tool can talk to."""


class Maintenance(ServerError):
    """The server is in maintenance mode and refuses writes."""


class ApiError(ServerError):
    """An error answer: the HTTP `status`, Unleash's error `name` or None, and its own words as `message`."""

    def __init__(
        self, method: str, path: str, status: int, name: str | None, message: str, hint: str | None = None
    ) -> None:
        super().__init__(method, path, message, hint)
        self.status = status
        self.name = name

    def __str__(self) -> str:
        name = f" {self.name}" if self.name else ""
        return f"{self.method} {self.path}: {self.status}{name}: {self.message}"


class MissingRoute(ApiError):
    """404 because this server has no such route at all, not because an object is missing."""
