"""Secrets that the server makes: to a file that only its owner can read, or nowhere."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import click

from unleash_gitops.cli.output import say
from unleash_gitops.model.errors import UsageError

__all__ = ["Secrets", "secrets_option"]

secrets_option = click.option(
    "--secrets-out",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write the secrets of tokens that are made to this new file, as JSON.",
)


class Secrets:
    """The secrets of one run, safe to use from many threads; a context manager around all that makes some.

    The file is there before anything is sent, is written anew with each secret, and goes when there was none.
    Raises UsageError, at once or when the run begins, for a file that exists already or cannot be made.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._found: dict[str, str] = {}
        self._unwritten: list[str] = []
        self._lock = threading.Lock()
        if path is not None and (path.exists() or path.is_symlink()):
            raise _exists(path)

    def __enter__(self) -> Self:
        if self._path is not None:
            _create(self._path, "{}\n")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._path is not None and not self._found:
            self._path.unlink(missing_ok=True)
        if not self._unwritten:
            return
        whose = ", ".join(sorted(self._unwritten))
        say(f"the secret of {whose} was not kept: it can be read in Unleash's UI, under API access")
        if self._path is None:
            say("--secrets-out FILE writes such secrets to a file")

    def keep(self, whose: str, secret: str) -> None:
        """Write down one more secret. A disk that refuses is said, and stops nothing: the token is there."""
        with self._lock:
            if self._path is None:
                self._unwritten.append(whose)
                return
            self._found[whose] = secret
            try:
                _write(self._path, json.dumps(self._found, indent=2, sort_keys=True) + "\n")
            except OSError as error:
                self._unwritten.append(whose)
                say(f"cannot write {self._path}: {error.strerror}")


def _exists(path: Path) -> UsageError:
    return UsageError(f"--secrets-out {path}: is there already", "name a new file: none is overwritten")


def _create(path: Path, text: str) -> None:
    """Make a file that only its owner can read. Raises UsageError, also when it is there."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise _exists(path) from None
    except OSError as error:
        raise UsageError(f"--secrets-out {path}: cannot be written: {error.strerror}") from None


def _write(path: Path, text: str) -> None:
    """Replace the file as a whole, so that whoever kills the run leaves one that can be read. Raises OSError."""
    import tempfile

    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # has mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(name, path)  # noqa: PTH105
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
