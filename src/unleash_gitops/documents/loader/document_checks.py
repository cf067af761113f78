"""One document to the resource it stands for, or to what is wrong with it. Knows no other document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from unleash_gitops.documents.loader.validation_messages import describe_value, suggest_nearest, to_diagnostics
from unleash_gitops.documents.yamldoc import Document, Source, quote
from unleash_gitops.kinds import kinds
from unleash_gitops.model.diagnostics import Diagnostic, Position
from unleash_gitops.model.resource import Resource
from unleash_gitops.model.workspace import API_VERSION, WORKSPACE_FILE

__all__ = ["WORKSPACE_KIND", "Entry", "check_document", "check_kind"]

WORKSPACE_KIND = "Workspace"
_IDENTITY = ("name", "project", "feature", "id")


@dataclass(frozen=True, slots=True)
class Entry:
    """What the checks across documents need of one document, valid or not.

    `metadata` has those of name, project, feature and id that are given as strings, `at` where each of them is.
    `resource` is None when the document is not valid. The document itself, with its places, is not kept.
    """

    kind: str
    metadata: Mapping[str, str]
    at: Mapping[str, Position]
    source: Source
    resource: Resource | None


def check_document(document: Document, workspace: str) -> tuple[Entry | None, list[Diagnostic]]:
    """Return what `document` stands for in the workspace of that name; None when not even its kind is known."""
    problems = check_kind(document)
    if problems:
        return None, problems
    kind = kinds()[document.value["kind"]]
    resource = None
    try:
        model: Any = kind.document.model_validate(document.value)
        drift, accepted = (getattr(model.metadata, field, None) for field in ("drift", "accepted"))
        resource = replace(kind.resource_from_document(model, workspace), drift=drift, accepted=accepted)
    except ValidationError as error:
        problems = to_diagnostics(error, document, kind.document)
    metadata = _metadata(document.value)
    at = {field: document.locate(("metadata", field)) for field in metadata}
    if resource is not None:
        problem = kind.document_problem(resource)
        if problem is not None:
            problems = [*problems, document.error("too-long", problem, document.locate(("spec",)))]
        references = tuple(
            replace(reference, position=document.locate(reference.path)) for reference in resource.references
        )
        resource = replace(resource, position=document.position, references=references)
    return Entry(kind.name, metadata, at, document.source, resource), problems


def check_kind(document: Document) -> list[Diagnostic]:
    """Return why it cannot be told which model `document` has to fit."""
    value = document.value
    if not isinstance(value, dict):
        description = describe_value(value, document.text_of(()))
        return [document.error("type", f"a document must be a mapping, found {description}", document.position)]
    name = value.get("kind")
    if isinstance(name, str) and name in kinds():
        return []
    problem = _kind_problem(document, name)
    version = value.get("apiVersion", API_VERSION)
    if version == API_VERSION:
        return [problem]
    message = f"apiVersion: {describe_value(version, document.text_of(('apiVersion',)))} is not {API_VERSION}"
    return [document.error("value", message, document.locate(("apiVersion",))), problem]


def _kind_problem(document: Document, name: Any) -> Diagnostic:
    choices = f"the kinds are: {', '.join(kinds())}"
    if "kind" not in document.value:
        return document.error("missing", "kind is required", document.position, choices)
    at = document.locate(("kind",))
    if not isinstance(name, str):
        description = describe_value(name, document.text_of(("kind",)))
        return document.error("type", f"kind: expected a string, found {description}", at, choices)
    if name == WORKSPACE_KIND:
        message, hint = f"kind: a {name} is the only document of {WORKSPACE_FILE}", "remove it from this file"
        return document.error("workspace-file", message, at, hint)
    return document.error(
        "unknown-kind", f"kind: {quote(name)} is not a kind", at, suggest_nearest(name, kinds()) or choices
    )


def _metadata(value: dict[str, Any]) -> dict[str, str]:
    metadata = value.get("metadata")
    if not isinstance(metadata, dict):
        return {}
    return {field: metadata[field] for field in _IDENTITY if isinstance(metadata.get(field), str)}
