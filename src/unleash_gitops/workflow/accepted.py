"""What accept writes into the files, and what it leaves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from unleash_gitops.documents.yamldoc import Edit
from unleash_gitops.model.plan import Changed

__all__ = ["Accepted", "FileEdits", "NotAccepted", "group_edits"]

FileEdits = dict[str, dict[str, Sequence[Edit] | None]]
"""The edits of documents, by file and address. None removes a document."""


@dataclass(frozen=True)
class Accepted:
    """The changes of one live object that its document takes over: parts by path, none when the document is removed."""

    address: str
    path: str
    line: int
    edits: tuple[Edit, ...] | None
    parts: tuple[str, ...] = ()
    changed: Changed | None = None


@dataclass(frozen=True)
class NotAccepted:
    """An object that stays different, and why."""

    address: str
    reason: str


def group_edits(accepted: Iterable[Accepted]) -> FileEdits:
    """Return the edits of the documents, by file and address."""
    grouped: FileEdits = {}
    for entry in accepted:
        earlier = grouped.setdefault(entry.path, {}).get(entry.address, ())
        both = None if entry.edits is None or earlier is None else (*earlier, *entry.edits)
        grouped[entry.path][entry.address] = both
    return grouped
