"""The text of one file: decode its bytes, check its characters, and map offsets to lines.

Knows nothing about the structure of YAML.
"""

from __future__ import annotations

import codecs
import re
from typing import Protocol

from unleash_gitops.documents.yamldoc.quoting import escape_unprintable
from unleash_gitops.model.diagnostics import Diagnostic, Position
from unleash_gitops.model.escapes import escape_character

__all__ = ["MAX_FILE_SIZE", "Source", "SourceMark", "read_source"]

MAX_FILE_SIZE = 16 * 1024 * 1024  # bytes; 5,000 charts take 2 MiB
_MAX_EXCERPT = 500  # characters

_LINE_END = re.compile(r"\r\n|\n|\r")
# The complement of the characters that YAML 1.2 allows in a document. NEL, LS and PS are forbidden too: only YAML 1.1
# treats them as line ends, and so does libyaml, which would shift every position after them.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_PRINTABLE_ASCII = bytes([*b"\t\n\r", *range(0x20, 0x7F)])
_UTF_16_OR_32 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)  # UTF-32-LE starts with UTF-16-LE
_BYTE_ORDER_MARK = "\ufeff"


class SourceMark(Protocol):
    """A place in the text as PyYAML reports it: `line` and `column` count from 0."""

    line: int
    column: int


class Source:
    """The text of one file. `path` is relative to the workspace root, with slashes."""

    __slots__ = ("_lines", "path", "text")

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self._lines: list[str] | None = None

    def locate(self, mark: SourceMark) -> Position:
        """Return the position of `mark`."""
        return Position(self.path, mark.line + 1, mark.column + 1)

    def locate_offset(self, offset: int) -> Position:
        """Return the position of the character at `offset`, which counts from 0."""
        lines = _LINE_END.split(self.text[:offset])
        return Position(self.path, len(lines), len(lines[-1]) + 1)

    def extract_line(self, position: Position) -> str | None:
        """Return the first 500 characters of the line of `position`, or None when the position is beyond them."""
        if self._lines is None:
            self._lines = _LINE_END.split(self.text)
        if position.line > len(self._lines) or position.column > _MAX_EXCERPT:
            return None
        return self._lines[position.line - 1][:_MAX_EXCERPT]

    def build_error(self, code: str, message: str, position: Position, hint: str | None = None) -> Diagnostic:
        """Return an error at `position` with its source line. Escapes unprintable characters in both texts."""
        hint = None if hint is None else escape_unprintable(hint)
        return Diagnostic("error", code, escape_unprintable(message), position, hint, self.extract_line(position))


def read_source(content: bytes, path: str) -> Source | Diagnostic:
    """Return the decoded file at `path`, or an error when YAML does not allow its size, encoding or characters."""
    problem = _check_bytes(content, path)
    if problem is not None:
        return problem
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = Source(path, content[: error.start].decode("utf-8"))
        message = f"not UTF-8: byte 0x{content[error.start]:02X} at offset {error.start}"
        return Diagnostic("error", "encoding", message, before.locate_offset(len(before.text)), "save it as UTF-8")
    source = Source(path, text.removeprefix(_BYTE_ORDER_MARK))
    forbidden = None if _is_printable_ascii(content) else _FORBIDDEN.search(source.text)
    return source if forbidden is None else _reject_character(source, forbidden.start())


def _check_bytes(content: bytes, path: str) -> Diagnostic | None:
    """Return an error when the file is too large, is UTF-16 or UTF-32, or contains a zero byte."""
    if len(content) > MAX_FILE_SIZE:
        message = f"the file is larger than {MAX_FILE_SIZE // (1024 * 1024)} MiB"
        return Diagnostic("error", "too-large", message, Position(path), "split it into several files")
    if content.startswith(_UTF_16_OR_32):
        message = "the file is UTF-16 or UTF-32, not UTF-8"
        return Diagnostic("error", "encoding", message, Position(path), "save it as UTF-8")
    zero = content.find(0)
    if zero < 0:
        return None
    before = Source(path, content[:zero].decode("utf-8", "replace"))
    hint = "move the file out of the workspace, or give it another extension"
    return Diagnostic("error", "binary", "not a text file: it contains a zero byte", before.locate_offset(zero), hint)


def _is_printable_ascii(content: bytes) -> bool:
    """Return whether all bytes are printable ASCII. Nearly every file is, and this check is fast."""
    return not content.translate(None, _PRINTABLE_ASCII)


def _reject_character(source: Source, offset: int) -> Diagnostic:
    character = source.text[offset]
    noun = "control character" if ord(character) < 0xA0 else "character"
    message = f"{noun} U+{ord(character):04X} is not allowed here"
    if character == _BYTE_ORDER_MARK:
        hint = "remove it: a byte order mark is only allowed at the start of a file"
    else:
        hint = f'remove it, or write it as "{escape_character(character)}" in double quotes'
    return source.build_error("character", message, source.locate_offset(offset), hint)
