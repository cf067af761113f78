"""Others' changes on the server, written into the files: a value at its place, or a document that is removed.

Nothing else in a file is touched. A file is written whole or not at all, and all files are restored when the workspace
would not be valid with the changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unleash_gitops.documents.loader import LoadedWorkspace, load
from unleash_gitops.documents.yamldoc import REMOVED, Edit, EditError, apply_edits, parse_documents
from unleash_gitops.engine.classify import Difference
from unleash_gitops.engine.diff import PartChange
from unleash_gitops.engine.parts import ABSENT, value_at
from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.base import Pullable
from unleash_gitops.model.errors import InvalidFiles, UsageError
from unleash_gitops.model.files import replace_file
from unleash_gitops.model.paths import format_path
from unleash_gitops.model.plan import DRIFTED, Changed, Origin
from unleash_gitops.model.resource import Resource, ResourceSet
from unleash_gitops.model.workspace import Workspace
from unleash_gitops.workflow.plan import compare_workspace, parse_targets

if TYPE_CHECKING:
    from unleash_gitops.api.client import Client

__all__ = ["Accepted", "NotAccepted", "accept_drift", "accept_files", "find_accepted"]

_UNKNOWN_ORIGIN = "whether its file or another user changed it is unknown; to accept it, name it"
_NO_DOCUMENT = "no document describes it; write one with: unleash-gitops pull"


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


def accept_drift(
    loaded: LoadedWorkspace,
    workspace: Workspace,
    client: Client,
    references: Sequence[str] = (),
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[Accepted], list[NotAccepted]]:
    """Write what others changed on the server into the files; return what was accepted, and what could not be.

    `references` are addresses or their beginnings; of what they cover, differences of unknown origin are accepted too.
    Raises UsageError, InvalidFiles or ServerError, and then every file is as it was.
    """
    comparison = compare_workspace(loaded, workspace, client, references, progress, "overwrite")
    differences = comparison.classification.differences
    accepted, left = find_accepted(differences, loaded.desired, loaded.root, parse_targets(references))
    accept_files(loaded.root, accepted)
    return accepted, left


def find_accepted(
    differences: Iterable[Difference], desired: ResourceSet, root: Path, targets: Sequence[tuple[str, ...]]
) -> tuple[list[Accepted], list[NotAccepted]]:
    """Return others' changes as edits of the documents, and what cannot be accepted; of `targets` only, if any.

    The documents' files are below `root`. What only the files changed stays as it is. Raises UsageError when a file
    cannot be read.
    """
    source = _Source(root)
    origins: frozenset[Origin] = frozenset({"drift", "conflict", "unknown"}) if targets else DRIFTED
    accepted: list[Accepted] = []
    left: list[NotAccepted] = []
    for difference in sorted(differences, key=lambda entry: (entry.action == "delete", str(entry.resource))):
        if targets and not difference.resource.within(targets):
            continue
        address, document = str(difference.resource), difference.desired
        if document is None:
            if difference.origin in origins:
                left.append(NotAccepted(address, _NO_DOCUMENT))
        elif document.position is not None:
            accepted += _accept_difference(difference, document, source, origins)
            if not targets and difference.live is not None and "unknown" in _origins_of(difference):
                left.append(NotAccepted(address, _UNKNOWN_ORIGIN))
    removed = {entry.address for entry in accepted if entry.edits is None}
    return accepted + _remove_owned_parts(desired, removed, {entry.address for entry in accepted}), left


def accept_files(root: Path, accepted: Iterable[Accepted]) -> list[str]:
    """Write what was accepted into the files below `root`; return their paths.

    Raises UsageError when a file cannot be written or edited at that place, InvalidFiles when the workspace is not
    valid with it; then all files are as they were.
    """
    wanted: dict[str, dict[int, Sequence[Edit] | None]] = {}
    for entry in accepted:
        wanted.setdefault(entry.path, {})[entry.line] = entry.edits
    before = {path: _read(root / path) for path in wanted}
    after = {path: _apply_edits(before[path], path, edits) for path, edits in wanted.items()}
    try:
        _write(root, after)
        errors = [diagnostic for diagnostic in load(root).diagnostics if diagnostic.severity == "error"]
        if errors:
            raise InvalidFiles(errors)
    except BaseException:
        _write(root, before)
        raise
    return sorted(wanted)


def _accept_difference(
    difference: Difference, document: Resource, source: _Source, origins: frozenset[Origin]
) -> list[Accepted]:
    """Return what the document takes over of a difference: one entry or none."""
    if document.position is None:
        return []
    address, path, line = str(document), document.position.path, document.position.line
    if difference.live is None:
        deleted = difference.origin in DRIFTED
        return [Accepted(address, path, line, None, changed=difference.changed)] if deleted else []
    parts = [part for part in difference.parts if any(change.origin in origins for change in part.fields)]
    newest = _find_newest(parts, origins)
    if any(part.path == ("archived",) for part in parts):
        return [Accepted(address, path, line, None, changed=newest)]
    if not parts:
        return []
    current = source.document(path, line)
    edits = [Edit(("spec", *part.path), _document_value(difference, document, part, current)) for part in parts]
    if newest is not None:
        edits.append(Edit(("metadata", "accepted"), newest.event))
    return [Accepted(address, path, line, tuple(edits), tuple(format_path(part.path) for part in parts), newest)]


def _origins_of(difference: Difference) -> set[Origin | None]:
    return {difference.origin, *(change.origin for part in difference.parts for change in part.fields)}


def _find_newest(parts: Iterable[PartChange], origins: frozenset[Origin]) -> Changed | None:
    changes = [
        change.changed
        for part in parts
        for change in part.fields
        if change.changed is not None and change.origin in origins
    ]
    return max(changes, key=lambda changed: changed.event, default=None)


def _document_value(difference: Difference, document: Resource, part: PartChange, current: Mapping[str, Any]) -> Any:
    """Return the live value of a part as the document says it, REMOVED where the live object lacks it."""
    live, written = value_at(difference.before, part.path), value_at(current, ("spec", *part.path))
    if live is ABSENT:
        return REMOVED
    kind = kinds()[difference.key.kind]
    if not isinstance(kind, Pullable):
        return live
    return kind.to_document(part.path, live, document, None if written is ABSENT else written)


def _remove_owned_parts(desired: ResourceSet, removed: set[str], accepted: set[str]) -> list[Accepted]:
    """Return the documents that go because they are a part of an object whose document goes."""
    removed_names = {
        (resource.address.kind, resource.address.name)
        for resource in desired.resources.values()
        if str(resource) in removed
    }
    return [
        Accepted(str(resource), resource.position.path, resource.position.line, None)
        for resource in desired.resources.values()
        if resource.position is not None
        and str(resource) not in accepted
        and any(
            reference.owned_by_target and (reference.kind, reference.name) in removed_names
            for reference in resource.references
        )
    ]


class _Source:
    """The documents as they are written, each file read once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files: dict[str, dict[int, Any]] = {}

    def document(self, path: str, line: int) -> Mapping[str, Any]:
        """Return the document that begins at a line; empty when there is none any more."""
        if path not in self._files:
            documents, _ = parse_documents(_read(self._root / path), path)
            self._files[path] = {document.position.line: document.value for document in documents}
        document: Mapping[str, Any] = self._files[path].get(line) or {}
        return document


def _apply_edits(content: bytes, path: str, edits: Mapping[int, Sequence[Edit] | None]) -> bytes:
    try:
        return apply_edits(content, path, edits)
    except EditError as error:
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
            replace_file(path, content)
        except OSError as error:
            raise UsageError(f"cannot write {path}: {error.strerror}") from None
