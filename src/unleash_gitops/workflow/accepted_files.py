"""The files that accept edits: read once, checked against what was loaded, and all restored when a step fails."""

from __future__ import annotations

import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from unleash_gitops.documents.loader import LoadedWorkspace, compute_digest
from unleash_gitops.documents.loader.document_checks import check_document
from unleash_gitops.documents.yamldoc import Edit, EditError, apply_edits, parse_documents
from unleash_gitops.model.errors import UsageError
from unleash_gitops.model.files import replace_file

__all__ = ["AcceptedFiles"]

_CHANGED_SINCE = "the file has changed since it was loaded; nothing was written"


@dataclass(frozen=True)
class _Original:
    """A file before its first edit: its content and mode, and where it leads when it is a symlink."""

    content: bytes
    mode: int
    link: str | None


class AcceptedFiles:
    """A context manager for edits of a workspace's files. An exception inside it restores every file.

    A document is found by its address. A file is edited, and restored, only while its bytes are those that were loaded
    or written here. Through a symlink the target is edited. A file without a document is removed, and a symlink with
    its target.
    """

    def __init__(self, loaded: LoadedWorkspace, path_prefix: str = "") -> None:
        """`path_prefix` stands before paths in errors."""
        self._root = loaded.root
        self._path_prefix = path_prefix
        self._workspace = "" if loaded.workspace is None else loaded.workspace.name
        self._digests = dict(loaded.digests)
        self._originals: dict[str, _Original] = {}
        self._documents: dict[str, dict[str, tuple[int, Any]]] = {}

    def __enter__(self) -> Self:
        """Begin with the files as they are."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Restore every file after an exception. Raises UsageError when that fails for any."""
        failures: list[UsageError] = []
        for path, original in self._originals.items() if error is not None else ():
            try:
                self._restore(path, original)
            except UsageError as failure:
                failures.append(failure)
        if failures:
            raise failures[0]

    def document(self, path: str, address: str) -> Mapping[str, Any]:
        """Return a document as it is written. Raises UsageError when the file is not the one that was loaded."""
        value: Mapping[str, Any] = self._find(path, address)[1]
        return value

    def edit(self, edits: Mapping[str, Mapping[str, Sequence[Edit] | None]]) -> None:
        """Write edits, by path and by address; None removes a document.

        Raises UsageError when a file cannot be written or edited in its place, or is not the one that was loaded.
        """
        contents: dict[str, bytes] = {}
        for path, by_address in edits.items():
            content = self._read(path)
            lines = {self._find(path, address)[0]: document_edits for address, document_edits in by_address.items()}
            contents[path] = self._apply_edits(content, path, lines)
        for path, content in contents.items():
            self._originals.setdefault(path, self._remember(path))
            self._digests[path] = compute_digest(content)
            self._write(path, content)
            self._documents.pop(path, None)

    def _find(self, path: str, address: str) -> tuple[int, Any]:
        """Return the line of a document's first key, and its value."""
        if path not in self._documents:
            self._documents[path] = self._list_documents(path)
        try:
            return self._documents[path][address]
        except KeyError:
            raise UsageError(f"{self._path_prefix}{path}: {_CHANGED_SINCE}", "run the command again") from None

    def _list_documents(self, path: str) -> dict[str, tuple[int, Any]]:
        documents, _ = parse_documents(self._read(path), path)
        listed: dict[str, tuple[int, Any]] = {}
        for document in documents:
            entry, _ = check_document(document, self._workspace)
            if entry is not None and entry.resource is not None:
                listed[str(entry.resource)] = (document.position.line, document.value)
        return listed

    def _read(self, path: str) -> bytes:
        """Return the content of a file. Raises UsageError when it is not the one that was loaded."""
        try:
            content = (self._root / path).read_bytes()
        except OSError as error:
            raise UsageError(f"cannot read {self._root / path}: {error.strerror}") from None
        if compute_digest(content) != self._digests.get(path):
            raise UsageError(f"{self._path_prefix}{path}: {_CHANGED_SINCE}", "run the command again")
        return content

    def _remember(self, path: str) -> _Original:
        """Return what is needed to restore a file. Raises UsageError when it is not the one that was loaded."""
        content, file = self._read(path), self._root / path
        return _Original(content, file.stat().st_mode, str(file.readlink()) if file.is_symlink() else None)

    def _write(self, path: str, content: bytes) -> None:
        """Write a file in one step, or remove it when it has no content. Raises UsageError."""
        file = self._root / path
        try:
            if content:
                replace_file(file, content)
            else:
                for name in {file, file.resolve()}:
                    name.unlink()
        except OSError as error:
            raise UsageError(f"cannot write {file}: {error.strerror}") from None

    def _restore(self, path: str, original: _Original) -> None:
        file = self._root / path
        try:
            if original.link is not None and not file.is_symlink():
                file.symlink_to(original.link)
            is_removed = not file.exists()
            current = b"" if is_removed else file.read_bytes()
            if current != original.content and compute_digest(current) != self._digests[path]:
                raise UsageError(f"{self._path_prefix}{path}: edited while accept ran; it was not restored")
            replace_file(file, original.content)
            if is_removed:
                file.chmod(stat.S_IMODE(original.mode))
        except OSError as error:
            raise UsageError(f"cannot restore {file}: {error.strerror}") from None

    def _apply_edits(self, content: bytes, path: str, edits: Mapping[int, Sequence[Edit] | None]) -> bytes:
        try:
            return apply_edits(content, path, edits)
        except EditError as error:
            raise UsageError(
                f"{self._path_prefix}{error.path}:{error.line}: cannot be edited in its place: {error.reason}; "
                "nothing was written",
                "change it by hand, or write it in a plainer way and try again",
            ) from None
