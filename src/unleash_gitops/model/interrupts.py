"""Interrupts: SIGINT (Ctrl-C) and SIGTERM. Imports nothing slow, since the handler is installed before all else.

Python can lose the KeyboardInterrupt that a signal raises: in a callback of a weak reference, as imports use them, it
prints and ignores the exception. So the interrupt is also remembered, and `check_interrupt` stands before the first
write.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from types import FrameType
from typing import NoReturn

__all__ = ["INTERRUPTED", "check_interrupt", "exit_on_interrupt", "raise_on_interrupt"]

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


def _install(handler: signal._HANDLER) -> None:
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup, or in the background of a script
            signal.signal(number, handler)


def _exit(_signal: int, _frame: FrameType | None) -> NoReturn:
    with suppress(OSError):
        os.write(2, b"interrupted\n")
    os._exit(INTERRUPTED)


def _raise(number: int, _frame: FrameType | None) -> NoReturn:
    _interrupts.append(number)
    raise KeyboardInterrupt
