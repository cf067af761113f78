"""Write plain data as YAML text that every reader of YAML 1.1 or 1.2 reads back as the same data.

Does not use PyYAML's emitter. That one writes YAML 1.1, where 0o17 and 1e5 are strings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from unleash_gitops.documents.yamldoc.scalars import resolve_plain
from unleash_gitops.model.escapes import escape_character

__all__ = ["dump_document", "dump_entry", "dump_flow", "dump_scalar"]

# Starts with a letter and contains no character that has a meaning in YAML, in brackets or before a comment either.
_PLAIN = re.compile(r"[^\W\d_](?:[^\n:#\[\]{},\"'\\]|:(?=[^\s:]))*")
_YAML_1_1 = re.compile(r"y|n|yes|no|on|off|true|false|null", re.IGNORECASE)  # booleans and null in YAML 1.1
_MAX_KEY = 500  # characters; longer keys need the form `? key`, because libyaml looks only 1024 characters ahead
_INDENT = "  "


def dump_document(data: Mapping[str, Any]) -> str:
    """Return `data` (mappings, lists, strings, numbers, booleans, None) as one YAML document in block style.

    A lone surrogate becomes U+FFFD, because UTF-8 cannot encode it.
    """
    return "\n".join(_dump_mapping(data, "")) + "\n" if data else "{}\n"


def dump_entry(prefix: str, value: Any, column: int) -> str:
    """Return the lines of one entry in block style, the first one without indentation.

    `prefix` is a key with its colon, or the dash of a list item. `column` is where it starts, counted from 0.
    """
    return "\n".join(_dump_entry(prefix, value, " " * column))


def dump_flow(value: Any) -> str:
    """Return `value` in flow style, on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_dump_string(key)}: {dump_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(dump_flow, value)) + "]"
    return _dump_scalar(value)


def dump_scalar(value: Any, quote: str | None = None) -> str:
    """Return a scalar on one line.

    A string gets the quotes `quote` when they are given. Double quotes replace single ones around unprintable text.
    """
    if not isinstance(value, str) or quote is None:
        return _dump_scalar(value)
    if quote == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    return _dump_double_quoted(value)


def _dump_mapping(data: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, value in data.items():
        name = _dump_string(key)
        if len(name) > _MAX_KEY:
            yield f"{indent}? {name}"
            name = ""
        yield from _dump_entry(f"{indent}{name}:", value, indent)


def _dump_entry(prefix: str, value: Any, indent: str) -> Iterator[str]:
    """Yield the lines of one entry. `prefix` is a key with its colon, or the dash of a list item."""
    deeper = indent + _INDENT
    if isinstance(value, Mapping) and value:
        yield from _dump_nested(prefix, _dump_mapping(value, deeper), deeper)
    elif isinstance(value, list | tuple) and value:
        entries = (line for item in value for line in _dump_entry(f"{deeper}-", item, deeper))
        yield from _dump_nested(prefix, entries, deeper)
    elif isinstance(value, str) and _is_block(value):
        yield f"{prefix} |{'' if value.endswith(chr(10)) else '-'}"
        yield from (deeper + line if line else "" for line in value.removesuffix("\n").split("\n"))
    else:
        yield f"{prefix} {_dump_scalar(value)}"


def _dump_nested(prefix: str, lines: Iterator[str], indent: str) -> Iterator[str]:
    """Yield `lines` below a key. The first line goes beside the dash of a list item."""
    if prefix.endswith("-"):
        prefix += " " + next(lines).removeprefix(indent)
    yield prefix
    yield from lines


def _dump_scalar(value: Any) -> str:
    if isinstance(value, str):
        return _dump_string(value)
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
    if value != value:  # only nan differs from itself
        return ".nan"
    return {float("inf"): ".inf", float("-inf"): "-.inf"}.get(value) or repr(value)


def _dump_string(text: str) -> str:
    if (
        _PLAIN.fullmatch(text)
        and text.isprintable()
        and not text.endswith(" ")
        and not _YAML_1_1.fullmatch(text)
        and isinstance(resolve_plain(text), str)
    ):
        return text
    return _dump_double_quoted(text)


def _dump_double_quoted(text: str) -> str:
    return '"' + "".join(map(_escape, text)) + '"'


def _escape(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character.isprintable():
        return character
    is_surrogate = 0xD800 <= ord(character) <= 0xDFFF
    return "\ufffd" if is_surrogate else escape_character(character)


def _is_block(text: str) -> bool:
    """Return whether `text` has several lines and a literal block shows all its characters."""
    lines = text.removesuffix("\n").split("\n")
    return (
        len(lines) > 1
        and lines[0] != ""
        and lines[-1] != ""
        and not lines[0].startswith(" ")
        and all(line.isprintable() and not line.endswith(" ") for line in lines)
    )
