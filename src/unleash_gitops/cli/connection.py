"""What the user said about the server, and the user's Ctrl-C."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unleash_gitops.cli.output import say
from unleash_gitops.model.errors import UsageError

if TYPE_CHECKING:
    from unleash_gitops.api.client import Client
    from unleash_gitops.sandbox import Sandbox

__all__ = ["Connection", "connection_options", "interruptible"]

TOKEN_VARIABLE = "UNLEASH_AUTH_TOKEN"  # noqa: S105 - the variable's name
URL_VARIABLE = "UNLEASH_URL"


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
        self._running: Sandbox | None = None
        self.sandbox = sandbox

    def open(self, fallback_url: str | None, token_env: str | None) -> Client:
        """Return a client; `fallback_url` and `token_env` are the workspace's or the plan's.

        Raises UsageError, SandboxError.
        """
        from unleash_gitops.api.client import Client

        if self.sandbox:
            self._running = self._running or _start_sandbox()
            url, token = self._running.url, self._running.token
        else:
            url, token = self._address(fallback_url), self._token(token_env)
        log = say if self._verbose else None
        return Client(url, token, timeout=self._timeout, concurrency=self._concurrency, log=log)

    def check_one_for_all(self, named: Collection[str | None], reached: Collection[str | None]) -> None:
        """Raise UsageError when what the user said of one server would go for several.

        `named` are the addresses in the workspaces or their plans, `reached` those that would be talked to.
        """
        if self._token_file is not None and len(set(reached)) > 1:
            raise UsageError(
                "--token-file holds one token, but the workspaces are of several instances",
                "name a variable for each in spec.tokenEnv",
            )
        if (self._url or os.environ.get(URL_VARIABLE)) and not self.sandbox and len(set(named) - {None}) > 1:
            source = "--url" if self._url else URL_VARIABLE
            raise UsageError(
                f"{source} names one instance, but the workspaces name several",
                f"leave {source} out, or take one workspace at a time",
            )

    def _address(self, fallback: str | None) -> str:
        from unleash_gitops.model.workspace import checked_url

        url = self._url or os.environ.get(URL_VARIABLE) or fallback
        if not url:
            raise UsageError("no server is named", f"give --url, {URL_VARIABLE} or spec.url, or try --sandbox")
        try:
            return checked_url(url)
        except ValueError as error:
            source = "--url" if self._url else URL_VARIABLE
            raise UsageError(f"{source}: {error}") from None

    def _token(self, variable: str | None) -> str:
        if self._token_file is None:
            # A token is for one instance: where the workspace names its variable, no other one stands in for it.
            token = os.environ.get(variable or TOKEN_VARIABLE, "").strip()
            if not token:
                named = f" in {variable}, which spec.tokenEnv names" if variable else ""
                hint = f"put one into {variable or TOKEN_VARIABLE}, or name a file with --token-file"
                raise UsageError(f"no token is given{named}", hint)
            return token
        try:
            token = self._token_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not text"
            raise UsageError(f"--token-file {self._token_file}: {reason}") from None
        if not token:
            raise UsageError(f"--token-file {self._token_file}: the file is empty")
        return token


def _start_sandbox() -> Sandbox:
    from unleash_gitops.sandbox import start

    return start(say=say)


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


@contextmanager
def interruptible(stop: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """While it lasts, the first SIGINT or SIGTERM calls `stop`, and a second one ends the process at once.

    Gives a function that tells whether there was one.
    """
    stopped = threading.Event()

    def interrupt(_signal: int, _frame: object) -> None:
        if stopped.is_set():
            os._exit(130)
        stopped.set()
        stop()
        os.write(2, b"interrupted: finishing what is under way; once more to stop at once\n")

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
