"""The escape of one character, for messages and for YAML in double quotes."""

from __future__ import annotations

__all__ = ["escape_character"]

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def escape_character(character: str) -> str:
    r"""Return the escape of a character, such as `\n`, `\x1b`, `\u2028` or `\U000e0001`.

    The same escapes are valid in the double quotes of YAML.
    """
    if character in _SHORT:
        return _SHORT[character]
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
