"""What a model allows at a place of a document, read off its JSON Schema. Asked only when something is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from pydantic import BaseModel

__all__ = ["choices_at", "keys_at"]

_Schema = dict[str, Any]


def keys_at(model: type[BaseModel], path: Sequence[str | int]) -> list[str]:
    """Return the keys that a mapping at `path` may have; none when any may be."""
    return [key for schema in _at(model, path) for key in schema.get("properties", ())]


def choices_at(model: type[BaseModel], path: Sequence[str | int]) -> list[Any]:
    """Return the values that are allowed at `path`; none when it is no choice between a few."""
    choices: list[Any] = []
    for schema in _at(model, path):
        choices += [schema["const"]] if "const" in schema else schema.get("enum", [])
    return choices


@cache
def _schema_of(model: type[BaseModel]) -> _Schema:
    return model.model_json_schema()


def _at(model: type[BaseModel], path: Sequence[str | int]) -> list[_Schema]:
    """Return every schema that may apply at `path`."""
    root = _schema_of(model)
    schemas = list(_branches(root, root))
    for step in path:
        schemas = [branch for schema in schemas for inner in _step(schema, step) for branch in _branches(inner, root)]
    return schemas


def _step(schema: _Schema, step: str | int) -> Iterator[_Schema]:
    if isinstance(step, int):
        inner = schema.get("items")
    else:
        inner = schema.get("properties", {}).get(step, schema.get("additionalProperties"))
    if isinstance(inner, dict):
        yield inner


def _branches(schema: _Schema, root: _Schema) -> Iterator[_Schema]:
    """Yield `schema` with references followed and alternatives taken apart."""
    if "$ref" in schema:
        yield from _branches(root["$defs"][schema["$ref"].rsplit("/", 1)[-1]], root)
    for word in ("anyOf", "oneOf", "allOf"):
        for branch in schema.get(word, ()):
            yield from _branches(branch, root)
    yield schema
