"""The command line: turns options into one call, and its result into an exit code. It decides nothing.

Exit codes: 0 done or no changes; 1 an error; 2 there are changes (`plan --detailed-exitcode`) or drift
(`plan --drift`); 3 apply ran, but not every change was applied; 130 interrupted.

Commands import what they need when they run, so that help is fast.
"""

from __future__ import annotations

import gc
import io
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

import click

from unleash_gitops import __version__
from unleash_gitops.cli.accept import accept
from unleash_gitops.cli.apply import apply
from unleash_gitops.cli.ci import comment, fetch
from unleash_gitops.cli.offline import init, schema, validate
from unleash_gitops.cli.output import is_verbose, show_error
from unleash_gitops.cli.plan import plan, show
from unleash_gitops.cli.pull import pull
from unleash_gitops.cli.sandbox import sandbox
from unleash_gitops.model.errors import GitopsError, InvalidFiles

__all__ = ["main"]

INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="unleash-gitops", message="%(prog)s %(version)s")
@click.option("-v", "--verbose", is_flag=True, help="Log every request to the server on stderr.")
@click.pass_context
def cli(context: click.Context, verbose: bool) -> None:
    """Manage an Unleash instance from a directory of YAML files.

    plan shows the changes; apply makes them. There is no state file: every managed object carries a mark on the server.
    """
    context.obj = verbose


for _command in (init, validate, plan, apply, show, accept, comment, fetch, pull, schema, sandbox):
    cli.add_command(_command)


def main() -> NoReturn:
    """Run the command line, and exit with its code."""
    signal.signal(signal.SIGTERM, _interrupt)
    gc.disable()  # a command is short and makes few cycles; the collector took a third of a plan over 5,000 flags
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a console without the character "→" must not fail the run
    sys.exit(_run())


def _run() -> int:
    """Run the command and show its error; return the exit code. Does not return after an interrupt."""
    try:
        code = cli.main(prog_name="unleash-gitops", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        os._exit(INTERRUPTED)  # threads may still wait for the server
    except click.ClickException as error:
        error.show()
    except InvalidFiles as error:  # commands show these with the path of the workspace; this is for the rest
        click.echo(f"error: {error}", err=True)
    except GitopsError as error:
        show_error(error)
    except BrokenPipeError:
        # The reader of stdout has closed it (`| head`): what is left to print must not raise again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:
        if is_verbose():
            raise
        click.echo(f"error: internal error: {type(error).__name__}: {error}", err=True)
        click.echo("help: this is a bug in unleash-gitops; please report it with the output of -v", err=True)
    return 1


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
