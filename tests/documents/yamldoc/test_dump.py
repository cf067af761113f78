"""Dumped data reads back as the same data, and is formatted as a person would write it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from unleash_gitops.documents.yamldoc import dump_document, parse_documents

TRICKY = [
    "no",
    "yes",
    "On",
    "y",
    "~",
    "null",
    "Null",
    "true",
    "FALSE",
    "0o17",
    "0x1F",
    "1.10",
    "007",
    "1e5",
    "1_000",
    "12:30:00",
    "2024-01-01",
    ".inf",
    ".nan",
    "=",
    "<<",
    "-",
    "- a",
    "?",
    "? a",
    ":",
    "\n: a",
    "a: b",
    "a:",
    "a:b",
    "a #b",
    "a#b",
    "#a",
    "# x",
    " a",
    "a ",
    "*a",
    "&a",
    "!a",
    "%a",
    "@a",
    "`a",
    ">",
    "a,b",
    "a]",
    "{a}",
    "'a",
    '"a',
    'a"b',
    "a\\b",
    "---",
    "...",
    "http://x.y/z?a=b#c",
]
LINES = [
    "a\nb",
    "a\n",
    "a\n\nb\n",
    "a\n\n",
    "\n",
    "\na",
    "a\n  b\n",
    "  a\nb",
    "a \nb",
    "a\n---\nb",
    "a\n\tb",
    "a\r\nb",
    "a\n#b",
]
ODD = [
    "",
    "\x00",
    "\x1b[31m",
    "\x7f",
    "\x85",
    "\u2028",
    "\ufeff",
    "\ufffe",
    "\ue000",
    "😀",
    "é\u0301",
    "\xa0",
    "\t",
    "a" * 2000,
    "é" * 700,
]
texts = st.text() | st.sampled_from(TRICKY + LINES + ODD)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=15,
)


def assert_reads_back(data: dict[str, Any]) -> None:
    text = dump_document(data)
    documents, diagnostics = parse_documents(text.encode(), "f.yaml")
    assert diagnostics == []
    assert [repr(document.value) for document in documents] == [repr(data)]


@given(st.dictionaries(texts, values, max_size=4))
@example({})
def test_dumped_data_reads_back_as_the_same_data(data: dict[str, Any]) -> None:
    assert_reads_back(data)


@pytest.mark.parametrize("text", TRICKY + LINES + ODD)
def test_a_string_reads_back_as_a_key_and_in_every_kind_of_value(text: str) -> None:
    assert_reads_back({text: text, "list": [text, [text, {text: text}], {"a": text, text: [text]}]})


@pytest.mark.parametrize("text", [text for text in TRICKY + LINES + ODD if text != "\ufffe"])
def test_readers_of_yaml_1_1_read_the_same_string(text: str) -> None:
    assert yaml.safe_load(dump_document({"key": text})) == {"key": text}


def test_a_document_is_in_block_style_with_few_quotes() -> None:
    data = {
        "apiVersion": "unleash-gitops/v1",
        "metadata": {"name": "sign-ups", "id": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "project": None},
        "spec": {
            "title": "Sign-ups: all & sundry",
            "note": "one\n  two\n\nthree",
            "answer": "no",
            "count": 3,
            "rate": 0.5,
            "on": True,
            "labelSelectors": {"environment": ["production", "staging"], "none": [], "some": {}},
            "nested": [["a", ["b"]], {"c": "d", "e": [1]}, "x\ny\n"],
        },
    }
    assert (
        dump_document(data)
        == """\
apiVersion: unleash-gitops/v1
metadata:
  name: sign-ups
  id: "01ARZ3NDEKTSV4RRFFQ69G5FAV"
  project: null
spec:
  title: "Sign-ups: all & sundry"
  note: |-
    one
      two

    three
  answer: "no"
  count: 3
  rate: 0.5
  "on": true
  labelSelectors:
    environment:
      - production
      - staging
    none: []
    some: {}
  nested:
    - - a
      - - b
    - c: d
      e:
        - 1
    - |
      x
      y
"""
    )


def test_an_unpaired_surrogate_becomes_the_replacement_character() -> None:
    assert dump_document({"a": "\ud800"}) == 'a: "\ufffd"\n'
