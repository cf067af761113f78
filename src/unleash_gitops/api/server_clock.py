"""The server's clock, from the header `Date` of its answers: the clocks of two machines can be minutes apart."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

__all__ = ["ServerClock", "parse_http_date"]

_AGE = re.compile("[0-9]{1,9}")


class ServerClock:
    """Estimates the server's present time; safe to use from many threads.

    The header has whole seconds, so the estimate is behind by up to a second and the time that the answer travelled.
    `monotonic` returns seconds that never go back, whatever happens to this machine's own clock.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._newest: tuple[float, datetime] | None = None
        """When the newest answer arrived (monotonic), and its date."""

    def observe(self, headers: Mapping[str, str]) -> None:
        """Take the date from the headers of an answer that has just arrived.

        An answer without a usable date changes nothing. The age of an answer from a cache (header `Age`, in seconds) is
        added to its date; one with an age that is no number changes nothing.
        """
        date = parse_http_date(headers.get("date", ""))
        age = headers.get("age", "0").strip()
        if date is None or not _AGE.fullmatch(age):
            return
        with suppress(OverflowError):  # a date at the end of the calendar
            date += timedelta(seconds=int(age))
            with self._lock:
                self._newest = (self._monotonic(), date)

    def now(self) -> datetime | None:
        """Return the server's present time in UTC, None before the first answer with a usable date."""
        with self._lock:
            if self._newest is None:
                return None
            arrived, date = self._newest
            elapsed = self._monotonic() - arrived
        try:
            return date + timedelta(seconds=elapsed)
        except OverflowError:  # a date at the end of the calendar
            return None


def parse_http_date(text: str) -> datetime | None:
    """Return an HTTP date in UTC, None when `text` is no date."""
    try:
        date = parsedate_to_datetime(text)
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
