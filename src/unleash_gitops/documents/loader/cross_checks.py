"""Check documents against each other and against the workspace: names, ids, projects, references."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from unleash_gitops.documents.reference_checks import find_reference_conflicts
from unleash_gitops.documents.yamldoc import quote
from unleash_gitops.model.diagnostics import Diagnostic
from unleash_gitops.model.ownership import ULID_PATTERN, find_id_owner, is_marked_id
from unleash_gitops.model.resource import ResourceSet
from unleash_gitops.model.suggestions import suggest_nearest
from unleash_gitops.model.workspace import WORKSPACE_FILE, covers

if TYPE_CHECKING:
    from unleash_gitops.documents.loader.document_checks import Entry
    from unleash_gitops.documents.loader.workspace_file import WorkspaceFile
    from unleash_gitops.model.resource import Key, Resource

__all__ = ["check_entries", "collect_resources"]

_ULID = re.compile(ULID_PATTERN)


def collect_resources(entries: Sequence[Entry]) -> ResourceSet:
    """Return the resources of the valid documents. When two have the same id, the first one is used."""
    resources: dict[Key, Resource] = {}
    for entry in entries:
        if entry.resource is not None:
            resources.setdefault(entry.resource.key, entry.resource)
    return ResourceSet(resources)


def check_entries(entries: Sequence[Entry], workspace_file: WorkspaceFile) -> list[Diagnostic]:
    """Return the problems between documents, and between documents and the workspace."""
    unique, problems = _check_identities(entries)
    problems += _check_ids(unique)
    if workspace_file.projects is not None:
        problems += _check_projects(entries, workspace_file.projects)
    if workspace_file.workspace is not None:
        problems += _check_id_marks(entries, workspace_file.workspace.name)
    desired = collect_resources(entries)
    problems += _check_released(desired, workspace_file)
    problems += find_reference_conflicts(desired.resources.values(), desired)
    return problems


def _check_identities(entries: Sequence[Entry]) -> tuple[list[Entry], list[Diagnostic]]:
    """Return the first entry of each identity, and an error for every other entry."""
    firsts: dict[tuple[str | None, ...], Entry] = {}
    unique, problems = [], []
    for entry in entries:
        identity = (entry.kind, *(entry.metadata.get(field) for field in ("project", "feature", "name")))
        first = firsts.setdefault(identity, entry) if "name" in entry.metadata else entry
        if first is entry:
            unique.append(entry)
            continue
        message = f"{_format_address(entry)} is already defined in {first.positions['name']}"
        hint = "choose another name, or remove one of the two"
        problems.append(_build_error(entry, "duplicate", message, "name", hint))
    return unique, problems


def _check_ids(entries: Sequence[Entry]) -> list[Diagnostic]:
    """Return an error for each entry that has the id of an earlier one.

    The error is at the entry whose file has the id, or at the later one when both have it.
    """
    firsts: dict[tuple[str, str], Entry] = {}
    problems = []
    for entry in entries:
        written_id = entry.metadata.get("id")
        identifier = entry.resource.id if entry.resource is not None else written_id
        if identifier is None:
            continue
        first = firsts.setdefault((entry.kind, _normalize_id(identifier)), entry)
        if first is entry:
            continue
        reported, other = (entry, first) if written_id is not None else (first, entry)
        relation = "is also the id of" if "id" in other.metadata else "is also the computed id of"
        position = other.positions.get("id") or other.positions["name"]
        message = f"metadata.id: {quote(identifier)} {relation} {_format_address(other)} ({position})"
        hint = "describe an object in one document only"
        problems.append(_build_error(reported, "id-clash", message, "id", hint))
    return problems


def _normalize_id(identifier: str) -> str:
    """Return a ULID in upper case, and other ids unchanged, for comparisons."""
    return identifier.upper() if _ULID.fullmatch(identifier) else identifier


def _check_projects(entries: Sequence[Entry], projects: Sequence[str]) -> list[Diagnostic]:
    hint = f"add it to spec.projects in {WORKSPACE_FILE}, or remove spec.projects"
    return [
        _build_error(
            entry,
            "outside-projects",
            f"metadata.project: {quote(entry.metadata['project'])} is not in spec.projects of the workspace",
            "project",
            suggest_nearest(entry.metadata["project"], projects) or hint,
        )
        for entry in entries
        if "project" in entry.metadata and entry.metadata["project"] not in projects
    ]


def _check_id_marks(entries: Sequence[Entry], name: str) -> list[Diagnostic]:
    """Return a warning for each id that another workspace than `name` has marked as its own."""
    hint = "manage an object in one workspace only: two undo each other's changes"
    return [
        Diagnostic(
            "warning",
            "foreign-id",
            f"metadata.id: {quote(entry.metadata['id'])} is owned by another workspace",
            entry.positions["id"],
            hint,
            entry.source.extract_line(entry.positions["id"]),
        )
        for entry in entries
        if "id" in entry.metadata
        and is_marked_id(entry.metadata["id"].upper())
        and find_id_owner(entry.metadata["id"].upper(), [name]) is None
    ]


def _check_released(desired: ResourceSet, workspace_file: WorkspaceFile) -> list[Diagnostic]:
    """Return an error for each entry of spec.release that covers an object of a document."""
    workspace, document = workspace_file.workspace, workspace_file.document
    problems = []
    for index, entry in enumerate(workspace.spec.release if workspace is not None else ()):
        described = next((resource for resource in desired.resources.values() if covers(entry, str(resource))), None)
        if described is not None and document is not None:
            message = f"spec.release[{index}]: {quote(entry)} covers {described}, which {described.position} describes"
            hint = "remove the entry, or remove the document"
            problems.append(
                document.build_error("released", message, document.locate(("spec", "release", index)), hint)
            )
    return problems


def _format_address(entry: Entry) -> str:
    parts = (entry.metadata.get(field) for field in ("project", "feature", "name"))
    return "/".join([entry.kind, *(part for part in parts if part is not None)])


def _build_error(entry: Entry, code: str, message: str, field: str, hint: str) -> Diagnostic:
    """Return an error at a field of `entry`'s metadata, or at its name when the field is not written."""
    position = entry.positions.get(field) or entry.positions["name"]
    return entry.source.build_error(code, message, position, hint)
