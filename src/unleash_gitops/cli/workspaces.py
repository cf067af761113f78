"""What a command works on: the workspaces of some directories, or those of a plan file, each with its connection."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from unleash_gitops.cli.output import echo_text, prefix_of, show_error
from unleash_gitops.model.errors import GitopsError, InvalidFiles, UsageError

if TYPE_CHECKING:
    from unleash_gitops.cli.connection import Connection
    from unleash_gitops.model.diagnostics import Diagnostic
    from unleash_gitops.model.plan import Plan
    from unleash_gitops.model.plan_set import PlanSet
    from unleash_gitops.workflow.many_workspaces import Run

__all__ = [
    "all_option",
    "directories_argument",
    "open_clients",
    "read_plans",
    "show_failures",
    "workspace_roots",
    "workspace_runs",
]

directories_argument = click.argument(
    "directories", metavar="[DIR]...", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
all_option = click.option("--all", "everything", is_flag=True, help="Every workspace in or below DIR.")


def workspace_roots(directories: Sequence[Path], everything: bool) -> dict[Path, str]:
    """Return each workspace root that is meant, with what makes a path below it right from where the user stands."""
    from unleash_gitops.documents.loader import find_workspace, find_workspaces

    roots: dict[Path, str] = {}
    for directory in directories or (Path(),):
        for root in find_workspaces(directory) if everything else (find_workspace(directory),):
            roots.setdefault(root, prefix_of(directory, root))
    return roots


def workspace_runs(directories: Sequence[Path], everything: bool) -> list[Run]:
    """Load every workspace that is meant. When files are wrong, show all that is and leave with 1."""
    from unleash_gitops.model.diagnostics import has_errors
    from unleash_gitops.workflow.many_workspaces import Run
    from unleash_gitops.workflow.plan import load_workspace

    runs: list[Run] = []
    diagnostics: list[Diagnostic] = []
    for root, prefix in workspace_roots(directories, everything).items():
        try:
            loaded, workspace = load_workspace(root)
        except InvalidFiles as error:
            diagnostics += [diagnostic.below(prefix) for diagnostic in error.diagnostics]
        else:
            diagnostics += [diagnostic.below(prefix) for diagnostic in loaded.diagnostics]
            runs.append(Run.of_files(loaded, workspace, prefix or "."))
    _show(diagnostics)
    if has_errors(diagnostics):
        raise click.exceptions.Exit(1)
    return runs


def read_plans(path: Path) -> Plan | PlanSet:
    """Read a plan file. Raises PlanFileError, UsageError."""
    from unleash_gitops.model.plan_set import parse_plans

    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    return parse_plans(content, str(path))


@contextmanager
def open_clients(runs: Sequence[Run], connection: Connection) -> Iterator[None]:
    """Give each run its client while this lasts; a run that gets none has its error. Raises UsageError for all."""
    from unleash_gitops.workflow.many_workspaces import check_apart

    try:
        for run in runs:
            try:
                run.client = connection.open(run.named_url, run.token_env)
            except GitopsError as error:
                run.error = error
        connection.check_one_for_all([run.named_url for run in runs], [run.url for run in runs])
        check_apart(runs)
        yield
    finally:
        for run in runs:
            if run.client is not None:
                run.client.close()


def show_failures(runs: Sequence[Run], *, several: bool) -> bool:
    """Show what stopped each run that was stopped; tell whether any was."""
    for run in runs:
        if run.error is None:
            continue
        if several:
            click.echo(f"workspace {run.name} ({run.where}):", err=True)
        if isinstance(run.error, InvalidFiles):
            _show([diagnostic.below(run.prefix) for diagnostic in run.error.diagnostics])
        else:
            show_error(run.error)
    return any(run.error is not None for run in runs)


def _show(diagnostics: Sequence[Diagnostic]) -> None:
    if diagnostics:
        from unleash_gitops.render.text import diagnostics_text

        echo_text(diagnostics_text(diagnostics), err=True)
