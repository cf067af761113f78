"""The command unlock: shows and ends the lease of a workspace."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from unleash_gitops.cli.connection import Connection, connection_options
from unleash_gitops.cli.output import echo_line
from unleash_gitops.cli.plan import sandbox_option
from unleash_gitops.cli.workspaces import all_option, directories_argument, load_runs, open_clients, show_failures
from unleash_gitops.model.errors import GitopsError, UsageError

__all__ = ["unlock"]


@click.command()
@directories_argument
@all_option
@click.option("--yes", is_flag=True, help="End the leases without asking for confirmation.")
@sandbox_option
@connection_options
@click.pass_obj
def unlock(verbose: bool, /, directories: tuple[Path, ...], all_below: bool, yes: bool, **server: Any) -> int:
    """Show who holds the lease of a workspace, and end it.

    The lease of a run that no longer exists expires by itself within a minute. A run that loses its lease stops
    within a second.
    """
    from unleash_gitops.workflow.leases import end_leases, list_leases

    runs = load_runs(directories, all_below=all_below)
    several = len(runs) > 1
    is_declined = False
    with open_clients(runs, Connection(verbose=verbose, **server)):
        for run in runs:
            try:
                records = list_leases(run)
                if not records:
                    echo_line(f"workspace {run.name} is not locked")
                    continue
                for record in records:
                    echo_line(f"workspace {run.name} is {record}")
                if not yes and not _confirm():
                    is_declined = True
                    continue
                end_leases(run, records)
                echo_line(f"workspace {run.name} is unlocked")
            except GitopsError as error:
                run.error = error
    return 1 if show_failures(runs, several=several) or is_declined else 0


def _confirm() -> bool:
    """Ask whether to end the leases that were shown. Raises UsageError without a terminal."""
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask for confirmation", "to unlock without confirmation, use --yes")
    return click.confirm("End this lease? A run that still holds it stops within a second.", err=True)
