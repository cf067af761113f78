"""Quote the user's text in messages: short, in double quotes, and without characters that move a cursor."""

from __future__ import annotations

from unleash_gitops.model.escapes import escape_character

__all__ = ["escape_unprintable", "quote", "shorten"]

_MAX_LENGTH = 80  # characters


def escape_unprintable(text: str) -> str:
    """Return `text` with an escape in place of each unprintable character."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else escape_character(character) for character in text)


def shorten(text: str) -> str:
    """Return `text`, cut with "…" when it has more than 80 characters."""
    return text if len(text) <= _MAX_LENGTH else text[: _MAX_LENGTH - 1] + "…"


def quote(text: str) -> str:
    """Return `text` in double quotes, shortened and escaped."""
    return '"' + escape_unprintable(shorten(text)).replace('"', '\\"') + '"'
