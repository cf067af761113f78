"""Check unleash-gitops.yaml, and keep its name and projects even when the file is not valid."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from unleash_gitops.documents.loader.document_checks import VALID_KINDS, WORKSPACE_KIND, check_mapping
from unleash_gitops.documents.loader.validation_messages import convert_errors
from unleash_gitops.documents.yamldoc import Document, quote
from unleash_gitops.kinds import kinds
from unleash_gitops.model.diagnostics import Diagnostic
from unleash_gitops.model.suggestions import suggest_alternatives, suggest_nearest
from unleash_gitops.model.workspace import WORKSPACE_FILE, WORKSPACE_NAME_PATTERN, Workspace, WorkspaceDocument

__all__ = ["WorkspaceFile", "check_workspace_file"]

_FALLBACK_NAME = "unnamed"  # for ids that are only compared with each other
_MOVE = "move this document to another file"


@dataclass(frozen=True, slots=True)
class WorkspaceFile:
    """The content of unleash-gitops.yaml.

    `workspace` is None when the file is not valid. `name` and `projects` are read even then; `projects` is None when
    the file has none. `document` locates values in the file.
    """

    workspace: Workspace | None = None
    name: str = _FALLBACK_NAME
    projects: tuple[str, ...] | None = None
    document: Document | None = None


def check_workspace_file(documents: Sequence[Document]) -> tuple[WorkspaceFile, list[Diagnostic]]:
    """Return the content of unleash-gitops.yaml, and its problems. Only the first document may be there."""
    if not documents:
        return WorkspaceFile(), []
    first, *others = documents
    workspace_file, problems = _check_first(first)
    message = f"{WORKSPACE_FILE} may only contain the {WORKSPACE_KIND} document"
    problems += [other.build_error("workspace-file", message, other.position, _MOVE) for other in others]
    return workspace_file, problems


def _check_first(document: Document) -> tuple[WorkspaceFile, list[Diagnostic]]:
    value = document.value
    problem = check_mapping(document)
    if problem is not None:
        return WorkspaceFile(), [problem]
    kind = value.get("kind")
    if isinstance(kind, str) and kind != WORKSPACE_KIND:
        message = f"kind: {quote(kind)} is not {WORKSPACE_KIND}"
        hint = _MOVE if kind in kinds() else suggest_nearest(kind, [WORKSPACE_KIND])
        problem = document.build_error("workspace-file", message, document.locate(("kind",)), hint)
        return WorkspaceFile(name=_read_name(value)), [problem]
    spec = value["spec"] if isinstance(value.get("spec"), dict) else {}
    problems = _check_exclusive(spec, document)
    workspace = None
    try:
        workspace = Workspace.of(WorkspaceDocument.model_validate(value))
        workspace = workspace.model_copy(update={"position": document.position})
    except ValidationError as error:
        problems += convert_errors(error, document, WorkspaceDocument)
    problems += _check_not_read(spec, document)
    return WorkspaceFile(workspace, _read_name(value), _read_projects(spec), document), problems


def _check_not_read(spec: dict[str, Any], document: Document) -> list[Diagnostic]:
    """Return an error for each entry of spec.notRead that is not a kind."""
    not_read = spec.get("notRead")
    return [
        document.build_error(
            "unknown-kind",
            f"spec.notRead[{index}]: {quote(kind)} is not a kind",
            document.locate(("spec", "notRead", index)),
            suggest_alternatives(kind, kinds(), VALID_KINDS),
        )
        for index, kind in enumerate(not_read if isinstance(not_read, list) else ())
        if isinstance(kind, str) and kind not in kinds()
    ]


def _check_exclusive(spec: dict[str, Any], document: Document) -> list[Diagnostic]:
    """Return the areas of spec.exclusive with an unknown kind or project, and whether it has no effect."""
    projects = _read_projects(spec)
    exclusive = spec.get("exclusive")
    problems = []
    for index, area in enumerate(exclusive if isinstance(exclusive, list) else ()):
        kind, project = (area.get("kind"), area.get("project")) if isinstance(area, dict) else (None, None)
        if isinstance(kind, str) and kind not in kinds():
            message = f"spec.exclusive[{index}].kind: {quote(kind)} is not a kind"
            hint = suggest_alternatives(kind, kinds(), VALID_KINDS)
            position = document.locate(("spec", "exclusive", index, "kind"))
            problems.append(document.build_error("unknown-kind", message, position, hint))
        if isinstance(project, str) and projects is not None and project not in projects:
            message = f"spec.exclusive[{index}].project: {quote(project)} is not in spec.projects"
            position = document.locate(("spec", "exclusive", index, "project"))
            hint = suggest_nearest(project, projects) or "add it to spec.projects, or remove it here"
            problems.append(document.build_error("outside-projects", message, position, hint))
    if exclusive and spec.get("prune") == "none":
        position = document.locate(("spec", "exclusive"), key=True)
        message, hint = "spec.exclusive has no effect when spec.prune is none", "remove one of the two"
        line = document.extract_line(position)
        problems.append(Diagnostic("warning", "exclusive-unused", message, position, hint, line))
    return problems


def _read_name(value: dict[str, Any]) -> str:
    metadata = value.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return name if isinstance(name, str) and re.fullmatch(WORKSPACE_NAME_PATTERN, name) else _FALLBACK_NAME


def _read_projects(spec: dict[str, Any]) -> tuple[str, ...] | None:
    projects = spec.get("projects")
    if not isinstance(projects, list):
        return None
    return tuple(project for project in projects if isinstance(project, str))
