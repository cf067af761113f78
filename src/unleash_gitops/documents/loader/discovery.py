"""Find and read the files of a workspace. Never reads a file outside the workspace.

Uses `os` instead of pathlib, which would take as much time per file as reading it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from unleash_gitops.documents.yamldoc import MAX_FILE_SIZE
from unleash_gitops.model.diagnostics import Diagnostic, Position
from unleash_gitops.model.errors import UsageError
from unleash_gitops.model.workspace import WORKSPACE_FILE

__all__ = [
    "START_WORKSPACE",
    "File",
    "find_document_at",
    "find_files",
    "find_repository",
    "find_workspace",
    "find_workspaces",
    "read_file",
]

_SUFFIXES = (".yaml", ".yml")
START_WORKSPACE = "start a workspace with: unleash-gitops init"
# A file may have become a pipe or a symlink since it was found. These flags keep `open` from waiting and following.
_READ_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


class File(NamedTuple):
    """A YAML file. `path` is relative to the workspace root, with slashes. `real` is the path to open.

    A file that is not written yet has its `content`.
    """

    path: str
    real: str
    content: bytes | None = None


def find_workspace(start: Path) -> Path:
    """Return the nearest directory with an unleash-gitops.yaml: `start` or one above it. Raises UsageError."""
    if not os.path.lexists(start):
        raise UsageError(f"{start} does not exist")
    if not start.is_dir():
        raise UsageError(f"{start} is not a directory", "give the directory of a workspace, or one inside it")
    workspace = _find_upwards(start, WORKSPACE_FILE)
    if workspace is None:
        raise UsageError(f"there is no {WORKSPACE_FILE} in {start} or above it", START_WORKSPACE)
    return workspace


def find_workspaces(top: Path) -> list[Path]:
    """Return every workspace at or below `top`, sorted by path. Skips hidden directories and symlinks.

    A workspace inside another is not listed: loading the outer one reports it. Raises UsageError when there is no
    workspace or a directory cannot be read.
    """
    workspaces: list[Path] = []
    for directory, subdirectories, names in os.walk(os.path.realpath(top), onerror=_raise_usage_error):
        if WORKSPACE_FILE in names:
            workspaces.append(Path(directory))
            subdirectories.clear()
        subdirectories[:] = sorted(name for name in subdirectories if not name.startswith("."))
    if not workspaces:
        raise UsageError(f"there is no {WORKSPACE_FILE} in {top} or below it", START_WORKSPACE)
    return sorted(workspaces)


def _raise_usage_error(error: OSError) -> None:
    """Raise UsageError, because a directory that cannot be read may contain a workspace."""
    raise UsageError(f"cannot read {error.filename}: {error.strerror}")


def find_repository(directory: Path) -> Path | None:
    """Return the root of the Git repository that contains `directory`, or None outside a repository."""
    return _find_upwards(directory, ".git")


def _find_upwards(start: Path, name: str) -> Path | None:
    """Return the nearest directory, `start` or one above it, that contains `name`."""
    directory = Path(os.path.realpath(start))
    return next((path for path in (directory, *directory.parents) if os.path.lexists(path / name)), None)


def find_files(root: Path) -> tuple[list[File], list[Diagnostic]]:
    """Return the YAML files below `root`, sorted by path, and a problem for each that is not or must not be read."""
    walk = _Walk(os.path.realpath(root))
    walk.collect_files()
    return sorted(walk.files), walk.problems


def find_document_at(target: Path, roots: Iterable[Path]) -> Path | None:
    """Return the YAML file of a workspace that a write to `target` would replace or add, None when it is no such file.

    Looks into the workspaces at `roots`, and into those of `target` and of the working directory. Follows symlinks, and
    recognises a file by another of its names.
    """
    real = Path(os.path.realpath(target))
    if real.name.casefold() == WORKSPACE_FILE:
        return real
    is_file, is_new = real.is_file(), not os.path.lexists(real)
    around = filter(None, (_find_upwards(start, WORKSPACE_FILE) for start in (real.parent, Path())))
    for root in dict.fromkeys(Path(os.path.realpath(root)) for root in (*roots, *around)):
        inner = real.relative_to(root).parts if real.is_relative_to(root) else (".",)
        is_read = real.name.casefold().endswith(_SUFFIXES) and not any(part.startswith(".") for part in inner)
        if is_read and (is_file or is_new):
            return real
        for file in find_files(root)[0] if is_file else ():
            if real.samefile(file.real):
                return root / file.path
    return None


def read_file(file: File) -> bytes | Diagnostic:
    """Return the content of a file, cut at one byte more than the maximum, or an error."""
    if file.content is not None:
        return file.content
    try:
        with os.fdopen(os.open(file.real, _READ_FLAGS), "rb", buffering=0) as stream:
            return _read_up_to_limit(stream.fileno())
    except OSError as error:
        return _build_unreadable_error(file.path, error)


def _read_up_to_limit(descriptor: int) -> bytes:
    """Return at most one byte more than the maximum. Reads in a loop, because `os.read` may return fewer bytes."""
    chunks = []
    remaining = MAX_FILE_SIZE + 1
    while remaining > 0 and (chunk := os.read(descriptor, min(remaining, 1 << 16))):
        chunks.append(chunk)
        remaining -= len(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


class _Walk:
    """A walk through the directories of a workspace. Regular files come before the targets of symlinks."""

    def __init__(self, root: str) -> None:
        self.files: list[File] = []
        self.problems: list[Diagnostic] = []
        self._root = root
        self._root_prefix = root.rstrip(os.sep) + os.sep
        self._visited: set[str] = set()
        self._links: list[File] = []

    def collect_files(self) -> None:
        """Collect `files` and `problems`."""
        workspace_file = File(WORKSPACE_FILE, self._root_prefix + WORKSPACE_FILE)
        if Path(workspace_file.real).is_symlink():
            self._follow(workspace_file)
        self._visit_directory(File("", self._root))
        while self._links:
            links, self._links = sorted(self._links), []
            for link in links:
                self._follow(link)

    def _visit_directory(self, start: File) -> None:
        """Add the files in and below a directory. Does not recurse, because directories may be very deep."""
        pending = [start]
        while pending:
            directory = pending.pop()
            if directory.real in self._visited:
                continue
            self._visited.add(directory.real)
            try:
                with os.scandir(directory.real) as entries:
                    pending += [below for entry in entries for below in self._visit_entry(entry, directory.path)]
            except OSError as error:
                self.problems.append(_build_unreadable_error(directory.path or ".", error))

    def _visit_entry(self, entry: os.DirEntry[str], folder: str) -> Iterator[File]:
        """Add an entry of a directory. Yield it instead when it is a directory to visit."""
        name = entry.name
        if name.startswith("."):
            return
        file = File(f"{folder}/{_decode(name)}" if folder else _decode(name), entry.path)
        if entry.is_symlink():
            if file.path != WORKSPACE_FILE:
                self._links.append(file)
        elif entry.is_dir(follow_symlinks=False) and name != WORKSPACE_FILE:
            yield file
        elif name.endswith(_SUFFIXES):
            self._add_file(file, is_regular=entry.is_file(follow_symlinks=False))
        elif _has_suffix_in_capitals(name):
            self._warn_unread(file.path)

    def _follow(self, link: File) -> None:
        real = os.path.realpath(link.real)
        is_yaml = link.path.endswith(_SUFFIXES)
        try:
            mode = Path(real).stat().st_mode
        except OSError:
            self._report("symlink", "the symlink is broken", link.path, "fix or remove it")
            return
        if real != self._root and not real.startswith(self._root_prefix):
            if is_yaml or stat.S_ISDIR(mode):
                hint = "copy its target into the workspace"
                self._report("symlink", "the symlink points outside the workspace", link.path, hint)
        elif stat.S_ISDIR(mode):
            self._visit_directory(File(link.path, real))
        elif is_yaml:
            self._add_file(File(link.path, real), is_regular=stat.S_ISREG(mode))
        elif _has_suffix_in_capitals(link.path):
            self._warn_unread(link.path)

    def _add_file(self, file: File, *, is_regular: bool) -> None:
        if file.path.endswith("/" + WORKSPACE_FILE):
            hint = "move the inner workspace out, or merge the two"
            self._report("nested-workspace", f"another {WORKSPACE_FILE} inside this workspace", file.path, hint)
        elif not is_regular:
            self._report("not-a-file", "not a regular file", file.path, "remove it, or give it another name")
        elif file.real not in self._visited:
            self._visited.add(file.real)
            self.files.append(file)

    def _warn_unread(self, path: str) -> None:
        name = path.rpartition("/")[2]
        message = f"{name} is not read: its name must end in .yaml or .yml"
        self.problems.append(Diagnostic("warning", "name-in-capitals", message, Position(path), "rename it"))

    def _report(self, code: str, message: str, path: str, hint: str) -> None:
        self.problems.append(Diagnostic("error", code, message, Position(path), hint))


def _has_suffix_in_capitals(name: str) -> bool:
    """Tell whether a file would be read if its name were in small letters."""
    return name.lower().endswith(_SUFFIXES) and not name.endswith(_SUFFIXES)


def _build_unreadable_error(path: str, error: OSError) -> Diagnostic:
    return Diagnostic("error", "unreadable", f"cannot be read: {error.strerror}", Position(path))


def _decode(name: str) -> str:
    """Return a file name with escapes in place of the bytes that are not UTF-8."""
    return name if name.isascii() else os.fsencode(name).decode("utf-8", "backslashreplace")
