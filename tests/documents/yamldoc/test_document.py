"""Where things are in a file."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from unleash_gitops.documents.yamldoc import Document, parse_documents
from unleash_gitops.model.diagnostics import Position

TEXT = """\
# a comment
apiVersion: v1
metadata: {name: ä€😀, project: shop}
spec:
  "quoted key":   value
  list:
    - one
    - two: 2
      three:
  anchored: &here
    inner: 0x1F
  alias: *here
  ? explicit
  : 1.10
---
second: [1,
  2]
"""


def only(text: str | bytes, at: int = 0) -> Document:
    documents, diagnostics = parse_documents(text if isinstance(text, bytes) else text.encode(), "f.yaml")
    assert diagnostics == []
    return documents[at]


@pytest.mark.parametrize(
    ("path", "value", "key"),
    [
        ((), "2:1", "2:1"),
        (("apiVersion",), "2:13", "2:1"),
        (("metadata", "name"), "3:18", "3:12"),
        (("metadata", "project"), "3:32", "3:23"),
        (("spec", "quoted key"), "5:19", "5:3"),
        (("spec", "list", 0), "7:7", "7:7"),
        (("spec", "list", 1, "two"), "8:12", "8:7"),
        (("spec", "list", 1, "three"), "9:13", "9:7"),
        (("spec", "alias"), "12:10", "12:3"),
        (("spec", "alias", "inner"), "11:12", "11:5"),
        (("spec", "explicit"), "14:5", "13:5"),
        (("spec", "no", "such"), "5:3", "4:1"),
        (("spec", "list", 9), "7:5", "6:3"),
        (("spec", "list", "x"), "7:5", "6:3"),
        (("apiVersion", 0), "2:13", "2:1"),
        (("none",), "2:1", "2:1"),
    ],
)
def test_every_path_has_a_place(path: Sequence[str | int], value: str, key: str) -> None:
    for text in (TEXT, TEXT.replace("\n", "\r\n"), "\ufeff" + TEXT):
        document = only(text)
        places = (document.locate(path), document.locate(path, key=True))
        assert [f"{at.line}:{at.column}" for at in places] == [value, key]


def test_a_later_document_keeps_its_lines() -> None:
    document = only(TEXT, 1)
    assert document.position == Position("f.yaml", 16, 1)
    assert document.locate(("second", 1)) == Position("f.yaml", 17, 3)
    assert document.excerpt(document.locate(("second", 1))) == "  2]"


def test_how_a_value_is_written_is_known_unless_it_is_a_string() -> None:
    document = only(TEXT)
    assert document.text_of(("spec", "alias", "inner")) == "0x1F"
    assert document.text_of(("spec", "explicit")) == "1.10"
    assert document.text_of(("spec", "list", 0)) is None
    assert document.text_of(("spec", "list")) is None
    assert document.text_of(("no", "such")) is None


def test_the_first_key_is_the_place_of_a_document() -> None:
    assert only("--- &a {\n  b: c}").position == Position("f.yaml", 2, 3)
    assert only("\n\n  - a").position == Position("f.yaml", 3, 3)
    assert only("{}").position == Position("f.yaml", 1, 1)


def test_null_documents_are_left_out_beside_others() -> None:
    documents, diagnostics = parse_documents(b"---\n---\na: 1\n---\n# no\n---\n~\n", "f.yaml")
    assert [document.value for document in documents] == [{"a": 1}]
    assert diagnostics == []


def test_an_anchor_may_be_given_again_and_holds_for_one_document() -> None:
    assert only("a: &x 1\nb: *x\nc: &x 2\nd: *x\n").value == {"a": 1, "b": 1, "c": 2, "d": 2}
    _, diagnostics = parse_documents(b"a: &x 1\n---\nb: *x\n", "f.yaml")
    assert [found.code for found in diagnostics] == ["alias"]


def test_an_alias_may_be_a_key() -> None:
    assert only("a: &x k\n*x : 1\n").value == {"a": "k", "k": 1}
