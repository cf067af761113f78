"""Commands that need no server: init, validate, schema."""

from __future__ import annotations

from pathlib import Path

import click

from unleash_gitops.cli.workspaces import all_option, directories_argument, workspace_roots

__all__ = ["init", "schema", "validate"]


@click.command()
@click.argument("directory", metavar="[DIR]", default=".", type=click.Path(file_okay=False, path_type=Path))
def init(directory: Path) -> int:
    """Write a new workspace: its file, one example, a schema for editors, a pipeline. Never overwrites."""
    from unleash_gitops.workflow.init import start_workspace

    written, kept = start_workspace(directory)
    for path in written:
        click.echo(f"wrote {path}")
    for path in kept:
        click.echo(f"left alone {path}, which exists", err=True)
    click.echo(f"next: unleash-gitops plan {directory} --sandbox", err=True)
    return 0


@click.command()
@directories_argument
@all_option
@click.option("--format", "form", type=click.Choice(["text", "json", "github"]), default="text", show_default=True)
def validate(directories: tuple[Path, ...], everything: bool, form: str) -> int:
    """Check the files, offline. Every problem in every file is reported at once."""
    from unleash_gitops.cli.output import echo_data, echo_text, say
    from unleash_gitops.documents.loader import load
    from unleash_gitops.model.diagnostics import has_errors

    diagnostics, documents, files = [], 0, 0
    for root, prefix in workspace_roots(directories, everything).items():
        loaded = load(root)
        diagnostics += [diagnostic.below(prefix) for diagnostic in loaded.diagnostics]
        documents += loaded.documents
        files += len(loaded.files)
    if form == "json":
        from unleash_gitops.render.json import diagnostics_json

        echo_data(diagnostics_json(diagnostics))
    elif form == "github":
        from unleash_gitops.render.github import diagnostics_github

        echo_data(diagnostics_github(diagnostics))
    elif diagnostics:
        from unleash_gitops.render.text import diagnostics_text

        echo_text(diagnostics_text(diagnostics))
    if has_errors(diagnostics):
        return 1
    say(f"{_count(documents, 'document')} in {_count(files, 'file')}: valid")
    return 0


@click.command()
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write it to a file.")
def schema(out: Path | None) -> int:
    """Print the JSON Schema of all documents, for editors."""
    from unleash_gitops.cli.output import say, write_atomically
    from unleash_gitops.documents.json_schema import format_schema

    if out is None:
        click.echo(format_schema(), nl=False)
    else:
        write_atomically(out, format_schema())
        say(f"wrote {out}")
    return 0


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
