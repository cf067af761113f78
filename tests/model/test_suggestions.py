"""Suggestions name the most similar choices, and at most ten of them."""

from __future__ import annotations

import pytest

from unleash_gitops.model.suggestions import list_alternatives, suggest_alternatives, suggest_nearest

LETTERS = [f"{letter}{letter}" for letter in "abcdefghijkl"]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("titel", 'did you mean "title"?'),
        ("TITLE", 'did you mean "title"?'),
        ("max_deletes", 'did you mean "maxDeletes"?'),
        ("zzz", None),
        ("", None),
        ("title" * 30, None),
    ],
)
def test_the_most_similar_choice_is_suggested(word: str, expected: str | None) -> None:
    assert suggest_nearest(word, ["timeRange", "title", "maxDeletes"]) == expected


def test_up_to_ten_alternatives_are_listed() -> None:
    assert list_alternatives(["b", "a"]) == "b, a"
    assert list_alternatives(LETTERS[:10]) == "aa, bb, cc, dd, ee, ff, gg, hh, ii, jj"
    assert list_alternatives(LETTERS) == "aa, bb, cc, dd, ee, ff, gg, hh, ii, jj and 2 more"


def test_alternatives_to_a_word_are_sorted_by_similarity() -> None:
    assert list_alternatives(["source", "yAxisMin", "timeRange"], "TIME") == "timeRange, yAxisMin, source"
    assert list_alternatives(LETTERS, "lk") == "kk, ll, aa, bb, cc, dd, ee, ff, gg, hh and 2 more"
    assert list_alternatives(["b", "a"], "a" * 101) == "b, a"


def test_alternatives_are_listed_when_no_choice_is_similar() -> None:
    assert suggest_alternatives("titel", ["title"], "valid keys") == 'did you mean "title"?'
    assert suggest_alternatives("x", ["title", "xyz"], "valid keys") == "valid keys: xyz, title"
    assert suggest_alternatives("x", [], "valid keys") is None
