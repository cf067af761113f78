"""Commands that need no server: init, validate, schema."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from unleash_gitops.cli.workspaces import all_option, directories_argument, find_roots
from unleash_gitops.model.errors import UsageError

if TYPE_CHECKING:
    from unleash_gitops.documents.loader import LoadedWorkspace
    from unleash_gitops.model.diagnostics import Diagnostic

__all__ = ["init", "schema", "validate"]


@click.command()
@click.argument("directory", metavar="[DIR]", default=".", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--name",
    help="Name of the workspace, unique among all workspaces of the instance.  [default: from the Git remote and DIR]",
)
def init(directory: Path, name: str | None) -> int:
    """Create a workspace in DIR.

    Writes the workspace file, an example, a JSON Schema for editors, and a CI pipeline. Never overwrites a file.

    Without --name, the organisation, the repository and DIR make the name. Without a Git remote, the command asks.
    """
    from unleash_gitops.cli.output import echo_line
    from unleash_gitops.workflow.init import check_new_workspace, start_workspace

    check_new_workspace(directory)
    written, existing = start_workspace(directory, name if name is not None else _choose_name(directory))
    for path in written:
        echo_line(f"wrote {path}", err=False)
    for path in existing:
        echo_line(f"did not overwrite {path}")
    echo_line(f"next: unleash-gitops plan {directory} --sandbox")
    return 0


def _choose_name(directory: Path) -> str:
    """Return a name from the Git remote, or the answer of the user. Raises UsageError without a terminal to ask on."""
    from unleash_gitops.workflow.workspace_name import derive_workspace_name

    name = derive_workspace_name(directory)
    if name is not None:
        click.echo(f"workspace {name}: named after the Git remote; --name gives another name", err=True)
        return name
    if not sys.stdin.isatty():
        raise UsageError(
            "there is no Git remote to name the workspace after",
            "give it a name that no other workspace of the instance has: unleash-gitops init --name ORG-REPO",
        )
    click.echo(
        "The name marks every object of the workspace. No other workspace of the instance may have it.", err=True
    )
    answer: str = click.prompt("Name of the workspace (such as acme-shop-flags)", value_proc=_parse_name, err=True)
    return answer


def _parse_name(answer: str) -> str:
    """Return an answer as a name. Raises an error after which click asks again."""
    from unleash_gitops.workflow.init import check_workspace_name

    name = answer.strip()
    try:
        check_workspace_name(name)
    except UsageError as error:
        raise click.BadParameter(f"{error}: {error.hint}") from None
    return name


@click.command()
@directories_argument
@all_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="Format of the problems; github annotates a pull request.",
)
def validate(directories: tuple[Path, ...], all_below: bool, form: str) -> int:
    """Check the files, without a server. Reports every problem in every file."""
    from unleash_gitops.cli.output import echo_data, echo_line, echo_text
    from unleash_gitops.documents.loader import load
    from unleash_gitops.documents.shared_documents import find_shared_documents
    from unleash_gitops.model.diagnostics import has_errors

    diagnostics: list[Diagnostic] = []
    workspaces: list[tuple[LoadedWorkspace, str]] = []
    documents, files = 0, 0
    for root, prefix in find_roots(directories, all_below=all_below).items():
        loaded = load(root)
        workspaces.append((loaded, prefix))
        diagnostics += [diagnostic.below(prefix) for diagnostic in loaded.diagnostics]
        documents += loaded.documents
        files += len(loaded.files)
    diagnostics += find_shared_documents(workspaces)
    if form == "json":
        from unleash_gitops.render.json import render_diagnostics_json

        echo_data(render_diagnostics_json(diagnostics))
    elif form == "github":
        from unleash_gitops.render.github import render_diagnostics_github

        echo_data(render_diagnostics_github(diagnostics))
    elif diagnostics:
        from unleash_gitops.render.text import render_diagnostics_text

        echo_text(render_diagnostics_text(diagnostics))
    if has_errors(diagnostics):
        return 1
    echo_line(f"{_count(documents, 'document')} in {_count(files, 'file')}: valid")
    return 0


@click.command()
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the schema to FILE instead of stdout.",
)
def schema(out: Path | None) -> int:
    """Print the JSON Schema of the documents, for editors."""
    from unleash_gitops.cli.output import check_target, echo_line, write_atomically
    from unleash_gitops.documents.json_schema import format_schema

    check_target("--out", out)
    if out is None:
        click.echo(format_schema(), nl=False)
    else:
        write_atomically(out, format_schema())
        echo_line(f"wrote {out}")
    return 0


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
