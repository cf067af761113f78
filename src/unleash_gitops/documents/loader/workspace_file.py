"""The Workspace document: what unleash-gitops.yaml says, and what of it holds even where the file is wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from unleash_gitops.documents.loader.document_checks import WORKSPACE_KIND
from unleash_gitops.documents.loader.validation_messages import describe_value, suggest_nearest, to_diagnostics
from unleash_gitops.documents.yamldoc import Document, quote
from unleash_gitops.kinds import kinds
from unleash_gitops.model.diagnostics import Diagnostic
from unleash_gitops.model.workspace import NAME_PATTERN, WORKSPACE_FILE, Workspace, WorkspaceDocument

__all__ = ["WorkspaceFile", "check_workspace"]

_STAND_IN = "unnamed"  # signs ids that are computed only to be compared with each other


@dataclass(frozen=True, slots=True)
class WorkspaceFile:
    """What unleash-gitops.yaml says. `workspace` is None when the file is wrong; `name` is there even then.

    `projects` are those that it names, None when it names none.
    """

    workspace: Workspace | None = None
    name: str = _STAND_IN
    projects: tuple[str, ...] | None = None


def check_workspace(documents: Sequence[Document]) -> tuple[WorkspaceFile, list[Diagnostic]]:
    """Return what the one document of unleash-gitops.yaml says, and what is wrong with it, or with there being more."""
    if not documents:
        return WorkspaceFile(), []
    first, *others = documents
    own, problems = _check_first(first)
    message, hint = f"{WORKSPACE_FILE} holds one document, the Workspace", "move this one into a file of its own"
    problems += [other.error("workspace-file", message, other.position, hint) for other in others]
    return own, problems


def _check_first(document: Document) -> tuple[WorkspaceFile, list[Diagnostic]]:
    value = document.value
    if not isinstance(value, dict):
        message = f"a document must be a mapping, found {describe_value(value, document.text_of(()))}"
        return WorkspaceFile(), [document.error("type", message, document.position)]
    kind = value.get("kind")
    if isinstance(kind, str) and kind != WORKSPACE_KIND:
        message = f"kind: {quote(kind)} is not {WORKSPACE_KIND}"
        hint = "move it into a file of its own" if kind in kinds() else suggest_nearest(kind, [WORKSPACE_KIND])
        problem = document.error("workspace-file", message, document.locate(("kind",)), hint)
        return WorkspaceFile(name=_name(value)), [problem]
    spec = value["spec"] if isinstance(value.get("spec"), dict) else {}
    problems = _check_exclusive(spec, document)
    workspace = None
    try:
        workspace = Workspace.of(WorkspaceDocument.model_validate(value))
        workspace = workspace.model_copy(update={"position": document.position})
    except ValidationError as error:
        problems += to_diagnostics(error, document, WorkspaceDocument)
    return WorkspaceFile(workspace, _name(value), _projects(spec)), problems


def _name(value: dict[str, Any]) -> str:
    metadata = value.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return name if isinstance(name, str) and re.fullmatch(NAME_PATTERN, name) else _STAND_IN


def _check_exclusive(spec: dict[str, Any], document: Document) -> list[Diagnostic]:
    """Return what in spec.exclusive names a kind or project that is not there, or is without effect."""
    projects = _projects(spec)
    exclusive = spec.get("exclusive")
    problems = []
    for index, area in enumerate(exclusive if isinstance(exclusive, list) else ()):
        kind, project = (area.get("kind"), area.get("project")) if isinstance(area, dict) else (None, None)
        if isinstance(kind, str) and kind not in kinds():
            message = f"spec.exclusive[{index}].kind: {quote(kind)} is not a kind"
            hint = suggest_nearest(kind, kinds()) or f"the kinds are: {', '.join(kinds())}"
            at = document.locate(("spec", "exclusive", index, "kind"))
            problems.append(document.error("unknown-kind", message, at, hint))
        if isinstance(project, str) and projects is not None and project not in projects:
            message = f"spec.exclusive[{index}].project: {quote(project)} is not in spec.projects"
            at = document.locate(("spec", "exclusive", index, "project"))
            problems.append(document.error("outside-projects", message, at, suggest_nearest(project, projects)))
    if exclusive and spec.get("prune") == "none":
        at = document.locate(("spec", "exclusive"), key=True)
        message, hint = "spec.exclusive has no effect where spec.prune is none", "remove one of the two"
        problems.append(Diagnostic("warning", "exclusive-unused", message, at, hint, document.excerpt(at)))
    return problems


def _projects(spec: dict[str, Any]) -> tuple[str, ...] | None:
    projects = spec.get("projects")
    if not isinstance(projects, list):
        return None
    return tuple(project for project in projects if isinstance(project, str))
