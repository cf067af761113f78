"""Places in data as people write them: `spec.exclusive[0].kind`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError

__all__ = ["describe_mismatch", "describe_mismatches", "format_path"]

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,99}")


def _quote(key: str) -> str:
    return json.dumps(key, ensure_ascii=False)


def format_path(parts: Iterable[str | int], quote: Callable[[str], str] = _quote) -> str:
    """Return the place that `parts` lead to; `quote` is how a key looks that is not a plain word."""
    path = ""
    for part in parts:
        if isinstance(part, int):
            path += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part):
            path += f".{part}" if path else part
        else:
            path += f"[{quote(part)}]"
    return path


def describe_mismatch(error: ValidationError, whole: str = "the answer") -> str:
    """Return the first place where data does not fit its model, and why, without the value: it may be a secret.

    `whole` is the name of the data, for a mismatch that has no place within it.
    """
    return describe_mismatches(error, whole)[0]


def describe_mismatches(error: ValidationError, whole: str = "the answer") -> list[str]:
    """Return every place where data does not fit its model, each with the reason, without the values."""
    return [
        f"{format_path(mismatch['loc']) or whole}: {mismatch['msg']}"
        for mismatch in error.errors(include_url=False, include_input=False, include_context=False)
    ]
