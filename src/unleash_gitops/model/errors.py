"""The exceptions that stop a run.

```
GitopsError
├── UsageError              the command line or the environment is wrong
├── InvalidFiles            the user's files are wrong; has the diagnostics
├── PlanFileError           a saved plan cannot be used
├── StalePlan               the server has changed since the plan was made
├── UnexpectedChanges       the files or the server ask for changes that no reviewed plan has
├── TooManyDeletes          the plan deletes more objects than the limits allow
├── DriftRefused            the plan would overwrite other users' changes, and the policy is `fail`
├── KindNotReadable         the token may not read a kind that the workspace manages
├── AuditLogUnavailable     the audit log cannot be read, so the origin of changes is unknown
├── UnexpectedError         an exception that no part of the tool expects: a bug
├── LeaseHeld               another run has the lease of the workspace
├── SandboxError            the local server could not be started, stopped or reset
├── OutputLost              standard output is closed, full, or its reader has gone away
├── CodeHostError           GitHub or GitLab could not be read or written
└── ServerError             a request to the server failed
    ├── Unreachable         no answer
    ├── NotUnleash          the answer is not from Unleash's Admin API
    │   └── UnexpectedAnswer    the answer has a form that this version does not know
    ├── TooOld              the server is older than the tool supports
    ├── Maintenance         the server is in maintenance mode
    └── ApiError            an error answer, with its status and message
        └── MissingRoute    this server has no such route (edition or version)
```

`model.change_errors` has those that fail one change of a run. Facts are attributes; `__str__` builds the sentence.
`hints` say what to do. No error may ever hold a token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

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
    "KindNotReadable",
    "LeaseHeld",
    "Maintenance",
    "MissingRoute",
    "NotUnleash",
    "ObjectsError",
    "OutputLost",
    "PlanFileError",
    "SandboxError",
    "ServerError",
    "StalePlan",
    "TooManyDeletes",
    "TooOld",
    "UnexpectedAnswer",
    "UnexpectedChanges",
    "UnexpectedError",
    "Unreachable",
    "UsageError",
]


REPORT_BUG = "this is a bug in unleash-gitops; please report it with the output of -v"


def describe_exception(error: Exception) -> str:
    """Return the type of an exception and what it says, on one line."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


