"""Which fields of a document can be left out, so that they are not managed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from unleash_gitops.kinds.shared.fields import SpecField, spec_fields

__all__ = [
    "ANY_KEY",
    "SpecPath",
    "list_optional_paths",
    "list_present_paths",
    "list_required_fields",
    "remove_fields",
]

SpecPath = tuple[str, ...]
"""The keys that lead to a field of a spec. Items of a list have no key: a path covers the field in every item."""
ANY_KEY = "*"
"""Stands for every key of a mapping in the path of a field inside it."""


def list_required_fields(model: type[BaseModel]) -> list[str]:
    """Return the fields of a spec that no document can leave out."""
    return [name for name, field in spec_fields(model).items() if field.required]


def list_optional_paths(model: type[BaseModel], path: SpecPath = ()) -> Iterator[SpecPath]:
    """Yield the path of each field that a document of `model` can leave out.

    A field that is left out inside an object that is compared as a whole has its default: it has no path of its own.
    """
    for name, field in spec_fields(model).items():
        here = (*path, name)
        if not field.required:
            yield here
        for key in field.rule.separate_keys or ():
            yield (*here, key)
        if field.partial_model is not None:
            inside = (*here, ANY_KEY) if field.is_mapping else here
            if field.is_mapping:
                yield inside
            yield from list_optional_paths(field.partial_model, inside)


def list_present_paths(model: type[BaseModel], spec: Mapping[str, Any]) -> list[SpecPath]:
    """Return the path of each field in a `spec` that a document can leave out."""
    paths: list[SpecPath] = []

    def collect(path: SpecPath) -> bool:
        paths.append(path)
        return False

    remove_fields(model, {name: value for name, value in spec.items() if name in model.model_fields}, collect)
    return list(dict.fromkeys(paths))


def remove_fields(
    model: type[BaseModel], spec: Mapping[str, Any], is_left: Callable[[SpecPath], bool]
) -> tuple[dict[str, Any], list[SpecPath]]:
    """Return the `spec` of a document without the fields that are left, and the paths of these fields."""
    removal = _Removal(is_left)
    kept = removal.clean(model, spec, ())
    return kept, list(dict.fromkeys(removal.removed))


class _Removal:
    """A walk through a spec that removes fields."""

    def __init__(self, is_left: Callable[[SpecPath], bool]) -> None:
        self.removed: list[SpecPath] = []
        self._is_left = is_left

    def clean(self, model: type[BaseModel], spec: Mapping[str, Any], path: SpecPath) -> dict[str, Any]:
        """Return an object of `model` at `path` without the fields that are left."""
        fields = spec_fields(model)
        return {
            name: self._clean_value(fields[name], value, (*path, name))
            for name, value in spec.items()
            if fields[name].required or self._keep((*path, name))
        }

    def _clean_value(self, field: SpecField, value: Any, path: SpecPath) -> Any:
        if field.rule.separate_keys is not None and isinstance(value, Mapping):
            return {key: item for key, item in value.items() if self._keep((*path, key))}
        model = field.partial_model
        if model is None:
            return value
        if isinstance(value, Mapping):
            kept = [key for key in value if self._keep((*path, key))]
            cleaned = {key: self.clean(model, value[key], (*path, key)) for key in kept}
            return {key: item for key, item in cleaned.items() if item}
        return [self.clean(model, item, path) for item in value]

    def _keep(self, path: SpecPath) -> bool:
        if not self._is_left(path):
            return True
        self.removed.append(path)
        return False
