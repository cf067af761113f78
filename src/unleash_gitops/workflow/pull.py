"""Live state to new files, to adopt an existing instance. It chooses names and paths; nothing is overwritten."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pydantic import ValidationError

from unleash_gitops.documents.json_schema import SCHEMA_FILE, format_modeline
from unleash_gitops.documents.yamldoc import dump_document
from unleash_gitops.engine.reader import Reader
from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.base import Pullable
from unleash_gitops.model.errors import UsageError
from unleash_gitops.model.paths import describe_mismatch
from unleash_gitops.model.resource import ReadScope
from unleash_gitops.model.workspace import API_VERSION

if TYPE_CHECKING:
    from unleash_gitops.api.client import Client
    from unleash_gitops.documents.loader import LoadedWorkspace
    from unleash_gitops.model.resource import Resource, ResourceSet
    from unleash_gitops.model.workspace import Workspace

__all__ = ["NewFile", "Skipped", "pull_files", "pull_workspace", "write_files"]

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


def pull_workspace(
    loaded: LoadedWorkspace,
    workspace: Workspace,
    client: Client,
    kind: str | None = None,
    project: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[NewFile], list[Skipped]]:
    """Write live objects that no document describes as new files; return them, and what was left out.

    Raises UsageError for an unknown kind or a file that cannot be written, or ServerError.
    """
    if kind is not None and kind not in kinds():
        raise UsageError(f"--kind {kind}: no such kind", f"there are: {', '.join(kinds())}")
    client.facts()
    policy = workspace.spec if project is None else workspace.spec.model_copy(update={"projects": (project,)})
    needed = loaded.desired.kinds | ({kind} if kind else set())
    live = Reader(client, workspace.name, policy, ReadScope(None, lambda _: False), needed).read(progress=progress)
    files, skipped = pull_files(loaded.desired, live, loaded.files, kind, project)
    try:
        write_files(loaded.root, files)
    except OSError as error:
        raise UsageError(f"cannot write {error.filename}: {error.strerror}") from None
    return files, skipped


def pull_files(
    desired: ResourceSet,
    live: ResourceSet,
    existing: Iterable[str],
    kind: str | None = None,
    project: str | None = None,
) -> tuple[list[NewFile], list[Skipped]]:
    """Return a file for each live object that no document describes and that no other workspace owns.

    `existing` are the paths that are taken; `kind` and `project` narrow the choice.
    """
    paths = {path.casefold() for path in existing}
    names = {_scoped_name(resource, resource.address.name or "") for resource in desired.resources.values()}
    files: list[NewFile] = []
    skipped: list[Skipped] = []
    for resource in _list_undocumented(desired, live, kind, project):
        pullable = kinds()[resource.address.kind]
        if not isinstance(pullable, Pullable):
            continue
        foreign = "belongs to another workspace" if resource.ownership == "foreign" else None
        exclusion = foreign or pullable.pull_exclusion(resource)
        if exclusion is None:
            document, path = _build_document(resource, pullable, names, paths)
            exclusion = _find_problem(resource, document)
        if exclusion is not None:
            skipped.append(Skipped(str(resource), exclusion))
            continue
        names.add(_scoped_name(resource, document["metadata"]["name"]))
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
            stream.write((format_modeline(file.path) if schema else "") + file.text)


def _list_undocumented(
    desired: ResourceSet, live: ResourceSet, kind: str | None, project: str | None
) -> Iterator[Resource]:
    for resource in sorted(live.resources.values(), key=lambda resource: resource.parts):
        is_chosen = kind in {None, resource.address.kind} and project in {None, resource.address.project}
        if is_chosen and resource.key not in desired.resources and resource.ownership != "builtin":
            yield resource


def _scoped_name(resource: Resource, name: str) -> tuple[str | None, ...]:
    return (resource.address.kind, resource.address.project, resource.address.feature, name)


def _build_document(
    resource: Resource, kind: Pullable, names: set[tuple[str | None, ...]], paths: set[str]
) -> tuple[dict[str, Any], str]:
    """Return the document for a live object and the path of its file, both free."""
    content, title = kind.to_pulled_document(resource)
    address = resource.address
    pieces = (kinds()[address.kind].folder, address.project, address.feature)
    folder = "/".join(_escape_folder(piece) for piece in pieces if piece)
    stem = _slug(address.name or title) or _slug(resource.id) or "unnamed"  # a segment can be called /
    number = 1
    while True:
        unique = stem if number == 1 else f"{stem}-{number}"
        name = address.name or unique  # an object's own name is what identifies it
        path = f"{folder}/{unique}.yaml"
        if (address.name or _scoped_name(resource, name) not in names) and path.casefold() not in paths:
            break
        number += 1
    metadata = {"name": name, **content["metadata"]}
    return {"apiVersion": API_VERSION, "kind": address.kind, "metadata": metadata, "spec": content["spec"]}, path


def _find_problem(resource: Resource, document: dict[str, Any]) -> str | None:
    """Return why the document is not valid, None when it is: a live object can hold what a document may not."""
    try:
        kinds()[resource.address.kind].document.model_validate(document)
    except ValidationError as error:
        return f"has what a file may not have: {describe_mismatch(error, 'the document')}"
    return None


def _slug(title: str) -> str:
    """Return the letters, digits, dots and dashes of `title` as a name, empty when none are left."""
    name = re.sub(r"[^a-z0-9._-]+", "-", title.lower())[:_LONGEST_NAME]
    return re.sub(r"-{2,}", "-", name).strip("._-")


def _escape_folder(piece: str) -> str:
    """Return `piece` as the name of a folder that the loader reads: it leaves hidden names out."""
    name = quote(piece, safe="")
    return f"_{name}" if name.startswith(".") else name
