"""Live state to new files, to adopt an existing instance. Nothing is overwritten, and no file is refused later."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from unleash_gitops.documents.json_schema import SCHEMA_FILE, format_modeline
from unleash_gitops.documents.loader import load
from unleash_gitops.documents.reference_checks import find_missing_references, find_reference_conflicts
from unleash_gitops.engine.parts import find_differing_parts
from unleash_gitops.engine.reader import Reader
from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.interfaces import Marked, Pullable
from unleash_gitops.model.errors import KindNotReadable, UsageError
from unleash_gitops.model.files import create_file
from unleash_gitops.model.paths import format_path
from unleash_gitops.model.resource import ReadScope, Reference, ResourceSet
from unleash_gitops.model.suggestions import suggest_alternatives
from unleash_gitops.workflow.leave_fields import check_fields
from unleash_gitops.workflow.pulled_documents import NewFile, PullChoice, Skipped, build_files

if TYPE_CHECKING:
    from unleash_gitops.api.client import Client
    from unleash_gitops.documents.loader import LoadedWorkspace
    from unleash_gitops.model.workspace import Workspace

__all__ = ["Pulled", "pull_workspace"]


@dataclass(frozen=True)
class Pulled:
    """The files that were written, the objects that got none, and how many objects of kinds without marks got none."""

    files: tuple[NewFile, ...]
    skipped: tuple[Skipped, ...]
    unwritten: Mapping[str, int]

    @property
    def switches(self) -> tuple[int, int]:
        """How many flags the files switch, in how many environments."""
        flags, environments = 0, set()
        for file in self.files:
            if file.document["kind"] == "FeatureFlag":
                states = file.document["spec"].get("environments", {})
                switched = [name for name, state in states.items() if "enabled" in state]
                flags += bool(switched)
                environments.update(switched)
        return flags, len(environments)

    @property
    def unmarkable(self) -> int:
        """How many charts the files take over. Their ids cannot bear a mark."""
        return sum(file.document["kind"] == "ImpactMetric" and "id" in file.document["metadata"] for file in self.files)


def pull_workspace(
    loaded: LoadedWorkspace,
    workspace: Workspace,
    client: Client,
    choice: PullChoice | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Pulled:
    """Write live objects that no document describes as new files.

    Raises UsageError for an unknown kind or field or a file that cannot be written, or ServerError.
    """
    choice = choice or PullChoice()
    if choice.kind is not None and choice.kind not in kinds():
        hint = suggest_alternatives(choice.kind, kinds(), "there are")
        raise UsageError(f"--kind {choice.kind}: no such kind", hint)
    client.facts()
    projects = workspace.spec.projects if choice.project is None else (choice.project,)
    policy = workspace.spec.model_copy(update={"projects": projects})
    needed = loaded.desired.kinds | ({choice.kind} if choice.kind else set())
    reader = Reader(client, workspace.name, policy, ReadScope(None, lambda _: False), needed)
    live = reader.read(progress=progress)
    if choice.kind is not None and choice.kind in reader.denied:
        raise KindNotReadable(choice.kind, reader.denied[choice.kind], "it was asked for")
    check_fields(choice.leave, live, choice.kind)
    taken = {path.casefold() for path in loaded.files}
    denied = [Skipped(kind, f"the token may not read it: {reason}") for kind, reason in sorted(reader.denied.items())]
    files, skipped = build_files(
        loaded.desired,
        live,
        lambda path: path.casefold() in taken or os.path.lexists(loaded.root / path),
        choice,
    )
    files, refused = _remove_refused(loaded.root, files, live)
    try:
        _write_files(loaded.root, files)
    except OSError as error:
        raise UsageError(f"cannot write {error.filename}: {error.strerror}") from None
    in_order = sorted([*denied, *skipped, *refused], key=lambda entry: entry.address)
    return Pulled(tuple(files), tuple(in_order), _count_unwritten(loaded.desired, live, choice))


def _remove_refused(root: Path, files: list[NewFile], live: ResourceSet) -> tuple[list[NewFile], list[Skipped]]:
    """Return the files that `validate` and `plan` accept, and the objects whose files they refuse, with the reason."""
    skipped: list[Skipped] = []
    while True:
        problems = _find_problems(root, files, live)
        if not problems:
            return files, skipped
        skipped += [Skipped(str(file.live), problems[file.path]) for file in files if file.path in problems]
        files = [file for file in files if file.path not in problems]


def _find_problems(root: Path, files: Iterable[NewFile], live: ResourceSet) -> dict[str, str]:
    """Return why the workspace at `root` would not be valid with the files: the first problem of each, by path."""
    by_path = {file.path: file for file in files}
    loaded = load(root, {path: file.text.encode() for path, file in by_path.items()})
    problems: dict[str, str] = {}
    for diagnostic in loaded.diagnostics:
        if diagnostic.severity == "error":
            problems.setdefault(diagnostic.position.path, f"has what a file may not have: {diagnostic.message}")
    documents = [
        resource
        for resource in loaded.desired.resources.values()
        if resource.position is not None and resource.position.path in by_path
    ]
    existing = ResourceSet(live.resources, live.known | _list_environments(live))
    for diagnostic in (
        *find_missing_references(documents, loaded.desired, existing),
        *find_reference_conflicts(documents, loaded.desired, existing),
    ):
        problems.setdefault(diagnostic.position.path, diagnostic.message)
    for document in documents:
        before = live.resources[document.key]
        after = kinds()[document.address.kind].spec_after_update(document, before)
        differing = [format_path(part) for part in find_differing_parts(before.spec, after)]
        if differing and document.position is not None:
            problems.setdefault(document.position.path, f"a file cannot hold its {', '.join(differing)}")
    return {path: reason for path, reason in problems.items() if path in by_path}


def _list_environments(live: ResourceSet) -> set[Reference]:
    """Return the environments that live flags have."""
    return {
        Reference("Environment", resource.address.project, name)
        for resource in live.resources.values()
        if resource.address.kind == "FeatureFlag"
        for name in resource.spec["environments"]
    }


def _count_unwritten(desired: ResourceSet, live: ResourceSet, choice: PullChoice) -> dict[str, int]:
    """Return how many objects of each kind without marks have no document, because `choice` names no such kind."""
    counts: dict[str, int] = {}
    for resource in live.resources.values():
        kind = kinds()[resource.address.kind]
        is_left = choice.kind is None and choice.includes(resource) and resource.key not in desired.resources
        if is_left and resource.ownership == "builtin" and isinstance(kind, Pullable) and not isinstance(kind, Marked):
            counts[kind.name] = counts.get(kind.name, 0) + 1
    return counts


def _write_files(root: Path, files: Iterable[NewFile]) -> None:
    """Write the files below `root`, each with the editor's line where the workspace keeps its schema.

    Raises FileExistsError rather than overwrite, OSError when it cannot write.
    """
    schema = (root / SCHEMA_FILE).exists()
    for file in files:
        path = root / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        create_file(path, (format_modeline(file.path) if schema else "") + file.text)
