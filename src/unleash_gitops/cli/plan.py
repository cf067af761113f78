"""Commands that look at a server, and at what was seen there: plan, show, pull."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unleash_gitops.cli.connection import Connection, connection_options
from unleash_gitops.cli.output import echo_data, echo_text, progress_bar, say, write_atomically
from unleash_gitops.cli.workspaces import (
    all_option,
    directories_argument,
    open_clients,
    read_plans,
    show_failures,
    workspace_runs,
)
from unleash_gitops.model.errors import UsageError

if TYPE_CHECKING:
    from unleash_gitops.ci.job import Job
    from unleash_gitops.model.plan import OnDrift, Plan
    from unleash_gitops.model.plan_set import PlanSet
    from unleash_gitops.workflow.many_workspaces import Run

__all__ = [
    "as_markdown",
    "on_drift_option",
    "plan",
    "plan_runs",
    "pull",
    "sandbox_option",
    "show",
    "show_plans",
    "target_option",
]

PENDING = 2
_MOST_NAMED = 5

sandbox_option = click.option("--sandbox", is_flag=True, help="Use the sandbox, starting it if need be.")
target_option = click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="REF",
    help="Look at this address or what is below it only, such as ImpactMetric/shop. May be repeated.",
)
on_drift_option = click.option(
    "--on-drift",
    type=click.Choice(["overwrite", "keep", "fail"]),
    help="What becomes of what somebody else changed on the server, in this run, whatever the files say.",
)
plan_format = click.option(
    "--format", "form", type=click.Choice(["text", "json", "markdown", "github"]), default="text", show_default=True
)


@click.command()
@directories_argument
@all_option
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Save the plan, to apply it later."
)
@plan_format
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 when anything would change.")
@click.option("--drift", is_flag=True, help="Show only what somebody else changed, and exit with 2 when there is any.")
@on_drift_option
@target_option
@sandbox_option
@connection_options
@click.pass_obj
def plan(
    verbose: bool,
    /,
    directories: tuple[Path, ...],
    everything: bool,
    out: Path | None,
    form: str,
    detailed_exitcode: bool,
    drift: bool,
    on_drift: OnDrift | None,
    targets: tuple[str, ...],
    **server: Any,
) -> int:
    """Show what apply would change. Writes nothing to the server.

    Of several directories, or with --all, it plans every workspace; its exit code is the worst of theirs. It is 1 when
    what somebody else changed on the server keeps the plan from being applied.
    """
    from unleash_gitops.workflow.many_workspaces import advance, check_drift_step

    if drift and (out is not None or on_drift is not None):
        raise UsageError("--drift only looks: it goes without --out and --on-drift", "leave one of them out")
    connection = Connection(verbose=verbose, **server)
    several = everything or len(directories) > 1
    runs = workspace_runs(directories, everything)
    with open_clients(runs, connection):
        plans = plan_runs(runs, targets, on_drift, several=several, thorough=drift)
    if drift:
        return _show_drift(runs, plans, form, several=several)
    if plans is not None:
        if out is not None:
            write_atomically(out, _as_json(plans))
        show_plans(plans, form)
    advance(runs, check_drift_step)
    failed = show_failures(runs, several=several)
    if plans is None:
        return 1
    if out is not None and not failed:
        say(f"saved to {out}; apply exactly this with: unleash-gitops apply {out}")
    return 1 if failed else PENDING if detailed_exitcode and plans.pending else 0


def _show_drift(runs: Sequence[Run], plans: Plan | PlanSet | None, form: str, *, several: bool) -> int:
    """Show what somebody else changed; return the exit code."""
    from unleash_gitops.workflow.many_workspaces import advance, require_audit_log_step

    if plans is not None and (plans.drifted or form in {"json", "markdown"}):
        show_plans(plans.drift, form)
    advance(runs, require_audit_log_step)
    failed = show_failures(runs, several=several)
    if plans is None:
        return 1
    unexplained = [change.address for change in plans.unexplained]
    if unexplained and not failed:
        more = f" and {len(unexplained) - _MOST_NAMED} more" if len(unexplained) > _MOST_NAMED else ""
        say(
            f"note: the audit log does not tell who changed {', '.join(unexplained[:_MOST_NAMED])}{more}: "
            "what differs is shown by: unleash-gitops plan"
        )
    elif not plans.drifted and not failed:
        say("No drift: nobody else changed what the workspace manages.", err=form != "text")
    return 1 if failed else PENDING if plans.drifted else 0


def plan_runs(
    runs: Sequence[Run],
    targets: Sequence[str],
    on_drift: OnDrift | None = None,
    *,
    several: bool,
    thorough: bool = False,
) -> Plan | PlanSet | None:
    """Plan each run. Return the plan, or the set of plans when there may be several; None when the only one failed.

    `on_drift` and `thorough` are as `make_plan` takes them.
    """
    from unleash_gitops.workflow.many_workspaces import Tally, advance, is_in_maintenance, plan_set, plan_step

    if several and targets:
        raise UsageError("--target goes with one workspace", "name its directory")
    with progress_bar("reading") as progress:
        advance(runs, plan_step(targets, Tally(progress), on_drift, thorough=thorough))
    if is_in_maintenance(runs):
        say("note: the server is in maintenance mode; apply will be refused until it is over")
    return plan_set(runs) if several else runs[0].plan


def show_plans(plans: Plan | PlanSet, form: str, *, err: bool = False) -> None:
    """Show a plan, or several, in one of the forms."""
    if form == "json":
        echo_data(_as_json(plans))
    elif form == "markdown":
        from unleash_gitops.ci.job import detect_job

        echo_data(as_markdown(plans, detect_job(os.environ)))
    elif form == "github":
        from unleash_gitops.render.github import drift_github

        echo_data(drift_github(plans))
        show_plans(plans, "text", err=True)
    else:
        from unleash_gitops.model.plan import Plan
        from unleash_gitops.render.text import plan_text, planset_text

        echo_text(plan_text(plans) if isinstance(plans, Plan) else planset_text(plans), err=err)


def _as_json(plans: Plan | PlanSet) -> str:
    from unleash_gitops.model.plan import Plan
    from unleash_gitops.render.json import plan_json, planset_json

    return plan_json(plans) if isinstance(plans, Plan) else planset_json(plans)


def as_markdown(plans: Plan | PlanSet, job: Job | None) -> str:
    """Return a plan, or several, as Markdown."""
    from unleash_gitops.model.plan import Plan
    from unleash_gitops.render.markdown import plan_markdown, planset_markdown

    return plan_markdown(plans, job) if isinstance(plans, Plan) else planset_markdown(plans, job)


@click.command()
@click.argument("planfile", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@plan_format
def show(planfile: Path, form: str) -> int:
    """Show a saved plan."""
    show_plans(read_plans(planfile), form)
    return 0


@click.command()
@click.argument(
    "directory", metavar="[DIR]", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option("--kind", metavar="K", help="Only objects of this kind.")
@click.option("--project", metavar="P", help="Only objects of this project.")
@sandbox_option
@connection_options
@click.pass_obj
def pull(verbose: bool, /, directory: Path, kind: str | None, project: str | None, **server: Any) -> int:
    """Write live objects as new files, to adopt them."""
    from unleash_gitops.workflow.many_workspaces import pull_run

    connection = Connection(verbose=verbose, **server)
    runs = workspace_runs([directory], everything=False)
    with open_clients(runs, connection), progress_bar("reading") as progress:
        written, skipped = pull_run(runs[0], kind, project, progress)
    for file in written:
        say(f"wrote {runs[0].prefix}{file.path}", err=False)
    for entry in skipped:
        say(f"left out {entry.address}: {entry.reason}")
    say(f"{len(written)} written, {len(skipped)} left out")
    return 0
