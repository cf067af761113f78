"""The command line: flags in, one call, exit code out. It decides nothing.

Exit codes: 0 done or no changes; 1 an error; 2 changes are pending (`plan --detailed-exitcode`); 3 apply ran but not
everything was applied; 130 interrupted. Commands import what they need when they run, so that help is quick.
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
from unleash_gitops.cli.plan import plan, pull, show
from unleash_gitops.cli.sandbox import sandbox
from unleash_gitops.model.errors import GitopsError, InvalidFiles

__all__ = ["main"]

INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="unleash-gitops", message="%(prog)s %(version)s")
@click.option("-v", "--verbose", is_flag=True, help="Say on stderr what is asked of the server.")
@click.pass_context
def cli(context: click.Context, verbose: bool) -> None:
    """Make an Unleash instance match a directory of YAML.

    plan shows what would change, apply does it. There is no state file: what the tool owns can be read off the objects.
    """
    context.obj = verbose


for _command in (init, validate, plan, apply, show, accept, comment, fetch, pull, schema, sandbox):
    cli.add_command(_command)


def main() -> NoReturn:
    """Run the command line and leave the process with its exit code."""
    signal.signal(signal.SIGTERM, _as_interrupt)
    gc.disable()  # a command is short and makes few cycles; looking for them took a third of a plan over 5,000 flags
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a console that cannot show an arrow is no reason to fail
    try:
        code = cli.main(prog_name="unleash-gitops", standalone_mode=False)
        sys.stdout.flush()
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        os._exit(INTERRUPTED)  # threads may still wait for the server
    except click.ClickException as error:
        error.show()
        code = 1
    except InvalidFiles as error:  # caught where the position's prefix is known; this is the last resort
        click.echo(f"error: {error}", err=True)
        code = 1
    except GitopsError as error:
        from unleash_gitops.cli.output import show_error

        show_error(error)
        code = 1
    except BrokenPipeError:
        # The reader of our output went away (`| head`); nothing more can be said there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except Exception as error:  # the last resort: nobody should have to read a traceback
        if "-v" in sys.argv or "--verbose" in sys.argv:
            raise
        click.echo(f"error: internal error: {type(error).__name__}: {error}", err=True)
        click.echo("help: this is a bug of unleash-gitops; -v shows where, please report it", err=True)
        code = 1
    sys.exit(code if isinstance(code, int) else 0)


def _as_interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
