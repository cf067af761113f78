"""The checks that need more than one document: who has which name, which id, which project."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from unleash_gitops.documents.loader.validation_messages import suggest_nearest
from unleash_gitops.documents.reference_checks import conflicts
from unleash_gitops.documents.yamldoc import quote
from unleash_gitops.model.diagnostics import Diagnostic
from unleash_gitops.model.ownership import ULID_PATTERN, read_id_mark
from unleash_gitops.model.resource import ResourceSet
from unleash_gitops.model.workspace import WORKSPACE_FILE

if TYPE_CHECKING:
    from unleash_gitops.documents.loader.document_checks import Entry
    from unleash_gitops.documents.loader.workspace_file import WorkspaceFile
    from unleash_gitops.model.resource import Key, Resource

__all__ = ["cross_checks", "desired_state"]

_ULID = re.compile(ULID_PATTERN)


def desired_state(entries: Sequence[Entry]) -> ResourceSet:
    """Return the valid documents as one side; of two with one id the first."""
    resources: dict[Key, Resource] = {}
    for entry in entries:
        if entry.resource is not None:
            resources.setdefault(entry.resource.key, entry.resource)
    return ResourceSet(resources)


def cross_checks(entries: Sequence[Entry], own: WorkspaceFile) -> list[Diagnostic]:
    """Return what is wrong between documents, and between them and the workspace."""
    unique, problems = _check_identities(entries)
    problems += _check_ids(unique)
    if own.projects is not None:
        problems += _check_projects(entries, own.projects)
    if own.workspace is not None:
        problems += _check_marks(entries, own.workspace.name)
    state = desired_state(entries)
    problems += conflicts(state.resources.values(), state)
    return problems


def _check_identities(entries: Sequence[Entry]) -> tuple[list[Entry], list[Diagnostic]]:
    """Return the first entry of each identity, and an error for each other one."""
    firsts: dict[tuple[str | None, ...], Entry] = {}
    unique, problems = [], []
    for entry in entries:
        identity = (entry.kind, *(entry.metadata.get(field) for field in ("project", "feature", "name")))
        first = firsts.setdefault(identity, entry) if "name" in entry.metadata else entry
        if first is entry:
            unique.append(entry)
            continue
        message = f"{_address(entry)} is already in {first.at['name']}"
        problems.append(_error(entry, "duplicate", message, "name", "choose another name, or remove one of the two"))
    return unique, problems


def _check_ids(entries: Sequence[Entry]) -> list[Diagnostic]:
    """Return an error for each entry whose id another one has: at the id that is written, the second if both are."""
    firsts: dict[tuple[str, str], Entry] = {}
    problems = []
    for entry in entries:
        given = entry.metadata.get("id")
        identifier = entry.resource.id if entry.resource is not None else given
        if identifier is None:
            continue
        first = firsts.setdefault((entry.kind, _comparable(identifier)), entry)
        if first is entry:
            continue
        here, elsewhere = (entry, first) if given is not None else (first, entry)
        relation = "is also the id of" if "id" in elsewhere.metadata else "is also the computed id of"
        place = elsewhere.at.get("id") or elsewhere.at["name"]
        message = f"metadata.id: {quote(identifier)} {relation} {_address(elsewhere)} ({place})"
        problems.append(_error(here, "id-clash", message, "id", "an object can be in one document only"))
    return problems


def _comparable(identifier: str) -> str:
    """Return an id for comparing: ULIDs are the same in either case."""
    return identifier.upper() if _ULID.fullmatch(identifier) else identifier


def _check_projects(entries: Sequence[Entry], projects: Sequence[str]) -> list[Diagnostic]:
    hint = f"add it to spec.projects in {WORKSPACE_FILE}, or leave spec.projects out"
    return [
        _error(
            entry,
            "outside-projects",
            f"metadata.project: {quote(entry.metadata['project'])} is not among the projects of the workspace",
            "project",
            suggest_nearest(entry.metadata["project"], projects) or hint,
        )
        for entry in entries
        if "project" in entry.metadata and entry.metadata["project"] not in projects
    ]


def _check_marks(entries: Sequence[Entry], name: str) -> list[Diagnostic]:
    hint = "two workspaces that manage one object undo each other's changes"
    return [
        Diagnostic(
            "warning",
            "foreign-id",
            f"metadata.id: {quote(entry.metadata['id'])} bears the mark of another workspace",
            entry.at["id"],
            hint,
            entry.source.excerpt(entry.at["id"]),
        )
        for entry in entries
        if "id" in entry.metadata and read_id_mark(entry.metadata["id"].upper(), name) == "other"
    ]


def _address(entry: Entry) -> str:
    parts = (entry.metadata.get(field) for field in ("project", "feature", "name"))
    return "/".join([entry.kind, *(part for part in parts if part is not None)])


def _error(entry: Entry, code: str, message: str, field: str, hint: str) -> Diagnostic:
    position = entry.at.get(field) or entry.at["name"]
    return entry.source.error(code, message, position, hint)