class GitopsError(Exception):
    """An error that ends a run with exit code 1. `message` says what is wrong.

    `hints` are the ways out, one sentence each. `hint` is one of them, or several.
    """

    def __init__(self, message: str, hint: str | tuple[str, ...] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hints = (hint,) if isinstance(hint, str) else hint or ()

    @property
    def hint(self) -> str | None:
        """All hints in one line, None without any."""
        return "; ".join(self.hints) or None

    def __str__(self) -> str:
        return self.message


class UsageError(GitopsError):
    """The command line or the environment is wrong."""


class InvalidFiles(GitopsError):
    """The files are wrong; `diagnostics` has every problem in them."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        count = len(diagnostics)
        super().__init__(f"{count} problem{'' if count == 1 else 's'} in the files")
        self.diagnostics = tuple(diagnostics)


class PlanFileError(GitopsError):
    """A saved plan is empty, cut short, edited, of an unknown format, or made for another instance."""


class ObjectsError(GitopsError):
    """An error about several objects.

    `summary` describes all of them. `details` has the address of each, and a sentence about it.
    """

    max_named: ClassVar[int | None] = None
    """How many objects `message` names; None names all."""

    def __init__(self, summary: str, details: Sequence[tuple[str, str]], hint: str | tuple[str, ...]) -> None:
        self.summary = summary
        self.details = tuple(details)
        named = self.details[: self.max_named]
        shown = "; ".join(f"{address}: {detail}" for address, detail in named)
        more = f"; and {len(self.details) - len(named)} more" if len(named) < len(self.details) else ""
        super().__init__(f"{summary}: {shown}{more}", hint)


class StalePlan(ObjectsError):
    """Objects in the plan have changed on the server since it was made. `details` says how each has changed."""

    max_named = 5

    def __init__(self, details: Sequence[tuple[str, str]]) -> None:
        super().__init__(
            "the server has changed since this plan was made; nothing was applied",
            details,
            "make a new plan and review it again",
        )


class UnexpectedChanges(ObjectsError):
    """A fresh plan has changes that no expected plan has. `details` says which."""

    max_named = 10

    def __init__(self, details: Sequence[tuple[str, str]]) -> None:
        super().__init__(
            "the plan has changes that were not reviewed; nothing was applied",
            details,
            "open a pull request, or run its job again, and review the new plan",
        )


class TooManyDeletes(GitopsError):
    """The plan deletes more than the workspace's limits allow. `excess` says how, and `deletes` is the number."""

    def __init__(self, deletes: int, excess: str) -> None:
        self.deletes = deletes
        self.excess = excess
        super().__init__(
            f"{excess}; nothing was applied",
            (
                f"to allow them in this run, use --max-deletes {deletes}",
                "to allow them in a pull request, list them in spec.allowDeletes in unleash-gitops.yaml",
            ),
        )


class DriftRefused(ObjectsError):
    """The plan would overwrite other users' changes, and the policy is `fail`. `details` says who made each."""

    def __init__(self, details: Sequence[tuple[str, str]]) -> None:
        super().__init__(
            "the plan would overwrite changes made on the server, which drift: fail forbids; nothing was applied",
            details,
            (
                "to take the changes into the files, run: unleash-gitops accept",
                "to overwrite them, use --on-drift overwrite",
                "to leave them on the server, use --on-drift keep",
                "if the files already contain them, set metadata.accepted to the number of the event",
            ),
        )


class KindNotReadable(GitopsError):
    """The token may not read a kind that the workspace manages. Without a read, nothing is known to be absent."""

    def __init__(self, kind: str, reason: str, cause: str) -> None:
        self.kind = kind
        self.reason = reason
        super().__init__(
            f"the token may not read {kind} objects, and {cause}: {reason}",
            (
                "use a token of an administrator",
                f"to plan everything else, set spec.notRead: [{kind}] in unleash-gitops.yaml",
            ),
        )


class AuditLogUnavailable(GitopsError):
    """The files and the server differ, and the audit log cannot be read. `reason` says why."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"the files and the server differ, but the audit log cannot be read to tell who changed what: {reason}",
            (
                "give the token the permission to read the event log",
                "to see the differences without their origin, run: unleash-gitops plan",
            ),
        )


class UnexpectedError(GitopsError):
    """A step met an exception that no part of the tool expects. `__cause__` is that exception."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(f"internal error: {describe_exception(cause)}", REPORT_BUG)
        self.__cause__ = cause


class LeaseHeld(GitopsError):
    """Another run has the lease. `state` says who and until when; `waited` is in seconds."""

    def __init__(self, workspace: str, state: str, waited: float) -> None:
        self.workspace, self.state, self.waited = workspace, state, waited
        super().__init__(
            f"workspace {workspace} is {state}; nothing was applied after a wait of {waited:.0f} s",
            (
                "to wait longer for the other run, use --lock-timeout SECONDS",
                "to end the lease of a run that no longer exists, run: unleash-gitops unlock",
            ),
        )


class SandboxError(GitopsError):
    """The local server could not be started, stopped or reset."""


class OutputLost(GitopsError):
    """Standard output is closed, on a full disk, or a pipe whose reader has ended (`is_broken_pipe`)."""

    def __init__(self, reason: str, *, is_broken_pipe: bool = False) -> None:
        self.is_broken_pipe = is_broken_pipe
        super().__init__(f"cannot write to standard output: {reason}")


class CodeHostError(GitopsError):
    """GitHub or GitLab could not be read or written.

    `status` is the HTTP status, None without an answer. `retryable` tells whether another attempt can succeed,
    `retry_after` after how many seconds, None when the host does not name a time.
    """

    def __init__(
        self,
        message: str,
        hint: str | tuple[str, ...] | None = None,
        *,
        status: int | None = None,
        retryable: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, hint)
        self.status = status
        self.retryable = retryable
        self.retry_after = retry_after


class ServerError(GitopsError):
    """A request to the server failed. `method` and `path` name it."""

    def __init__(self, method: str, path: str, message: str, hint: str | tuple[str, ...] | None = None) -> None:
        super().__init__(message, hint)
        self.method = method
        self.path = path

    def __str__(self) -> str:
        return f"{self.method} {self.path}: {self.message}"


class Unreachable(ServerError):
    """No answer: connection refused or lost, a timeout, an unknown host name, or an untrusted certificate.

    `sent` tells whether the request may have reached the server. Its effect is then unknown.
    """

    def __init__(
        self, method: str, path: str, message: str, hint: str | tuple[str, ...] | None = None, *, sent: bool = True
    ) -> None:
        super().__init__(method, path, message, hint)
        self.sent = sent
        self.lasting = False
        """Set when all retries have failed: other requests would fail too."""


class NotUnleash(ServerError):
    """The address answers, but not with Unleash's Admin API."""


class UnexpectedAnswer(NotUnleash):
    """The answer has a form that this version does not know. `__cause__` is the mismatch."""


class TooOld(ServerError):
    """The server's version is older than the tool supports."""


class Maintenance(ServerError):
    """The server is in maintenance mode and refuses writes."""


class ApiError(ServerError):
    """An error answer: the HTTP `status`, Unleash's error `name` or None, and Unleash's own `message`."""

    def __init__(
        self,
        method: str,
        path: str,
        status: int,
        name: str | None,
        message: str,
        hint: str | tuple[str, ...] | None = None,
    ) -> None:
        super().__init__(method, path, message, hint)
        self.status = status
        self.name = name

    def __str__(self) -> str:
        name = f" {self.name}" if self.name else ""
        return f"{self.method} {self.path}: {self.status}{name}: {self.message}"


class MissingRoute(ApiError):
    """Status 404 because the server has no such route, not because an object does not exist."""
