"""A directory to its desired state, with everything that is wrong in its files found in one go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from unleash_gitops.documents.loader.cross_checks import cross_checks, desired_state
from unleash_gitops.documents.loader.discovery import (
    File,
    find_files,
    find_repository,
    find_workspace,
    find_workspaces,
    read_file,
)
from unleash_gitops.documents.loader.document_checks import Entry, check_document
from unleash_gitops.documents.loader.workspace_file import WorkspaceFile, check_workspace
from unleash_gitops.documents.yamldoc import Document, read_documents
from unleash_gitops.model.diagnostics import Diagnostic, Position, has_errors, in_order
from unleash_gitops.model.resource import ResourceSet
from unleash_gitops.model.workspace import WORKSPACE_FILE

if TYPE_CHECKING:
    from unleash_gitops.model.workspace import Workspace

__all__ = ["Loaded", "find_repository", "find_workspace", "find_workspaces", "load"]

_Item = TypeVar("_Item")
_MOST_PROBLEMS = 100  # of one file: nobody reads on, and a hostile file could have millions


@dataclass(frozen=True)
class Loaded:
    """What the files of a workspace say.

    `workspace` is None when its own file is wrong or missing; `desired` has the documents that are valid; `diagnostics`
    are in order; `files` are the paths of all YAML files; `documents` is how many those hold, valid or not, without
    the Workspace.
    """

    root: Path
    workspace: Workspace | None
    desired: ResourceSet
    diagnostics: tuple[Diagnostic, ...]
    files: tuple[str, ...]
    documents: int

    @property
    def place(self) -> str | None:
        """Where the workspace is in its Git repository, with slashes; empty at its top, None in none."""
        repository = find_repository(self.root)
        if repository is None:
            return None
        inside = self.root.resolve().relative_to(repository).as_posix()
        return "" if inside == "." else inside


def load(root: Path) -> Loaded:
    """Read and check the workspace at `root`. Raises nothing for what is in the files: `diagnostics` says it."""
    files, diagnostics = find_files(root)
    own = _load_workspace(files, diagnostics)
    entries: list[Entry] = []
    documents = 0
    for file in files:
        if file.path == WORKSPACE_FILE:
            continue
        for item in _limit_problems(_load_file(file, own.name)):
            if isinstance(item, Diagnostic):
                diagnostics.append(item)
            elif isinstance(item, Entry):
                entries.append(item)
            else:
                documents += 1
    diagnostics += cross_checks(entries, own)
    if documents == 0 and not has_errors(diagnostics):
        message, hint = "the workspace holds no documents", "write one, or take what is live with: unleash-gitops pull"
        diagnostics.append(Diagnostic("warning", "empty-workspace", message, Position(WORKSPACE_FILE), hint))
    return Loaded(
        root=root,
        workspace=own.workspace,
        desired=desired_state(entries),
        diagnostics=tuple(in_order(diagnostics)),
        files=tuple(file.path for file in files),
        documents=documents,
    )


def _load_workspace(files: list[File], diagnostics: list[Diagnostic]) -> WorkspaceFile:
    """Read and check unleash-gitops.yaml, which may be missing; add what is wrong with it to `diagnostics`."""
    file = next((file for file in files if file.path == WORKSPACE_FILE), None)
    if file is None:
        if not any(diagnostic.position.path == WORKSPACE_FILE for diagnostic in diagnostics):
            message, hint = f"there is no {WORKSPACE_FILE}", "start a workspace with: unleash-gitops init"
            diagnostics.append(Diagnostic("error", "no-workspace", message, Position(WORKSPACE_FILE), hint))
        return WorkspaceFile()
    items = list(_limit_problems(_read_documents(file)))
    diagnostics += [item for item in items if isinstance(item, Diagnostic)]
    own, problems = check_workspace([item for item in items if isinstance(item, Document)])
    diagnostics += problems
    return own


def _read_documents(file: File) -> Iterator[Document | Diagnostic]:
    content = read_file(file)
    return iter([content]) if isinstance(content, Diagnostic) else read_documents(content, file.path)


def _load_file(file: File, workspace: str) -> Iterator[Document | Entry | Diagnostic]:
    """Yield each document of a file, what it stands for, and its problems."""
    for item in _read_documents(file):
        yield item
        if isinstance(item, Document):
            entry, problems = check_document(item, workspace)
            yield from problems
            if entry is not None:
                yield entry


def _limit_problems(items: Iterator[_Item]) -> Iterator[_Item | Diagnostic]:
    """Yield `items` until there are too many problems among them."""
    problems = 0
    for item in items:
        yield item
        if isinstance(item, Diagnostic):
            problems += 1
            if problems == _MOST_PROBLEMS:
                message = f"{_MOST_PROBLEMS} problems in this file; the rest of it was not read"
                yield Diagnostic("error", "too-many", message, item.position)
                return
