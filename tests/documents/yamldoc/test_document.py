"""Positions of values and keys in a file."""

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


def parse_document(text: str | bytes, index: int = 0) -> Document:
    documents, diagnostics = parse_documents(text if isinstance(text, bytes) else text.encode(), "f.yaml")
    assert diagnostics == []
    return documents[index]


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
def test_every_path_has_a_position(path: Sequence[str | int], value: str, key: str) -> None:
    for text in (TEXT, TEXT.replace("\n", "\r\n"), "\ufeff" + TEXT):
        document = parse_document(text)
        positions = (document.locate(path), document.locate(path, key=True))
        assert [f"{position.line}:{position.column}" for position in positions] == [value, key]


def test_positions_in_a_later_document_count_from_the_start_of_the_file() -> None:
    document = parse_document(TEXT, 1)
    assert document.position == Position("f.yaml", 16, 1)
    assert document.locate(("second", 1)) == Position("f.yaml", 17, 3)
    assert document.extract_line(document.locate(("second", 1))) == "  2]"


def test_scalars_other_than_strings_have_a_literal() -> None:
    document = parse_document(TEXT)
    assert document.find_literal(("spec", "alias", "inner")) == "0x1F"
    assert document.find_literal(("spec", "explicit")) == "1.10"
    assert document.find_literal(("spec", "list", 0)) is None
    assert document.find_literal(("spec", "list")) is None
    assert document.find_literal(("no", "such")) is None


def test_the_position_of_a_document_is_its_first_key() -> None:
    assert parse_document("--- &a {\n  b: c}").position == Position("f.yaml", 2, 3)
    assert parse_document("\n\n  - a").position == Position("f.yaml", 3, 3)
    assert parse_document("{}").position == Position("f.yaml", 1, 1)


def test_null_documents_are_left_out() -> None:
    documents, diagnostics = parse_documents(b"---\n---\na: 1\n---\n# no\n---\n~\n", "f.yaml")
    assert [document.value for document in documents] == [{"a": 1}]
    assert diagnostics == []


def test_an_anchor_may_be_redefined_and_is_valid_in_one_document() -> None:
    assert parse_document("a: &x 1\nb: *x\nc: &x 2\nd: *x\n").value == {"a": 1, "b": 1, "c": 2, "d": 2}
    _, diagnostics = parse_documents(b"a: &x 1\n---\nb: *x\n", "f.yaml")
    assert [problem.code for problem in diagnostics] == ["alias"]


def test_an_alias_may_be_a_key() -> None:
    assert parse_document("a: &x k\n*x : 1\n").value == {"a": "k", "k": 1}
