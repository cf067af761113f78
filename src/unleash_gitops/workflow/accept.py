"""What somebody else changed on the server, into the files: a value at its place, or a document that goes.

Nothing else in a file is touched. A file is written whole or not at all, and all are put back when the workspace is not
valid with what they say then.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unleash_gitops.documents.loader import load
from unleash_gitops.documents.yamldoc import REMOVED, Edit, Unwritable, edited, parse_documents
from unleash_gitops.drift import ABSENT, differing, value_at
from unleash_gitops.engine.diff import format_path
from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.base import Pullable
from unleash_gitops.model.errors import InvalidFiles, UsageError
from unleash_gitops.model.plan import DRIFTED, Change, Changed, Plan
from unleash_gitops.model.resource import Address, Key, Resource, State

if TYPE_CHECKING:
    from unleash_gitops.drift import Unit

__all__ = ["Accepted", "NotAccepted", "accept_files", "accepted"]

_UNEXPLAINED = "whether its file or somebody else changed it is not known; to take it, name it"
_NO_FILE = "no file has it; take it with: unleash-gitops pull"


@dataclass(frozen=True)
class Accepted:
    """What is taken from one live object into its document: the parts by path, none when the document goes."""

    address: str
    path: str
    line: int
    edits: tuple[Edit, ...] | None
    parts: tuple[str, ...] = ()
    changed: Changed | None = None


@dataclass(frozen=True)
class NotAccepted:
    """What stays different, and why."""

    address: str
    reason: str


@dataclass
class _Found:
    units: list[Unit] = field(default_factory=list)
    events: list[Changed] = field(default_factory=list)


def accepted(
    plan: Plan, desired: State, root: Path, chosen: Sequence[tuple[str, ...]]
) -> tuple[list[Accepted], list[NotAccepted]]:
    """Return what others changed as edits of the documents; of `chosen` addresses (or beginnings) also what may be so.

    `plan` is the one that would write over all of it, `root` where the documents' files are. What only the files
    changed stays as it is in them. Raises UsageError when a file cannot be read.
    """
    written = _Written(root)
    taken: list[Accepted] = []
    left: list[NotAccepted] = []
    for change in plan.changes:
        one = desired.resources.get(Key(change.kind, change.id))
        if chosen and not (one or _stand_in(change)).within(chosen):
            continue
        sorts = DRIFTED | ({"unknown"} if chosen else set())
        if one is None:
            if change.origin in sorts:
                left.append(NotAccepted(change.address, _NO_FILE))
        elif one.position is not None:
            taken += _of_change(change, one, written, sorts)
            if not chosen and change.before is not None and change.unexplained:
                left.append(NotAccepted(change.address, _UNEXPLAINED))
    gone = {(one.address.kind, one.address.name) for one in _removed(desired, taken)}
    taken += [found for found in _hanging_on(desired, gone) if found.address not in {one.address for one in taken}]
    return taken, left


def accept_files(root: Path, taken: Iterable[Accepted]) -> list[str]:
    """Write what was taken into the files below `root`; return their paths.

    Raises UsageError when a file cannot be written or edited at that place, InvalidFiles when the workspace is not
    valid with it; then all files are as they were.
    """
    wanted: dict[str, dict[int, Sequence[Edit] | None]] = {}
    for one in taken:
        wanted.setdefault(one.path, {})[one.line] = one.edits
    before = {path: _read(root / path) for path in wanted}
    after = {path: _edited(before[path], path, edits) for path, edits in wanted.items()}
    try:
        _write(root, after)
        errors = [found for found in load(root).diagnostics if found.severity == "error"]
        if errors:
            raise InvalidFiles(errors)
    except BaseException:
        _write(root, before)
        raise
    return sorted(wanted)


def _of_change(change: Change, one: Resource, written: _Written, sorts: frozenset[str] | set[str]) -> list[Accepted]:
    """Return what of a change is taken into its document: one thing or nothing."""
    if one.position is None:
        return []
    address, path, line = change.address, one.position.path, one.position.line
    if change.before is None:
        removed = change.origin in DRIFTED
        return [Accepted(address, path, line, None, changed=change.changed)] if removed else []
    found = _units(change, sorts)
    if ("archived",) in found.units:
        return [Accepted(address, path, line, None, changed=_newest(found.events))]
    if not found.units:
        return []
    document = written.document(path, line)
    edits = [Edit(("spec", *unit), _value(change, one, unit, document)) for unit in found.units]
    newest = _newest(found.events)
    if newest is not None:
        edits.append(Edit(("metadata", "accepted"), newest.event))
    return [Accepted(address, path, line, tuple(edits), tuple(map(format_path, found.units)), newest)]


def _units(change: Change, sorts: frozenset[str] | set[str]) -> _Found:
    """Return the parts of a change whose origin is one of `sorts`, and who changed them."""
    found = _Found()
    for unit in differing(change.before, change.after):
        path = format_path(unit)
        for one in change.fields:
            if (one.path == path or one.path.startswith((f"{path}.", f"{path}["))) and one.origin in sorts:
                found.units.append(unit)
                found.events += [one.changed] if one.changed is not None else []
                break
    return found


def _newest(events: Sequence[Changed]) -> Changed | None:
    return max(events, key=lambda changed: changed.event, default=None)


def _value(change: Change, one: Resource, unit: Unit, document: Mapping[str, Any]) -> Any:
    live, said = value_at(change.before, unit), value_at(document, ("spec", *unit))
    if live is ABSENT:
        return REMOVED
    kind = kinds()[change.kind]
    return kind.to_document(unit, live, one, None if said is ABSENT else said) if isinstance(kind, Pullable) else live


class _Written:
    """The documents as they are written, each file read once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files: dict[str, dict[int, Any]] = {}

    def document(self, path: str, line: int) -> Mapping[str, Any]:
        """Return the document that begins at a line; empty when there is none any more."""
        if path not in self._files:
            documents, _ = parse_documents(_read(self._root / path), path)
            self._files[path] = {one.position.line: one.value for one in documents}
        found: Mapping[str, Any] = self._files[path].get(line) or {}
        return found


