"""The command line's server options, and the handling of interrupts."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from unleash_gitops.cli.output import echo_line
from unleash_gitops.model.errors import UsageError
from unleash_gitops.model.files import read_bounded
from unleash_gitops.model.interrupts import INTERRUPTED, check_interrupt, handle_interrupts

if TYPE_CHECKING:
    from unleash_gitops.api.client import Client
    from unleash_gitops.sandbox import Sandbox

__all__ = ["Connection", "connection_options", "interruptible"]

_MAX_TOKEN_FILE = 1 << 16  # bytes
_TOKEN_PATIENCE = 60.0  # seconds, for a program that asks its user before it writes the token into a pipe
TOKEN_VARIABLE = "UNLEASH_AUTH_TOKEN"  # noqa: S105 - the variable's name
URL_VARIABLE = "UNLEASH_URL"


class Connection:
    """The server options of one command, from which it opens clients.

    Raises UsageError for options that contradict each other.
    """

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
            raise UsageError(
                "--sandbox cannot be combined with --url or --token-file",
                "leave out --url and --token-file: the sandbox has its own",
            )
        self._url = url
        self._token_file = token_file
        self._concurrency = concurrency
        self._timeout = timeout
        self._verbose = verbose
        self._running_sandbox: Sandbox | None = None
        self.sandbox = sandbox

    def open_client(self, configured_url: str | None, token_env: str | None) -> Client:
        """Return a client. `configured_url` and `token_env` are those of the workspace.

        This is the only place where a token meets a URL. Raises UsageError, also for a host that
        UNLEASH_ALLOWED_HOSTS does not allow, or SandboxError.
        """
        from unleash_gitops.api.allowed_hosts import ALLOWED_HOSTS_VARIABLE, AllowedHosts
        from unleash_gitops.api.client import Client

        allowed = None  # the sandbox has a token of its own, which goes to this machine
        if self.sandbox:
            self._running_sandbox = self._running_sandbox or _start_sandbox()
            url, token = self._running_sandbox.url, self._running_sandbox.token
        else:
            url = self._resolve_url(configured_url)
            allowed = AllowedHosts.parse(os.environ.get(ALLOWED_HOSTS_VARIABLE))
            if allowed is not None:
                allowed.check(url)
            token = self._load_token(token_env)
        return Client(
            url,
            token,
            timeout=self._timeout,
            concurrency=self._concurrency,
            log=echo_line if self._verbose else None,
            on_wait=echo_line,
            use_proxies=allowed is None or urlsplit(url).scheme == "https",  # a proxy reads what goes by http
        )

    @property
    def has_url(self) -> bool:
        """Tell whether the user named the instance: by an option or in the environment, not in files."""
        return self.sandbox or bool(self._url or os.environ.get(URL_VARIABLE))

    def check_options(self, configured_urls: Collection[str | None], used_urls: Collection[str | None]) -> None:
        """Raise UsageError when an option for one instance would be used for several.

        `configured_urls` are the URLs in the workspaces, `used_urls` those of the clients.
        """
        if self._token_file is not None and len(set(used_urls)) > 1:
            raise UsageError(
                "--token-file contains one token, but the workspaces are on several instances",
                "set spec.tokenEnv in each workspace",
            )
        if self.has_url and not self.sandbox and len(set(configured_urls) - {None}) > 1:
            source = "--url" if self._url else URL_VARIABLE
            raise UsageError(
                f"{source} names one instance, but the workspaces name several",
                (
                    f"to use the instances of the workspaces, leave out {source}",
                    f"to use {source}, name only one workspace",
                ),
            )

    def _resolve_url(self, configured_url: str | None) -> str:
        from unleash_gitops.model.workspace import normalize_url

        url = self._url or os.environ.get(URL_VARIABLE) or configured_url
        if not url:
            raise UsageError(
                "no server URL is set",
                (f"set --url, {URL_VARIABLE} or spec.url", "to try the tool on a local server, use --sandbox"),
            )
        try:
            return normalize_url(url)
        except ValueError as error:
            source = "--url" if self._url else URL_VARIABLE
            raise UsageError(f"{source}: {error}") from None

    def _load_token(self, token_env: str | None) -> str:
        if self._token_file is None:
            # A token belongs to one instance. With spec.tokenEnv, no other variable is used as a fallback.
            variable = token_env or TOKEN_VARIABLE
            token = os.environ.get(variable, "").strip()
            if not token:
                source = " (spec.tokenEnv)" if token_env else ""
                raise UsageError(
                    f"no token is set: {variable}{source} is empty",
                    (f"set {variable} to the token", "to read the token from a file, use --token-file FILE"),
                )
            return token
        try:
            token = read_bounded(self._token_file, _MAX_TOKEN_FILE, _TOKEN_PATIENCE).decode().strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not a text file"
            raise UsageError(f"--token-file {self._token_file}: {reason}") from None
        if not token:
            raise UsageError(f"--token-file {self._token_file}: the file is empty")
        return token


def _start_sandbox() -> Sandbox:
    from unleash_gitops.sandbox import start

    return start(say=echo_line)


def connection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of every command that connects to a server."""
    options = [
        click.option("--url", metavar="URL", help=f"URL of the instance, with its base path.  [env: {URL_VARIABLE}]"),
        click.option(
            "--token-file",
            type=click.Path(path_type=Path),
            help=f"File that contains the token.  [default: the variable {TOKEN_VARIABLE}]",
        ),
        click.option(
            "--concurrency",
            type=click.IntRange(1, 64),
            default=4,
            show_default=True,
            help="Maximum number of concurrent requests. More than 8 rarely helps, since servers have small "
            "connection pools.",
        ),
        click.option(
            "--timeout",
            type=click.FloatRange(0, 3600, min_open=True),
            default=30.0,
            show_default=True,
            help="Seconds for a request with its whole answer.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@contextmanager
def interruptible(stop: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """Call `stop` on the first SIGINT or SIGTERM in the block, and exit at once on the second. Ignored ones stay so.

    Yields a function that tells whether there was an interrupt. Raises KeyboardInterrupt for one before the block.
    """
    stopped = threading.Event()

    def interrupt(_signal: int, _frame: object) -> None:
        if stopped.is_set():
            os._exit(INTERRUPTED)
        stopped.set()
        stop()
        os.write(2, b"interrupted: waiting for requests in flight; interrupt again to exit at once\n")

    with handle_interrupts(interrupt):
        check_interrupt()  # Python may have lost the exception of one before
        yield stopped.is_set
