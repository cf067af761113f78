"""The secrets that the server creates: written to a file that only its owner can read, or not kept."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import click

from unleash_gitops.cli.output import check_target, echo_line
from unleash_gitops.model.errors import UsageError
from unleash_gitops.model.files import create_file, replace_file

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
        if path is not None and os.path.lexists(path):
            raise _already_exists(path)

    def check_target(self, roots: Iterable[Path]) -> None:
        """Raise UsageError when the file would be a document of a workspace: of those at `roots`, or around it."""
        check_target("--secrets-out", self._path, roots)

    @property
    def is_incomplete(self) -> bool:
        """Whether the file lacks a secret, because it could not be written."""
        return self._path is not None and bool(self._unwritten)

    def __enter__(self) -> Self:
        if self._path is not None:
            _create(self._path, "{}\n")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._path is not None and not self._secrets:
            with suppress(OSError):  # its directory may have vanished
                self._path.unlink(missing_ok=True)
        if not self._unwritten:
            return
        echo_line(f"secrets not written to a file: {', '.join(sorted(self._unwritten))}")
        echo_line("help: to read a secret, open API access in Unleash's UI, or GET /api/admin/api-tokens as an admin")
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
            else:
                self._unwritten.clear()  # the file has all secrets of the run, so also those that failed before


def _already_exists(path: Path) -> UsageError:
    return UsageError(f"--secrets-out {path}: the file already exists", "name a new file; none is overwritten")


def _create(path: Path, text: str) -> None:
    """Create a file that only its owner can read. Raises UsageError when it exists or cannot be created."""
    try:
        create_file(path, text, private=True)
    except FileExistsError:
        raise _already_exists(path) from None
    except OSError as error:
        raise UsageError(f"--secrets-out {path}: cannot be written: {error.strerror}") from None
