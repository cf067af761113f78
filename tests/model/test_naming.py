"""Lists of names in sentences."""

from __future__ import annotations

from unleash_gitops.model.naming import list_names


def test_a_long_list_of_names_ends_with_the_number_of_the_others() -> None:
    assert list_names(["a", "b", "c", "d", "e"]) == "a, b, c, d, e"
    assert list_names(["a", "b", "c", "d", "e", "f", "g"]) == "a, b, c, d, e and 2 more"
    assert list_names(["a", "b", "c"], 2) == "a, b and 1 more"
