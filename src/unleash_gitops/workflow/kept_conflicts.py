"""Block changes that do not fit what a plan leaves in place: no apply of them could succeed. Pure."""

from __future__ import annotations

from dataclasses import replace

from unleash_gitops.documents.reference_checks import list_reference_conflicts
from unleash_gitops.engine.classify import Classification, Difference
from unleash_gitops.model.resource import Key, Reference, Resource, ResourceSet

__all__ = ["block_conflicts"]


def block_conflicts(classification: Classification) -> Classification:
    """Return the classification with each change blocked that refers to an object as it will not be.

    The files fit each other. But the drift policy keeps values of another user, and a blocked change leaves its object
    as it is. What is blocked here counts as well.
    """
    while (blocked := _block_once(classification)) != classification:
        classification = blocked
    return classification


def _block_once(classification: Classification) -> Classification:
    blocked = {difference.key for difference in classification.differences if difference.action == "blocked"}
    if not blocked and not classification.kept:
        return classification
    staying = {
        key: _as_live(key, resource, classification) if key in blocked else resource
        for key, resource in classification.desired.resources.items()
    }
    desired = ResourceSet({key: resource for key, resource in staying.items() if resource is not None})
    changing = [
        resource
        for difference in classification.differences
        if difference.desired is not None and difference.action != "blocked"
        if (resource := desired.resources.get(difference.key)) is not None
    ]
    conflicts = list_reference_conflicts(changing, desired, classification.live)
    reasons = {
        document.key: f"{problem}: this plan leaves {_address(reference)} as it is"
        for document, (reference, problem) in conflicts
    }
    return replace(
        classification,
        differences=tuple(_block(difference, reasons.get(difference.key)) for difference in classification.differences),
    )


def _as_live(key: Key, resource: Resource, classification: Classification) -> Resource | None:
    """Return a document that says what its object is, None where that does not exist."""
    live = classification.live.resources.get(key)
    return None if live is None else replace(resource, spec=live.spec)


def _address(reference: Reference) -> str:
    return "/".join(part for part in (reference.kind, reference.project, reference.name) if part)


def _block(difference: Difference, reason: str | None) -> Difference:
    return difference if reason is None else replace(difference, action="blocked", reason=reason)
