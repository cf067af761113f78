"""The plans and reports of several workspaces: frozen data with one JSON form.

A plan set has a sealed plan for each workspace, or the error of a workspace that could not be planned.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from unleash_gitops.model.data import Data
from unleash_gitops.model.errors import PlanFileError
from unleash_gitops.model.plan import Change, Plan, Summary, to_plan
from unleash_gitops.model.plan_file import FORMAT_VERSION, parse_json, seal, unseal, validate_content
from unleash_gitops.model.report import Report, ReportSummary

__all__ = ["Applied", "PlanSet", "Planned", "ReportSet", "parse_plans"]


class Planned(Data):
    """The plan of one workspace, or the error that prevented it.

    `root` is the place of the workspace in its repository, as in a plan. `url` is its instance, None when not known.
    """

    workspace: str
    root: str | None
    url: str | None
    plan: Plan | None
    error: str | None

    @classmethod
    def of(cls, plan: Plan) -> Planned:
        """Return the entry for a plan."""
        return cls(workspace=plan.workspace, root=plan.root, url=plan.instance.url, plan=plan, error=None)


class PlanSet(Data):
    """The plans of several workspaces, in the order of the command line. `created_at` is UTC, ISO 8601."""

    format_version: Literal["2"] = "2"
    tool_version: str
    created_at: str
    workspaces: tuple[Planned, ...]

    @property
    def plans(self) -> tuple[Plan, ...]:
        """The plans of the workspaces without an error."""
        return tuple(planned.plan for planned in self.workspaces if planned.plan is not None)

    @property
    def summary(self) -> Summary:
        """The sum of the summaries of all plans."""
        return Summary(**_sum(plan.summary for plan in self.plans))

    @property
    def drift(self) -> PlanSet:
        """The parts of the plans that overwrite other users' changes. They are for reading."""
        planned = (
            planned.model_copy(update={"plan": None if planned.plan is None else planned.plan.drift})
            for planned in self.workspaces
        )
        return self.model_copy(update={"workspaces": tuple(planned)})

    @property
    def absent_owners(self) -> Mapping[str, int]:
        """The number of objects of each workspace that has marks on an instance of the run, and is not in the run."""
        present = {planned.workspace for planned in self.workspaces}
        counts: dict[str, int] = {}
        for plan in self.plans:
            for entry in plan.foreign:
                for name in entry.workspace.split(" and ") if entry.workspace is not None else ():
                    if name not in present:
                        counts[name] = max(entry.count, counts.get(name, 0))
        return dict(sorted(counts.items()))

    @property
    def drifted(self) -> bool:
        """Tell whether another user changed anything that one of the workspaces manages."""
        return any(plan.drifted for plan in self.plans)

    @property
    def unexplained(self) -> tuple[Change, ...]:
        """The changes of all plans of which a part has an unknown origin."""
        return tuple(change for plan in self.plans for change in plan.unexplained)

    @property
    def complete(self) -> bool:
        """Tell whether every workspace could be planned."""
        return len(self.plans) == len(self.workspaces)

    @property
    def pending(self) -> bool:
        """Tell whether any plan has changes."""
        return any(plan.pending for plan in self.plans)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON document. It has a digest, and each plan in it has its own digest."""
        content = self.as_json()
        for planned, entry in zip(self.workspaces, content["workspaces"], strict=True):
            entry["plan"] = planned.plan.to_json() if planned.plan else None
        workspaces = content.pop("workspaces")
        return seal({**content, "summary": self.summary.as_json(), "workspaces": workspaces})


class Applied(Data):
    """The report of one workspace, or the error that prevented its apply."""

    workspace: str
    root: str | None
    report: Report | None
    error: str | None


class ReportSet(Data):
    """The reports of several workspaces, in the order of the command line."""

    format_version: str = FORMAT_VERSION
    workspaces: tuple[Applied, ...]

    @property
    def summary(self) -> ReportSummary:
        """The sum of the summaries of all reports."""
        return ReportSummary(**_sum(applied.report.summary for applied in self.workspaces if applied.report))

    def to_json(self) -> dict[str, Any]:
        """Return the JSON document."""
        content = self.as_json()
        workspaces = content.pop("workspaces")
        return {**content, "summary": self.summary.as_json(), "workspaces": workspaces}


def parse_plans(text: str | bytes, source: str) -> Plan | PlanSet:
    """Read a plan file of one or several workspaces. Raises PlanFileError as `parse_plan` does."""
    content = unseal(parse_json(text, source), source)
    entries = content.get("workspaces")
    if not isinstance(entries, list):
        return to_plan(content, source)
    for entry in entries:
        if isinstance(entry, dict) and isinstance(entry.get("plan"), dict):
            entry["plan"] = unseal(entry["plan"], source)
    summary = content.pop("summary", None)
    plans = validate_content(PlanSet, content, source)
    if summary != plans.summary.as_json():
        raise PlanFileError(f"{source}: not a plan this version can read: its summary does not match its plans")
    return plans


def _sum(counts: Iterable[Summary | ReportSummary]) -> dict[str, int]:
    total: dict[str, int] = {}
    for count in counts:
        for name, number in count.model_dump().items():
            total[name] = total.get(name, 0) + number
    return total
