"""The command that writes changes on the server into the files: accept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unleash_gitops.cli.connection import Connection, connection_options
from unleash_gitops.cli.output import echo_line, progress_bar
from unleash_gitops.cli.plan import sandbox_option
from unleash_gitops.cli.workspaces import load_runs, open_clients, show_failures
from unleash_gitops.model.errors import InvalidFiles

if TYPE_CHECKING:
    from unleash_gitops.workflow.accept import Accepted

__all__ = ["accept"]


@click.command()
@click.argument("references", metavar="[REF]...", nargs=-1)
@click.option(
    "--directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    show_default=True,
    metavar="DIR",
    help="Directory of the workspace.",
)
@sandbox_option
@connection_options
@click.pass_obj
def accept(verbose: bool, /, references: tuple[str, ...], directory: Path, **server: Any) -> int:
    """Write other users' changes on the server into the files.

    Without REF, accepts every such change. With REF, an address such as FeatureFlag/shop/checkout-v2, accepts the
    changes at this address and below it. With REF, also accepts differences of unknown origin.

    Keeps changes that were only made in the files. Writes nothing to the server.
    """
    from unleash_gitops.workflow.many_workspaces import accept_run

    connection = Connection(verbose=verbose, **server)
    runs = load_runs([directory], all_below=False)
    run = runs[0]
    with open_clients(runs, connection), progress_bar("reading") as show_progress:
        try:
            accepted, not_accepted = accept_run(run, references, show_progress)
        except InvalidFiles as error:
            run.error = error
    if show_failures(runs, several=False):
        echo_line("no file was changed")
        return 1
    for entry in accepted:
        echo_line(f"{run.path_prefix}{entry.path}:{entry.line}: {_describe(entry)}", err=False)
    for left in not_accepted:
        echo_line(f"not accepted: {left.address}: {left.reason}")
    documents = f"{len(accepted)} document{'' if len(accepted) == 1 else 's'}"
    echo_line(f"{documents} changed; review and commit them" if accepted else "nothing to accept")
    return 0


def _describe(entry: Accepted) -> str:
    author = f" (changed by {entry.changed.by}, event {entry.changed.event})" if entry.changed is not None else ""
    change = "removed" if entry.edits is None else f"accepted {', '.join(entry.parts)} of"
    return f"{change} {entry.address}{author}"
