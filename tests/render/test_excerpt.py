"""The caret is under the character of the column."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from unleash_gitops.render.excerpt import render_excerpt


@pytest.mark.parametrize(
    ("excerpt", "column", "line", "caret"),
    [
        ("key: value", 6, "key: value", "     ^"),
        ("key: value", 1, "key: value", "^"),
        ("key:", 5, "key:", "    ^"),
        ("key:", 99, "key:", "    ^"),
        ("key:", 0, "key:", "^"),
        ("", 1, "", "^"),
        ("\tkey", 2, "    key", "    ^"),
        ("a\tb\tc", 5, "a   b   c", "        ^"),
        ("日本: x", 5, "日本: x", "      ^"),
        ("e\u0301: x", 5, "e\u0301: x", "   ^"),
        ('"\x1b": x', 6, '"\\x1b": x', "        ^"),
    ],
)
def test_caret(excerpt: str, column: int, line: str, caret: str) -> None:
    assert render_excerpt(excerpt, column) == (line, caret)


@given(st.integers(1, 498), st.integers(1, 500))
def test_the_excerpt_of_a_long_line_shows_the_column(width: int, column: int) -> None:
    excerpt = "a" * (min(column, width) - 1) + "B" + "c" * (width - min(column, width))
    line, caret = render_excerpt(excerpt, min(column, width))
    assert line[caret.index("^")] == "B"
    assert len(line) <= 102


@given(st.text(max_size=500), st.integers(-5, 600))
def test_any_line_is_short_enough_and_the_caret_is_within_it(excerpt: str, column: int) -> None:
    line, caret = render_excerpt(excerpt, column)
    assert cell_len(line) <= 112
    assert caret.strip() == "^"
    assert len(caret) <= cell_len(line) + 1


def test_a_command_of_a_ci_system_is_escaped_and_the_caret_stays_in_its_place() -> None:
    assert render_excerpt("a: ##[error]x y", 15) == ("a: #\\x23[error]x y", " " * 17 + "^")
