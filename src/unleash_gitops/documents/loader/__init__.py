"""Load a workspace: read its files, and report everything that is wrong with them at once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from unleash_gitops.documents.loader.cross_checks import check_entries, collect_resources
from unleash_gitops.documents.loader.discovery import (
    START_WORKSPACE,
    File,
    find_document_at,
    find_files,
    find_repository,
    find_workspace,
    find_workspaces,
    read_file,
)
from unleash_gitops.documents.loader.document_checks import Entry, check_document
from unleash_gitops.documents.loader.hide_secrets import hide_values, may_hold_secrets
from unleash_gitops.documents.loader.workspace_file import WorkspaceFile, check_workspace_file
from unleash_gitops.documents.yamldoc import Document, read_documents
from unleash_gitops.model.diagnostics import Diagnostic, Position, has_errors, in_order
from unleash_gitops.model.resource import ResourceSet
from unleash_gitops.model.workspace import WORKSPACE_FILE

if TYPE_CHECKING:
    from unleash_gitops.model.workspace import Workspace

__all__ = [
    "LoadedWorkspace",
    "compute_digest",
    "find_document_at",
    "find_repository",
    "find_workspace",
    "find_workspaces",
    "load",
    "load_workspace_file",
]

_Item = TypeVar("_Item")
_MAX_PROBLEMS = 100  # in one file: a hostile file could have millions


@dataclass(frozen=True)
class LoadedWorkspace:
    """The content of a workspace's files.

    `workspace` is None when its own file is missing or not valid. `desired` has the valid documents. `diagnostics` are
    sorted. `files` are the paths of all YAML files. `documents` counts the documents, valid or not, without the
    Workspace. `digests` are those of the files as they were read, by path.
    """

    root: Path
    workspace: Workspace | None
    desired: ResourceSet
    diagnostics: tuple[Diagnostic, ...]
    files: tuple[str, ...]
    documents: int
    digests: Mapping[str, str] = field(default_factory=dict)

    @property
    def path_in_repository(self) -> str | None:
        """The workspace's path in its Git repository, with slashes: empty at its root, None outside a repository."""
        repository = find_repository(self.root)
        if repository is None:
            return None
        path = self.root.resolve().relative_to(repository).as_posix()
        return "" if path == "." else path


def load(root: Path, new_files: Mapping[str, bytes] | None = None) -> LoadedWorkspace:
    """Read and check the workspace at `root`. Reports problems of the files in `diagnostics`, and raises nothing.

    `new_files` are the contents of files that are not written yet, by their paths; they are checked like the others.
    """
    files, diagnostics = find_files(root)
    files = sorted([*files, *(File(path, "", content) for path, content in (new_files or {}).items())])
    contents: dict[str, bytes] = {}
    workspace_file = _load_workspace_file(files, diagnostics, contents)
    entries: list[Entry] = []
    document_count = 0
    for file in files:
        if file.path == WORKSPACE_FILE:
            continue
        for item in _limit_problems(_load_file(file, workspace_file.name, contents)):
            if isinstance(item, Diagnostic):
                diagnostics.append(item)
            elif isinstance(item, Entry):
                entries.append(item)
            else:
                document_count += 1
    diagnostics += check_entries(entries, workspace_file)
    if document_count == 0 and not has_errors(diagnostics):
        message = "the workspace contains no documents"
        hint = "add a document, or write the live objects into files with: unleash-gitops pull"
        diagnostics.append(Diagnostic("warning", "empty-workspace", message, Position(WORKSPACE_FILE), hint))
    return LoadedWorkspace(
        root=root,
        workspace=workspace_file.workspace,
        desired=collect_resources(entries),
        diagnostics=tuple(_hide_secrets(in_order(diagnostics), contents)),
        files=tuple(file.path for file in files),
        documents=document_count,
        digests={path: compute_digest(content) for path, content in contents.items() if path != WORKSPACE_FILE},
    )


