"""The command that writes changes on the server into the files: accept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unleash_gitops.cli.connection import Connection, connection_options
from unleash_gitops.cli.output import echo_line, progress_bar
from unleash_gitops.cli.plan import check_targets, sandbox_option, target_option
from unleash_gitops.cli.workspaces import all_option, directories_argument, load_runs, open_clients, show_failures
from unleash_gitops.model.errors import GitopsError

if TYPE_CHECKING:
    from unleash_gitops.workflow.accepted import Accepted, NotAccepted
    from unleash_gitops.workflow.many_workspaces import Run

__all__ = ["accept"]

INCOMPLETE = 3
REFUSED = 1


@click.command()
@directories_argument
@all_option
@target_option
@sandbox_option
@connection_options
@click.pass_obj
def accept(
    verbose: bool, /, directories: tuple[Path, ...], all_below: bool, targets: tuple[str, ...], **server: Any
) -> int:
    """Write other users' changes on the server into the files.

    Without --target, accepts every such change. With --target, also accepts differences of unknown origin.

    Keeps changes that were only made in the files. Writes nothing to the server. When the workspace could not be
    planned with the changes, every file stays unchanged and the exit code is 1. With several directories or --all,
    accepts in every workspace; exits with 3 when some were changed and others failed.
    """
    connection = Connection(verbose=verbose, **server)
    several = all_below or len(directories) > 1
    check_targets(targets, several=several)
    runs = load_runs(directories, all_below=all_below)
    with open_clients(runs, connection), progress_bar("reading") as show_progress:
        results = [(run, *_accept_in(run, targets, show_progress)) for run in runs]
    is_failed = show_failures(runs, several=several)
    accepted_count = len({(run.path, entry.path, entry.address) for run, accepted, _ in results for entry in accepted})
    for run, accepted, left in results:
        _show_result(run, accepted, left)
    if is_failed:
        echo_line("the files of workspaces with errors were not changed" if accepted_count else "no file was changed")
    if accepted_count:
        documents = f"{accepted_count} document{'' if accepted_count == 1 else 's'}"
        echo_line(f"{documents} changed; review and commit them")
    elif not is_failed:
        echo_line("nothing to accept")
    return 0 if not is_failed else INCOMPLETE if accepted_count else REFUSED


def _accept_in(
    run: Run, targets: Sequence[str], show_progress: Any
) -> tuple[Sequence[Accepted], Sequence[NotAccepted]]:
    """Accept in one workspace. A run that fails gets the error."""
    from unleash_gitops.workflow.many_workspaces import accept_run

    try:
        return accept_run(run, targets, show_progress)
    except GitopsError as error:
        run.error = error
        return (), ()


def _show_result(run: Run, accepted: Sequence[Accepted], left: Sequence[NotAccepted]) -> None:
    for entry in accepted:
        echo_line(f"{run.path_prefix}{entry.path}:{entry.line}: {_describe(entry)}", err=False)
    for rest in left:
        echo_line(f"not accepted: {rest.address}: {rest.reason}")


def _describe(entry: Accepted) -> str:
    author = f" (changed by {entry.changed.by}, event {entry.changed.event})" if entry.changed is not None else ""
    change = "removed" if entry.edits is None else f"accepted {', '.join(entry.parts)} of"
    return f"{change} {entry.address}{author}"
