"""The JSON Schema of all documents, for editors."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from unleash_gitops.kinds import kinds
from unleash_gitops.workspace import WorkspaceDocument

__all__ = ["document_schema", "schema_text"]


def document_schema() -> dict[str, Any]:
    """Return one JSON Schema (draft 2020-12) that every document of a workspace is valid against."""
    models: list[type[BaseModel]] = [WorkspaceDocument, *(kind.document for kind in kinds().values())]
    references, definitions = models_json_schema([(model, "validation") for model in models])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "unleash-gitops document",
        "oneOf": [references[(model, "validation")] for model in models],
        **definitions,
    }


def schema_text() -> str:
    """Return the schema as the text of a file."""
    return json.dumps(document_schema(), indent=2) + "\n"
