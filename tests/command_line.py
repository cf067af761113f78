"""The command line as tests run it: in this process, which saves half a second of imports, or in one of its own.

A call in this process goes through `__main__.main`, gets arguments, environment, directory and streams as a process
would, and leaves nothing behind. Signals, terminals and a closed output need a process of their own.
"""

from __future__ import annotations

import gc
import io
import json
import os
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TextIO

import click
import pytest

from unleash_gitops.__main__ import main

PROGRAM = (sys.executable, "-m", "unleash_gitops")


@dataclass(frozen=True)
class CommandResult:
    """How a command ended: its exit code, stdout and stderr."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def inherited_environment(*prefixes: str) -> dict[str, str]:
    """Return this process's environment without the variables that begin with UNLEASH_ or one of `prefixes`."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("UNLEASH_", *prefixes))}


def run_here(arguments: Sequence[str], *, cwd: Path, environment: Mapping[str, str]) -> CommandResult:
    """Run a command in this process, without input."""
    out, err = io.BytesIO(), io.BytesIO()
    with (
        Path(os.devnull).open(encoding="utf-8") as stdin,
        io.TextIOWrapper(out, encoding="utf-8") as stdout,
        io.TextIOWrapper(err, encoding="utf-8", errors="backslashreplace", line_buffering=True) as stderr,
    ):
        code = call_main(arguments, cwd, environment, (stdin, stdout, stderr))
        return CommandResult(code, out.getvalue().decode(), err.getvalue().decode())


def run_process(arguments: Sequence[str], *, cwd: Path, environment: Mapping[str, str]) -> CommandResult:
    """Run a command in a process of its own, without input."""
    process = start_process(arguments, cwd=cwd, environment=environment)
    out, err = process.communicate(timeout=120)
    return CommandResult(process.returncode, out, err)


def start_process(
    arguments: Sequence[str], *, cwd: Path, environment: Mapping[str, str], **options: Any
) -> subprocess.Popen[str]:
    """Start a command in a process of its own; `options` replace how its streams are set up."""
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([*PROGRAM, *arguments], cwd=cwd, env=environment, **{**streams, **options})


def call_main(
    arguments: Sequence[str], cwd: Path, environment: Mapping[str, str], streams: tuple[TextIO, TextIO, TextIO]
) -> int:
    """Call `main` as a new Python would; return the exit code that its process would have.

    `streams` are stdin, stdout and stderr. Only the main thread can: `main` handles signals.
    """
    threads = set(threading.enumerate())
    with _process_state(), pytest.MonkeyPatch.context() as patch:
        for name, stream in zip(("stdin", "stdout", "stderr"), streams, strict=True):
            patch.setattr(sys, name, stream)
        patch.setattr(sys, "argv", ["unleash-gitops", *arguments])
        patch.setattr(os, "_exit", _leave)
        patch.chdir(cwd)
        os.environ.clear()
        os.environ.update(environment)
        code = _exit_code(streams[2])
        for thread in set(threading.enumerate()) - threads:  # a process ends after them
            if not thread.daemon:
                thread.join()
        for stream in streams[1:]:
            stream.flush()
    return code


def _exit_code(stderr: TextIO) -> int:
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except _Exit as end:
        cause = end.__context__
        if isinstance(cause, click.Abort) and not isinstance(cause.__cause__, KeyboardInterrupt):
            return end.code  # a question that got no answer
        raise KeyboardInterrupt from None  # it is the tests that are interrupted
    except Exception:  # noqa: BLE001 - as Python's start does
        traceback.print_exc(file=stderr)
        return 1


@contextmanager
def _process_state() -> Iterator[None]:
    """Put back what belongs to the whole process and `main` changes."""
    environment, collects = dict(os.environ), gc.isenabled()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(environment)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if collects:
            gc.enable()


class _Exit(BaseException):
    """Stands for the end of the process by `os._exit`."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def _leave(code: int) -> NoReturn:
    raise _Exit(code)
