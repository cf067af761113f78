"""The pull command: live objects to new files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unleash_gitops.cli.connection import Connection, connection_options
from unleash_gitops.cli.output import echo_line, progress_bar
from unleash_gitops.cli.plan import sandbox_option
from unleash_gitops.cli.workspaces import load_runs, open_clients

if TYPE_CHECKING:
    from unleash_gitops.workflow.pull import Pulled

__all__ = ["pull"]


@click.command()
@click.argument(
    "directory", metavar="[DIR]", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option("--kind", metavar="K", help="Write only objects of this kind.")
@click.option("--project", metavar="P", help="Write only objects of this project.")
@click.option("--minimal", is_flag=True, help="Leave out fields that have their default. They are then not managed.")
@click.option(
    "--leave",
    multiple=True,
    metavar="FIELD",
    help="Leave out this field, so that it is not managed: enabled, production.enabled, strategies, tags, "
    "FeatureFlag.description or any other field of a spec. Can be repeated.",
)
@sandbox_option
@connection_options
@click.pass_obj
def pull(
    verbose: bool,
    /,
    directory: Path,
    kind: str | None,
    project: str | None,
    minimal: bool,
    leave: tuple[str, ...],
    **server: Any,
) -> int:
    """Write live objects without a document to new files, to manage them from there.

    The files have every field that the tool manages. A field that a file leaves out keeps its live value.
    """
    from unleash_gitops.workflow.many_workspaces import pull_run
    from unleash_gitops.workflow.pulled_documents import PullChoice

    connection = Connection(verbose=verbose, **server)
    runs = load_runs([directory], all_below=False)
    with open_clients(runs, connection), progress_bar("reading") as show_progress:
        pulled = pull_run(runs[0], PullChoice(kind, project, minimal, leave), show_progress)
    for file in pulled.files:
        echo_line(f"wrote {runs[0].path_prefix}{file.path}", err=False)
    for entry in pulled.skipped:
        echo_line(f"skipped {entry.address}: {entry.reason}")
    echo_line(f"{len(pulled.files)} written, {len(pulled.skipped)} skipped")
    _show_notes(pulled)
    return 0


def _show_notes(pulled: Pulled) -> None:
    """Say what the files decide from now on, and what they do not."""
    for kind, count in pulled.unwritten.items():
        echo_line(f"note: {kind}: {_count(count, 'object')} not written; run: unleash-gitops pull --kind {kind}")
    if pulled.unmarkable:
        charts = _count(pulled.unmarkable, "chart")
        echo_line(
            f"note: {charts} cannot bear this workspace's mark, because the id is not the workspace's; "
            "a chart stays on the server when its file is removed"
        )
    flags, environments = pulled.switches
    if flags:
        echo_line(
            f"these files now switch {_count(flags, 'flag')} in {_count(environments, 'environment')}; "
            "use --leave enabled to let the UI decide"
        )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
