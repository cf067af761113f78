"""Renders a source line with a caret below one of its characters. Handles any characters in the line."""

from __future__ import annotations

from rich.cells import cell_len

from unleash_gitops.model.escapes import escape_character, find_commands
from unleash_gitops.render.escape import escape_line

__all__ = ["render_excerpt"]

_MAX_CELLS = 100  # of the source line
_MAX_CELLS_BEFORE = 60  # before the caret, when the line is cut
_TAB = 4  # cells


def render_excerpt(excerpt: str, column: int) -> tuple[str, str]:
    """Return the line, escaped and cut, and a line with a caret under `column`, which counts characters from 1."""
    index = min(max(column - 1, 0), len(excerpt))
    pieces = _render_characters(excerpt)
    widths = [cell_len(piece) for piece in pieces]
    if sum(widths) <= _MAX_CELLS:
        return "".join(pieces), " " * sum(widths[:index]) + "^"
    start = index
    while start > 0 and sum(widths[start - 1 : index]) <= _MAX_CELLS_BEFORE:
        start -= 1
    end = start
    while end < len(pieces) and sum(widths[start : end + 1]) <= _MAX_CELLS:
        end += 1
    cut_mark = "…" if start else ""
    line = cut_mark + "".join(pieces[start:end]) + ("…" if end < len(pieces) else "")
    return line, " " * (len(cut_mark) + sum(widths[start:index])) + "^"


def _render_characters(excerpt: str) -> list[str]:
    """Return the text for each character: spaces up to the next tab stop for a tab, escapes for others."""
    pieces: list[str] = []
    width = 0
    commands = find_commands(excerpt)
    for index, character in enumerate(excerpt):
        piece = escape_character(character) if index in commands else escape_line(character)
        if character == "\t":
            piece = " " * (_TAB - width % _TAB)
        pieces.append(piece)
        width += cell_len(piece)
    return pieces
