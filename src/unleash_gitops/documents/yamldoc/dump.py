"""Plain data to YAML text that reads back as the same data, here and with any reader of YAML 1.1 or 1.2.

Not the emitter of PyYAML: it knows only 1.1, where 0o17 and 1e5 are strings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from unleash_gitops.documents.yamldoc.scalars import resolve_plain

__all__ = ["dump_document", "dump_entry", "dump_flow", "dump_scalar"]

# Begins with a letter and holds nothing that is a sign in YAML, not even in a flow or beside a comment.
_PLAIN = re.compile(r"[^\W\d_](?:[^\n:#\[\]{},\"'\\]|:(?=[^\s:]))*")
_YAML_1_1 = re.compile(r"y|n|yes|no|on|off|true|false|null", re.IGNORECASE)  # booleans and null for older readers
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_LONGEST_KEY = 500  # characters; a longer one needs the explicit form, libyaml looks 1024 ahead
_INDENT = "  "


def dump_document(data: Mapping[str, Any]) -> str:
    """Return `data` (mappings, lists, strings, numbers, booleans, None) as one YAML document in block style.

    A lone surrogate, which no UTF-8 text can hold, becomes U+FFFD.
    """
    return "\n".join(_dump_mapping(data, "")) + "\n" if data else "{}\n"


def dump_entry(begin: str, value: Any, column: int) -> str:
    """Return `value` after `begin`, a key with its colon or the dash of a list, which stands at `column` (from 0)."""
    return "\n".join(_dump_entry(begin, value, " " * column))


def dump_flow(value: Any) -> str:
    """Return `value` on one line, as it stands in brackets."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_quote(key)}: {dump_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(dump_flow, value)) + "]"
    return _dump_scalar(value)


def dump_scalar(value: Any, quote: str | None = None) -> str:
    """Return a scalar on one line; a string between quotes of the sort given, where these can hold it."""
    if not isinstance(value, str) or quote is None:
        return _dump_scalar(value)
    if quote == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    return '"' + "".join(map(_escape, value)) + '"'


def _dump_mapping(data: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, value in data.items():
        name = _quote(key)
        if len(name) > _LONGEST_KEY:
            yield f"{indent}? {name}"
            name = ""
        yield from _dump_entry(f"{indent}{name}:", value, indent)


def _dump_entry(begin: str, value: Any, indent: str) -> Iterator[str]:
    """Yield `value` after `begin`, which is a key with its colon or the dash of a list."""
    deeper = indent + _INDENT
    if isinstance(value, Mapping) and value:
        yield from _dump_nested(begin, _dump_mapping(value, deeper), deeper)
    elif isinstance(value, list | tuple) and value:
        entries = (line for item in value for line in _dump_entry(f"{deeper}-", item, deeper))
        yield from _dump_nested(begin, entries, deeper)
    elif isinstance(value, str) and _is_block(value):
        yield f"{begin} |{'' if value.endswith(chr(10)) else '-'}"
        yield from (deeper + line if line else "" for line in value.removesuffix("\n").split("\n"))
    else:
        yield f"{begin} {_dump_scalar(value)}"


def _dump_nested(begin: str, lines: Iterator[str], indent: str) -> Iterator[str]:
    """Yield nested lines: below a key, but beside the dash of a list."""
    if begin.endswith("-"):
        begin += " " + next(lines).removeprefix(indent)
    yield begin
    yield from lines


def _dump_scalar(value: Any) -> str:
    if isinstance(value, str):
        return _quote(value)
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, list | tuple):
        return "[]"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return _dump_float(value) if isinstance(value, float) else str(int(value))


def _dump_float(value: float) -> str:
    if value != value:  # only nan is not itself
        return ".nan"
    return {float("inf"): ".inf", float("-inf"): "-.inf"}.get(value) or repr(value)


def _quote(text: str) -> str:
    if (
        _PLAIN.fullmatch(text)
        and text.isprintable()
        and not text.endswith(" ")
        and not _YAML_1_1.fullmatch(text)
        and isinstance(resolve_plain(text), str)
    ):
        return text
    return '"' + "".join(_escape(character) for character in text) + '"'


def _escape(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    number = ord(character)
    if 0xD800 <= number <= 0xDFFF:
        return "\ufffd"
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _is_block(text: str) -> bool:
    """Tell whether `text` is several lines that a block shows as they are, nothing at their ends unseen."""
    lines = text.removesuffix("\n").split("\n")
    return (
        len(lines) > 1
        and lines[0] != ""
        and lines[-1] != ""
        and not lines[0].startswith(" ")
        and all(line.isprintable() and not line.endswith(" ") for line in lines)
    )
