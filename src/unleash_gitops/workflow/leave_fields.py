"""The option --leave: fields that pulled documents do not have, so that they are not managed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.base import Kind
from unleash_gitops.kinds.interfaces import Pullable
from unleash_gitops.kinds.shared.unmanaged import (
    ANY_KEY,
    SpecPath,
    list_optional_paths,
    list_present_paths,
    list_required_fields,
    remove_fields,
)
from unleash_gitops.model.errors import UsageError
from unleash_gitops.model.resource import ResourceSet
from unleash_gitops.model.suggestions import suggest_alternatives

__all__ = ["check_fields", "leave_fields"]


def leave_fields(kind: Kind, spec: Mapping[str, Any], fields: Sequence[str]) -> tuple[dict[str, Any], list[SpecPath]]:
    """Return the `spec` of a document of `kind` without `fields`, and the paths of what it lacks for it.

    A field is the end of a path in the spec, its parts joined with dots: `production.enabled` is `enabled` in the
    environment production, and `enabled` is each field of that name. The name of a kind may come first. What decides
    a field that is left out goes with it.
    """
    prefix = f"{kind.name}."
    names = {field.removeprefix(prefix) for field in fields}
    kept, left = remove_fields(kind.spec, spec, lambda path: not names.isdisjoint(_list_names(path)))
    if not left or not isinstance(kind, Pullable):
        return kept, left
    dependent = set(kind.dependent_fields(kept))
    kept, more = remove_fields(kind.spec, kept, lambda path: path in dependent)
    return kept, left + more


def check_fields(fields: Iterable[str], live: ResourceSet, kind: str | None = None) -> None:
    """Raise UsageError for one of `fields` that no document has, or that every document needs; of `kind` only, if any.

    The names of environments and of parameters are those of the `live` objects.
    """
    known: set[str] = set()
    required: set[str] = set()
    for candidate in kinds().values() if kind is None else [kinds()[kind]]:
        paths = set(_list_paths(candidate, live))
        known |= {name for path in paths for name in _list_names(path)}
        known |= {f"{candidate.name}.{name}" for path in paths for name in _list_names(path)}
        required |= {*list_required_fields(candidate.spec)}
    for field in fields:
        if field in known:
            continue
        if field in required:
            raise UsageError(f"--leave {field}: a document must have this field", "leave out another field")
        raise UsageError(
            f"--leave {field}: no document has such a field", suggest_alternatives(field, sorted(known), "fields are")
        )


def _list_paths(kind: Kind, live: ResourceSet) -> Iterator[SpecPath]:
    """Yield the paths that documents of a kind can leave out."""
    environments = [key.id for key in live.resources if key.kind == "Environment"]
    for path in list_optional_paths(kind.spec):
        if ANY_KEY not in path:
            yield path
        for environment in environments:
            yield tuple(environment if part == ANY_KEY else part for part in path)
    for resource in live.resources.values():
        if resource.address.kind == kind.name:
            yield from list_present_paths(kind.spec, resource.spec)


def _list_names(path: SpecPath) -> Iterator[str]:
    """Yield the names of a field: its path, and each end of the path."""
    return (".".join(path[start:]) for start in range(len(path)))
