"""The sandbox commands: start, stop, status and reset a local Unleash server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from unleash_gitops.sandbox import Sandbox

__all__ = ["sandbox"]


@click.group()
def sandbox() -> None:
    """Run a real Unleash server on this machine."""


@sandbox.command()
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on.  [default: 4242, or a free port]")
@click.option("--database-url", metavar="URL", help="PostgreSQL database to use instead of the embedded one.")
def start(port: int | None, database_url: str | None) -> int:
    """Start the server and wait until it is healthy. Installs it if necessary."""
    from unleash_gitops.cli.output import echo_line
    from unleash_gitops.sandbox import start as start_sandbox

    _show(start_sandbox(say=echo_line, port=port, database_url=database_url))
    return 0


@sandbox.command()
def stop() -> int:
    """Stop the server. Keeps its data."""
    from unleash_gitops.cli.output import echo_line
    from unleash_gitops.sandbox import stop as stop_sandbox

    if not stop_sandbox(say=echo_line):
        echo_line("the sandbox is not running")
    return 0


@sandbox.command()
def status() -> int:
    """Show the server's URL, login and token. Exits with 1 if it is not running."""
    from unleash_gitops.sandbox import status as sandbox_status

    running = sandbox_status()
    if running is None:
        click.echo("the sandbox is not running; start it with: unleash-gitops sandbox start", err=True)
        return 1
    _show(running)
    return 0


@sandbox.command()
def reset() -> int:
    """Stop the server and delete its data."""
    from unleash_gitops.cli.output import echo_line
    from unleash_gitops.sandbox import reset as reset_sandbox

    reset_sandbox(say=echo_line)
    return 0


def _show(running: Sandbox) -> None:
    click.echo(f"url    {running.url}\nlogin  {running.username} / {running.password}\ntoken  {running.token}")
