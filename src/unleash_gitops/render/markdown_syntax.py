"""The Markdown syntax that holds strings of unknown origin: code spans, fenced blocks, `<code>`, and alerts."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from unleash_gitops.render.escape import shorten_line

__all__ = ["MAX_NAME", "count_bytes", "format_alert", "format_code_span", "format_fence", "format_html_code"]

MAX_NAME = 300
"""How many characters of a name are shown."""


def format_code_span(text: str, max_length: int = MAX_NAME) -> str:
    """Return `text` as a code span that it cannot end, on one line, cut after `max_length` characters."""
    shown = shorten_line(text, max_length) or " "
    ticks = "`" * (_count_backticks(shown) + 1)
    pad = " " if shown.startswith(("`", " ")) or shown.endswith(("`", " ")) else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}"


def format_fence(lines: Sequence[str], language: str) -> str:
    """Return `lines`, none of which contains a line end, as a fenced block that they cannot end."""
    ticks = "`" * max(3, max(map(_count_backticks, lines), default=0) + 1)
    return "\n".join([f"{ticks}{language}", *lines, ticks]) + "\n"


def count_bytes(text: str) -> int:
    """Return the length of `text` in bytes of UTF-8, lone surrogates included."""
    return len(text.encode("utf-8", "surrogatepass"))


def _count_backticks(text: str) -> int:
    """Return the length of the longest run of backticks."""
    return max(map(len, re.findall("`+", text)), default=0)


def format_html_code(text: str) -> str:
    """Return `text` as HTML code, for a `<summary>`. A joiner after "@" prevents mentions."""
    shown = html.escape(shorten_line(text, MAX_NAME))
    return f"<code>{shown.replace('@', '@&#8205;')}</code>"


def format_alert(level: str, text: str) -> str:
    """Return an alert, which GitHub highlights by its level. `text` is trusted Markdown."""
    return f"> [!{level}]\n> {text}\n\n"
