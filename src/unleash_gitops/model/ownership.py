"""Computed ids, the ownership marks in them, and the ownership mark in a description.

A computed id is a ULID of 26 characters: 10 for the tool, 6 for the workspace, 10 for the object. It depends on names
only, so that a retry finds the object that an earlier call created. The id also shows which workspace owns the object.

FROZEN: a change in this module orphans every object that a workspace has created.
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
"""The type of the tag that marks a flag. The value of the tag is the name of the workspace."""

_MARK_LINE = "managed by unleash-gitops: "

Mark = Literal["ours", "other", "none"]
"""The mark on an object: of this workspace, of another workspace, or no mark."""


@cache
def workspace_mark(workspace: str) -> str:
    """Return the 6 characters that mark the computed ids of a workspace."""
    return _hash(workspace, _WORKSPACE_LENGTH)


def computed_id(workspace: str, kind: str, project: str | None, feature: str | None, name: str) -> str:
    """Return the id of the object that a document without `metadata.id` describes."""
    return (
        TOOL_MARK
        + workspace_mark(workspace)
        + _hash("\0".join((kind, project or "", feature or "", name)), _OBJECT_LENGTH)
    )


def read_id_mark(object_id: str, workspace: str) -> Mark:
    """Return the mark in an id, from the point of view of `workspace`."""
    if len(object_id) != len(TOOL_MARK) + _WORKSPACE_LENGTH + _OBJECT_LENGTH or not object_id.startswith(TOOL_MARK):
        return "none"
    is_ours = object_id[len(TOOL_MARK) :].startswith(workspace_mark(workspace))
    return "ours" if is_ours else "other"


def mark_line(workspace: str) -> str:
    """Return the line that marks the description of an object as the workspace's."""
    return _MARK_LINE + workspace


def append_mark(description: str | None, line: str) -> str:
    """Return `description` with `line` as its last line."""
    return f"{description}\n{line}" if description else line


def split_mark(description: str | None, workspace: str) -> tuple[str | None, Mark]:
    """Return a live description without its mark (None when that is empty), and the mark."""
    text, _, last_line = (description or "").rpartition("\n")
    if not last_line.startswith(_MARK_LINE):
        return description or None, "none"
    return text or None, "ours" if last_line == mark_line(workspace) else "other"


def _hash(text: str, length: int) -> str:
    """Return the first `length` base-32 digits (5 bits each, highest first) of the SHA-256 of `text`."""
    number = int.from_bytes(hashlib.sha256(text.encode()).digest(), "big") >> (256 - 5 * length)
    return "".join(_ALPHABET[(number >> (5 * place)) & 31] for place in reversed(range(length)))
