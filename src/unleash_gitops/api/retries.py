"""How often and how long one request is tried again. The server cannot ask for more."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from unleash_gitops.api.server_clock import parse_http_date

__all__ = ["Retries", "describe_seconds", "parse_retry_after", "parse_seconds"]

CONNECT_RETRY_BUDGET = 2.0
"""Seconds to retry a server that has never answered: long enough for a hiccup, short enough for a wrong address."""
RETRY_BUDGET = 45.0
"""Seconds to retry a server that has answered before: a crashed one is back in about ten."""
LONGEST_RETRY_TIME = 300.0
"""Seconds after which a request is not tried again, also when the server has asked for each of the waits."""
MOST_ATTEMPTS = 15
LONGEST_BACKOFF = 5.0
_FIRST_BACKOFF = 0.25
_DIGITS = re.compile(r"[0-9]+(\.[0-9]+)?", re.ASCII)


class Retries:
    """The attempts of one request, from now on. `has_answered` tells whether the server has answered any before."""

    def __init__(self, *, has_answered: bool) -> None:
        self._began = time.monotonic()
        self._budget = RETRY_BUDGET if has_answered else CONNECT_RETRY_BUDGET
        self._attempts = 1

    @property
    def elapsed(self) -> float:
        """Seconds since the first attempt began."""
        return time.monotonic() - self._began

    def next_wait(self, asked: float | None) -> float | None:
        """Return the seconds to wait before another attempt; None when no other attempt is due.

        `asked` are the seconds that the server asks for. They come on top of the time for retries, up to a bound. The
        wait is never shorter than the back-off, which doubles from attempt to attempt and has a random part: requests
        that failed together do not come back together.
        """
        longest = min(LONGEST_BACKOFF, _FIRST_BACKOFF * 2.0 ** (self._attempts - 1))
        backoff = random.uniform(0.5, 1.0) * longest  # noqa: S311 - jitter only
        wait = backoff if asked is None else asked + backoff
        end = self.elapsed + wait
        self._attempts += 1
        if self._attempts > MOST_ATTEMPTS or end > LONGEST_RETRY_TIME or end > self._budget + (asked or 0.0):
            return None
        self._budget += asked or 0.0
        return wait


def parse_retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that an answer asks to wait (`Retry-After`), None when it does not ask or not in a known form.

    A time of day is compared with the answer's own `Date`, since the server's clock can differ from this machine's.
    """
    text = headers.get("retry-after", "").strip()
    seconds = parse_seconds(text)
    if seconds is not None:
        return seconds
    date = parse_http_date(text)
    if date is None:
        return None
    now = parse_http_date(headers.get("date", "")) or datetime.now(UTC)
    return max(0.0, (date - now).total_seconds())


def parse_seconds(text: str) -> float | None:
    """Return a number without a sign, None for any other text. A number that is too large becomes infinite."""
    return float(text) if _DIGITS.fullmatch(text) else None


def describe_seconds(seconds: float) -> str:
    """Return a wait in words."""
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}" if seconds < 1000 * 86400 else "more than 1000 days"
    return f"{seconds:.0f} s"