def _removed(desired: State, taken: Iterable[Accepted]) -> list[Resource]:
    addresses = {one.address for one in taken if one.edits is None}
    return [one for one in desired.resources.values() if str(one) in addresses]


def _hanging_on(desired: State, gone: set[tuple[str, str | None]]) -> list[Accepted]:
    """Return the documents that go because what they are a part of is gone."""
    return [
        Accepted(str(one), one.position.path, one.position.line, None)
        for one in desired.resources.values()
        if one.position is not None and any(at.owned_by_target and (at.kind, at.name) in gone for at in one.references)
    ]


def _stand_in(change: Change) -> Resource:
    return Resource(Address(change.kind, change.name, change.project, change.feature), change.id, {})


def _edited(content: bytes, path: str, edits: Mapping[int, Sequence[Edit] | None]) -> bytes:
    try:
        return edited(content, path, edits)
    except Unwritable as error:
        raise UsageError(
            f"{error.path}:{error.line}: cannot be edited in its place: {error.reason}; nothing was written",
            "change it by hand, or write it in a plainer way and try again",
        ) from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None


def _write(root: Path, files: Mapping[str, bytes]) -> None:
    """Write each file in one step; one with nothing in it goes. Raises UsageError."""
    for name, content in files.items():
        path = root / name
        try:
            if not content.strip():
                path.unlink(missing_ok=True)
                continue
            fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
            try:
                fresh.write_bytes(content)
                if path.exists():
                    shutil.copymode(path, fresh)
                fresh.replace(path)
            finally:
                fresh.unlink(missing_ok=True)
        except OSError as error:
            raise UsageError(f"cannot write {path}: {error.strerror}") from None
