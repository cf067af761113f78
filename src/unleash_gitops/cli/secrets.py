"""The secrets that the server creates: written to a file that only its owner can read, or not kept."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import click

from unleash_gitops.cli.output import echo_line
from unleash_gitops.model.errors import UsageError
from unleash_gitops.model.files import replace_file

__all__ = ["Secrets", "name_secret", "secrets_option"]

secrets_option = click.option(
    "--secrets-out",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write the secrets of new tokens to FILE, as JSON: INSTANCE_HOST/WORKSPACE/ApiToken/NAME to secret. "
    "FILE must not exist.",
)


def name_secret(url: str, workspace: str, address: str) -> str:
    """Return the key of the secret of the object at `address`: no two objects share it, on any instance.

    The instance is the host of `url` with its port, and its base path where it has one.
    """
    parts = urlsplit(url)
    return f"{parts.netloc.lower()}{parts.path.rstrip('/')}/{workspace}/{address}"


class Secrets:
    """The secrets of one run; a context manager around the calls that create some. Safe to use from several threads.

    Creates the file before anything is sent, rewrites it after each secret, and removes it when there was none.

    Raises UsageError for a file that exists or cannot be created, in the constructor or on entry.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._secrets: dict[str, str] = {}
        self._unwritten: list[str] = []
        self._lock = threading.Lock()
        if path is not None and (path.exists() or path.is_symlink()):
            raise _already_exists(path)

    def __enter__(self) -> Self:
        if self._path is not None:
            _create(self._path, "{}\n")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._path is not None and not self._secrets:
            self._path.unlink(missing_ok=True)
        if not self._unwritten:
            return
        echo_line(f"secrets not written to a file: {', '.join(sorted(self._unwritten))}")
        echo_line("help: to read a secret, open API access in Unleash's UI")
        if self._path is None:
            echo_line("help: to write the secrets of new tokens to a file, use --secrets-out FILE")

    def keep(self, owner: str, secret: str) -> None:
        """Add the secret of `owner`, the key of a token, to the file.

        A failure to write is printed and does not stop the run, since the token exists on the server.
        """
        with self._lock:
            if self._path is None:
                self._unwritten.append(owner)
                return
            self._secrets[owner] = secret
            try:
                replace_file(self._path, json.dumps(self._secrets, indent=2, sort_keys=True) + "\n", private=True)
            except OSError as error:
                self._unwritten.append(owner)
                echo_line(f"cannot write {self._path}: {error.strerror}")


def _already_exists(path: Path) -> UsageError:
    return UsageError(f"--secrets-out {path}: the file already exists", "name a new file; none is overwritten")


def _create(path: Path, text: str) -> None:
    """Create a file that only its owner can read. Raises UsageError when it exists or cannot be created."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise _already_exists(path) from None
    except OSError as error:
        raise UsageError(f"--secrets-out {path}: cannot be written: {error.strerror}") from None
