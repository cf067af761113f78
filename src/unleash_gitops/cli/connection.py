"""How a command gets what it works on: the workspace, a saved plan, a connection, and the user's Ctrl-C."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unleash_gitops.cli.output import echo_text, prefix_of, reported, say
from unleash_gitops.errors import UsageError

if TYPE_CHECKING:
    from unleash_gitops.client import Client
    from unleash_gitops.loader import Loaded
    from unleash_gitops.plan import Plan
    from unleash_gitops.workspace import Workspace

__all__ = ["Connection", "connection_options", "interruptible", "loaded_workspace", "read_plan"]

TOKEN_VARIABLE = "UNLEASH_AUTH_TOKEN"  # noqa: S105 - the variable's name
URL_VARIABLE = "UNLEASH_URL"


def loaded_workspace(directory: Path) -> tuple[Loaded, Workspace, str]:
    """Load the workspace around `directory`, show warnings, and return it with the prefix of its paths."""
    from unleash_gitops.loader import find_workspace
    from unleash_gitops.workflow import load_workspace

    prefix = prefix_of(directory, find_workspace(directory))
    with reported(prefix):
        loaded, workspace = load_workspace(directory)
    if loaded.diagnostics:
        from unleash_gitops.render.text import diagnostics_text

        echo_text(diagnostics_text(loaded.diagnostics, prefix), err=True)
    return loaded, workspace, prefix


class Connection:
    """What the user said about the server."""

    def __init__(
        self,
        *,
        url: str | None,
        token_file: Path | None,
        concurrency: int,
        timeout: float,
        sandbox: bool,
        verbose: bool,
    ) -> None:
        if sandbox and (url or token_file):
            raise UsageError("--sandbox brings its own server and token", "leave out --url and --token-file")
        self._url = url
        self._token_file = token_file
        self._concurrency = concurrency
        self._timeout = timeout
        self._verbose = verbose
        self.sandbox = sandbox

    def open(self, fallback_url: str | None) -> Client:
        """Return a client; `fallback_url` is the workspace's or the plan's. Raises UsageError, SandboxError."""
        from unleash_gitops.client import Client

        url, token = self._sandbox() if self.sandbox else (self._address(fallback_url), self._token())
        log = say if self._verbose else None
        return Client(url, token, timeout=self._timeout, concurrency=self._concurrency, log=log)

    def _sandbox(self) -> tuple[str, str]:
        from unleash_gitops.sandbox import start

        running = start(say=say)
        return running.url, running.token

    def _address(self, fallback: str | None) -> str:
        from unleash_gitops.workspace import checked_url

        url = self._url or os.environ.get(URL_VARIABLE) or fallback
        if not url:
            raise UsageError("no server is named", f"give --url, {URL_VARIABLE} or spec.url, or try --sandbox")
        try:
            return checked_url(url)
        except ValueError as error:
            source = "--url" if self._url else URL_VARIABLE
            raise UsageError(f"{source}: {error}") from None

    def _token(self) -> str:
        if self._token_file is None:
            token = os.environ.get(TOKEN_VARIABLE, "").strip()
            if not token:
                raise UsageError(
                    "no token is given", f"put one into {TOKEN_VARIABLE}, or name a file with --token-file"
                )
            return token
        try:
            token = self._token_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not text"
            raise UsageError(f"--token-file {self._token_file}: {reason}") from None
        if not token:
            raise UsageError(f"--token-file {self._token_file}: the file is empty")
        return token


def connection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of every command that talks to a server."""
    options = [
        click.option("--url", metavar="URL", help=f"The instance, base path included.  [env: {URL_VARIABLE}]"),
        click.option(
            "--token-file",
            type=click.Path(path_type=Path),
            help=f"A file that holds the token.  [else env: {TOKEN_VARIABLE}]",
        ),
        click.option(
            "--concurrency",
            type=click.IntRange(1, 64),
            default=4,
            show_default=True,
            help="Requests at the same time. Servers have small connection pools; more than 8 rarely helps.",
        ),
        click.option(
            "--timeout",
            type=click.FloatRange(0, 3600, min_open=True),
            default=30.0,
            show_default=True,
            help="Seconds to wait for each answer.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def read_plan(path: Path) -> Plan:
    """Read a saved plan. Raises PlanFileError, UsageError."""
    from unleash_gitops.plan import parse_plan

    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    return parse_plan(content, str(path))


@contextmanager
def interruptible(stop: threading.Event) -> Iterator[None]:
    """While it lasts, the first SIGINT or SIGTERM sets `stop`, and a second one ends the process at once."""

    def interrupt(_signal: int, _frame: object) -> None:
        if stop.is_set():
            os._exit(130)
        stop.set()
        os.write(2, b"interrupted: finishing what is under way; once more to stop at once\n")

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
