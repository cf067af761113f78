"""One progress of several runs."""

from __future__ import annotations

import threading
from collections.abc import Callable

__all__ = ["SharedProgress"]

_Progress = Callable[[int, int], None]
"""Gets the number of finished requests, and the number of all requests."""


class SharedProgress:
    """Adds up the progress of several runs for one progress bar. Safe to use from several threads."""

    def __init__(self, show: _Progress) -> None:
        self._show = show
        self._lock = threading.Lock()
        self._counts: dict[str, tuple[int, int]] = {}

    def for_run(self, path: str) -> _Progress:
        """Return the function to which the run of the workspace at `path` reports its progress."""

        def report(done: int, total: int) -> None:
            with self._lock:
                self._counts[path] = (done, total)
                all_done, all_total = (sum(numbers) for numbers in zip(*self._counts.values(), strict=True))
                self._show(all_done, all_total)

        return report
