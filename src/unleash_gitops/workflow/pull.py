"""Live state to new files, to adopt an existing instance. It chooses names and paths; nothing is overwritten."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pydantic import ValidationError

from unleash_gitops.documents.json_schema import SCHEMA_FILE, modeline
from unleash_gitops.documents.yamldoc import dump_document
from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.base import Pullable
from unleash_gitops.model.workspace import API_VERSION

if TYPE_CHECKING:
    from unleash_gitops.model.resource import Resource, State

__all__ = ["NewFile", "Skipped", "pull_files", "write_files"]

_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file to write: `path` is relative to the workspace root, with slashes."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A live object that gets no file, and why."""

    address: str
    reason: str


def pull_files(
    desired: State, live: State, taken: Iterable[str], kind: str | None = None, project: str | None = None
) -> tuple[list[NewFile], list[Skipped]]:
    """Return a file for each live object that no document has and that is not another workspace's.

    `taken` are the paths that exist already; `kind` and `project` narrow the choice.
    """
    paths = {path.casefold() for path in taken}
    names = {_scoped(one, one.address.name or "") for one in desired.resources.values()}
    files: list[NewFile] = []
    skipped: list[Skipped] = []
    for one in sorted(live.resources.values(), key=lambda one: one.parts):
        if one.key in desired.resources or kind not in {None, one.address.kind}:
            continue
        if project not in {None, one.address.project}:
            continue
        if one.ownership == "builtin":
            continue
        if one.ownership == "foreign":
            skipped.append(Skipped(str(one), "belongs to another workspace"))
            continue
        pullable = kinds()[one.address.kind]
        if not isinstance(pullable, Pullable):
            continue
        exclusion = pullable.pull_exclusion(one)
        if exclusion is not None:
            skipped.append(Skipped(str(one), exclusion))
            continue
        document, path = _document(one, pullable, names, paths)
        problem = _problem(one, document)
        if problem is not None:
            skipped.append(Skipped(str(one), problem))
            continue
        names.add(_scoped(one, document["metadata"]["name"]))
        paths.add(path.casefold())
        files.append(NewFile(path, dump_document(document)))
    return files, skipped


def write_files(root: Path, files: Iterable[NewFile]) -> None:
    """Write the files below `root`, each with the editor's line where the workspace keeps its schema.

    Raises FileExistsError rather than overwrite, OSError when it cannot write.
    """
    schema = (root / SCHEMA_FILE).exists()
    for file in files:
        path = root / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write((modeline(file.path) if schema else "") + file.text)


def _scoped(one: Resource, name: str) -> tuple[str | None, ...]:
    return (one.address.kind, one.address.project, one.address.feature, name)


def _document(
    one: Resource, kind: Pullable, names: set[tuple[str | None, ...]], paths: set[str]
) -> tuple[dict[str, Any], str]:
    """Return the document for a live object and the path of its file, both free."""
    content, title = kind.to_pulled_document(one)
    folder = "/".join(
        _folder(part) for part in (kinds()[one.address.kind].folder, one.address.project, one.address.feature) if part
    )
    stem = _slug(one.address.name or title) or _slug(one.id) or "unnamed"  # a segment can be called /
    number = 1
    while True:
        unique = stem if number == 1 else f"{stem}-{number}"
        name = one.address.name or unique  # an object's own name is what identifies it
        path = f"{folder}/{unique}.yaml"
        if (one.address.name or _scoped(one, name) not in names) and path.casefold() not in paths:
            break
        number += 1
    metadata = {"name": name, **content["metadata"]}
    return {"apiVersion": API_VERSION, "kind": one.address.kind, "metadata": metadata, "spec": content["spec"]}, path


def _problem(one: Resource, document: dict[str, Any]) -> str | None:
    """Return why the document would not be valid: a live object can hold what a file may not."""
    try:
        kinds()[one.address.kind].document.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return f"has what a file may not have: {'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    return None


def _slug(title: str) -> str:
    """Return the letters, digits, dots and dashes of `title` as a name, empty when none are left."""
    name = re.sub(r"[^a-z0-9._-]+", "-", title.lower())[:_LONGEST_NAME]
    return re.sub(r"-{2,}", "-", name).strip("._-")


def _folder(part: str) -> str:
    """Return `part` as a folder that stays where it is put and is read back: the loader leaves hidden names out."""
    name = quote(part, safe="")
    return f"_{name}" if name.startswith(".") else name
