"""Computed ids are frozen: a change of them orphans every object that a workspace has created."""

from __future__ import annotations

import pytest
from ulid import ULID

from unleash_gitops.model.ownership import computed_id, find_id_owner, split_mark, workspace_mark

FROZEN = [
    ("payments", "ImpactMetric", None, None, "checkout-errors", "01G1T0PS00VWW4NTSJ4RYXY8XT"),
    ("payments", "ImpactMetric", "shop", "checkout-v2", "checkout-errors", "01G1T0PS00VWW4NTBHQ61SM3K7"),
    ("search", "ImpactMetric", "shop", "checkout-v2", "checkout-errors", "01G1T0PS004GCK54BHQ61SM3K7"),
    ("quickstart", "ImpactMetric", None, None, "request-latency", "01G1T0PS00XN7GP9YY22N7BS6R"),
    ("a", "FeatureFlag", "default", None, "A~b.c", "01G1T0PS00SABR241QY0DG31N8"),
]


@pytest.mark.parametrize(("workspace", "kind", "project", "feature", "name", "expected"), FROZEN)
def test_computed_ids_never_change(
    workspace: str, kind: str, project: str | None, feature: str | None, name: str, expected: str
) -> None:
    assert computed_id(workspace, kind, project, feature, name) == expected


@pytest.mark.parametrize("row", FROZEN)
def test_an_id_is_a_ulid_with_the_marks_of_tool_and_workspace(row: tuple[str, ...]) -> None:
    object_id = row[-1]
    assert str(ULID.from_str(object_id)) == object_id
    assert object_id[:16] == "01G1T0PS00" + workspace_mark(row[0])


def test_workspace_marks_never_change() -> None:
    assert {name: workspace_mark(name) for name in ("payments", "search", "a")} == {
        "payments": "VWW4NT",
        "search": "4GCK54",
        "a": "SABR24",
    }


@pytest.mark.parametrize(
    ("object_id", "expected"),
    [
        (computed_id("payments", "ImpactMetric", None, None, "x"), "payments"),
        (computed_id("search", "ImpactMetric", None, None, "x"), "search"),
        (computed_id("other", "ImpactMetric", None, None, "x"), None),
        ("01ARZ3NDEKTSV4RRFFQ69G5FAV", None),
        ("01G1T0PS00", None),
        ("", None),
    ],
)
def test_the_mark_in_an_id_tells_its_owner(object_id: str, expected: str | None) -> None:
    assert find_id_owner(object_id, ["payments", "search"]) == expected


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        (None, (None, ())),
        ("", (None, ())),
        ("text", ("text", ())),
        ("managed by unleash-gitops: a", (None, ("a",))),
        ("two\nlines\nmanaged by unleash-gitops: a", ("two\nlines", ("a",))),
        ("text\nmanaged by unleash-gitops: b\nmanaged by unleash-gitops: a", ("text", ("a", "b"))),
        ("managed by unleash-gitops: a\ntext", ("managed by unleash-gitops: a\ntext", ())),
    ],
)
def test_the_marks_are_the_last_lines_of_a_description(
    description: str | None, expected: tuple[str | None, tuple[str, ...]]
) -> None:
    assert split_mark(description) == expected


def test_addresses_with_the_same_letters_have_different_ids() -> None:
    ids = {
        computed_id("w", "K", "ab", "c", "d"),
        computed_id("w", "K", "a", "bc", "d"),
        computed_id("w", "K", "a", "b", "cd"),
        computed_id("w", "K", None, None, "abcd"),
        computed_id("w", "Ka", "b", "c", "d"),
    }
    assert len(ids) == 5
