"""The command that changes a server: apply, for directories or for a saved plan."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
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
    show_settled,
)
from unleash_gitops.cli.output import echo_data, echo_line, echo_text, progress_bar, show_error, show_unexpected
from unleash_gitops.cli.plan import (
    allow_in_use_option,
    max_deletes_option,
    on_drift_option,
    plan_runs,
    sandbox_option,
    show_plans,
    target_option,
)
from unleash_gitops.cli.secrets import Secrets, name_secret, secrets_option
from unleash_gitops.cli.streams import abandon_output
from unleash_gitops.cli.workspaces import (
    all_option,
    list_roots,
    load_runs,
    open_clients,
    read_complete_plans,
    show_failures,
)
from unleash_gitops.model.errors import OutputLost, UsageError

if TYPE_CHECKING:
    from unleash_gitops.model.plan import OnDrift
    from unleash_gitops.model.report import Result
    from unleash_gitops.workflow.expected_plans import Expectation
    from unleash_gitops.workflow.many_workspaces import Run

__all__ = ["apply"]

INCOMPLETE = 3
REFUSED = 1
INTERRUPTED = 130


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
    **server: Any,
) -> int:
    """Make the server match the files, or apply a saved plan.

    With --expect, plans the files afresh and sends nothing that does not stand in a reviewed plan.

    With several directories or --all, applies every workspace; the exit code is the worst of them.
    """
    connection = Connection(verbose=verbose, **server)
    secrets = Secrets(secrets_out)
    several = all_below or len(paths) > 1
    if any(path.is_file() for path in paths):
        _check_saved_plan_options(targets, on_drift, allow_in_use, expected, several=several)
        secrets.check_target(())
        return _apply_saved(paths[0], connection, max_deletes, form, secrets)
    if expected or also:
        check_expect_options(expected, targets, on_drift)
        runs = load_runs(paths, all_below=all_below)
        secrets.check_target(list_roots(runs))
        expectation = load_expectation(expected, also)
        return _apply_expected(runs, expectation, connection, max_deletes, allow_in_use, form, secrets)
    if not yes and not sys.stdin.isatty():
        raise UsageError(
            "there is no terminal to ask for confirmation",
            (
                "to apply without confirmation, use --yes",
                "to apply a reviewed plan, run: unleash-gitops apply PLANFILE",
            ),
        )
    runs = load_runs(paths, all_below=all_below)
    secrets.check_target(list_roots(runs))
    with open_clients(runs, connection):
        plans = plan_runs(runs, targets, on_drift, several=several, max_deletes=max_deletes, allow_in_use=allow_in_use)
        if plans is not None:
            show_plans(plans, "text", err=form == "json", verbose=verbose)
        code = _apply_directories(runs, max_deletes, form, secrets, ask=not yes, several=several)
    if connection.sandbox and code != REFUSED:
        _show_next_steps(paths or (Path(),), all_below=all_below)
    return code


def _check_saved_plan_options(
    targets: Sequence[str],
    on_drift: OnDrift | None,
    allow_in_use: Sequence[str],
    expected: Sequence[Path],
    *,
    several: bool,
) -> None:
    """Raise UsageError for options that would change what a saved plan does."""
    if several:
        raise UsageError("a saved plan cannot be combined with directories, --all or another plan")
    options = (("--target", targets), ("--on-drift", on_drift), ("--allow-in-use", allow_in_use))
    if expected:
        raise UsageError("--expect cannot be used with a saved plan", "name the directory of the workspace instead")
    for option, is_set in options:
        if is_set:
            raise UsageError(
                f"{option} cannot be used with a saved plan, which is applied unchanged",
                f"use {option} with: unleash-gitops plan --out FILE",
            )


def _apply_saved(path: Path, connection: Connection, max_deletes: int | None, form: str, secrets: Secrets) -> int:
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
        check_all_plans(runs)
        if show_failures(runs, several=several):
            if several:
                echo_line("nothing was applied in any workspace")
            return REFUSED
        return _apply(runs, form, secrets, several=several)


def _apply_expected(
    runs: Sequence[Run],
    expectation: Expectation,
    connection: Connection,
    max_deletes: int | None,
    allow_in_use: Sequence[str],
    form: str,
    secrets: Secrets,
) -> int:
    """Plan the workspaces that reviewed plans are for, and apply what stands in them. All is applied, or nothing."""
    from unleash_gitops.workflow.expected_plans import check_expected
    from unleash_gitops.workflow.many_workspaces import check_all_deletes, check_all_drift

    runs = select_runs(runs, expectation)
    several, options = len(runs) > 1, expectation.options
    with open_clients(runs, connection):
        plans = plan_runs(
            runs,
            options.targets,
            options.on_drift,
            several=several,
            max_deletes=max_deletes,
            allow_in_use=allow_in_use,
        )
        if plans is not None:
            show_plans(plans, "text", err=form == "json")
        check_all_drift(runs)
        check_all_deletes(runs, max_deletes)
        check_expected(runs, expectation)
        if show_failures(runs, several=several):
            if several:
                echo_line("nothing was applied in any workspace")
            return REFUSED
        show_settled(runs, expectation)
        return _apply(runs, form, secrets, several=several)


def _apply_directories(
    runs: Sequence[Run], max_deletes: int | None, form: str, secrets: Secrets, *, ask: bool, several: bool
) -> int:
    """Apply the plans of `runs`, which have been shown. Return the exit code."""
    from unleash_gitops.workflow.many_workspaces import check_all_deletes, check_all_drift, check_all_plans

    check_all_deletes(runs, max_deletes)
    check_all_drift(runs)
    if ask and any(change.calls for run in runs if run.plan and run.error is None for change in run.plan.changes):
        show_failures(runs, several=several)
        if not click.confirm("Apply this plan?", err=True):
            echo_line("nothing was applied")
            return REFUSED
        check_all_plans(runs)  # the user may have taken an hour to answer
    if not several and show_failures(runs, several=False):
        return REFUSED
    return _apply(runs, form, secrets, several=several)


def _apply(runs: Sequence[Run], form: str, secrets: Secrets, *, several: bool) -> int:
    """Apply the plans of `runs` and show the reports. Return the exit code."""
    from unleash_gitops.render.report_text import render_result_line
    from unleash_gitops.workflow.many_workspaces import apply_all, stop_all

    done, lock = 0, threading.Lock()
    total = sum(len(run.plan.changes) for run in runs if run.plan and run.error is None)
    with secrets, interruptible(lambda: stop_all(runs)) as interrupted:
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
        failed = not _show_reports_somewhere(runs, form, several=several) or secrets.is_incomplete
    failed |= show_failures(runs, several=several)
    if interrupted():
        return INTERRUPTED
    complete = all(run.report is None or run.report.complete for run in runs)
    if failed and not any(run.report is not None and run.report.has_sent for run in runs):
        return REFUSED
    return INCOMPLETE if failed or not complete else 0


def _show_reports_somewhere(runs: Sequence[Run], form: str, *, several: bool) -> bool:
    """Print the reports on stdout, or on stderr when stdout cannot be written. Tell whether stdout has them."""
    try:
        _show_reports(runs, form, several=several)
    except OutputLost as error:
        abandon_output()
        show_error(error)
        _show_reports(runs, "text", several=several, err=True)
        return False
    return True


def _show_reports(runs: Sequence[Run], form: str, *, several: bool, err: bool = False) -> None:
    """Print the report of each run, on stderr with `err`. Raises OutputLost."""
    if form == "json":
        from unleash_gitops.render.json import render_report_json, render_report_set_json
        from unleash_gitops.workflow.many_workspaces import build_report_set

        if several:
            echo_data(render_report_set_json(build_report_set(runs)))
        elif runs[0].report is not None:
            echo_data(render_report_json(runs[0].report))
        return
    from unleash_gitops.render.report_text import render_report_text

    for run in runs:
        if run.report is None:
            continue
        if several:
            echo_line("", err=err)
            echo_line(f"Workspace {run.name} on {run.url}", err=err)
        if run.report.results:
            echo_text(render_report_text(run.report), err=err)
        else:
            echo_line("nothing to apply")
    if not err:
        sys.stdout.flush()


def _show_next_steps(paths: Sequence[Path], *, all_below: bool) -> None:
    """Print where to see the changes in the sandbox's UI, and the command to run next."""
    from unleash_gitops.sandbox import status

    running = status()
    if running is not None:
        echo_line("")
        echo_line(f"look at   {running.url}/history  (login {running.username} / {running.password})")
        command = sys.argv[0] if Path(sys.argv[0]).stem == "unleash-gitops" else "unleash-gitops"
        options = "--all --sandbox" if all_below else "--sandbox"
        echo_line(f"run next  {command} plan {' '.join(map(str, paths))} {options}")
