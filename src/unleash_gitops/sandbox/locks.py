"""A lock between processes on an open file. The system releases it when the holder ends."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["hold_lock"]


@contextmanager
def hold_lock(path: Path, *, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock at `path`. When another process holds it, call `waiting` once, then wait without a limit."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.open("a+b") as file:
        if not _try(file):
            waiting()
            while not _try(file):
                time.sleep(0.1)
        yield


def _try(file: IO[bytes]) -> bool:
    """Take the lock if it is free; tell whether it was. Closing the file releases it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError, OSError) as error:
        if isinstance(error, BlockingIOError | PermissionError) or os.name == "nt":
            return False
        raise
    return True
