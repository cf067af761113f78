"""Strings are escaped, and values are cut so that their first difference stays visible."""

from __future__ import annotations

import json
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unleash_gitops.render.escape import MAX_SHOWN, escape_line, format_pair, format_value, shorten_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, 日本語, é, 👍, \\x1b", "plain text, 日本語, é, 👍, \\x1b"),
        ("\x1b[31m\x9b\x00\x7f", "\\x1b[31m\\x9b\\x00\\x7f"),
        ("a\nb\rc\td\x0be\x85f", "a\\nb\\rc\\td\\x0be\\x85f"),
        ("\u2028\u2029\u202e\u2066\ufeff\u200b\xad\xa0", "\\u2028\\u2029\\u202e\\u2066\\ufeff\\u200b\\xad\\xa0"),
        ("\ud800\udfff", "\\ud800\\udfff"),
        ("a ##[error]b ###[x ##vso[task.x]", "a #\\x23[error]b ##\\x23[x #\\x23vso[task.x]"),
        ("## a [b], #[c]", "## a [b], #[c]"),
        ("\U000e0041\U000e0fff", "\\U000e0041\\U000e0fff"),
    ],
)
def test_escape_line(text: str, shown: str) -> None:
    assert escape_line(text) == shown


def test_escape_line_leaves_no_control_or_invisible_character() -> None:
    every = escape_line("".join(map(chr, range(sys.maxunicode + 1))))
    assert {unicodedata.category(character) for character in every}.isdisjoint({"Cc", "Cf", "Cs", "Zl", "Zp"})
    assert {character for character in every if unicodedata.category(character) == "Zs"} == {" "}


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (None, "null"),
        (True, "true"),
        (1.5, "1.5"),
        ("a\nb\x1b\x9b", '"a\\nb\\u001b\\x9b"'),
        ({"environment": ["a", "b"]}, '{"environment": ["a", "b"]}'),
        ("x" * 118, f'"{"x" * 118}"'),
        ("x" * 119, f'"{"x" * 118}…'),
    ],
)
def test_format_value(content: object, shown: str) -> None:
    assert format_value(content) == shown


def test_shorten() -> None:
    assert [shorten_line("abcd", longest) for longest in (5, 4, 3)] == ["abcd", "abcd", "ab…"]


def test_a_difference_deep_in_two_long_values_is_visible() -> None:
    same = "a" * 300
    assert format_pair(same + "one" + same, same + "two" + same) == (
        f"…{'a' * 24}one{'a' * 91}…",
        f"…{'a' * 24}two{'a' * 91}…",
    )
    assert format_pair(same, same + "more") == (f'…{"a" * 24}"', f'…{"a" * 24}more"')


def test_an_early_difference_and_short_values_are_shown_from_the_start() -> None:
    assert format_pair("x" * 300, "y" * 300) == (format_value("x" * 300), format_value("y" * 300))
    assert format_pair("day", None) == ('"day"', "null")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON, JSON)
def test_different_values_never_look_the_same(before: object, after: object) -> None:
    left, right = format_pair(before, after)
    assert max(len(left), len(right)) <= MAX_SHOWN
    assert (left == right) == (json.dumps(before) == json.dumps(after))


def test_a_difference_after_many_escapes_is_visible() -> None:
    same = "\U000e0041" * 20
    shown = format_pair(same + "a", same + "b")
    assert [side[-2:] for side in shown] == ['a"', 'b"']
    assert all(side.startswith("…") and len(side) == 27 for side in shown)


@given(st.text(min_size=100), st.text(min_size=1), st.text(min_size=1))
def test_different_long_texts_never_look_the_same(same: str, first: str, second: str) -> None:
    left, right = format_pair(same + first, same + second)
    assert (left == right) == (first == second)
