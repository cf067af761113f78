"""Fresh plans against reviewed ones: every change has to stand in a plan that was reviewed. Pure: no I/O.

A reviewed plan is an expectation and no authority: nothing in it is sent, so that a forged one can at worst prevent a
run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from unleash_gitops.engine.diff import diff_parts
from unleash_gitops.engine.parts import value_at
from unleash_gitops.model.errors import PlanFileError, UnexpectedChanges, UsageError
from unleash_gitops.model.plan import Change, FieldChange, Plan, PlanOptions
from unleash_gitops.render.escape import format_value

if TYPE_CHECKING:
    from unleash_gitops.workflow.many_workspaces import Run

__all__ = ["Expectation", "check_expected", "describe_settled"]

_BEGUN = frozenset({"create", "adopt", "transfer"})
"""The actions that an interrupted apply leaves half done, and that an update finishes."""


@dataclass(frozen=True)
class Expectation:
    """Reviewed plans. `also` are kinds whose changes need no review: those that the reviewed plans could not read.

    Raises PlanFileError for a part of a plan, and for plans that were made with different options.
    """

    plans: tuple[Plan, ...]
    also: frozenset[str] = field(default=frozenset())

    def __post_init__(self) -> None:
        if any(plan.only is not None for plan in self.plans):
            raise PlanFileError(
                "an expected plan is only a part of a plan, for reading",
                "make a whole one with: unleash-gitops plan --out FILE",
            )
        if len({plan.options for plan in self.plans}) > 1:
            raise PlanFileError(
                "the expected plans were made with different options (--target, --on-drift)",
                "make all of them with the same options",
            )

    @property
    def options(self) -> PlanOptions:
        """The options that the fresh plans are made with."""
        return self.plans[0].options if self.plans else PlanOptions()

    def of_run(self, run: Run) -> tuple[Plan, ...]:
        """Return the plans of a run's workspace."""
        return tuple(plan for plan in self.plans if (plan.workspace, plan.root) == (run.name, run.root))

    def select(self, runs: Sequence[Run]) -> list[Run]:
        """Return the runs that have an expected plan. Raises UsageError when one of the plans has no run."""
        for plan in self.plans:
            if not any((plan.workspace, plan.root) == (run.name, run.root) for run in runs):
                place = "the top of the repository" if plan.root == "" else plan.root or "no repository"
                raise UsageError(
                    f"the expected plan is for workspace {plan.workspace} in {place}, which was not loaded",
                    "name its directory, or use --all in a directory above it",
                )
        return [run for run in runs if self.of_run(run)]


def check_expected(runs: Sequence[Run], expectation: Expectation) -> None:
    """Stop each run whose plan has a change that no expected plan has, or whose instance is another."""
    for run in runs:
        if run.error is not None or run.plan is None:
            continue
        plans = expectation.of_run(run)
        other = next((plan for plan in plans if not _is_same_instance(plan, run.plan)), None)
        if other is not None:
            run.error = PlanFileError(
                f"the expected plan was made for another instance ({other.instance.url}), not for {run.url}"
            )
            continue
        unexpected = list(_find_unexpected(run.plan, plans, expectation.also))
        if unexpected:
            run.error = UnexpectedChanges(unexpected)


def describe_settled(plan: Plan, expected: Sequence[Plan]) -> list[tuple[str, str]]:
    """Return what the expected plans change and this plan does not, since it no longer differs: address and words."""
    present = {(change.kind, change.id): change for change in plan.changes}
    settled: list[tuple[str, str]] = []
    for change in (change for reviewed in expected for change in reviewed.changes if change.action != "blocked"):
        left = present.get((change.kind, change.id))
        if left is None:
            settled.append((change.address, change.action))
        elif left.action == change.action:
            remaining = {entry.path for entry in left.fields}
            settled += [
                (change.address, _describe_field(entry)) for entry in change.fields if entry.path not in remaining
            ]
    return list(dict.fromkeys(settled))


def _is_same_instance(plan: Plan, other: Plan) -> bool:
    """Tell whether two plans are for one instance: by its id where both servers return one, else by URL."""
    first, second = plan.instance, other.instance
    return first.id == second.id if first.id and second.id else first.url == second.url


def _find_unexpected(plan: Plan, expected: Sequence[Plan], also: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield what no expected plan has, by address, in words."""
    reviewed: dict[tuple[str, str], list[Change]] = {}
    for change in (change for entry in expected for change in entry.changes):
        reviewed.setdefault((change.kind, change.id), []).append(change)
    for change in plan.changes:
        if change.action == "blocked" or change.kind in also:
            continue
        candidates = reviewed.get((change.kind, change.id), [])
        problems = [_find_problem(change, candidate) for candidate in candidates]
        if not problems:
            yield change.address, f"{change.action} is not in the expected plan"
        elif all(problem is not None for problem in problems):
            yield change.address, str(problems[0])


def _find_problem(change: Change, expected: Change) -> str | None:
    """Return what a change does that an expected one does not, None when it does nothing else."""
    if change.action == "update" and expected.action in _BEGUN:
        return _find_other_end(change, expected)
    if change.action != expected.action or change.taken_from != expected.taken_from:
        return f"{change.action}, and the expected plan has {expected.action}"
    if change.action == "create":
        return None if change.after == expected.after else _describe_other(expected.after, change.after)
    if change.action == "delete":
        if change.archives != expected.archives:
            return "it would be deleted for good" if expected.archives else "it would be archived"
        return None if change.before == expected.before else _describe_other(expected.before, change.before)
    known = {entry.path: entry for entry in expected.fields}
    for entry in change.fields:
        reviewed = known.get(entry.path)
        if reviewed is None:
            return f"{_describe_field(entry)} is not in the expected plan"
        if (reviewed.before, reviewed.after) != (entry.before, entry.after):
            return f"{_describe_field(entry)}, and the expected plan has {_describe_values(reviewed)}"
    return None


def _find_other_end(change: Change, expected: Change) -> str | None:
    """Return where an update that finishes an expected change does not reach what was expected, None when it does."""
    for part in diff_parts(change.before or {}, change.after or {}):
        if value_at(change.after, part.path) != value_at(expected.after, part.path):
            entry = part.fields[0]
            return f"{_describe_field(entry)} does not finish the expected {expected.action}"
    return None


def _describe_other(expected: object, actual: object) -> str:
    """Return the first field in which an object is another one than expected."""
    parts = diff_parts(expected, actual) if isinstance(expected, dict) and isinstance(actual, dict) else ()
    fields = [entry for part in parts for entry in part.fields]
    if not fields:
        return "another object than in the expected plan"
    entry = fields[0]
    return f"{entry.path} is {format_value(entry.after)}, and {format_value(entry.before)} in the expected plan"


def _describe_field(entry: FieldChange) -> str:
    return f"{entry.path}: {_describe_values(entry)}"


def _describe_values(entry: FieldChange) -> str:
    return f"{format_value(entry.before)} → {format_value(entry.after)}"
