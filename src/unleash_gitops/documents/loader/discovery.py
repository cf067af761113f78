"""Which files a workspace has, and their bytes. Nothing outside of the workspace is ever read.

Written with `os` where pathlib would cost as much for every file as reading it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from unleash_gitops.documents.yamldoc import LARGEST_FILE
from unleash_gitops.model.diagnostics import Diagnostic, Position
from unleash_gitops.model.errors import UsageError
from unleash_gitops.model.workspace import WORKSPACE_FILE

__all__ = ["File", "find_files", "find_workspace", "read_file"]

_SUFFIXES = (".yaml", ".yml")
# Where a system has these flags: a pipe or a link put in the place of a file since is neither waited on nor followed.
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


class File(NamedTuple):
    """A YAML file: `path` as it is shown, relative to the root with slashes, and `real`, where it is."""

    path: str
    real: str


def find_workspace(start: Path) -> Path:
    """Return the nearest directory, `start` or one above it, that holds unleash-gitops.yaml. Raises UsageError."""
    if not os.path.lexists(start):
        raise UsageError(f"{start} does not exist")
    if not start.is_dir():
        raise UsageError(f"{start} is not a directory", "name the workspace's directory, or one inside of it")
    here = Path(os.path.realpath(start))
    for directory in (here, *here.parents):
        if os.path.lexists(directory / WORKSPACE_FILE):
            return directory
    raise UsageError(
        f"there is no {WORKSPACE_FILE} in {start} or above it", "start a workspace with: unleash-gitops init"
    )


def find_workspaces(top: Path) -> list[Path]:
    """Return every workspace at or below `top`, in the order of their paths, hidden names and symlinks left out.

    A workspace inside of another is that one's problem, and not listed. Raises UsageError when there is none, or when
    a directory cannot be read.
    """
    workspaces: list[Path] = []
    for directory, below, names in os.walk(os.path.realpath(top), onerror=_refuse):
        if WORKSPACE_FILE in names:
            workspaces.append(Path(directory))
            below.clear()
        below[:] = sorted(name for name in below if not name.startswith("."))
    if not workspaces:
        raise UsageError(
            f"there is no {WORKSPACE_FILE} in {top} or below it", "start a workspace with: unleash-gitops init"
        )
    return sorted(workspaces)


def _refuse(error: OSError) -> None:
    """Raise UsageError: what cannot be looked into might hold a workspace."""
    raise UsageError(f"cannot read {error.filename}: {error.strerror}")


def find_repository(directory: Path) -> Path | None:
    """Return the top of the Git repository that `directory` is in, None when it is in none."""
    here = Path(os.path.realpath(directory))
    return next((above for above in (here, *here.parents) if os.path.lexists(above / ".git")), None)


def find_files(root: Path) -> tuple[list[File], list[Diagnostic]]:
    """Return the YAML files below `root` in the order of their paths, and what is in the way of reading some."""
    walk = _Walk(os.path.realpath(root))
    walk.run()
    return sorted(walk.files), walk.problems


def read_file(file: File) -> bytes | Diagnostic:
    """Return the content of a file (one byte more than allowed is enough to tell that it is too large)."""
    try:
        with os.fdopen(os.open(file.real, _READ), "rb", buffering=0) as stream:
            return _read_all(stream.fileno())
    except OSError as error:
        return _unreadable(file.path, error)


def _read_all(handle: int) -> bytes:
    """Read up to the bound: one call may return less than was asked for."""
    chunks = []
    left = LARGEST_FILE + 1
    while left > 0 and (chunk := os.read(handle, min(left, 1 << 16))):
        chunks.append(chunk)
        left -= len(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


class _Walk:
    """One walk through a workspace. What is there in person is taken before what a link leads to."""

    def __init__(self, root: str) -> None:
        self.files: list[File] = []
        self.problems: list[Diagnostic] = []
        self._root = root
        self._inside = root.rstrip(os.sep) + os.sep
        self._seen: set[str] = set()
        self._links: list[File] = []

    def run(self) -> None:
        own = File(WORKSPACE_FILE, self._inside + WORKSPACE_FILE)
        if Path(own.real).is_symlink():
            self._follow(own)
        self._directory(File("", self._root))
        while self._links:
            links, self._links = sorted(self._links), []
            for link in links:
                self._follow(link)

    def _directory(self, start: File) -> None:
        """Take the files of a directory and of those below it, not recursing: they may be very deep."""
        waiting = [start]
        while waiting:
            directory = waiting.pop()
            if directory.real in self._seen:
                continue
            self._seen.add(directory.real)
            try:
                with os.scandir(directory.real) as entries:
                    waiting += [below for entry in entries for below in self._entry(entry, directory.path)]
            except OSError as error:
                self.problems.append(_unreadable(directory.path or ".", error))

    def _entry(self, entry: os.DirEntry[str], folder: str) -> Iterator[File]:
        """Take one entry of a directory; yield it when it is a directory to go into."""
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
            self._take(file, regular=entry.is_file(follow_symlinks=False))

    def _follow(self, link: File) -> None:
        real = os.path.realpath(link.real)
        is_yaml = link.path.endswith(_SUFFIXES)
        try:
            mode = Path(real).stat().st_mode
        except OSError:
            self._problem("symlink", "the symlink leads nowhere", link.path, "mend or remove it")
            return
        if real != self._root and not real.startswith(self._inside):
            if is_yaml or stat.S_ISDIR(mode):
                hint = "copy what it leads to into the workspace"
                self._problem("symlink", "the symlink leads out of the workspace", link.path, hint)
        elif stat.S_ISDIR(mode):
            self._directory(File(link.path, real))
        elif is_yaml:
            self._take(File(link.path, real), regular=stat.S_ISREG(mode))

    def _take(self, file: File, *, regular: bool) -> None:
        if file.path.endswith("/" + WORKSPACE_FILE):
            hint = "a workspace cannot hold another one: move it out, or merge the two"
            self._problem("nested-workspace", f"a second {WORKSPACE_FILE} inside of the workspace", file.path, hint)
        elif not regular:
            self._problem("not-a-file", "not a regular file", file.path, "remove it, or give it another name")
        elif file.real not in self._seen:
            self._seen.add(file.real)
            self.files.append(file)

    def _problem(self, code: str, message: str, path: str, hint: str) -> None:
        self.problems.append(Diagnostic("error", code, message, Position(path), hint))


def _unreadable(path: str, error: OSError) -> Diagnostic:
    return Diagnostic("error", "unreadable", f"cannot be read: {error.strerror}", Position(path))


def _decode(name: str) -> str:
    """Return a file name as text that can be written anywhere: bytes that are not UTF-8 become escapes."""
    return name if name.isascii() else os.fsencode(name).decode("utf-8", "backslashreplace")
