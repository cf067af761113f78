"""The end of one exchange: a request, its answer, and everything in between."""

from __future__ import annotations

import threading
import time

__all__ = ["Deadline"]

_GRACE = 3.0
"""Seconds that an exchange under way still has after an interrupt: the answer to a write says whether it was done."""


class Deadline:
    """`seconds` from now, or a few seconds after `stop` is set, whichever is earlier. Belongs to one thread."""

    def __init__(self, seconds: float, stop: threading.Event) -> None:
        self._end = time.monotonic() + seconds
        self._stop = stop
        self.is_interrupted = False
        """Whether `stop` was set before the end."""

    def remaining(self) -> float:
        """Return the seconds that are left, 0 at the end."""
        now = time.monotonic()
        if not self.is_interrupted and self._stop.is_set() and now < self._end:
            self.is_interrupted = True
            self._end = min(self._end, now + _GRACE)
        return max(0.0, self._end - now)
