"""Output: data to stdout, everything else to stderr, and a progress bar only on a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from unleash_gitops.model.errors import GitopsError, UsageError
from unleash_gitops.model.escapes import defuse_commands
from unleash_gitops.model.files import replace_file

if TYPE_CHECKING:
    from rich.text import Text

__all__ = [
    "build_path_prefix",
    "check_target",
    "echo_data",
    "echo_line",
    "echo_text",
    "is_verbose",
    "progress_bar",
    "show_error",
    "show_system_error",
    "show_unexpected",
    "write_atomically",
]


def echo_line(line: str, *, err: bool = True) -> None:
    """Print a line that may contain any characters, escaped for a terminal. Only data goes to stdout (not `err`)."""
    from unleash_gitops.render.escape import escape_line

    click.echo(escape_line(line), err=err)


def echo_data(text: str) -> None:
    """Print data to stdout in UTF-8, without commands of CI systems. Raises OutputLost."""
    sys.stdout.flush()
    sys.stdout.buffer.write(defuse_commands(text).encode("utf-8", "backslashreplace"))
    sys.stdout.flush()


def echo_text(text: Text, *, err: bool = False) -> None:
    """Print rendered text, in colour on a terminal unless NO_COLOR is set."""
    from rich.console import Console

    stream = sys.stderr if err else sys.stdout
    console = Console(file=stream, soft_wrap=True, highlight=False, emoji=False, markup=False)
    console.print(text, end="" if text.plain.endswith("\n") else "\n")


def show_error(error: GitopsError) -> None:
    """Print an error that ends the run; with -v also the traceback of its cause, where it has one."""
    from unleash_gitops.render.text import render_error_text

    show_unexpected(error)
    echo_text(render_error_text(error), err=True)


def show_unexpected(error: GitopsError) -> None:
    """Print the traceback of an error's cause with -v, where it has one."""
    if is_verbose() and error.__cause__ is not None:
        import traceback

        for line in "".join(traceback.format_exception(error.__cause__)).splitlines():
            echo_line(line)


def show_system_error(error: OSError) -> None:
    """Print an error of the system, such as a full disk, that no command has handled."""
    reason = error.strerror or str(error)
    shown = UsageError(f"{error.filename}: {reason}" if error.filename else reason)
    shown.__cause__ = error
    show_error(shown)


def is_verbose() -> bool:
    """Tell whether the user asked for details with -v."""
    return "-v" in sys.argv or "--verbose" in sys.argv


def build_path_prefix(directory: Path, root: Path) -> str:
    """Return the prefix that makes a path below `root` relative to the working directory.

    It is absolute if the user named an absolute `directory`.
    """
    relative = os.path.relpath(root)
    shown = str(root) if directory.is_absolute() else relative
    return "" if shown == "." else f"{shown}/"


def check_target(option: str, path: Path | None, roots: Iterable[Path] = ()) -> None:
    """Raise UsageError when `option` names a YAML file of a workspace: one of those at `roots`, or around the file."""
    if path is None:
        return
    from unleash_gitops.documents.loader import find_document_at

    document = find_document_at(path, roots)
    if document is not None:
        raise UsageError(
            f"{option} {path}: would write into the workspace, as {document}",
            "name a file that does not end in .yaml or .yml, or that is outside the workspace",
        )


def write_atomically(path: Path, text: str) -> None:
    """Write a whole file, or nothing. Raises UsageError."""
    try:
        replace_file(path, text)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a function that takes the numbers of finished and of all steps, and shows them in a bar on a terminal."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
