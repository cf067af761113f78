"""A command that tests call in their own process gets what it is given and leaves nothing behind."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import click
import pytest

from command_line import CommandResult, run_here
from unleash_gitops.cli import cli


def state() -> dict[str, Any]:
    return {
        "environment": dict(os.environ),
        "directory": Path.cwd(),
        "streams": (sys.stdin, sys.stdout, sys.stderr),
        "arguments": list(sys.argv),
        "handlers": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)],
        "collector": gc.isenabled(),
        "exit": os._exit,
    }


def run_function(monkeypatch: pytest.MonkeyPatch, cwd: Path, function: Any) -> CommandResult:
    """Run a command that calls `function`."""
    monkeypatch.setitem(cli.commands, "test", click.command("test")(function))
    return run_here(["test"], cwd=cwd, environment={"ONLY": "this"})


def test_a_command_sees_its_own_environment_directory_and_input(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def show() -> None:
        print(dict(os.environ), Path.cwd(), sys.argv[1:], repr(sys.stdin.read()), sys.stdin.isatty())  # noqa: T201
        print("err", file=sys.stderr)  # noqa: T201

    result = run_function(monkeypatch, tmp_path, show)
    assert result == CommandResult(0, f"{{'ONLY': 'this'}} {tmp_path} ['test'] '' False\n", "err\n")


@pytest.mark.parametrize("end", [None, SystemExit(3), RuntimeError("x"), click.UsageError("x"), click.Abort()])
def test_whatever_a_command_changes_is_put_back(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, end: BaseException | None
) -> None:
    def change() -> None:
        os.environ["LEFT"] = "behind"
        os.chdir("/")
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if end is not None:
            raise end

    before = state()
    code = run_function(monkeypatch, tmp_path, change).code
    assert state() == before
    assert code == {None: 0, SystemExit: 3, click.Abort: 130}.get(end if end is None else type(end), 1)


def test_a_command_ends_after_its_threads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    go = threading.Event()

    def start() -> None:
        threading.Thread(target=lambda: (go.wait(10), print("late"))).start()  # noqa: T201
        threading.Timer(0.05, go.set).start()

    assert run_function(monkeypatch, tmp_path, start).out == "late\n"


def test_an_interrupt_ends_the_tests(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupt() -> None:
        signal.raise_signal(signal.SIGINT)

    before = state()
    with pytest.raises(KeyboardInterrupt):
        run_function(monkeypatch, tmp_path, interrupt)
    assert state() == before
