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

__all__ = ["SCHEMA_FILE", "build_schema", "format_modeline", "format_schema"]

SCHEMA_FILE = "unleash-gitops.schema.json"
"""The name of the schema file at the root of a workspace."""

# The descriptions of the fields that every kind of document has.
_ENVELOPE = {
    "apiVersion": "The version of this format.",
    "kind": "The kind of object that the document describes.",
    "metadata": "The identity of the object.",
    "spec": "The desired state of the object. Fields that are left out are not managed.",
}


def build_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of every document of a workspace."""
    models: dict[str, type[BaseModel]] = {"Workspace": WorkspaceDocument}
    models |= {name: kind.document for name, kind in kinds().items()}
    references, content = models_json_schema([(model, "validation") for model in models.values()])
    definitions = {name: _add_titles(definition) for name, definition in content["$defs"].items()}
    for kind, model in models.items():
        document = definitions[model.__name__]
        document["title"] = kind
        for name, description in _ENVELOPE.items():
            document["properties"][name].setdefault("description", description)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "unleash-gitops document",
        "description": "A document of an unleash-gitops workspace. A file may contain several documents.",
        "oneOf": [references[(model, "validation")] for model in models.values()],
        "$defs": definitions,
    }


def format_schema() -> str:
    """Return the content of the schema file."""
    return json.dumps(build_schema(), indent=2) + "\n"


def format_modeline(path: str) -> str:
    """Return the comment that tells an editor the schema of a file. `path` is relative to the workspace root."""
    up = "../" * (len(PurePosixPath(path).parts) - 1)
    return f"# yaml-language-server: $schema={up or './'}{SCHEMA_FILE}\n"


def _add_titles(definition: dict[str, Any]) -> dict[str, Any]:
    """Return a model's schema with readable titles, which replace pydantic's titles."""
    properties = {
        name: {"title": _format_title(name), **{key: value for key, value in content.items() if key != "title"}}
        for name, content in definition.get("properties", {}).items()
    }
    return {**definition, "title": _format_title(definition["title"]), "properties": properties}


def _format_title(name: str) -> str:
    """Return `metricName` as `Metric name`."""
    parts = re.findall("[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)
    return " ".join([parts[0].capitalize(), *(part.lower() for part in parts[1:])]) if parts else name
