"""Look up what a model allows at a path of a document, in its JSON Schema. Used only after validation has failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from pydantic import BaseModel

__all__ = ["find_choices", "find_keys", "list_words"]

_Schema = dict[str, Any]


def find_keys(model: type[BaseModel], path: Sequence[str | int]) -> list[str]:
    """Return the keys that a mapping at `path` may have; empty when every key is allowed."""
    return [key for schema in _find_schemas(model, path) for key in schema.get("properties", ())]


def find_choices(model: type[BaseModel], path: Sequence[str | int]) -> list[Any]:
    """Return the allowed values at `path`; empty when they are not a closed set."""
    choices: list[Any] = []
    for schema in _find_schemas(model, path):
        choices += [schema["const"]] if "const" in schema else schema.get("enum", [])
    return choices


def list_words(model: type[BaseModel]) -> set[str]:
    """Return the keys and the words of closed sets that a document may have anywhere."""
    words: set[str] = set()
    schemas: list[Any] = [_build_schema(model)]
    while schemas:
        schema = schemas.pop()
        if isinstance(schema, list):
            schemas += schema
        elif isinstance(schema, dict):
            words |= {*schema.get("properties", ())}
            words |= {word for word in (schema.get("const"), *schema.get("enum", ())) if isinstance(word, str)}
            schemas += [value for key, value in schema.items() if key not in {"examples", "enum"}]
    return words


@cache
def _build_schema(model: type[BaseModel]) -> _Schema:
    return model.model_json_schema()


def _find_schemas(model: type[BaseModel], path: Sequence[str | int]) -> list[_Schema]:
    """Return every schema that may apply at `path`."""
    root = _build_schema(model)
    schemas = list(_expand(root, root))
    for step in path:
        schemas = [branch for schema in schemas for child in _descend(schema, step) for branch in _expand(child, root)]
    return schemas


def _descend(schema: _Schema, step: str | int) -> Iterator[_Schema]:
    """Yield the schema of a mapping's key or of a list's item, if there is one."""
    if isinstance(step, int):
        child = schema.get("items")
    else:
        child = schema.get("properties", {}).get(step, schema.get("additionalProperties"))
    if isinstance(child, dict):
        yield child


def _expand(schema: _Schema, root: _Schema) -> Iterator[_Schema]:
    """Yield `schema`, its alternatives, and the schemas it refers to."""
    if "$ref" in schema:
        yield from _expand(root["$defs"][schema["$ref"].rsplit("/", 1)[-1]], root)
    for keyword in ("anyOf", "oneOf", "allOf"):
        for branch in schema.get(keyword, ()):
            yield from _expand(branch, root)
    yield schema
