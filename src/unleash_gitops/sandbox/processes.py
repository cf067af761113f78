"""Processes that the sandbox started, identified by id and creation time, because systems reuse process ids."""

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

CLOCK_SLACK = 2.0  # seconds: creation times count from the boot time, which moves when the clock is corrected


@dataclass(frozen=True)
class OwnProcess:
    """A process that the sandbox started. `created` is in seconds since the epoch."""

    pid: int
    created: float

    @classmethod
    def of(cls, pid: int) -> OwnProcess:
        """Return the process that has this id now. Raises psutil.NoSuchProcess."""
        return cls(pid, _psutil().Process(pid).create_time())

    def find(self) -> psutil.Process | None:
        """Return the live process, None when it has ended or another process has its id now."""
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
        """Whether the process still runs."""
        return self.find() is not None


def end(own: OwnProcess, *, patience: float) -> bool:
    """Terminate a process, and kill it after `patience` seconds; tell whether it was running."""
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
    """Wait until the process has ended; tell whether it has.

    A zombie counts as ended: in many containers the first process does not reap its children.
    """
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
