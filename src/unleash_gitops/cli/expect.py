"""The options of apply that compare fresh plans with reviewed ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from unleash_gitops.cli.output import echo_line
from unleash_gitops.cli.workspaces import read_complete_plans
from unleash_gitops.model.errors import UsageError

if TYPE_CHECKING:
    from unleash_gitops.model.plan import OnDrift
    from unleash_gitops.workflow.expected_plans import Expectation
    from unleash_gitops.workflow.many_workspaces import Run

__all__ = [
    "also_option",
    "check_expect_options",
    "expect_option",
    "load_expectation",
    "select_runs",
    "show_already_applied",
]

expect_option = click.option(
    "--expect",
    "expected",
    multiple=True,
    metavar="PLANFILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Plan afresh, and send only changes that this reviewed plan has. Can be repeated.",
)
also_option = click.option(
    "--also",
    multiple=True,
    metavar="KIND",
    help="With --expect, also send changes of this kind, such as one that the reviewed plan could not read. "
    "Can be repeated.",
)


def check_expect_options(expected: Sequence[Path], targets: Sequence[str]) -> None:
    """Raise UsageError for options that contradict an expectation."""
    if not expected:
        raise UsageError("--also needs --expect", "name the reviewed plan with --expect PLANFILE")
    if targets:
        raise UsageError(
            "--target cannot be used with --expect, which plans with the targets of the reviewed plan",
            "use --target with: unleash-gitops plan --out FILE",
        )


def load_expectation(expected: Sequence[Path], also: Sequence[str], on_drift: OnDrift | None) -> Expectation:
    """Read the reviewed plans. Raises PlanFileError, UsageError."""
    from unleash_gitops.kinds import kinds
    from unleash_gitops.model.suggestions import suggest_alternatives
    from unleash_gitops.workflow.expected_plans import Expectation

    for kind in also:
        if kind not in kinds():
            raise UsageError(
                f"--also {kind}: there is no such kind", suggest_alternatives(kind, sorted(kinds()), "the kinds are")
            )
    plans = tuple(plan for path in expected for plan in read_complete_plans(path)[0])
    return Expectation(plans, frozenset(also), on_drift)


def select_runs(runs: Sequence[Run], expectation: Expectation) -> list[Run]:
    """Return the runs that reviewed plans are for, and name the others. Raises UsageError."""
    selected = expectation.select(runs)
    for run in runs:
        if run not in selected:
            echo_line(f"workspace {run.name} ({run.path}) is left out: no expected plan is for it")
    return selected


def show_already_applied(runs: Sequence[Run], expectation: Expectation) -> None:
    """Name what the reviewed plans change and what no longer differs."""
    from unleash_gitops.engine.expected_changes import list_already_applied

    for run in runs:
        applied = [] if run.plan is None else list_already_applied(run.plan, expectation.of_run(run))
        if applied:
            echo_line("expected, and no longer different:")
            for address, words in applied:
                echo_line(f"  {address}: {words}")
