"""Commands that need no server: init, validate, schema."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["init", "schema", "validate"]

directory_argument = click.argument(
    "directory", metavar="[DIR]", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path)
)


@click.command()
@click.argument("directory", metavar="[DIR]", default=".", type=click.Path(file_okay=False, path_type=Path))
def init(directory: Path) -> int:
    """Write a new workspace: its file, one example, a pipeline. Never overwrites."""
    from unleash_gitops.starter import start_workspace

    written, kept = start_workspace(directory)
    for path in written:
        click.echo(f"wrote {path}")
    for path in kept:
        click.echo(f"left alone {path}, which exists", err=True)
    click.echo(f"next: unleash-gitops plan {directory} --sandbox", err=True)
    return 0


@click.command()
@directory_argument
@click.option("--format", "form", type=click.Choice(["text", "json", "github"]), default="text", show_default=True)
def validate(directory: Path, form: str) -> int:
    """Check the files, offline. Every problem in every file is reported at once."""
    from unleash_gitops.cli.output import echo_data, echo_text, prefix_of, say
    from unleash_gitops.diagnostics import has_errors
    from unleash_gitops.loader import find_workspace, load

    root = find_workspace(directory)
    loaded = load(root)
    prefix = prefix_of(directory, root)
    if form == "json":
        from unleash_gitops.render.json import diagnostics_json

        echo_data(diagnostics_json(loaded.diagnostics, prefix))
    elif form == "github":
        from unleash_gitops.render.github import diagnostics_github

        echo_data(diagnostics_github(loaded.diagnostics, prefix))
    elif loaded.diagnostics:
        from unleash_gitops.render.text import diagnostics_text

        echo_text(diagnostics_text(loaded.diagnostics, prefix))
    if has_errors(list(loaded.diagnostics)):
        return 1
    say(f"{_count(loaded.documents, 'document')} in {_count(len(loaded.files), 'file')}: valid")
    return 0


@click.command()
def schema() -> int:
    """Print the JSON Schema of all documents, for editors."""
    import json

    from unleash_gitops.schema import document_schema

    click.echo(json.dumps(document_schema(), indent=2))
    return 0


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
