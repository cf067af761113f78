"""The command that changes a server: apply, for directories or for a saved plan."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unleash_gitops.cli.connection import Connection, connection_options, interruptible
from unleash_gitops.cli.expect import (
    also_option,
    check_expect_options,
    expect_option,
    load_expectation,
    select_runs,
    show_already_applied,
)
from unleash_gitops.cli.lease import LeaseOptions, is_new_plan, lease_options, list_changes
from unleash_gitops.cli.output import echo_line, echo_text, progress_bar, show_unexpected
from unleash_gitops.cli.plan import (
    allow_in_use_option,
    max_deletes_option,
    on_drift_option,
    plan_runs,
    sandbox_option,
    show_plans,
    target_option,
)
from unleash_gitops.cli.reports import show_next_steps, show_reports
from unleash_gitops.cli.secrets import Secrets, name_secret, secrets_option
from unleash_gitops.cli.workspaces import (
    all_option,
    list_roots,
    load_runs,
    open_clients,
    read_complete_plans,
    show_failures,
)
from unleash_gitops.model.errors import OutputLost, UsageError
from unleash_gitops.model.interrupts import INTERRUPTED

if TYPE_CHECKING:
    from unleash_gitops.model.plan import OnDrift
    from unleash_gitops.model.report import Result
    from unleash_gitops.workflow.expected_plans import Expectation
    from unleash_gitops.workflow.many_workspaces import Run

__all__ = ["apply"]

INCOMPLETE = 3
REFUSED = 1


@click.command()
@click.argument("paths", metavar="[DIR... | PLANFILE]", nargs=-1, type=click.Path(exists=True, path_type=Path))
@all_option
@click.option("--yes", is_flag=True, help="Apply without asking for confirmation.")
@max_deletes_option
@allow_in_use_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Format of the report.",
)
@expect_option
@also_option
@secrets_option
@on_drift_option
@target_option
@sandbox_option
@connection_options
@lease_options
@click.pass_obj
def apply(
    verbose: bool,
    /,
    paths: tuple[Path, ...],
    all_below: bool,
    yes: bool,
    max_deletes: int | None,
    allow_in_use: tuple[str, ...],
    form: str,
    expected: tuple[Path, ...],
    also: tuple[str, ...],
    secrets_out: Path | None,
    on_drift: OnDrift | None,
    targets: tuple[str, ...],
    lock_timeout: float,
    no_lock: bool,
    **server: Any,
) -> int:
    """Make the server match the files, or apply a saved plan.

    With --expect, plans the files afresh and sends nothing that a reviewed plan does not have.

    With several directories or --all, applies every workspace; the exit code is the worst of them.
    """
    from unleash_gitops.workflow.many_workspaces import check_all_deletes, check_all_drift

    connection = Connection(verbose=verbose, **server)
    lease = LeaseOptions.of(lock_timeout, no_lock=no_lock)
    secrets = Secrets(secrets_out)
    several = all_below or len(paths) > 1
    if any(path.is_file() for path in paths):
        _check_saved_plan_options(targets, on_drift, allow_in_use, (*expected, *also), several=several)
        secrets.check_target(())
        return _apply_saved(paths[0], connection, max_deletes, form, secrets, lease)
    if expected or also:
        check_expect_options(expected, targets)
        runs = load_runs(paths, all_below=all_below)
        secrets.check_target(list_roots(runs))
        expectation = load_expectation(expected, also, on_drift)
        return _apply_expected(runs, expectation, connection, max_deletes, allow_in_use, form, secrets, lease)
    if not yes and not sys.stdin.isatty():
        raise UsageError(
            "there is no terminal to ask for confirmation",
            (
                "to apply without confirmation, use --yes",
                "to apply what was reviewed, run: unleash-gitops apply DIR --expect PLANFILE",
            ),
        )
    runs = load_runs(paths, all_below=all_below)
    secrets.check_target(list_roots(runs))

    def plan_and_show(only: Sequence[Run] | None = None) -> None:
        former = list_changes(runs)
        plans = plan_runs(
            runs, targets, on_drift, several=several, max_deletes=max_deletes, allow_in_use=allow_in_use, only=only
        )
        if plans is not None and is_new_plan(former, runs, only):
            show_plans(plans, "text", err=form == "json", verbose=verbose)
        check_all_deletes(runs, max_deletes)
        check_all_drift(runs)

    with open_clients(runs, connection):
        plan_and_show()
        code = _apply_directories(runs, plan_and_show, form, secrets, lease, ask=not yes, several=several)
    if connection.sandbox and code != REFUSED:
        show_next_steps(paths or (Path(),), all_below=all_below)
    return code


def _check_saved_plan_options(
    targets: Sequence[str],
    on_drift: OnDrift | None,
    allow_in_use: Sequence[str],
    expect_options: Sequence[object],
    *,
    several: bool,
) -> None:
    """Raise UsageError for options that would change what a saved plan does."""
    if several:
        raise UsageError("a saved plan cannot be combined with directories, --all or another plan")
    options = (("--target", targets), ("--on-drift", on_drift), ("--allow-in-use", allow_in_use))
    if expect_options:
        raise UsageError(
            "--expect and --also cannot be used with a saved plan", "name the directory of the workspace instead"
        )
    for option, is_set in options:
        if is_set:
            raise UsageError(
                f"{option} cannot be used with a saved plan, which is applied unchanged",
                f"use {option} with: unleash-gitops plan --out FILE",
            )


def _apply_saved(
    path: Path, connection: Connection, max_deletes: int | None, form: str, secrets: Secrets, lease: LeaseOptions
) -> int:
    """Apply a saved plan. If the plan of any workspace in it is refused, nothing is applied anywhere."""
    from unleash_gitops.workflow.many_workspaces import Run, check_all_deletes, check_all_drift, check_all_plans
    from unleash_gitops.workflow.plan_workspace import find_plan_workspace

    plans, several = read_complete_plans(path)
    runs = [Run.of_plan(plan, find_plan_workspace(plan, Path(), has_url=connection.has_url)) for plan in plans]
    with open_clients(runs, connection):
        check_all_deletes(runs, max_deletes)
        check_all_drift(runs)
        if show_failures(runs, several=several):
            return REFUSED

        def check() -> bool:
            check_all_plans(runs)
            return not _refuse_all(runs, several=several)

        return _apply(runs, check, form, secrets, lease, several=several)


def _refuse_all(runs: Sequence[Run], *, several: bool) -> bool:
    """Show the failures of `runs`, which are applied together or not at all. Tell whether there are any."""
    has_failed = show_failures(runs, several=several)
    if has_failed and several:
        echo_line("nothing was applied in any workspace")
    return has_failed


def _apply_expected(
    runs: Sequence[Run],
    expectation: Expectation,
    connection: Connection,
    max_deletes: int | None,
    allow_in_use: Sequence[str],
    form: str,
    secrets: Secrets,
    lease: LeaseOptions,
) -> int:
    """Plan the workspaces that reviewed plans are for, and apply what they have. All is applied, or nothing."""
    from unleash_gitops.workflow.expected_plans import check_expected
    from unleash_gitops.workflow.leases import check_or_plan_again
    from unleash_gitops.workflow.many_workspaces import check_all_deletes, check_all_drift

    runs = select_runs(runs, expectation)
    several, options = len(runs) > 1, expectation.options

    def plan_and_show(only: Sequence[Run] | None = None) -> None:
        former = list_changes(runs)
        plans = plan_runs(
            runs,
            options.targets,
            options.on_drift,
            several=several,
            max_deletes=max_deletes,
            allow_in_use=allow_in_use,
            only=only,
        )
        if plans is not None and is_new_plan(former, runs, only):
            show_plans(plans, "text", err=form == "json")
        check_all_drift(runs)
        check_all_deletes(runs, max_deletes)
        check_expected(runs, expectation)

    def check() -> bool:
        if lease.timeout is not None:
            check_or_plan_again(runs, plan_and_show)
        return not _refuse_all(runs, several=several)

    with open_clients(runs, connection):
        plan_and_show()
        if _refuse_all(runs, several=several):
            return REFUSED
        show_already_applied(runs, expectation)
        return _apply(runs, check, form, secrets, lease, several=several, plans_again=True)


def _apply_directories(
    runs: Sequence[Run],
    plan_again: Callable[[Sequence[Run]], None],
    form: str,
    secrets: Secrets,
    lease: LeaseOptions,
    *,
    ask: bool,
    several: bool,
) -> int:
    """Apply the plans of `runs`, which have been shown and checked. Return the exit code.

    `plan_again` plans some of `runs` anew, shows all plans and checks them.
    """
    from unleash_gitops.workflow.leases import check_or_plan_again, has_requests
    from unleash_gitops.workflow.many_workspaces import check_all_plans

    if ask and any(has_requests(run) for run in runs):
        show_failures(runs, several=several)
        if not click.confirm("Apply this plan?", err=True):
            echo_line("nothing was applied")
            return REFUSED
    if not several and show_failures(runs, several=False):
        return REFUSED

    def check() -> bool:
        if ask:
            check_all_plans([run for run in runs if has_requests(run)])  # the user may have taken an hour to answer
        elif lease.timeout is not None:
            check_or_plan_again(runs, plan_again)
        return True

    return _apply(runs, check, form, secrets, lease, several=several, plans_again=not ask)


def _apply(
    runs: Sequence[Run],
    check: Callable[[], bool],
    form: str,
    secrets: Secrets,
    lease: LeaseOptions,
    *,
    several: bool,
    plans_again: bool = False,
) -> int:
    """Take the leases of `runs`, apply their plans if `check` agrees, and show the reports. Return the exit code.

    `plans_again` tells that `check` plans again what is blocked, which needs a lease as well.
    """
    from unleash_gitops.workflow.many_workspaces import stop_all

    with secrets, interruptible(lambda: stop_all(runs)) as interrupted, lease.hold(runs, blocked=plans_again):
        if not check():
            return INTERRUPTED if interrupted() else REFUSED
        _send(runs, form, secrets, several=several)
        failed = not show_reports(runs, form, several=several) or secrets.is_incomplete
    failed |= show_failures(runs, several=several)
    if interrupted():
        return INTERRUPTED
    complete = all(run.report is None or run.report.complete for run in runs)
    if failed and not any(run.report is not None and run.report.has_attempted for run in runs):
        return REFUSED
    return INCOMPLETE if failed or not complete else 0


def _send(runs: Sequence[Run], form: str, secrets: Secrets, *, several: bool) -> None:
    """Apply the plans of `runs`, and show the result of each change."""
    from unleash_gitops.render.report_text import render_result_line
    from unleash_gitops.workflow.many_workspaces import apply_all

    done, lock = 0, threading.Lock()
    total = sum(len(run.plan.changes) for run in runs if run.plan and run.error is None)
    with progress_bar("applying") as show_progress:

        def on_result(run: Run, result: Result) -> None:
            nonlocal done
            with lock:
                done += 1
                show_progress(done, total)
                if form == "text" and not sys.stderr.isatty() and result.status == "applied":
                    line = render_result_line(result)
                    with suppress(OutputLost):  # the report fails too, and the run must not end half-way
                        echo_text(line if not several else line.append(f"  ({run.name})"))

        def hand_over(run: Run, address: str, secret: str) -> None:
            secrets.keep(name_secret(run.url or "", run.name, address), secret)

        apply_all(runs, on_result, hand_over, show_unexpected)
