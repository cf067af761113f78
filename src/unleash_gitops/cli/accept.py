"""The command that takes what is live into the files: accept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unleash_gitops.cli.connection import Connection, connection_options
from unleash_gitops.cli.output import progress_bar, say
from unleash_gitops.cli.plan import sandbox_option
from unleash_gitops.cli.workspaces import open_clients, show_failures, workspace_runs
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
    help="The workspace.",
)
@sandbox_option
@connection_options
@click.pass_obj
def accept(verbose: bool, /, references: tuple[str, ...], directory: Path, **server: Any) -> int:
    """Write what somebody else changed on the server into the files, each value at its place.

    All of it, or at and below the addresses REF only, such as FeatureFlag/shop/checkout-v2; of what is named so, also
    what nobody knows the origin of. What only the files changed stays as it is in them. Writes nothing to the server.
    """
    from unleash_gitops.workflow.many_workspaces import accept_run

    connection = Connection(verbose=verbose, **server)
    runs = workspace_runs([directory], everything=False)
    with open_clients(runs, connection), progress_bar("reading") as progress:
        try:
            accepted_entries, left = accept_run(runs[0], references, progress)
        except InvalidFiles as error:
            runs[0].error = error
    if show_failures(runs, several=False):
        say("the files are as they were")
        return 1
    for entry in accepted_entries:
        say(f"{runs[0].prefix}{entry.path}:{entry.line}: {_describe(entry)}", err=False)
    for one_left in left:
        say(f"left out {one_left.address}: {one_left.reason}")
    documents = f"{len(accepted_entries)} document{'' if len(accepted_entries) == 1 else 's'}"
    say(f"{documents} changed; review and commit them" if accepted_entries else "nothing to accept")
    return 0


def _describe(entry: Accepted) -> str:
    who = f" ({entry.changed.by} changed it, event {entry.changed.event})" if entry.changed is not None else ""
    what = "removed" if entry.edits is None else f"took {', '.join(entry.parts)} of"
    return f"{what} {entry.address}{who}"
