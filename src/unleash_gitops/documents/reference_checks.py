"""What documents name, and whether it is there and fits. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.base import HasReferences
from unleash_gitops.model.diagnostics import Diagnostic
from unleash_gitops.model.naming import noun
from unleash_gitops.model.resource import Key, Reference, Resource, ResourceSet, SpecOf

__all__ = ["conflicts", "find_missing_references"]


def find_missing_references(wanted: Iterable[Resource], desired: ResourceSet, live: ResourceSet) -> list[Diagnostic]:
    """Return a diagnostic for each of the documents `wanted` that names an object which neither side has."""
    there = live.known | {_reference(one) for one in (*desired.resources.values(), *live.resources.values())}
    return [
        Diagnostic(
            "error",
            "missing-reference",
            f'there is no {noun(reference.kind)} "{reference.name}"'
            + (f' in project "{reference.project}"' if reference.project else "")
            + ", neither on the server nor in the workspace",
            reference.position,
            "create it first, or correct the name; an archived one must be revived",
        )
        for resource in wanted
        for reference in resource.references
        if reference not in there and reference.position is not None
    ]


def conflicts(wanted: Iterable[Resource], desired: ResourceSet, live: ResourceSet | None = None) -> list[Diagnostic]:
    """Return a diagnostic for each of the documents `wanted` that cannot be, because of what it names.

    Without `live` only what the documents themselves say is known.
    """
    present: Mapping[Key, Resource] = live.resources if live is not None else {}
    named = {_reference(one): one for one in (*present.values(), *desired.resources.values())}

    def spec_of(reference: Reference) -> Mapping[str, Any] | None:
        one = named.get(reference)
        if one is None:
            return None
        there = present.get(one.key)
        return one.spec if there is None or there is one else kinds()[one.address.kind].spec_after_update(one, there)

    return [found for one in wanted for found in _conflicts(one, spec_of)]


def _conflicts(one: Resource, spec_of: SpecOf) -> Iterator[Diagnostic]:
    kind = kinds()[one.address.kind]
    if not isinstance(kind, HasReferences):
        return
    for reference, problem in kind.find_reference_conflicts(one, spec_of):
        places = {named.path: named.position for named in one.references}
        position = places.get(reference.path) or one.position
        if position is not None:
            yield Diagnostic("error", "conflict", problem, position)


def _reference(one: Resource) -> Reference:
    return Reference(one.address.kind, one.address.project, one.address.name or one.id)
