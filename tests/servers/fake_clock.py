"""The time of an Unleash in memory. Each look at it is a second later, so that runs are alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class FakeClock:
    """Gives times and ULIDs, each later than the one before."""

    def __init__(self) -> None:
        self._now = datetime(2026, 1, 1, tzinfo=UTC)

    def stamp(self) -> str:
        """Return the time as the server writes it."""
        return self._next().isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def ulid(self) -> str:
        number = int(self._next().timestamp() * 1000)
        return "".join(_ALPHABET[number >> shift & 31] for shift in range(45, -1, -5)) + "0" * 16

    def _next(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now
