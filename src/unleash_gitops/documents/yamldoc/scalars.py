"""Resolve plain scalars by the core schema of YAML 1.2 (chapter 10.3.2). Pure."""

from __future__ import annotations

import re

__all__ = ["Scalar", "UnreadableNumber", "resolve_plain"]

Scalar = str | int | float | bool | None

_KEYWORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **{sign + word: float("inf") for sign in ("", "+") for word in (".inf", ".Inf", ".INF")},
    **{"-" + word: float("-inf") for word in (".inf", ".Inf", ".INF")},
}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NUMBER_STARTS = frozenset("-+.0123456789")
_MAX_DIGITS = 3000  # characters; Python refuses to print an int of more than 4300 digits


class UnreadableNumber(ValueError):
    """A number with more than 3000 digits."""


def resolve_plain(text: str) -> Scalar:
    """Return the value of the plain scalar `text`. Raises UnreadableNumber."""
    if text in _KEYWORDS:
        return _KEYWORDS[text]
    if text[0] not in _NUMBER_STARTS:
        return text
    return _resolve_number(text)


def _resolve_number(text: str) -> Scalar:
    if _INTEGER.fullmatch(text):
        base, digits = 10, text
    elif _OCTAL.fullmatch(text):
        base, digits = 8, text[2:]
    elif _HEXADECIMAL.fullmatch(text):
        base, digits = 16, text[2:]
    elif _FLOAT.fullmatch(text):
        base, digits = 0, text
    else:
        return text
    if len(text) > _MAX_DIGITS:
        raise UnreadableNumber(f"the number has more than {_MAX_DIGITS} digits")
    return int(digits, base) if base else float(digits)
