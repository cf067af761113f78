"""The sandbox commands: a real Unleash server on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from unleash_gitops.sandbox import Sandbox

__all__ = ["sandbox", "sandbox_lines"]


@click.group()
def sandbox() -> None:
    """Run a real Unleash server on this machine."""


@sandbox.command()
@click.option("--port", type=click.IntRange(1, 65535), help="Listen here.  [default: 4242, or a free one]")
@click.option("--database-url", metavar="URL", help="A PostgreSQL database to use instead of the embedded one.")
def start(port: int | None, database_url: str | None) -> int:
    """Start it, installing it first if need be, and wait until it is healthy."""
    from unleash_gitops.cli.output import say
    from unleash_gitops.sandbox import start as start_sandbox

    running = start_sandbox(say=say, port=port, database_url=database_url)
    click.echo("\n".join(sandbox_lines(running)))
    return 0


@sandbox.command()
def stop() -> int:
    """Stop it. Its data stays."""
    from unleash_gitops.cli.output import say
    from unleash_gitops.sandbox import stop as stop_sandbox

    if not stop_sandbox(say=say):
        say("the sandbox is not running")
    return 0


@sandbox.command()
def status() -> int:
    """Say where it is and how to log in."""
    from unleash_gitops.sandbox import status as sandbox_status

    running = sandbox_status()
    if running is None:
        click.echo("the sandbox is not running; start it with: unleash-gitops sandbox start", err=True)
        return 1
    click.echo("\n".join(sandbox_lines(running)))
    return 0


@sandbox.command()
def reset() -> int:
    """Stop it and delete its data."""
    from unleash_gitops.cli.output import say
    from unleash_gitops.sandbox import reset as reset_sandbox

    reset_sandbox(say=say)
    return 0


def sandbox_lines(running: Sandbox) -> list[str]:
    """Return where to look and how to get in."""
    return [
        f"url    {running.url}",
        f"login  {running.username} / {running.password}",
        f"token  {running.token}",
    ]
