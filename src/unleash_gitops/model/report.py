"""What became of a plan's changes: frozen data with one JSON form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Literal, Self, get_args

from unleash_gitops.model.data import Data
from unleash_gitops.model.plan import Changed, ChangedObject
from unleash_gitops.model.plan_file import FORMAT_VERSION

__all__ = ["ConcurrentChange", "Report", "ReportSummary", "Result", "Status"]

Status = Literal["applied", "failed", "skipped", "blocked"]


class Result(ChangedObject):
    """The result of one change. `error` is a sentence for a reader, None when there is no error.

    `sent` is how many of the change's requests the server accepted. `attempted` tells whether any was sent at all: the
    server may have stored one that it answered with an error, or whose answer was lost.
    """

    status: Status
    error: str | None = None
    sent: int = 0
    attempted: bool = False


class ConcurrentChange(Data):
    """A change by another user of an object that this run changed, while it ran: since the object was last checked.

    `overwritten` tells that this run wrote after it, so that it is lost; otherwise it stands.
    """

    address: str
    changed: Changed
    overwritten: bool


class ReportSummary(Data):
    """The numbers of changes, by status."""

    applied: int = 0
    failed: int = 0
    skipped: int = 0
    blocked: int = 0


class Report(Data):
    """The results of apply, in the order of the plan.

    `concurrent` are changes by other users during the run. `unverified` says why it is not known whether the server
    holds what it accepted, None when that was looked at. `audit_error` says why changes by other users could not be
    looked for, None when they could.
    """

    format_version: str = FORMAT_VERSION
    summary: ReportSummary
    results: tuple[Result, ...]
    concurrent: tuple[ConcurrentChange, ...] = ()
    unverified: str | None = None
    audit_error: str | None = None

    @classmethod
    def of(cls, results: Iterable[Result], **more: Any) -> Self:
        """Return the report of `results`, with their numbers."""
        results = tuple(results)
        count = Counter(result.status for result in results)
        numbers = {status: count[status] for status in get_args(Status)}
        return cls(summary=ReportSummary(**numbers), results=results, **more)

    @property
    def has_attempted(self) -> bool:
        """Tell whether any request that changes something was sent, with any answer or none."""
        return any(result.attempted for result in self.results)

    @property
    def complete(self) -> bool:
        """Tell whether every change was applied and is held, and no change by another user was lost."""
        is_lossless = not any(entry.overwritten for entry in self.concurrent)
        return self.summary.applied == len(self.results) and is_lossless and self.unverified is None
