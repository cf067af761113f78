"""What documents name, and whether it is there and fits. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.base import HasReferences
from unleash_gitops.model.diagnostics import Diagnostic
from unleash_gitops.model.naming import to_words
from unleash_gitops.model.resource import Key, Reference, Resource, ResourceSet, SpecLookup

__all__ = ["conflicts", "find_missing_references"]


def find_missing_references(wanted: Iterable[Resource], desired: ResourceSet, live: ResourceSet) -> list[Diagnostic]:
    """Return a diagnostic for each of the documents `wanted` that names an object which neither side has."""
    existing = live.known | {
        _reference(resource) for resource in (*desired.resources.values(), *live.resources.values())
    }
    return [
        Diagnostic(
            "error",
            "missing-reference",
            f'there is no {to_words(reference.kind)} "{reference.name}"'
            + (f' in project "{reference.project}"' if reference.project else "")
            + ", neither on the server nor in the workspace",
            reference.position,
            "create it first, or correct the name; an archived one must be revived",
        )
        for resource in wanted
        for reference in resource.references
        if reference not in existing and reference.position is not None
    ]


def conflicts(wanted: Iterable[Resource], desired: ResourceSet, live: ResourceSet | None = None) -> list[Diagnostic]:
    """Return a diagnostic for each of the documents `wanted` that cannot be, because of what it names.

    Without `live` only what the documents themselves say is known.
    """
    present: Mapping[Key, Resource] = live.resources if live is not None else {}
    named = {_reference(resource): resource for resource in (*present.values(), *desired.resources.values())}

    def spec_of(reference: Reference) -> Mapping[str, Any] | None:
        resource = named.get(reference)
        if resource is None:
            return None
        live_resource = present.get(resource.key)
        return (
            resource.spec
            if live_resource is None or live_resource is resource
            else kinds()[resource.address.kind].spec_after_update(resource, live_resource)
        )

    return [diagnostic for resource in wanted for diagnostic in _conflicts(resource, spec_of)]


def _conflicts(resource: Resource, spec_of: SpecLookup) -> Iterator[Diagnostic]:
    kind = kinds()[resource.address.kind]
    if not isinstance(kind, HasReferences):
        return
    for reference, problem in kind.find_reference_conflicts(resource, spec_of):
        places = {named.path: named.position for named in resource.references}
        position = places.get(reference.path) or resource.position
        if position is not None:
            yield Diagnostic("error", "conflict", problem, position)


def _reference(resource: Resource) -> Reference:
    return Reference(resource.address.kind, resource.address.project, resource.address.name or resource.id)
