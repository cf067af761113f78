"""Computed ids and the marks in them, and the mark in a description.

An id is a ULID of 26 characters: 10 that mark the tool, 6 that mark the workspace, 10 that name the object. It is a
function of names alone, so that a retry finds what it made, and ownership is read off the object. FROZEN: a change to
anything here orphans every object that anybody has created.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Literal

__all__ = [
    "OWNER_TAG",
    "TOOL_MARK",
    "ULID_PATTERN",
    "Mark",
    "append_mark",
    "computed_id",
    "mark_line",
    "read_id_mark",
    "split_mark",
    "workspace_mark",
]

TOOL_MARK = "01G1T0PS00"
ULID_PATTERN = r"^[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}$"
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32
_WORKSPACE_LENGTH = 6
_OBJECT_LENGTH = 10

OWNER_TAG = "gitops"
"""The type of the tag by which a flag is known as a workspace's; its value is the workspace's name."""

_MARK_LINE = "managed by unleash-gitops: "

Mark = Literal["ours", "other", "none"]


@cache
def workspace_mark(workspace: str) -> str:
    """Return the 6 characters by which everything of the workspace named `workspace` is known."""
    return _hash(workspace, _WORKSPACE_LENGTH)


def computed_id(workspace: str, kind: str, project: str | None, feature: str | None, name: str) -> str:
    """Return the id of the object that a document without `metadata.id` stands for."""
    return (
        TOOL_MARK
        + workspace_mark(workspace)
        + _hash("\0".join((kind, project or "", feature or "", name)), _OBJECT_LENGTH)
    )


def read_id_mark(object_id: str, workspace: str) -> Mark:
    """Tell whose mark `object_id` bears: that of `workspace` (ours), of some other workspace (other), or none."""
    if len(object_id) != len(TOOL_MARK) + _WORKSPACE_LENGTH + _OBJECT_LENGTH or not object_id.startswith(TOOL_MARK):
        return "none"
    ours = object_id[len(TOOL_MARK) :].startswith(workspace_mark(workspace))
    return "ours" if ours else "other"


def mark_line(workspace: str) -> str:
    """Return the last line of the description of an object that the workspace manages."""
    return _MARK_LINE + workspace


def append_mark(description: str | None, line: str) -> str:
    """Return a description that ends with `line`."""
    return f"{description}\n{line}" if description else line


def split_mark(description: str | None, workspace: str) -> tuple[str | None, Mark]:
    """Return a live description without its mark, None when nothing is left, and whose mark it was."""
    text, _, last = (description or "").rpartition("\n")
    if not last.startswith(_MARK_LINE):
        return description or None, "none"
    return text or None, "ours" if last == mark_line(workspace) else "other"


def _hash(text: str, length: int) -> str:
    """Return the first `length` base-32 digits (5 bits each, highest first) of the SHA-256 of `text`."""
    number = int.from_bytes(hashlib.sha256(text.encode()).digest(), "big") >> (256 - 5 * length)
    return "".join(_ALPHABET[(number >> (5 * place)) & 31] for place in reversed(range(length)))
