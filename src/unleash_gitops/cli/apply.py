"""The command that changes a server: apply, of directories or of a saved plan."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unleash_gitops.cli.connection import Connection, connection_options, interruptible
from unleash_gitops.cli.output import echo_data, echo_text, progress_bar, say
from unleash_gitops.cli.plan import on_drift_option, plan_runs, sandbox_option, show_plans, target_option
from unleash_gitops.cli.secrets import Secrets, secrets_option
from unleash_gitops.cli.workspaces import all_option, open_clients, read_plans, show_failures, workspace_runs
from unleash_gitops.model.errors import PlanFileError, UsageError

if TYPE_CHECKING:
    from unleash_gitops.model.plan import OnDrift, Result
    from unleash_gitops.workflow.many_workspaces import Run

__all__ = ["apply"]

INCOMPLETE = 3
REFUSED = 1
INTERRUPTED = 130


@click.command()
@click.argument("paths", metavar="[DIR... | PLANFILE]", nargs=-1, type=click.Path(exists=True, path_type=Path))
@all_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--max-deletes",
    type=click.IntRange(0),
    metavar="N",
    help="Allow this many deletes, in each workspace.  [default: spec.maxDeletes]",
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
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
    everything: bool,
    yes: bool,
    max_deletes: int | None,
    form: str,
    secrets_out: Path | None,
    on_drift: OnDrift | None,
    targets: tuple[str, ...],
    **server: Any,
) -> int:
    """Make the server match the files, or do what a saved plan says.

    Of several directories, or with --all, it applies every workspace; its exit code is the worst of theirs.
    """
    connection = Connection(verbose=verbose, **server)
    secrets = Secrets(secrets_out)
    if any(path.is_file() for path in paths):
        if len(paths) > 1 or everything:
            raise UsageError("a saved plan is applied alone, without directories and --all")
        if targets:
            raise UsageError("--target goes with a directory: a saved plan is applied as it is")
        if on_drift is not None:
            raise UsageError("--on-drift goes with a directory: a saved plan is applied as it is")
        return _apply_saved(paths[0], connection, max_deletes, form, secrets)
    if not yes and not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask for confirmation", "say --yes, or apply a saved plan")
    several = everything or len(paths) > 1
    runs = workspace_runs(paths, everything)
    with open_clients(runs, connection):
        plans = plan_runs(runs, targets, on_drift, several=several)
        if plans is not None:
            show_plans(plans, "text", err=form == "json")
        code = _apply_directories(runs, max_deletes, form, secrets, ask=not yes, several=several)
    if connection.sandbox and code != REFUSED:
        _say_where_to_look(paths or (Path(),), everything)
    return code


def _apply_saved(path: Path, connection: Connection, max_deletes: int | None, form: str, secrets: Secrets) -> int:
    """Apply a saved plan. One of several workspaces is one reviewed whole: if any part is refused, all of it is."""
    from unleash_gitops.model.plan import Plan
    from unleash_gitops.workflow.many_workspaces import (
        Run,
        advance,
        check_deletes_step,
        check_drift_step,
        check_plan_step,
    )

    saved = read_plans(path)
    several = not isinstance(saved, Plan)
    if not isinstance(saved, Plan) and not saved.complete:
        failed = ", ".join(planned.workspace for planned in saved.workspaces if planned.plan is None)
        raise PlanFileError(f"{path}: not everything could be planned: {failed}", "make the plan again")
    runs = [Run.of_plan(plan) for plan in ([saved] if isinstance(saved, Plan) else saved.plans)]
    with open_clients(runs, connection):
        advance(runs, check_deletes_step(max_deletes))
        advance(runs, check_drift_step)
        if show_failures(runs, several=several):
            return REFUSED
        advance(runs, check_plan_step)
        if show_failures(runs, several=several):
            if several:
                say("nothing was applied anywhere")
            return REFUSED
        return _apply(runs, form, secrets, several=several)


def _apply_directories(
    runs: Sequence[Run],
    max_deletes: int | None,
    form: str,
    secrets: Secrets,
    *,
    ask: bool,
    several: bool,
) -> int:
    """Apply the plans that were made and shown."""
    from unleash_gitops.workflow.many_workspaces import advance, check_deletes_step, check_drift_step, check_plan_step

    advance(runs, check_deletes_step(max_deletes))
    advance(runs, check_drift_step)
    if ask and any(change.calls for run in runs if run.plan and run.error is None for change in run.plan.changes):
        show_failures(runs, several=several)
        if not click.confirm("Apply this plan?", err=True):
            say("nothing was applied")
            return REFUSED
        advance(runs, check_plan_step)  # the question may have stood for an hour
    if not several and show_failures(runs, several=False):
        return REFUSED
    return _apply(runs, form, secrets, several=several)


def _apply(runs: Sequence[Run], form: str, secrets: Secrets, *, several: bool) -> int:
    from unleash_gitops.render.text import result_line
    from unleash_gitops.workflow.many_workspaces import advance, apply_step, stop_all

    ended, lock = 0, threading.Lock()
    total = sum(len(run.plan.changes) for run in runs if run.plan and run.error is None)
    with secrets, interruptible(lambda: stop_all(runs)) as interrupted, progress_bar("applying") as progress:

        def on_result(run: Run, result: Result) -> None:
            nonlocal ended
            with lock:
                ended += 1
                progress(ended, total)
                if form == "text" and not sys.stderr.isatty() and result.status == "applied":
                    line = result_line(result)
                    echo_text(line if not several else line.append(f"  ({run.name})"))

        def hand_over(run: Run, address: str, secret: str) -> None:
            secrets.keep(f"{run.where}/{address}" if several else address, secret)

        advance(runs, apply_step(on_result, hand_over))
    _show_reports(runs, form, several=several)
    failed = show_failures(runs, several=several)
    if interrupted():
        return INTERRUPTED
    complete = all(run.report is None or run.report.complete for run in runs)
    return 1 if failed else 0 if complete else INCOMPLETE


def _show_reports(runs: Sequence[Run], form: str, *, several: bool) -> None:
    if form == "json":
        from unleash_gitops.render.json import report_json, reportset_json
        from unleash_gitops.workflow.many_workspaces import report_set

        if several:
            echo_data(reportset_json(report_set(runs)))
        elif runs[0].report is not None:
            echo_data(report_json(runs[0].report))
        return
    from unleash_gitops.render.text import report_text

    for run in runs:
        if run.report is None:
            continue
        if several:
            say("", err=False)
            say(f"Workspace {run.name} on {run.url}", err=False)
        if run.report.results:
            echo_text(report_text(run.report))
        else:
            say("nothing to do")


def _say_where_to_look(paths: Sequence[Path], everything: bool) -> None:
    from unleash_gitops.sandbox import status

    running = status()
    if running is not None:
        say("")
        say(f"look at   {running.url}/history  (login {running.username} / {running.password})")
        command = sys.argv[0] if Path(sys.argv[0]).stem == "unleash-gitops" else "unleash-gitops"
        options = "--all --sandbox" if everything else "--sandbox"
        say(f"run next  {command} plan {' '.join(map(str, paths))} {options}")
