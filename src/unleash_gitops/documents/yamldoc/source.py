"""The text of one file: from bytes to characters that YAML allows, and from places to lines.

Knows nothing of YAML's structure.
"""

from __future__ import annotations

import codecs
import re
from typing import Protocol

from unleash_gitops.model.diagnostics import Diagnostic, Position

__all__ = ["LARGEST_FILE", "Mark", "Source", "read_source"]

LARGEST_FILE = 16 * 1024 * 1024  # bytes; 5,000 charts take 2 MiB
_LONGEST_EXCERPT = 500

_LINE_END = re.compile(r"\r\n|\n|\r")
# What YAML 1.2 allows inside a document, less the three line ends that only YAML 1.1 knows (NEL, LS, PS): libyaml
# takes them for line ends, which would shift every position after them.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_UTF_16_OR_32 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)  # UTF-32-LE begins as UTF-16-LE does


class Mark(Protocol):
    """A place as PyYAML's parsers, the one in C and the one in Python, give it: counted from 0."""

    line: int
    column: int


class Source:
    """One file's text; `path` is relative to the workspace root, with slashes."""

    __slots__ = ("_lines", "path", "text")

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self._lines: list[str] | None = None

    def position(self, mark: Mark) -> Position:
        """Return where `mark`, which counts from 0, is."""
        return Position(self.path, mark.line + 1, mark.column + 1)

    def at(self, offset: int) -> Position:
        """Return where the character at `offset` is."""
        lines = _LINE_END.split(self.text[:offset])
        return Position(self.path, len(lines), len(lines[-1]) + 1)

    def excerpt(self, position: Position) -> str | None:
        """Return the line of `position`, cut at 500 characters; None when the place would be cut off."""
        if self._lines is None:
            self._lines = _LINE_END.split(self.text)
        if position.line > len(self._lines) or position.column > _LONGEST_EXCERPT:
            return None
        return self._lines[position.line - 1][:_LONGEST_EXCERPT]

    def error(self, code: str, message: str, position: Position, hint: str | None = None) -> Diagnostic:
        """Return an error at `position` with its source line."""
        return Diagnostic("error", code, message, position, hint, self.excerpt(position))


def read_source(content: bytes, path: str) -> Source | Diagnostic:
    """Decode a file, or say why it is not one that YAML allows."""
    if len(content) > LARGEST_FILE:
        limit = LARGEST_FILE // (1024 * 1024)
        hint = "split it into several files"
        return Diagnostic("error", "too-large", f"the file is larger than {limit} MiB", Position(path), hint)
    if content.startswith(_UTF_16_OR_32):
        hint = "save it as UTF-8"
        return Diagnostic("error", "encoding", "the file is UTF-16 or UTF-32, not UTF-8", Position(path), hint)
    zero = content.find(0)
    if zero >= 0:
        before = Source(path, content[:zero].decode("utf-8", "replace"))
        return Diagnostic("error", "binary", "not a text file: it holds a zero byte", before.at(zero))
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = Source(path, content[: error.start].decode("utf-8"))
        message = f"not UTF-8: byte 0x{content[error.start]:02X} at offset {error.start}"
        return Diagnostic("error", "encoding", message, before.at(len(before.text)), "save it as UTF-8")
    source = Source(path, text.removeprefix("\ufeff"))
    match = None if _is_plain(content) else _FORBIDDEN.search(source.text)
    return source if match is None else _forbidden(source, match)


_PLAIN = bytes([*b"\t\n\r", *range(0x20, 0x7F)])


def _is_plain(content: bytes) -> bool:
    """Tell quickly whether all is printable ASCII, as nearly every file is."""
    return not content.translate(None, _PLAIN)


def _forbidden(source: Source, match: re.Match[str]) -> Diagnostic:
    number = ord(match.group())
    escape = f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"
    noun = "control character" if number < 0xA0 else "character"
    message = f"the {noun} U+{number:04X} is not allowed in YAML here"
    if number == 0xFEFF:
        hint = "remove it: a byte order mark may only begin a file"
    else:
        hint = f'remove it, or write "{escape}" in double quotes'
    position = source.at(match.start())
    return Diagnostic("error", "character", message, position, hint)
