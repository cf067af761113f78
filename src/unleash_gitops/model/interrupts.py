"""Interrupts: SIGINT (Ctrl-C) and SIGTERM. Imports nothing slow, since the handler is installed before all else.

Python can lose the KeyboardInterrupt that a signal raises: in a callback of a weak reference, as imports use them, it
prints and ignores the exception. So the interrupt is also remembered, and `check_interrupt` stands before the first
write.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

__all__ = ["INTERRUPTED", "check_interrupt", "exit_on_interrupt", "handle_interrupts", "raise_on_interrupt"]

INTERRUPTED = 130
"""The exit code of an interrupted run."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_interrupts: list[int] = []


def exit_on_interrupt() -> None:
    """End the process at once on an interrupt. For the time of the imports, when there is nothing to clean up."""
    _install(_exit)


def raise_on_interrupt() -> None:
    """Raise KeyboardInterrupt in the main thread on an interrupt, and remember it. Forgets earlier ones."""
    _interrupts.clear()
    _install(_raise)


def check_interrupt() -> None:
    """Raise KeyboardInterrupt when there has been an interrupt since `raise_on_interrupt`."""
    if _interrupts:
        raise KeyboardInterrupt


@contextmanager
def handle_interrupts(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Call `handler` for each interrupt in the block, in place of the handler before it."""
    earlier = _install(handler)
    try:
        yield
    finally:
        for number, former in earlier.items():
            signal.signal(number, former)


def _install(handler: signal._HANDLER) -> dict[signal.Signals, signal._HANDLER]:
    """Install the handler for each signal that is not ignored, as under nohup. Return the handlers before."""
    handled = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    return {number: signal.signal(number, handler) for number in handled}


def _exit(_signal: int, _frame: FrameType | None) -> NoReturn:
    with suppress(OSError):
        os.write(2, b"interrupted\n")
    os._exit(INTERRUPTED)


def _raise(number: int, _frame: FrameType | None) -> NoReturn:
    _interrupts.append(number)
    raise KeyboardInterrupt
