"""Where output goes: data to stdout, everything else to stderr; a bar only on a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from unleash_gitops.model.errors import GitopsError, UsageError

if TYPE_CHECKING:
    from rich.text import Text

__all__ = ["echo_data", "echo_text", "prefix_of", "progress_bar", "say", "show_error", "write_atomically"]


def say(line: str, *, err: bool = True) -> None:
    """Say a line, harmless on a terminal whatever is in it; on stdout only when it is data."""
    from unleash_gitops.render.escape import terminal

    click.echo(terminal(line), err=err)


def echo_data(text: str) -> None:
    """Write text that is data as it is."""
    sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
    sys.stdout.flush()


def echo_text(text: Text, *, err: bool = False) -> None:
    """Write rendered text, in colour on a terminal unless NO_COLOR is set."""
    from rich.console import Console

    stream = sys.stderr if err else sys.stdout
    console = Console(file=stream, soft_wrap=True, highlight=False, emoji=False, markup=False)
    console.print(text, end="" if text.plain.endswith("\n") else "\n")


def show_error(error: GitopsError) -> None:
    """Show an error that ends the run."""
    from unleash_gitops.render.text import error_text

    echo_text(error_text(error), err=True)


def prefix_of(directory: Path, root: Path) -> str:
    """Return what makes a path below `root` right from where the user stands."""
    relative = os.path.relpath(root)
    shown = str(root) if directory.is_absolute() else relative
    return "" if shown == "." else f"{shown}/"


def write_atomically(path: Path, text: str) -> None:
    """Write a whole file or nothing. Raises UsageError."""
    import tempfile

    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
                stream.write(text)
            umask = os.umask(0)
            os.umask(umask)
            os.chmod(name, 0o666 & ~umask)  # noqa: PTH101 - as if it had been opened by name
            os.replace(name, path)  # noqa: PTH105
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """Give a function that is told how many of how many are done; a bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
