"""The command line: turns options into one call, and its result into an exit code. It decides nothing.

Exit codes: 0 done or no changes; 1 an error; 2 there are changes (`plan --detailed-exitcode`) or drift
(`plan --drift`); 3 apply ran, but not every change was applied; 130 interrupted.

Commands import what they need when they run, so that help is fast.
"""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from typing import NoReturn

import click

from unleash_gitops import __version__
from unleash_gitops.cli.accept import accept
from unleash_gitops.cli.apply import apply
from unleash_gitops.cli.ci import comment, fetch
from unleash_gitops.cli.offline import init, schema, validate
from unleash_gitops.cli.output import echo_line, is_verbose, show_error, show_system_error
from unleash_gitops.cli.plan import plan, show
from unleash_gitops.cli.pull import pull
from unleash_gitops.cli.sandbox import sandbox
from unleash_gitops.cli.streams import abandon_output, prepare_streams
from unleash_gitops.cli.unlock import unlock
from unleash_gitops.model.errors import GitopsError, InvalidFiles, OutputLost, UsageError
from unleash_gitops.model.interrupts import INTERRUPTED, raise_on_interrupt

__all__ = ["run_command_line"]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="unleash-gitops", message="%(prog)s %(version)s")
@click.option("-v", "--verbose", is_flag=True, help="Log every request to the server on stderr.")
@click.pass_context
def cli(context: click.Context, verbose: bool) -> None:
    """Manage an Unleash instance from a directory of YAML files.

    plan shows the changes; apply makes them. There is no state file: every managed object carries a mark on the server.
    """
    context.obj = verbose
    _require_working_directory()


for _command in (init, validate, plan, apply, unlock, show, accept, comment, fetch, pull, schema, sandbox):
    cli.add_command(_command)


def run_command_line() -> NoReturn:
    """Run the command line, and exit with its code."""
    raise_on_interrupt()
    gc.disable()  # a command is short and makes few cycles; the collector took a third of a plan over 5,000 flags
    prepare_streams()
    code = _run()
    abandon_output()
    sys.exit(code)


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
    except OutputLost as error:
        if not error.is_broken_pipe:  # `| head` ends the command quietly
            show_error(error)
    except GitopsError as error:
        show_error(error)
    except OSError as error:
        show_system_error(error)
    except Exception as error:
        if is_verbose():
            raise
        echo_line(f"error: internal error: {type(error).__name__}: {error}")
        click.echo("help: this is a bug in unleash-gitops; please report it with the output of -v", err=True)
    return 1


def _require_working_directory() -> None:
    """Raise UsageError when the working directory has been removed."""
    try:
        Path.cwd()
    except OSError as error:
        raise UsageError(
            f"cannot use the working directory: {error.strerror}", "change to a directory that exists"
        ) from None
