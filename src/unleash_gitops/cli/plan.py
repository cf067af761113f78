"""Commands that show plans: plan, show."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unleash_gitops.cli.connection import Connection, connection_options
from unleash_gitops.cli.output import check_target, echo_data, echo_line, echo_text, progress_bar, write_atomically
from unleash_gitops.cli.workspaces import (
    all_option,
    directories_argument,
    list_roots,
    load_runs,
    open_clients,
    read_plans,
    show_failures,
)
from unleash_gitops.model.errors import UsageError
from unleash_gitops.model.naming import list_names

if TYPE_CHECKING:
    from unleash_gitops.ci.job import Job
    from unleash_gitops.model.plan import OnDrift, Plan
    from unleash_gitops.model.plan_set import PlanSet
    from unleash_gitops.workflow.many_workspaces import Run

__all__ = [
    "allow_in_use_option",
    "check_targets",
    "max_deletes_option",
    "on_drift_option",
    "plan",
    "plan_runs",
    "sandbox_option",
    "show",
    "show_plans",
    "target_option",
    "to_markdown",
]

PENDING = 2
BLOCKED = 3

sandbox_option = click.option(
    "--sandbox", is_flag=True, help="Use the sandbox server of this machine. Starts it if it is not running."
)
target_option = click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="ADDRESS",
    help="Limit the command to this address and those below it, such as ImpactMetric/shop. Can be repeated.",
)
on_drift_option = click.option(
    "--on-drift",
    type=click.Choice(["overwrite", "keep", "fail"]),
    help="How to treat changes made outside this workspace. Takes precedence over the policy in the files.",
)
max_deletes_option = click.option(
    "--max-deletes",
    type=click.IntRange(0),
    metavar="N",
    help="Number of deletes to allow in each workspace, in place of the limits in the files.",
)
allow_in_use_option = click.option(
    "--allow-in-use",
    multiple=True,
    metavar="ADDRESS",
    help="Delete this object although applications use it. Can be repeated.",
)
plan_format = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "markdown", "github"]),
    default="text",
    show_default=True,
    help="Format of the plan; github annotates a pull request.",
)


@click.command()
@directories_argument
@all_option
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Save the plan to FILE, to apply it later.",
)
@plan_format
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 when there are changes.")
@click.option(
    "--drift", is_flag=True, help="Show only changes made outside this workspace. Exit with 2 when there are any."
)
@on_drift_option
@max_deletes_option
@allow_in_use_option
@target_option
@sandbox_option
@connection_options
@click.pass_obj
def plan(
    verbose: bool,
    /,
    directories: tuple[Path, ...],
    all_below: bool,
    out: Path | None,
    form: str,
    detailed_exitcode: bool,
    drift: bool,
    on_drift: OnDrift | None,
    max_deletes: int | None,
    allow_in_use: tuple[str, ...],
    targets: tuple[str, ...],
    **server: Any,
) -> int:
    """Show the changes that apply would make. Writes nothing to the server.

    With several directories or --all, plans every workspace; the exit code is the worst of them.

    Exits with 1 when the plan is refused, because it would overwrite changes made outside this workspace, or deletes
    more than the limits allow. A refused plan is shown and saved. Exits with 3 when the plan has a blocked change.
    """
    from unleash_gitops.workflow.many_workspaces import check_all_deletes, check_all_drift

    if drift and (out is not None or on_drift is not None):
        raise UsageError(
            "--drift cannot be combined with --out or --on-drift", "leave out --drift, or the other option"
        )
    connection = Connection(verbose=verbose, **server)
    several = all_below or len(directories) > 1
    runs = load_runs(directories, all_below=all_below)
    check_target("--out", out, list_roots(runs))
    with open_clients(runs, connection):
        plans = plan_runs(
            runs,
            targets,
            on_drift,
            several=several,
            thorough=drift,
            max_deletes=max_deletes,
            allow_in_use=allow_in_use,
        )
    if drift:
        return _show_drift(runs, plans, form, several=several)
    if plans is not None:
        if out is not None:
            write_atomically(out, _to_json(plans))
        show_plans(plans, form, verbose=verbose)
    check_all_drift(runs)
    check_all_deletes(runs)
    failed = show_failures(runs, several=several)
    if failed or plans is None:
        return 1
    if out is not None:
        echo_line(f"saved to {out}; to apply exactly this plan, run: unleash-gitops apply {out}")
    if plans.summary.blocked:
        return BLOCKED
    return PENDING if detailed_exitcode and plans.pending else 0


def _show_drift(runs: Sequence[Run], plans: Plan | PlanSet | None, form: str, *, several: bool) -> int:
    """Show the changes that other users made. Return the exit code."""
    from unleash_gitops.workflow.many_workspaces import require_all_audit_logs

    if plans is not None and (plans.drifted or form in {"json", "markdown"}):
        show_plans(plans.drift, form)
    require_all_audit_logs(runs)
    failed = show_failures(runs, several=several)
    if failed or plans is None:
        return 1
    unexplained = [change.address for change in plans.unexplained]
    if unexplained:
        echo_line(f"note: the audit log does not record who changed {list_names(unexplained)}")
        echo_line("help: to see the differences, run: unleash-gitops plan")
    elif not plans.drifted:
        echo_line("No drift: nothing that the workspace manages was changed by another user.", err=form != "text")
    return PENDING if plans.drifted else 0


def plan_runs(
    runs: Sequence[Run],
    targets: Sequence[str],
    on_drift: OnDrift | None = None,
    *,
    several: bool,
    thorough: bool = False,
    max_deletes: int | None = None,
    allow_in_use: Sequence[str] = (),
    only: Sequence[Run] | None = None,
) -> Plan | PlanSet | None:
    """Plan each run, or `only` some of them. Return the plans of all.

    That is a set of plans if `several`; otherwise the only plan, None when it failed.

    The options are those of `make_plan`. Raises UsageError for `targets` with several
    workspaces.
    """
    from unleash_gitops.workflow.many_workspaces import build_plan_set, is_in_maintenance, plan_all

    check_targets(targets, several=several)
    with progress_bar("reading") as show_progress:
        plan_all(
            runs,
            targets,
            show_progress,
            on_drift,
            thorough=thorough,
            max_deletes=max_deletes,
            allow_in_use=allow_in_use,
            only=only,
        )
    if is_in_maintenance(runs):
        echo_line("note: the server is in maintenance mode; apply fails until it ends")
    return build_plan_set(runs) if several else runs[0].plan


def check_targets(targets: Sequence[str], *, several: bool) -> None:
    """Raise UsageError for `targets` with several workspaces."""
    if several and targets:
        raise UsageError("--target cannot be used with several workspaces", "name the directory of one workspace")


def show_plans(plans: Plan | PlanSet, form: str, *, err: bool = False, verbose: bool = False) -> None:
    """Print one plan or several in a format of `--format`. With `err`, text goes to stderr."""
    if form == "json":
        echo_data(_to_json(plans))
    elif form == "markdown":
        from unleash_gitops.ci.job import detect_job

        echo_data(to_markdown(plans, detect_job(os.environ)))
    elif form == "github":
        from unleash_gitops.render.github import render_drift_github

        echo_data(render_drift_github(plans))
        show_plans(plans, "text", err=True, verbose=verbose)
    else:
        from unleash_gitops.model.plan import Plan
        from unleash_gitops.render.text import render_plan_set_text, render_plan_text

        if isinstance(plans, Plan):
            echo_text(render_plan_text(plans, verbose=verbose), err=err)
        else:
            echo_text(render_plan_set_text(plans, verbose=verbose), err=err)


def _to_json(plans: Plan | PlanSet) -> str:
    from unleash_gitops.model.plan import Plan
    from unleash_gitops.render.json import render_plan_json, render_plan_set_json

    return render_plan_json(plans) if isinstance(plans, Plan) else render_plan_set_json(plans)


def to_markdown(plans: Plan | PlanSet, job: Job | None) -> str:
    """Return one plan or several as Markdown, with links into the repository of `job`."""
    from unleash_gitops.model.plan import Plan
    from unleash_gitops.render.markdown import render_plan_markdown, render_plan_set_markdown

    return render_plan_markdown(plans, job) if isinstance(plans, Plan) else render_plan_set_markdown(plans, job)


@click.command()
@click.argument("planfile", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@plan_format
@click.pass_obj
def show(verbose: bool, /, planfile: Path, form: str) -> int:
    """Show a saved plan."""
    show_plans(read_plans(planfile), form, verbose=verbose)
    return 0
