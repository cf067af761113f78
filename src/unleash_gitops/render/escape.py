"""Strings of unknown origin made harmless to show, on one line.

Shared by all forms of output; what one form alone has to fear (backticks, HTML) is that form's own matter.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

__all__ = ["LONGEST", "pair", "shorten", "terminal", "value"]

LONGEST = 120
"""Characters of a value that are shown."""

_CONTEXT = 24  # characters of agreement shown before the first difference of two long values
_UNUSUAL = re.compile(r"[^\x20-\x7e]")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
# Control characters, invisible and bidirectional format characters, lone surrogates, and every space but the usual one:
# what moves the cursor, reorders the line, or makes two different strings look the same.
_DANGEROUS = {"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"}
_IGNORABLE = range(0xE0000, 0xE1000)  # set aside for invisible characters, most of them not assigned yet


def terminal(text: str) -> str:
    r"""Return `text` on one line, with everything a terminal might act on shown as an escape like `\x1b`."""
    return _UNUSUAL.sub(_escape_match, text)


def shorten(text: str, longest: int = LONGEST) -> str:
    """Return what `terminal` returns, cut with "…" when that has more than `longest` characters."""
    shown = terminal(text[: longest + 1])  # never fewer characters than it is given
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def value(json_value: Any) -> str:
    """Return a JSON value on one line, harmless, cut with "…" after 120 characters."""
    return shorten(_dump(json_value))


def pair(before: Any, after: Any) -> tuple[str, str]:
    """Return two values as `value` does, but cut so that the first difference is in sight."""
    left, right = _dump(before), _dump(after)
    same = _find_agreement(left, right)
    shared = terminal(left[max(0, same - LONGEST) : same])
    too_long = any(len(terminal(side[: LONGEST + 1])) > LONGEST for side in (left, right))
    if too_long and len(shared) > LONGEST - 2 * _CONTEXT:
        shared = f"…{shared[-_CONTEXT:]}"
    return shorten(shared + left[same:]), shorten(shared + right[same:])


def _dump(json_value: Any) -> str:
    return json.dumps(json_value, ensure_ascii=False)


def _find_agreement(left: str, right: str) -> int:
    """Return how many characters two texts have in common at their beginning."""
    least, most = 0, min(len(left), len(right))
    while least < most:
        middle = (least + most + 1) // 2
        if left[least:middle] == right[least:middle]:
            least = middle
        else:
            most = middle - 1
    return least


def _escape_match(match: re.Match[str]) -> str:
    character = match.group()
    number = ord(character)
    if unicodedata.category(character) not in _DANGEROUS and number not in _IGNORABLE:
        return character
    if character in _SHORT:
        return _SHORT[character]
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
