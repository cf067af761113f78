"""Check the objects that documents refer to: they must exist, and must fit the reference. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.interfaces import HasReferences
from unleash_gitops.model.diagnostics import Diagnostic
from unleash_gitops.model.naming import to_words
from unleash_gitops.model.resource import Key, Reference, ReferenceConflict, Resource, ResourceSet
from unleash_gitops.model.suggestions import suggest_alternatives

__all__ = [
    "find_missing_references",
    "find_reference_conflicts",
    "list_missing_references",
    "list_reference_conflicts",
]

_MAX_COMPARISONS = 20_000  # of a missing name with an existing one; more would take seconds
_CREATE_OR_CORRECT = "create it first, or correct the name"


def find_missing_references(
    documents: Iterable[Resource],
    desired: ResourceSet,
    live: ResourceSet,
    renames: Callable[[Sequence[Reference]], Mapping[Reference, str]] = lambda _: {},
) -> list[Diagnostic]:
    """Return an error for each reference in `documents` to an object that neither side has.

    The hints name the most similar existing objects, up to a limit of comparisons, or what became of the object:
    `renames` returns that in words.
    """
    existing = _find_existing(documents := list(documents), desired, live)
    missing = [reference for _, reference in list_missing_references(documents, desired, live)]
    hints = _suggest_names(missing, existing)
    for reference, rename in (renames(missing) if missing else {}).items():
        hints[reference] = f"{rename}: use the new name"
    return [
        Diagnostic(
            "error",
            "missing-reference",
            f'there is no {to_words(reference.kind)} "{reference.name}"'
            + (f' in project "{reference.project}"' if reference.project else "")
            + ", neither on the server nor in the workspace",
            reference.position,
            hints.get(reference, _CREATE_OR_CORRECT),
        )
        for reference in missing
        if reference.position is not None
    ]


def list_missing_references(
    documents: Iterable[Resource], desired: ResourceSet, live: ResourceSet
) -> list[tuple[Resource, Reference]]:
    """Return each reference in `documents` to an object that neither side has, with its document.

    What `documents` provide counts as existing: a Project document provides environments.
    """
    existing = _find_existing(documents := list(documents), desired, live)
    return [
        (document, reference)
        for document in documents
        for reference in document.references
        if reference not in existing and reference.position is not None
    ]


def _find_existing(documents: Iterable[Resource], desired: ResourceSet, live: ResourceSet) -> set[Reference]:
    resources = (*desired.resources.values(), *live.resources.values())
    provided = (kinds()[document.address.kind].provided_references(document) for document in documents)
    return {*live.known, *map(_build_reference, resources), *chain.from_iterable(provided)}


def _suggest_names(missing: Sequence[Reference], existing: Collection[Reference]) -> dict[Reference, str]:
    """Return a hint for each of the first missing references: the existing names of the same kind and project."""
    names: defaultdict[tuple[str, str | None], list[str]] = defaultdict(list)
    for reference in existing if missing else ():
        names[reference.kind, reference.project].append(reference.name)
    hints: dict[Reference, str] = {}
    comparisons = 0
    for reference in dict.fromkeys(missing):
        if comparisons >= _MAX_COMPARISONS:
            break
        choices = sorted(names[reference.kind, reference.project])
        comparisons += len(choices)
        alternatives = suggest_alternatives(reference.name, choices, "existing names")
        hints[reference] = f"{_CREATE_OR_CORRECT}; {alternatives}" if alternatives else _CREATE_OR_CORRECT
    return hints


def find_reference_conflicts(
    documents: Iterable[Resource], desired: ResourceSet, live: ResourceSet | None = None
) -> list[Diagnostic]:
    """Return an error for each of `documents` that does not fit an object it refers to.

    Without `live`, only references between documents are checked.
    """
    diagnostics = []
    for document, (reference, problem) in list_reference_conflicts(documents, desired, live):
        positions = {known.path: known.position for known in document.references}
        position = positions.get(reference.path) or document.position
        if position is not None:
            diagnostics.append(Diagnostic("error", "conflict", problem, position))
    return diagnostics


def list_reference_conflicts(
    documents: Iterable[Resource], desired: ResourceSet, live: ResourceSet | None = None
) -> list[tuple[Resource, ReferenceConflict]]:
    """Return each reference of `documents` that does not fit the object it is to, with its document.

    Without `live`, only references between documents are checked.
    """
    live_resources: Mapping[Key, Resource] = live.resources if live is not None else {}
    resources = {
        _build_reference(resource): resource for resource in (*live_resources.values(), *desired.resources.values())
    }

    def find_spec(reference: Reference) -> Mapping[str, Any] | None:
        resource = resources.get(reference)
        if resource is None:
            return None
        live_resource = live_resources.get(resource.key)
        if live_resource is None or live_resource is resource:
            return resource.spec
        return kinds()[resource.address.kind].spec_after_update(resource, live_resource)

    return [
        (document, conflict)
        for document in documents
        if isinstance(kind := kinds()[document.address.kind], HasReferences)
        for conflict in kind.find_reference_conflicts(document, find_spec)
    ]


def _build_reference(resource: Resource) -> Reference:
    """Return the reference by which other documents name `resource`."""
    return Reference(resource.address.kind, resource.address.project, resource.address.name or resource.id)
