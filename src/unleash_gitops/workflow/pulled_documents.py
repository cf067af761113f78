"""Live objects to documents in new files: chooses names and paths. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from unleash_gitops.documents.yamldoc import dump_document, dump_scalar
from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.base import Kind
from unleash_gitops.kinds.interfaces import Marked, Pullable
from unleash_gitops.kinds.shared.unmanaged import SpecPath, list_present_paths
from unleash_gitops.model.resource import Resource, ResourceSet
from unleash_gitops.model.workspace import API_VERSION, WORKSPACE_FILE
from unleash_gitops.workflow.leave_fields import leave_fields

__all__ = ["NewFile", "PullChoice", "Skipped", "build_files"]

_LONGEST_NAME = 60
_RESERVED_STEM = WORKSPACE_FILE.partition(".")[0]

_ScopedName = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class PullChoice:
    """What to pull, and how. `leave` are fields as in `leave_fields`."""

    kind: str | None = None
    project: str | None = None
    minimal: bool = False
    leave: tuple[str, ...] = ()

    def includes(self, resource: Resource) -> bool:
        """Tell whether `kind` and `project` cover an object."""
        address = resource.address
        return self.kind in {None, address.kind} and self.project in {None, address.project}


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file to write, with the document in it and the live object that the document describes.

    `path` is relative to the workspace root, with slashes.
    """

    path: str
    text: str
    document: Mapping[str, Any]
    live: Resource


@dataclass(frozen=True, slots=True)
class Skipped:
    """A live object that gets no file, and why."""

    address: str
    reason: str


@dataclass
class _Taken:
    """The names of documents and the paths of files that are in use."""

    names: set[_ScopedName]
    is_path_taken: Callable[[str], bool]
    paths: set[str] = field(default_factory=set)

    def has_path(self, path: str) -> bool:
        return path.casefold() in self.paths or self.is_path_taken(path)


def build_files(
    desired: ResourceSet, live: ResourceSet, is_path_taken: Callable[[str], bool], choice: PullChoice
) -> tuple[list[NewFile], list[Skipped]]:
    """Return a file for each live object that no document describes, and the objects that get none.

    Objects of other workspaces get no file, nor do the server's own, unless `choice` names a kind without marks.
    """
    names = {_scoped_name(resource, resource.address.name or "") for resource in desired.resources.values()}
    taken = _Taken(names, is_path_taken)
    files: list[NewFile] = []
    skipped: list[Skipped] = []
    for resource, kind in _list_undocumented(desired, live, choice):
        exclusion = _find_exclusion(resource, kind, choice)
        if exclusion is None:
            files.append(_build_file(resource, kind, taken, choice))
        elif exclusion:
            skipped.append(Skipped(str(resource), exclusion))
    return files, skipped


def _list_undocumented(
    desired: ResourceSet, live: ResourceSet, choice: PullChoice
) -> Iterator[tuple[Resource, Pullable]]:
    for resource in sorted(live.resources.values(), key=lambda resource: resource.parts):
        kind = kinds()[resource.address.kind]
        if choice.includes(resource) and resource.key not in desired.resources and isinstance(kind, Pullable):
            yield resource, kind


def _find_exclusion(resource: Resource, kind: Pullable, choice: PullChoice) -> str | None:
    """Return why an object gets no file, None when it gets one. Empty: it is as every server has it."""
    if resource.ownership == "foreign":
        return "belongs to another workspace"
    if resource.ownership != "builtin":
        return kind.pull_exclusion(resource)
    if not isinstance(kind, Marked):
        return None if choice.kind == resource.address.kind else ""
    changed = kind.changed_builtin_fields(resource)
    if not changed:
        return ""
    return f"built into Unleash, with another {' and '.join(changed)} than a new server; to manage it, write a document"


def _build_file(resource: Resource, kind: Pullable, taken: _Taken, choice: PullChoice) -> NewFile:
    content, title = kind.to_pulled_document(resource, minimal=choice.minimal)
    name, path = _choose_name(resource, title, taken)
    taken.names.add(_scoped_name(resource, name))
    taken.paths.add(path.casefold())
    spec, left = leave_fields(kinds()[resource.address.kind], content["spec"], choice.leave)
    document = {
        "apiVersion": API_VERSION,
        "kind": resource.address.kind,
        "metadata": {"name": name, **content["metadata"]},
        "spec": spec,
    }
    comment = _format_comment("by pull --leave", left)
    if not choice.minimal:
        lost = _find_lost_fields(kinds()[resource.address.kind], resource, content["spec"])
        comment += _format_comment("because Unleash does not return it, or a file may not hold it", lost)
    return NewFile(path, comment + dump_document(document), document, resource)


def _choose_name(resource: Resource, title: str, taken: _Taken) -> tuple[str, str]:
    """Return the name of the document for a live object and the path of its file, both free."""
    address = resource.address
    pieces = (kinds()[address.kind].folder, address.project, address.feature)
    folder = "/".join(_escape_folder(piece) for piece in pieces if piece)
    stem = _slug(address.name or title) or _slug(resource.id) or "unnamed"  # a segment can be called /
    number = 1
    while True:
        unique = stem if number == 1 else f"{stem}-{number}"
        name = address.name or unique  # an object's own name is what identifies it
        path = f"{folder}/{unique}.yaml"
        is_free = address.name or _scoped_name(resource, name) not in taken.names
        if is_free and unique != _RESERVED_STEM and not taken.has_path(path):
            return name, path
        number += 1


def _find_lost_fields(kind: Kind, live: Resource, spec: Mapping[str, Any]) -> list[SpecPath]:
    """Return the fields of a live object that the document `spec` does not hold."""
    present = set(list_present_paths(kind.spec, spec))
    return [path for path in list_present_paths(kind.spec, live.spec) if path not in present]


def _format_comment(cause: str, paths: Sequence[SpecPath]) -> str:
    if not paths:
        return ""
    names = [".".join(part if part.isprintable() else dump_scalar(part) for part in path) for path in paths]
    return f"# Not managed, {cause}: {', '.join(names)}\n"


def _scoped_name(resource: Resource, name: str) -> _ScopedName:
    return (resource.address.kind, resource.address.project, resource.address.feature, name)


def _slug(title: str) -> str:
    """Return the letters, digits, dots and dashes of `title` as a name, empty when none are left."""
    name = re.sub(r"[^a-z0-9._-]+", "-", title.lower())[:_LONGEST_NAME]
    return re.sub(r"-{2,}", "-", name).strip("._-")


def _escape_folder(piece: str) -> str:
    """Return `piece` as the name of a folder that the loader reads: not hidden, and not that of a workspace file."""
    name = quote(piece, safe="")
    return f"_{name}" if name.startswith(".") or name.casefold() == WORKSPACE_FILE else name
