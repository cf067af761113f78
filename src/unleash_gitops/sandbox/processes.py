"""Processes that are ours: told by id and time of creation, so that a reused id is not taken for one of them."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unleash_gitops.model.errors import SandboxError
from unleash_gitops.sandbox.paths import MISSING_EXTRA

if TYPE_CHECKING:
    from types import ModuleType

    import psutil

__all__ = ["OwnProcess", "end"]

CLOCK_SLACK = 2.0  # seconds: the boot time that creation times are counted from moves when the clock is corrected


@dataclass(frozen=True)
class OwnProcess:
    """One process we started: `pid`, and `created` in seconds since the epoch."""

    pid: int
    created: float

    @classmethod
    def of(cls, pid: int) -> OwnProcess:
        """Return the process that has this id now."""
        return cls(pid, _psutil().Process(pid).create_time())

    def find(self) -> psutil.Process | None:
        """Return the live process, None if it is gone or its id belongs to another one now."""
        library = _psutil()
        try:
            process: psutil.Process = library.Process(self.pid)
            if abs(process.create_time() - self.created) > CLOCK_SLACK or process.status() == library.STATUS_ZOMBIE:
                return None
        except library.NoSuchProcess:
            return None
        return process

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.find() is not None


def end(own: OwnProcess, *, patience: float) -> bool:
    """Ask the process to end, kill it after `patience` seconds; return whether it ran at all."""
    process = own.find()
    if process is None:
        return False
    library = _psutil()
    with contextlib.suppress(library.NoSuchProcess):
        process.terminate()
        if not _wait(own, patience):
            process.kill()
            _wait(own, 5)
    return True


def _wait(own: OwnProcess, seconds: float) -> bool:
    """Wait until it is gone, or a zombie: the first process of many containers reaps none."""
    deadline = time.monotonic() + seconds
    while own.alive:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _psutil() -> ModuleType:
    try:
        import psutil
    except ImportError as error:
        raise SandboxError("the sandbox is not installed", MISSING_EXTRA) from error
    return psutil
