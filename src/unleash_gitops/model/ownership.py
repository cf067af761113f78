"""Computed ids, the ownership marks in them, and the ownership mark in a description.

A computed id is a ULID of 26 characters: 10 for the tool, 6 for the workspace, 10 for the object. It depends on names
only, so that a retry finds the object that an earlier call created. The id also shows which workspace owns the object.

FROZEN: a change in this module orphans every object that a workspace has created.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from functools import cache

__all__ = [
    "EVERY_OWNER",
    "OWNER_TAG",
    "TOOL_MARK",
    "ULID_PATTERN",
    "append_mark",
    "computed_id",
    "find_id_owner",
    "is_computed_for",
    "is_marked_id",
    "mark_line",
    "owner_tag",
    "read_owner_tags",
    "same_object",
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

EVERY_OWNER = frozenset({"*"})
"""The owners whose marks went when the type of the tags that mark flags was deleted: all of them."""

_MARK_LINE = "managed by unleash-gitops: "


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


def is_marked_id(object_id: str) -> bool:
    """Tell whether an id was computed for a workspace."""
    length = len(TOOL_MARK) + _WORKSPACE_LENGTH + _OBJECT_LENGTH
    return len(object_id) == length and object_id.startswith(TOOL_MARK)


def find_id_owner(object_id: str, workspaces: Iterable[str]) -> str | None:
    """Return which of `workspaces` a computed id was made for, None when it was made for none of them."""
    if not is_marked_id(object_id):
        return None
    rest = object_id[len(TOOL_MARK) :]
    return next((name for name in workspaces if rest.startswith(workspace_mark(name))), None)


def same_object(object_id: str, other: str) -> bool:
    """Tell whether two computed ids stand for one object of one name, whichever workspaces they were made for."""
    both = is_marked_id(object_id) and is_marked_id(other)
    return both and object_id[-_OBJECT_LENGTH:] == other[-_OBJECT_LENGTH:]


def is_computed_for(object_id: str, address: str) -> bool:
    """Tell whether a computed id was made for the object at an address, of whichever workspace."""
    if not is_marked_id(object_id) or "/" not in address:
        return False
    kind, *place, name = address.split("/")
    project, feature = place if len(place) == 2 else (None, None)
    return len(place) in {0, 2} and same_object(object_id, computed_id("", kind, project, feature, name))


def owner_tag(workspace: str) -> str:
    """Return the tag that marks a flag as the workspace's."""
    return f"{OWNER_TAG}:{workspace}"


def read_owner_tags(tags: Collection[str]) -> tuple[str, ...]:
    """Return the names of the workspaces whose tags are among `tags`, sorted."""
    return tuple(sorted(tag.removeprefix(f"{OWNER_TAG}:") for tag in tags if tag.startswith(f"{OWNER_TAG}:")))


def mark_line(workspace: str) -> str:
    """Return the line that marks the description of an object as the workspace's."""
    return _MARK_LINE + workspace


def append_mark(description: str | None, line: str) -> str:
    """Return `description` with `line` as its last line."""
    return f"{description}\n{line}" if description else line


def split_mark(description: str | None) -> tuple[str | None, tuple[str, ...]]:
    """Return a live description without the marks at its end (None when that is empty), and the marks' workspaces."""
    text, owners = description or "", set[str]()
    while True:
        rest, _, last_line = text.rpartition("\n")
        if not last_line.startswith(_MARK_LINE):
            return text or None, tuple(sorted(owners))
        owners.add(last_line.removeprefix(_MARK_LINE))
        text = rest


def _hash(text: str, length: int) -> str:
    """Return the first `length` base-32 digits (5 bits each, highest first) of the SHA-256 of `text`."""
    number = int.from_bytes(hashlib.sha256(text.encode()).digest(), "big") >> (256 - 5 * length)
    return "".join(_ALPHABET[(number >> (5 * place)) & 31] for place in reversed(range(length)))
