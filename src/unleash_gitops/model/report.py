"""The report: what apply did with each change. Frozen data with one JSON form."""

from __future__ import annotations

from typing import Literal

from unleash_gitops.model.data import Data
from unleash_gitops.model.plan import ChangedObject
from unleash_gitops.model.plan_file import FORMAT_VERSION

__all__ = ["Report", "ReportSummary", "Result", "Status"]

Status = Literal["applied", "failed", "skipped", "blocked"]


class Result(ChangedObject):
    """The result of one change. `error` is a sentence for a reader, None when there is no error."""

    status: Status
    error: str | None = None


class ReportSummary(Data):
    """The numbers of changes, by status."""

    applied: int = 0
    failed: int = 0
    skipped: int = 0
    blocked: int = 0


class Report(Data):
    """The results of apply, in the order of the plan."""

    format_version: str = FORMAT_VERSION
    summary: ReportSummary
    results: tuple[Result, ...]

    @property
    def has_sent(self) -> bool:
        """Tell whether anything was sent to the server."""
        return bool(self.summary.applied or self.summary.failed)

    @property
    def complete(self) -> bool:
        """Tell whether every change was applied."""
        return self.summary.applied == len(self.results)
