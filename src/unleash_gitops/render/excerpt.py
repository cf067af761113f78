"""A source line and a caret below one of its characters, whatever the line holds. For text output."""

from __future__ import annotations

from rich.cells import cell_len

from unleash_gitops.render.escape import terminal

__all__ = ["caret_lines"]

_WIDEST = 100  # cells of the source line that are shown
_BEFORE = 60  # cells of them that may stand before the caret when the line is cut
_TAB = 4


def caret_lines(excerpt: str, column: int) -> tuple[str, str]:
    """Return the line as it can be shown, and a caret under `column`, which counts characters from 1."""
    place = min(max(column - 1, 0), len(excerpt))
    pieces = _pieces(excerpt)
    widths = [cell_len(piece) for piece in pieces]
    if sum(widths) <= _WIDEST:
        return "".join(pieces), " " * sum(widths[:place]) + "^"
    start = place
    while start > 0 and sum(widths[start - 1 : place]) <= _BEFORE:
        start -= 1
    end = start
    while end < len(pieces) and sum(widths[start : end + 1]) <= _WIDEST:
        end += 1
    ahead = "…" if start else ""
    line = ahead + "".join(pieces[start:end]) + ("…" if end < len(pieces) else "")
    return line, " " * (len(ahead) + sum(widths[start:place])) + "^"


def _pieces(excerpt: str) -> list[str]:
    """Return what each character is shown as: a tab as the spaces to its next stop, the rest harmless."""
    pieces: list[str] = []
    at = 0
    for character in excerpt:
        piece = " " * (_TAB - at % _TAB) if character == "\t" else terminal(character)
        pieces.append(piece)
        at += cell_len(piece)
    return pieces
