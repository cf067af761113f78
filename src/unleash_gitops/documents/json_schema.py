"""The JSON Schema of all documents, for editors."""

from __future__ import annotations

import json
import re
from pathlib import PurePosixPath
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from unleash_gitops.kinds import kinds
from unleash_gitops.model.workspace import WorkspaceDocument

__all__ = ["SCHEMA_FILE", "document_schema", "modeline", "schema_text"]

SCHEMA_FILE = "unleash-gitops.schema.json"
"""Where a workspace keeps the schema for editors, at its root."""

# What every kind of document has, said once.
_SHARED = {
    "apiVersion": "The version of this format.",
    "kind": "What the document stands for.",
    "metadata": "Which one it is.",
    "spec": "What it should be like. What is left out is not managed.",
}


def document_schema() -> dict[str, Any]:
    """Return one JSON Schema (draft 2020-12) that every document of a workspace is valid against."""
    models: dict[str, type[BaseModel]] = {"Workspace": WorkspaceDocument}
    models |= {name: kind.document for name, kind in kinds().items()}
    references, content = models_json_schema([(model, "validation") for model in models.values()])
    definitions = {name: _add_title(definition) for name, definition in content["$defs"].items()}
    for kind, model in models.items():
        document = definitions[model.__name__]
        document["title"] = kind
        for name, description in _SHARED.items():
            document["properties"][name].setdefault("description", description)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "unleash-gitops document",
        "description": "A document of an unleash-gitops workspace; a file may hold several.",
        "oneOf": [references[(model, "validation")] for model in models.values()],
        "$defs": definitions,
    }


def schema_text() -> str:
    """Return the schema as the text of a file."""
    return json.dumps(document_schema(), indent=2) + "\n"


def modeline(path: str) -> str:
    """Return the line that tells an editor the schema of the file at `path`, which begins at the workspace's root."""
    up = "../" * (len(PurePosixPath(path).parts) - 1)
    return f"# yaml-language-server: $schema={up or './'}{SCHEMA_FILE}\n"


def _add_title(definition: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a model with titles that people read, in place of those made from its Python names."""
    properties = {
        name: {"title": _words(name), **{key: value for key, value in content.items() if key != "title"}}
        for name, content in definition.get("properties", {}).items()
    }
    return {**definition, "title": _words(definition["title"]), "properties": properties}


def _words(name: str) -> str:
    """Return `metricName` as `Metric name`."""
    parts = re.findall("[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)
    return " ".join([parts[0].capitalize(), *(part.lower() for part in parts[1:])]) if parts else name
