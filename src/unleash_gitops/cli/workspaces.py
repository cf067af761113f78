"""The workspaces that a command works on, from directories or from a plan file, each with its client."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from unleash_gitops.cli.output import build_path_prefix, echo_line, echo_text, show_error
from unleash_gitops.model.errors import GitopsError, InvalidFiles, PlanFileError, UsageError
from unleash_gitops.model.files import read_bounded

if TYPE_CHECKING:
    from unleash_gitops.cli.connection import Connection
    from unleash_gitops.model.diagnostics import Diagnostic
    from unleash_gitops.model.plan import Plan
    from unleash_gitops.model.plan_set import PlanSet
    from unleash_gitops.workflow.many_workspaces import Run

__all__ = [
    "all_option",
    "directories_argument",
    "find_roots",
    "list_roots",
    "load_runs",
    "open_clients",
    "read_complete_plans",
    "read_plans",
    "show_failures",
]

_MAX_PLAN_FILE = 256 << 20  # bytes; the plan of 5,000 flags takes 20 MB

directories_argument = click.argument(
    "directories", metavar="[DIR]...", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
all_option = click.option("--all", "all_below", is_flag=True, help="Use every workspace in DIR or below it.")


def find_roots(directories: Sequence[Path], *, all_below: bool) -> dict[Path, str]:
    """Return the root of each workspace, with the prefix that makes its paths relative to the working directory.

    Each directory stands for the workspace that it is in, or with `all_below` for every workspace in it or below it.
    No directory stands for the working directory. Raises UsageError.
    """
    from unleash_gitops.documents.loader import find_workspace, find_workspaces

    roots: dict[Path, str] = {}
    for directory in directories or (Path(),):
        for root in find_workspaces(directory) if all_below else (find_workspace(directory),):
            roots.setdefault(root, build_path_prefix(directory, root))
    return roots


def load_runs(directories: Sequence[Path], *, all_below: bool) -> list[Run]:
    """Load each workspace. Shows the diagnostics of all, and exits with 1 when there are errors among them."""
    from unleash_gitops.documents.shared_documents import find_shared_documents
    from unleash_gitops.model.diagnostics import has_errors
    from unleash_gitops.workflow.many_workspaces import Run
    from unleash_gitops.workflow.plan import load_workspace

    runs: list[Run] = []
    diagnostics: list[Diagnostic] = []
    for root, prefix in find_roots(directories, all_below=all_below).items():
        try:
            loaded, workspace = load_workspace(root)
        except InvalidFiles as error:
            diagnostics += [diagnostic.below(prefix) for diagnostic in error.diagnostics]
        else:
            diagnostics += [diagnostic.below(prefix) for diagnostic in loaded.diagnostics]
            runs.append(Run.of_files(loaded, workspace, prefix or "."))
    diagnostics += find_shared_documents([(run.files[0], run.path_prefix) for run in runs if run.files is not None])
    _show(diagnostics)
    if has_errors(diagnostics):
        raise click.exceptions.Exit(1)
    return runs


def list_roots(runs: Sequence[Run]) -> list[Path]:
    """Return the root of each workspace whose files have been loaded."""
    return [run.files[0].root for run in runs if run.files is not None]


def read_plans(path: Path) -> Plan | PlanSet:
    """Load a plan file. Raises PlanFileError, UsageError."""
    from unleash_gitops.model.plan_set import parse_plans

    try:
        content = read_bounded(path, _MAX_PLAN_FILE)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    return parse_plans(content, str(path))


def read_complete_plans(path: Path) -> tuple[Sequence[Plan], bool]:
    """Load a plan file with the plan of every workspace in it, and tell whether it is for several.

    Raises PlanFileError, UsageError.
    """
    from unleash_gitops.model.plan import Plan

    saved = read_plans(path)
    if isinstance(saved, Plan):
        return (saved,), False
    if not saved.complete:
        failed = ", ".join(planned.workspace for planned in saved.workspaces if planned.plan is None)
        raise PlanFileError(f"{path}: the plan is incomplete; these workspaces failed: {failed}", "make a new plan")
    return saved.plans, True


@contextmanager
def open_clients(runs: Sequence[Run], connection: Connection) -> Iterator[None]:
    """Open a client for each run, and close all at the end. A run whose client cannot be opened gets the error.

    Raises UsageError when the runs or the connection's options contradict each other.
    """
    from unleash_gitops.workflow.many_workspaces import check_distinct, identify_instances

    try:
        for run in runs:
            try:
                run.client = connection.open_client(run.configured_url, run.token_env)
            except GitopsError as error:
                run.error = error
        connection.check_options([run.configured_url for run in runs], [run.url for run in runs])
        check_distinct(runs)
        if len(runs) > 1:
            identify_instances(runs)
        yield
    finally:
        for run in runs:
            if run.client is not None:
                run.client.close()


def show_failures(runs: Sequence[Run], *, several: bool) -> bool:
    """Show the error of each run that has one. Tell whether any has."""
    for run in runs:
        if run.error is None:
            continue
        if several:
            echo_line(f"workspace {run.name} ({run.path}):")
        if isinstance(run.error, InvalidFiles):
            _show([diagnostic.below(run.path_prefix) for diagnostic in run.error.diagnostics])
        else:
            show_error(run.error)
    return any(run.error is not None for run in runs)


def _show(diagnostics: Sequence[Diagnostic]) -> None:
    if diagnostics:
        from unleash_gitops.render.text import render_diagnostics_text

        echo_text(render_diagnostics_text(diagnostics), err=True)
