"""How a piece of the user's text is shown in a message: short, in quotes, with nothing in it that moves a cursor."""

from __future__ import annotations

__all__ = ["printable", "quote", "shorten"]

_LONGEST = 80
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def printable(text: str) -> str:
    """Return `text` with what cannot be printed written as an escape."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _escape(character) for character in text)


def shorten(text: str) -> str:
    """Return the beginning of `text`, at most 80 characters of it."""
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def quote(text: str) -> str:
    """Return `text` in double quotes, short and printable."""
    return '"' + printable(shorten(text)).replace('"', '\\"') + '"'


def _escape(character: str) -> str:
    number = ord(character)
    if character in _SHORT:
        return _SHORT[character]
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