def load_workspace_file(root: Path) -> tuple[Workspace | None, list[Diagnostic]]:
    """Read only unleash-gitops.yaml of the workspace at `root`. Return its workspace, and the errors in it.

    A symlink to a file outside of `root` is not followed.
    """
    real = os.path.realpath(root / WORKSPACE_FILE)
    errors: list[Diagnostic] = []
    is_inside = Path(real).is_relative_to(os.path.realpath(root))
    files = [File(WORKSPACE_FILE, real)] if is_inside else []
    contents: dict[str, bytes] = {}
    workspace = _load_workspace_file(files, errors, contents).workspace
    return workspace, [problem for problem in _hide_secrets(errors, contents) if problem.severity == "error"]


def _hide_secrets(diagnostics: Iterable[Diagnostic], contents: Mapping[str, bytes]) -> Iterator[Diagnostic]:
    """Yield diagnostics without what may be a secret. `contents` are those of the files, by path."""
    may_hold: dict[str, bool] = {}
    for diagnostic in diagnostics:
        path = diagnostic.position.path
        if path not in may_hold:
            content = contents.get(path)
            may_hold[path] = content is not None and may_hold_secrets(content, path)
        yield hide_values(diagnostic) if may_hold[path] else diagnostic


def compute_digest(content: bytes) -> str:
    """Return the digest by which a file is recognised, see `LoadedWorkspace.digests`."""
    return hashlib.sha256(content).hexdigest()


def _load_workspace_file(files: list[File], diagnostics: list[Diagnostic], contents: dict[str, bytes]) -> WorkspaceFile:
    """Read and check unleash-gitops.yaml, which may be missing.

    Adds its problems to `diagnostics`, its content to `contents`.
    """
    file = next((file for file in files if file.path == WORKSPACE_FILE), None)
    if file is None:
        if not any(diagnostic.position.path == WORKSPACE_FILE for diagnostic in diagnostics):
            message, position = f"there is no {WORKSPACE_FILE}", Position(WORKSPACE_FILE)
            diagnostics.append(Diagnostic("error", "no-workspace", message, position, START_WORKSPACE))
        return WorkspaceFile()
    items = list(_limit_problems(_read_documents(file, contents)))
    # An empty file is a warning elsewhere; without this one there is no workspace.
    diagnostics += [_to_error(item) for item in items if isinstance(item, Diagnostic)]
    workspace_file, problems = check_workspace_file([item for item in items if isinstance(item, Document)])
    diagnostics += problems
    return workspace_file


def _to_error(problem: Diagnostic) -> Diagnostic:
    return Diagnostic("error", problem.code, problem.message, problem.position, problem.hint, problem.excerpt)


def _read_documents(file: File, contents: dict[str, bytes]) -> Iterator[Document | Diagnostic]:
    """Return the documents and problems of a file. Adds its content to `contents`."""
    content = read_file(file)
    if isinstance(content, Diagnostic):
        return iter([content])
    contents[file.path] = content
    return read_documents(content, file.path)


def _load_file(file: File, workspace: str, contents: dict[str, bytes]) -> Iterator[Document | Entry | Diagnostic]:
    """Yield each document of a file, followed by its problems and its entry. Adds the content to `contents`."""
    for item in _read_documents(file, contents):
        yield item
        if isinstance(item, Document):
            entry, problems = check_document(item, workspace)
            yield from problems
            if entry is not None:
                yield entry


def _limit_problems(items: Iterator[_Item]) -> Iterator[_Item | Diagnostic]:
    """Yield `items` up to the 100th problem, then an error that the rest was not read."""
    problems = 0
    for item in items:
        yield item
        if isinstance(item, Diagnostic):
            problems += 1
            if problems == _MAX_PROBLEMS:
                message = f"{_MAX_PROBLEMS} problems in this file; the rest of it was not read"
                yield Diagnostic("error", "too-many", message, item.position, "fix these problems first")
                return
