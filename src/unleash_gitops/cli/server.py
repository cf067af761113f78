"""Commands about a server: plan, apply, show, pull."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unleash_gitops.cli.connection import (
    Connection,
    connection_options,
    interruptible,
    loaded_workspace,
    read_plan,
)
from unleash_gitops.cli.files import directory_argument
from unleash_gitops.cli.output import echo_data, echo_text, progress_bar, reported, say, write_atomically
from unleash_gitops.errors import UsageError

if TYPE_CHECKING:
    from unleash_gitops.client import Client
    from unleash_gitops.plan import Plan, Report

__all__ = ["apply", "plan", "pull", "show"]

INCOMPLETE = 3
PENDING = 2
REFUSED = 1
INTERRUPTED = 130

sandbox_option = click.option("--sandbox", is_flag=True, help="Use the sandbox, starting it if need be.")
target_option = click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="REF",
    help="Look at this address or what is below it only, such as ImpactMetric/shop. May be repeated.",
)
plan_format = click.option(
    "--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True
)


@click.command()
@directory_argument
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Save the plan, to apply it later."
)
@plan_format
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 when anything would change.")
@target_option
@sandbox_option
@connection_options
@click.pass_obj
def plan(
    verbose: bool,
    /,
    directory: Path,
    out: Path | None,
    form: str,
    detailed_exitcode: bool,
    targets: tuple[str, ...],
    **server: Any,
) -> int:
    """Show what apply would change. Writes nothing to the server."""
    connection = Connection(verbose=verbose, **server)
    loaded, workspace, prefix = loaded_workspace(directory)
    with connection.open(workspace.spec.url) as client:
        made = _planned(client, loaded, workspace, prefix, targets)
    if out is not None:
        from unleash_gitops.render.json import plan_json

        write_atomically(out, plan_json(made))
    _show_plan(made, form)
    if out is not None:
        say(f"saved to {out}; apply exactly this with: unleash-gitops apply {out}")
    return PENDING if detailed_exitcode and made.pending else 0


@click.command()
@click.argument("path", metavar="[DIR | PLANFILE]", default=".", type=click.Path(exists=True, path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--max-deletes", type=click.IntRange(0), metavar="N", help="Allow this many deletes.  [default: spec.maxDeletes]"
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@target_option
@sandbox_option
@connection_options
@click.pass_obj
def apply(
    verbose: bool, /, path: Path, yes: bool, max_deletes: int | None, form: str, targets: tuple[str, ...], **server: Any
) -> int:
    """Make the server match the files, or do what a saved plan says."""
    connection = Connection(verbose=verbose, **server)
    if path.is_file():
        if targets:
            raise UsageError("--target goes with a directory: a saved plan is applied as it is")
        return _apply_saved(path, connection, max_deletes, form)
    if not yes and not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask for confirmation", "say --yes, or apply a saved plan")
    return _apply_directory(path, connection, max_deletes, form, targets, ask=not yes)


def _apply_saved(path: Path, connection: Connection, max_deletes: int | None, form: str) -> int:
    from unleash_gitops.workflow import check_deletes, check_plan

    saved = read_plan(path)
    check_deletes(saved, max_deletes)
    with connection.open(saved.instance.url) as client:
        check_plan(saved, client)
        return _apply(saved, client, form)


def _apply_directory(
    path: Path, connection: Connection, max_deletes: int | None, form: str, targets: tuple[str, ...], *, ask: bool
) -> int:
    from unleash_gitops.workflow import check_deletes, check_plan

    loaded, workspace, prefix = loaded_workspace(path)
    with connection.open(workspace.spec.url) as client:
        made = _planned(client, loaded, workspace, prefix, targets)
        _show_plan(made, "text", err=form == "json")
        check_deletes(made, max_deletes)
        if ask and any(change.calls for change in made.changes):
            if not click.confirm("Apply this plan?", err=True):
                say("nothing was applied")
                return REFUSED
            check_plan(made, client)  # the question may have stood for an hour
        code = _apply(made, client, form)
    if connection.sandbox:
        _say_where_to_look(path)
    return code


def _planned(client: Client, loaded: Any, workspace: Any, prefix: str, targets: tuple[str, ...]) -> Plan:
    from unleash_gitops.workflow import make_plan

    with reported(prefix), progress_bar("reading") as progress:
        made = make_plan(loaded, workspace, client, targets, progress)
    if client.facts().maintenance:
        say("note: the server is in maintenance mode; apply will be refused until it is over")
    return made


def _apply(made: Plan, client: Client, form: str) -> int:
    from unleash_gitops.render.text import report_text, result_line
    from unleash_gitops.workflow import apply_plan

    ended = 0
    stop = client.stop
    with interruptible(stop), progress_bar("applying") as progress:

        def on_result(result: Any) -> None:
            nonlocal ended
            ended += 1
            progress(ended, len(made.changes))
            if form == "text" and not sys.stderr.isatty() and result.status == "applied":
                echo_text(result_line(result))

        report = apply_plan(made, client, stop, on_result)
    _show_report(report, form, report_text)
    if stop.is_set():
        return INTERRUPTED
    return 0 if report.complete else INCOMPLETE


def _show_report(report: Report, form: str, as_text: Any) -> None:
    if form == "json":
        from unleash_gitops.render.json import report_json

        echo_data(report_json(report))
    elif report.results:
        echo_text(as_text(report))
    else:
        say("nothing to do")


def _show_plan(made: Plan, form: str, *, err: bool = False) -> None:
    if form == "json":
        from unleash_gitops.render.json import plan_json

        echo_data(plan_json(made))
    elif form == "markdown":
        from unleash_gitops.render.markdown import plan_markdown

        echo_data(plan_markdown(made))
    else:
        from unleash_gitops.render.text import plan_text

        echo_text(plan_text(made), err=err)


def _say_where_to_look(path: Path) -> None:
    from unleash_gitops.sandbox import status

    running = status()
    if running is not None:
        say("")
        say(f"look at   {running.url}/history  (login {running.username} / {running.password})")
        command = sys.argv[0] if Path(sys.argv[0]).stem == "unleash-gitops" else "unleash-gitops"
        say(f"run next  {command} plan {path} --sandbox")


@click.command()
@click.argument("planfile", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@plan_format
def show(planfile: Path, form: str) -> int:
    """Show a saved plan."""
    _show_plan(read_plan(planfile), form)
    return 0


@click.command()
@directory_argument
@click.option("--kind", metavar="K", help="Only objects of this kind.")
@click.option("--project", metavar="P", help="Only objects of this project.")
@sandbox_option
@connection_options
@click.pass_obj
def pull(verbose: bool, /, directory: Path, kind: str | None, project: str | None, **server: Any) -> int:
    """Write live objects as new files, to adopt them."""
    from unleash_gitops.workflow import pull_workspace

    connection = Connection(verbose=verbose, **server)
    loaded, workspace, prefix = loaded_workspace(directory)
    with connection.open(workspace.spec.url) as client, progress_bar("reading") as progress:
        written, skipped = pull_workspace(loaded, workspace, client, kind, project, progress)
    for file in written:
        say(f"wrote {prefix}{file.path}", err=False)
    for one in skipped:
        say(f"left out {one.address}: {one.reason}")
    say(f"{len(written)} written, {len(skipped)} left out")
    return 0
