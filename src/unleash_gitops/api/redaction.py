"""Secrets that log lines and errors must not show."""

from __future__ import annotations

import json
import re
import threading
from urllib.parse import quote, urlsplit

__all__ = ["Redactor"]

_MASK = "***"
_SHORTEST_SUBSTRING = 8
"""Characters from which a secret is masked wherever it occurs: a shorter one can be a part of an ordinary word."""


class Redactor:
    """Masks secrets in text; safe to use from many threads.

    A secret of 8 characters or more is masked wherever it occurs. A shorter one, such as `prod`, is masked only where
    it is a whole quoted string (`"prod"`, `'prod'`, or in backticks), which is how servers quote a value that they
    refuse: masked everywhere, it would make ordinary text unreadable and give itself away.
    """

    def __init__(self, *secrets: str) -> None:
        self._lock = threading.Lock()
        self._secrets: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        for secret in secrets:
            self.hide(secret)

    def hide(self, secret: str) -> None:
        """Mask `secret` from now on: as it is, percent-encoded, as JSON, and the host alone when it is an address."""
        spellings = {secret, quote(secret, safe=""), json.dumps(secret)[1:-1], _host_of(secret) or ""} - {""}
        with self._lock:
            if not spellings <= self._secrets:
                self._secrets |= spellings
                self._pattern = None

    def redact(self, text: str) -> str:
        """Return `text` with every secret replaced by `***`."""
        with self._lock:
            if self._pattern is None:
                # The longest first: a secret can be the beginning of another.
                longest_first = sorted(self._secrets, key=lambda secret: (-len(secret), secret))
                self._pattern = re.compile("|".join(map(_to_pattern, longest_first)) or "(?!)")
            pattern = self._pattern
        return pattern.sub(_MASK, text)


def _to_pattern(secret: str) -> str:
    escaped = re.escape(secret)
    return escaped if len(secret) >= _SHORTEST_SUBSTRING else rf"""(?<=["'`]){escaped}(?=\\?["'`])"""


def _host_of(secret: str) -> str | None:
    """Return the host when a secret is an address: an error that says the host does not exist names it alone."""
    try:
        return urlsplit(secret).hostname
    except ValueError:
        return None
