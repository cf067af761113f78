"""Escapes strings of unknown origin, so that they are harmless on one line of any output.

What only one format must escape, such as backticks or HTML, is up to the module of that format.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

from unleash_gitops.model.escapes import defuse_commands, escape_character

__all__ = ["MAX_SHOWN", "escape_line", "format_pair", "format_value", "shorten_line"]

MAX_SHOWN = 120
"""How many characters of a value are shown."""

_CONTEXT = 24  # characters that are shown before the first difference of two long values
_UNUSUAL = re.compile(r"[^\x20-\x7e]")
# Control characters, invisible and bidirectional format characters, lone surrogates, and every space except U+0020.
# They move the cursor, reorder the line, or make two different strings look the same.
_DANGEROUS = {"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"}
_IGNORABLE = range(0xE0000, 0xE1000)  # reserved for invisible characters, most of them unassigned


def escape_line(text: str) -> str:
    r"""Return `text` on one line. Characters that a terminal acts on become escapes such as `\x1b`.

    So does a character of `##[`, with which a command of a CI system starts.
    """
    return defuse_commands(_UNUSUAL.sub(_escape_match, text))


def shorten_line(text: str, max_length: int = MAX_SHOWN) -> str:
    """Return `text` as `escape_line` does, cut with "…" after `max_length` characters."""
    shown = escape_line(text[: max_length + 1])  # escaping never makes a text shorter
    return shown if len(shown) <= max_length else shown[: max_length - 1] + "…"


def format_value(json_value: Any) -> str:
    """Return a JSON value on one line, escaped, and cut with "…" after `MAX_SHOWN` characters."""
    return shorten_line(_dump(json_value))


def format_pair(before: Any, after: Any) -> tuple[str, str]:
    """Return two values as `format_value` does, but cut so that their first difference is visible."""
    left, right = _dump(before), _dump(after)
    same = _count_shared_start(left, right)
    shared = escape_line(left[max(0, same - MAX_SHOWN) : same])
    too_long = any(len(escape_line(side[: MAX_SHOWN + 1])) > MAX_SHOWN for side in (left, right))
    if too_long and len(shared) > MAX_SHOWN - 2 * _CONTEXT:
        shared = f"…{shared[-_CONTEXT:]}"
    return shorten_line(shared + left[same:]), shorten_line(shared + right[same:])


def _dump(json_value: Any) -> str:
    return json.dumps(json_value, ensure_ascii=False)


def _count_shared_start(left: str, right: str) -> int:
    """Return the length of the longest common prefix of two texts."""
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
    return escape_character(character)
