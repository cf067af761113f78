"""Check one document, and build the resource it describes. Knows no other document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from unleash_gitops.documents.loader.validation_messages import convert_errors, describe_value
from unleash_gitops.documents.yamldoc import Document, Source, quote
from unleash_gitops.kinds import kinds
from unleash_gitops.model.diagnostics import Diagnostic, Position
from unleash_gitops.model.resource import Resource
from unleash_gitops.model.suggestions import list_alternatives, suggest_alternatives
from unleash_gitops.model.workspace import API_VERSION, WORKSPACE_FILE

__all__ = ["VALID_KINDS", "WORKSPACE_KIND", "Entry", "check_document", "check_mapping"]

WORKSPACE_KIND = "Workspace"
VALID_KINDS = "the valid kinds are"
_IDENTITY = ("name", "project", "feature", "id")


@dataclass(frozen=True, slots=True)
class Entry:
    """The facts about one document, valid or not, that the checks across documents need.

    `metadata` has those of name, project, feature and id that are strings, and `positions` has their positions.
    `resource` is None when the document is not valid. The document itself is not kept.
    """

    kind: str
    metadata: Mapping[str, str]
    positions: Mapping[str, Position]
    source: Source
    resource: Resource | None


def check_document(document: Document, workspace: str) -> tuple[Entry | None, list[Diagnostic]]:
    """Return the entry of `document` in the workspace of that name, and its errors.

    The entry is None when the kind is not known.
    """
    problems = _check_kind(document)
    if problems:
        return None, problems
    kind = kinds()[document.value["kind"]]
    resource = None
    try:
        model: Any = kind.document.model_validate(document.value)
        drift, accepted, transfer_from = (
            getattr(model.metadata, field, None) for field in ("drift", "accepted", "transferFrom")
        )
        resource = kind.resource_from_document(model, workspace)
        resource = replace(resource, drift=drift, accepted=accepted, transfer_from=transfer_from)
    except ValidationError as error:
        problems = convert_errors(error, document, kind.document)
    metadata = _read_identity(document.value)
    positions = {field: document.locate(("metadata", field)) for field in metadata}
    if resource is not None:
        problem = kind.document_problem(resource)
        if problem is not None:
            problems = [*problems, document.build_error(problem.code, problem.message, document.locate(("spec",)))]
        references = tuple(
            replace(reference, position=document.locate(reference.path)) for reference in resource.references
        )
        resource = replace(resource, position=document.position, references=references)
    return Entry(kind.name, metadata, positions, document.source, resource), problems


def _check_kind(document: Document) -> list[Diagnostic]:
    """Return why the kind of `document` is not known. A wrong apiVersion alone is not reported here."""
    problem = check_mapping(document)
    if problem is not None:
        return [problem]
    name = document.value.get("kind")
    if isinstance(name, str) and name in kinds():
        return []
    problem = _explain_kind(document, name)
    version = document.value.get("apiVersion", API_VERSION)
    if version == API_VERSION:
        return [problem]
    description = describe_value(version, document.find_literal(("apiVersion",)))
    message = f"apiVersion: {description} is not {API_VERSION}"
    return [document.build_error("value", message, document.locate(("apiVersion",))), problem]


def check_mapping(document: Document) -> Diagnostic | None:
    """Return an error when `document` is not a mapping."""
    if isinstance(document.value, dict):
        return None
    description = describe_value(document.value, document.find_literal(()))
    return document.build_error("type", f"a document must be a mapping, found {description}", document.position)


def _explain_kind(document: Document, name: Any) -> Diagnostic:
    """Return the error for a missing or unknown kind."""
    hint = f"{VALID_KINDS}: {list_alternatives(kinds())}"
    if "kind" not in document.value:
        return document.build_error("missing", "kind is required", document.position, hint)
    position = document.locate(("kind",))
    if not isinstance(name, str):
        description = describe_value(name, document.find_literal(("kind",)))
        return document.build_error("type", f"kind: expected a string, found {description}", position, hint)
    if name == WORKSPACE_KIND:
        message = f"kind: a {WORKSPACE_KIND} is only allowed in {WORKSPACE_FILE}"
        return document.build_error("workspace-file", message, position, "remove the document from this file")
    nearest = suggest_alternatives(name, kinds(), VALID_KINDS)
    return document.build_error("unknown-kind", f"kind: {quote(name)} is not a kind", position, nearest)


def _read_identity(value: dict[str, Any]) -> dict[str, str]:
    metadata = value.get("metadata")
    if not isinstance(metadata, dict):
        return {}
    return {field: metadata[field] for field in _IDENTITY if isinstance(metadata.get(field), str)}
