"""References to missing objects name the existing objects that are most similar."""

from __future__ import annotations

import pytest

from unleash_gitops.documents import reference_checks
from unleash_gitops.documents.reference_checks import find_missing_references
from unleash_gitops.model.diagnostics import Position
from unleash_gitops.model.resource import Address, Key, Reference, Resource, ResourceSet

POSITION = Position("a.yaml", 7, 5)


def build_segment(name: str, *fields: str) -> Resource:
    """Return a segment that refers to context fields."""
    references = tuple(Reference("ContextField", None, field, position=POSITION) for field in fields)
    return Resource(Address("Segment", name), name, {}, position=POSITION, references=references)


def find_hints(segment: Resource, *fields: str) -> list[str | None]:
    """Return the hints for the missing references of `segment` on a server with these context fields."""
    live = [Resource(Address("ContextField", field), field, {}) for field in fields]
    known = frozenset([Reference("Project", None, "regionn"), Reference("ContextField", "p", "regionn")])
    resources = ResourceSet({Key("ContextField", field.id): field for field in live}, known)
    return [problem.hint for problem in find_missing_references([segment], ResourceSet(), resources)]


def test_a_similar_name_is_suggested() -> None:
    assert find_hints(build_segment("a", "regoin"), "userId", "region") == [
        'create it first, or correct the name; did you mean "region"?'
    ]


def test_existing_names_are_listed_when_none_is_similar() -> None:
    assert find_hints(build_segment("a", "zone"), "userId", "region", "one-zone-two-zones") == [
        "create it first, or correct the name; existing names: region, one-zone-two-zones, userId"
    ]


def test_names_of_other_kinds_and_projects_are_not_suggested() -> None:
    assert find_hints(build_segment("a", "region")) == ["create it first, or correct the name"]


def test_suggestions_stop_at_the_limit_of_comparisons(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference_checks, "_MAX_COMPARISONS", 4)
    hints = find_hints(build_segment("a", "region1", "region2", "region3"), "region", "userId")
    assert hints[:2] == ['create it first, or correct the name; did you mean "region"?'] * 2
    assert hints[2:] == ["create it first, or correct the name"]
