"""Documents for tests, as mappings, text and files, and what the product makes of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unleash_gitops.documents.loader.document_checks import check_document
from unleash_gitops.documents.yamldoc import Document, dump_document, read_documents
from unleash_gitops.kinds import kinds
from unleash_gitops.model.resource import Resource
from unleash_gitops.model.workspace import Workspace, WorkspaceDocument

API_VERSION = "unleash-gitops/v1"
WORKSPACE_FILE = "unleash-gitops.yaml"
CHART = {"metricName": "m", "timeRange": "day", "aggregationMode": "avg"}
"""The fields that a chart needs."""


def header(kind: str) -> str:
    """Return the first two lines of a document."""
    return f"apiVersion: {API_VERSION}\nkind: {kind}\n"


def document_text(kind: str, name: str, spec: str = "", **metadata: str) -> str:
    """Return a document whose metadata, and `spec` where it is given, are in flow style on one line each."""
    identity = ", ".join(f"{field}: {value}" for field, value in {"name": name, **metadata}.items())
    return header(kind) + f"metadata: {{{identity}}}\n" + (f"spec: {spec}\n" if spec else "")


WORKSPACE = document_text("Workspace", "payments")


def document(kind: str, name: str, metadata: Mapping[str, Any] | None = None, /, **spec: Any) -> dict[str, Any]:
    """Return a document."""
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name, **(metadata or {})}, "spec": spec}


def flag(name: str, project: str = "default", /, **spec: Any) -> dict[str, Any]:
    return document("FeatureFlag", name, {"project": project}, **spec)


def chart(name: str, metadata: Mapping[str, Any] | None = None, /, **spec: Any) -> dict[str, Any]:
    """Return a chart's document, with what it needs where `spec` does not say so."""
    return document("ImpactMetric", name, metadata, **{**CHART, **spec})


def workspace(name: str = "payments", /, **spec: Any) -> dict[str, Any]:
    return document("Workspace", name, **spec)


def write(root: Path, content: Mapping[str, Any], file: str | None = None) -> Path:
    """Write a document below `root`, in a file of its kind and name unless `file` names another; return the file."""
    usual = f"{content['kind']}-{content['metadata']['name']}.yaml"
    path = root / (file or (WORKSPACE_FILE if content["kind"] == "Workspace" else usual))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def check(content: Mapping[str, Any]) -> tuple[Resource | None, list[tuple[str, str]]]:
    """Return the resource of a document, and code and message of each problem that it has."""
    (parsed,) = read_documents(dump_document(content).encode(), "a.yaml")
    assert isinstance(parsed, Document)
    entry, problems = check_document(parsed, "w")
    return entry and entry.resource, [(problem.code, problem.message) for problem in problems]


def desired(kind: str, name: str, metadata: Mapping[str, Any] | None = None, /, **spec: Any) -> Resource:
    """Return the resource of a document without problems."""
    resource, problems = check(document(kind, name, metadata, **spec))
    assert problems == []
    assert resource is not None
    return resource


def parse_resource(content: Mapping[str, Any], of: str = "w") -> Resource:
    """Return the resource of a document in the workspace `of`, whatever the loader would say of it."""
    kind = kinds()[content["kind"]]
    resource: Resource = kind.resource_from_document(kind.document.model_validate(content), of)
    return resource


def parse_workspace(name: str = "w", /, **spec: Any) -> Workspace:
    """Return a workspace; its name may be shorter than a document allows."""
    document = WorkspaceDocument.model_validate(workspace(**spec))
    return Workspace.of(document).model_copy(update={"name": name})


def actions(plan: Any) -> list[tuple[str, str, str]]:
    """Return action, kind and name of each change of a plan in JSON."""
    return [(change["action"], change["kind"], change["name"]) for change in plan["changes"]]
