"""Places in data, as messages and plans name them."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from unleash_gitops.model.paths import describe_mismatch, describe_mismatches, format_path


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        ((), ""),
        (("spec", "exclusive", 0, "kind"), "spec.exclusive[0].kind"),
        (("labelSelectors", "app-name", 1), "labelSelectors.app-name[1]"),
        (("a", 0, "b.c", "", "d"), 'a[0]["b.c"][""].d'),
        (("a b", "a[0]", 'a"b', "ü", "5"), '["a b"]["a[0]"]["a\\"b"]["ü"]["5"]'),
        ((0, "a"), "[0].a"),
        (("a", "b\n"), 'a["b\\n"]'),
        (("x" * 101,), f'["{"x" * 101}"]'),
    ],
)
def test_a_key_that_is_not_a_plain_word_is_quoted(parts: tuple[str | int, ...], path: str) -> None:
    assert format_path(parts) == path


def test_the_caller_chooses_the_quotes() -> None:
    assert format_path(("a", "b c"), lambda key: f"<{key}>") == "a[<b c>]"


class Entry(BaseModel):
    name: str
    sizes: list[int]


def test_a_mismatch_has_its_place_and_not_the_value() -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(list[Entry]).validate_python([{"name": "a", "sizes": [1, "secret"]}, {"sizes": []}])
    integer = "Input should be a valid integer, unable to parse string as an integer"
    expected = [f"[0].sizes[1]: {integer}", "[1].name: Field required"]
    assert describe_mismatches(caught.value) == expected
    assert describe_mismatch(caught.value) == expected[0]


def test_a_mismatch_of_the_whole_is_named() -> None:
    with pytest.raises(ValidationError) as caught:
        Entry.model_validate([])
    assert describe_mismatch(caught.value).startswith("the answer: ")
    assert describe_mismatch(caught.value, "the plan").startswith("the plan: ")
