"""Fresh plans of workspaces against reviewed ones.

A reviewed plan is an expectation and no authority: nothing in it is sent. A forged one can prevent a run, or let
through what the files ask for and nobody has reviewed; it cannot add anything to the files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from unleash_gitops.engine.expected_changes import find_unexpected
from unleash_gitops.model.errors import PlanFileError, UnexpectedChanges, UsageError
from unleash_gitops.model.plan import OnDrift, Plan, PlanOptions

if TYPE_CHECKING:
    from unleash_gitops.workflow.many_workspaces import Run

__all__ = ["Expectation", "check_expected"]


@dataclass(frozen=True)
class Expectation:
    """Reviewed plans.

    `also` are kinds whose changes need no review: those that the reviewed plans could not read. `on_drift` takes
    precedence over the policy that the reviewed plans were made with.

    Raises PlanFileError for a part of a plan, and for plans that were made with different options.
    """

    plans: tuple[Plan, ...]
    also: frozenset[str] = field(default=frozenset())
    on_drift: OnDrift | None = None

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
        options = self.plans[0].options if self.plans else PlanOptions()
        return options if self.on_drift is None else options.model_copy(update={"on_drift": self.on_drift})

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
        other = next((plan for plan in plans if not _is_for_instance(plan, run.plan)), None)
        if other is not None:
            run.error = PlanFileError(
                f"the expected plan was made for another instance ({other.instance.url}), not for {run.url}"
            )
            continue
        unexpected = list(find_unexpected(run.plan, plans, expectation.also))
        if unexpected:
            run.error = UnexpectedChanges(unexpected)


def _is_for_instance(plan: Plan, fresh: Plan) -> bool:
    return plan.instance.is_same(fresh.instance.url, fresh.instance.id)
