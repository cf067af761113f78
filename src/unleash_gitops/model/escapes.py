"""Escapes of single characters, for messages and for YAML in double quotes."""

from __future__ import annotations

import re

__all__ = ["defuse_commands", "escape_character", "find_commands"]

# Runners act on `##[error]` and `##vso[task.setvariable]` anywhere in a line, and on `::error::` only at its start.
_COMMAND = re.compile(r"##(?=[A-Za-z]*\[)")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def escape_character(character: str) -> str:
    r"""Return the escape of a character, such as `\n`, `\x1b`, `\u2028` or `\U000e0001`.

    The same escapes are valid in the double quotes of YAML.
    """
    if character in _SHORT:
        return _SHORT[character]
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def defuse_commands(text: str, escape: str = "\\x23") -> str:
    r"""Return `text` with `#\x23[` in place of `##[`, which GitHub Actions and Azure Pipelines take for a command.

    `escape` stands for the second number sign.
    """
    return _COMMAND.sub(lambda _: f"#{escape}", text) if "##" in text else text


def find_commands(text: str) -> list[int]:
    """Return the index of each character that `defuse_commands` escapes."""
    return [match.end() - 1 for match in _COMMAND.finditer(text)]
