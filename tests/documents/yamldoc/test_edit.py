"""Edits change the given values in the text, and nothing else."""

from __future__ import annotations

import difflib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from properties import examples
from unleash_gitops.documents.yamldoc import REMOVED, Edit, EditError, apply_edits, dump_document, parse_documents
from unleash_gitops.documents.yamldoc.dump import dump_flow

FLAG = """\
# yaml-language-server: $schema=../x.json
kind: FeatureFlag  # a flag
metadata:
  name: "pay"   # double
spec:
  # what it is for
  description: 'it''s'  # single
  empty: {}
  nothing:
  tags: [a, b]  # flow
  environments:
    production:
      enabled: true  # on
      strategies:
        # the first
        - name: rollout  # named
          parameters: {rollout: 50}  # half
        - name: default

    development: {enabled: false}
  note: |
    two
    lines
# the end
---
kind: Segment
values:
- a
- b  # bee
"""


def diff_lines(edits: list[tuple[str, Any]], line: int = 2, text: str = FLAG) -> list[str]:
    """Return the lines that `edits` remove (-) and add (+). Each edit is a path with slashes and a value."""
    document_edits = [Edit(tuple(path.split("/")), value) for path, value in edits]
    before = text.splitlines()
    after = apply_edits(text.encode(), "f.yaml", {line: document_edits}).decode().splitlines()
    return [difference for difference in difflib.ndiff(before, after) if difference[0] in "+-"]


@pytest.mark.parametrize(
    ("edits", "lines"),
    [
        ([("spec/environments/production/enabled", True)], []),
        (
            [("spec/environments/production/enabled", False)],
            ["-       enabled: true  # on", "+       enabled: false  # on"],
        ),
        ([("spec/description", "new")], ["-   description: 'it''s'  # single", "+   description: 'new'  # single"]),
        ([("metadata/name", "a: b")], ['-   name: "pay"   # double', '+   name: "a: b"   # double']),
        ([("kind", "on")], ["- kind: FeatureFlag  # a flag", '+ kind: "on"  # a flag']),
        ([("metadata/accepted", 12)], ["+   accepted: 12"]),
        ([("spec/tags", ["a", "c, d"])], ["-   tags: [a, b]  # flow", '+   tags: [a, "c, d"]  # flow']),
        ([("spec/tags", REMOVED)], ["-   tags: [a, b]  # flow"]),
        ([("spec/tags", [])], ["-   tags: [a, b]  # flow", "+   tags: []  # flow"]),
        ([("spec/empty/a", [1])], ["-   empty: {}", "+   empty:", "+     a:", "+       - 1"]),
        ([("spec/nothing", 5)], ["-   nothing:", "+   nothing: 5"]),
        ([("spec/nothing/deep/er", None)], ["+     deep:", "+       er: null"]),
        (
            [("spec/environments/development/enabled", True)],
            ["-     development: {enabled: false}", "+     development: {enabled: true}"],
        ),
        (
            [("spec/environments/development/strategies", [{"name": "x"}])],
            [
                "-     development: {enabled: false}",
                "+     development: {enabled: false, strategies: [{name: x}]}",
            ],
        ),
        (
            [("spec/environments/production/strategies", [{"name": "rollout", "parameters": {"rollout": 75}}])],
            [
                "-           parameters: {rollout: 50}  # half",
                "+           parameters: {rollout: 75}  # half",
                "-         - name: default",
            ],
        ),
        (
            [
                (
                    "spec/environments/production/strategies",
                    [
                        {"name": "first"},
                        {"name": "rollout", "parameters": {"rollout": 50}},
                        {"name": "default", "title": "all"},
                    ],
                )
            ],
            ["+         - name: first", "+           title: all"],
        ),
        ([("spec/note", "one")], ["-   note: |", "-     two", "-     lines", "+   note: one"]),
        ([("spec/note", "two\nmore\n")], ["-     lines", "+     more"]),
        (
            [("spec/description", "a\nb")],
            ["-   description: 'it''s'  # single", "+   description: |-  # single", "+     a", "+     b"],
        ),
        (
            [("spec/environments/production", REMOVED), ("spec/environments/development", REMOVED)],
            [f"- {line}" for line in FLAG.splitlines()[10:20]] + ["+   environments: {}"],
        ),
        ([("spec/absent", REMOVED), ("absent/too", REMOVED)], []),
    ],
)
def test_edits_change_only_the_lines_of_their_values(edits: list[tuple[str, Any]], lines: list[str]) -> None:
    assert sorted(diff_lines(edits)) == sorted(lines)


def test_items_change_in_a_list_at_the_column_of_its_key() -> None:
    assert diff_lines([("values", ["new", "b", "c"])], 26) == ["- - a", "+ - new", "+ - c"]
    assert diff_lines([("values", ["b"])], 26) == ["- - a"]
    assert diff_lines([("values", [{"deep": [1]}, "b"])], 26) == ["- - a", "+ - deep:", "+     - 1"]


def test_a_document_is_removed_with_its_separator() -> None:
    assert (
        apply_edits(FLAG.encode(), "f.yaml", {2: None}).decode() == FLAG.splitlines(True)[0] + FLAG[FLAG.index("---") :]
    )
    assert apply_edits(FLAG.encode(), "f.yaml", {26: None}).decode() == FLAG[: FLAG.index("---")]
    assert apply_edits(FLAG.encode(), "f.yaml", {2: None, 26: None}) == b""


def test_line_ends_and_the_byte_order_mark_are_kept() -> None:
    windows = ("\ufeff" + FLAG).replace("\n", "\r\n").encode()
    content = apply_edits(
        windows, "f.yaml", {2: [Edit(("metadata", "accepted"), 1), Edit(("spec", "description"), "a\nb")]}
    )
    assert content.startswith(b"\xef\xbb\xbf# yaml")
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert b"  accepted: 1\r\n" in content
    assert apply_edits(b"a: 1", "f.yaml", {1: [Edit(("b",), 2)]}) == b"a: 1\nb: 2\n"


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("a: &x {b: 1}\nc: *x\n", ("c", "b"), 2),
        ("a: &x {b: 1}\nc: *x\n", ("a", "b"), 2),
        ("a: {b: 1}\n...\n# after\n--- \n[1]\n", ("a", "b"), "x\ny: z"),
        ("? a\n: b\n", ("a",), [1, 2]),
        ("- - a\n  - b\n", ("x",), 1),
    ],
)
def test_unusual_yaml_is_edited_correctly_or_refused(text: str, path: tuple[str, ...], value: Any) -> None:
    try:
        content = apply_edits(text.encode(), "f.yaml", {1: [Edit(path, value)]})
    except EditError:
        return
    expected = parse_values(text)
    expected[0] = put_value(expected[0], path, value)
    assert parse_values(content.decode()) == expected


ANCHOR = """\
spec:
  environments:
    development: &on  # shared
      enabled: true
      strategies:
        - name: flexibleRollout
    production: *on  # as above
  other: 1
"""


@pytest.mark.parametrize(
    ("text", "path", "value", "edited"),
    [
        (
            ANCHOR,
            "spec/environments/development/enabled",
            False,
            ANCHOR.replace("true", "false")
            .replace(
                "production: *on",
                "production:",
            )
            .replace(
                "# as above\n", "# as above\n      enabled: true\n      strategies:\n        - name: flexibleRollout\n"
            ),
        ),
        (
            ANCHOR,
            "spec/environments/production/enabled",
            False,
            ANCHOR.replace("production: *on", "production:").replace(
                "# as above\n", "# as above\n      enabled: false\n      strategies:\n        - name: flexibleRollout\n"
            ),
        ),
        (ANCHOR, "spec/other", 2, ANCHOR.replace("other: 1", "other: 2")),
        ("a: &x {b: 1}\nc: *x\n", "a/b", 2, "a: &x {b: 2}\nc:\n  b: 1\n"),
        ("a: &x {b: 1}\nc: *x\n", "a", REMOVED, "c:\n  b: 1\n"),
        ("a: &x 1\nc: [*x, {d: *x}]\n", "a", 2, "a: 2\nc: [1, {d: 1}]\n"),
        ("a: &x [1]\nc:\n  - *x  # first\n  - 2\n", "a", [3], "a: [3]\nc:\n  - - 1  # first\n  - 2\n"),
        ("a: &x {b: &y 1}\nc: *x\nd: *y\n", "c/b", 2, "a: &x {b: &y 1}\nc:\n  b: 2\nd: *y\n"),
        ("a: &x {k: v}\nb: [*x, *x]\n", "b", [{"k": "v"}], "a: &x {k: v}\nb: [{k: v}]\n"),
    ],
)
def test_an_alias_that_shares_the_edited_value_is_written_out(text: str, path: str, value: Any, edited: str) -> None:
    assert apply_edits(text.encode(), "f.yaml", {1: [Edit(tuple(path.split("/")), value)]}).decode() == edited


@pytest.mark.parametrize("text", ["name: &n b\n? *n\n: 2\n", "name: &x b\nc: *x\nd: &x 1\n"])
def test_an_alias_that_cannot_be_written_out_is_refused_at_its_document(text: str) -> None:
    with pytest.raises(EditError) as error:
        apply_edits(f"a: 1\n---\n{text}".encode(), "f.yaml", {3: [Edit(("name",), "c")]})
    assert (error.value.path, error.value.line) == ("f.yaml", 3)


def test_a_file_that_has_changed_since_is_refused() -> None:
    with pytest.raises(EditError, match="the file has changed since it was read"):
        apply_edits(FLAG.encode(), "f.yaml", {3: [Edit(("a",), 1)]})
    with pytest.raises(EditError, match="the file has changed since it was read"):
        apply_edits(b"a: [", "f.yaml", {1: [Edit(("a",), 1)]})


def parse_values(text: str) -> list[Any]:
    documents, problems = parse_documents(text.encode(), "f.yaml")
    assert not problems
    return [document.value for document in documents]


def put_value(value: Any, path: tuple[str, ...], new: Any) -> Any:
    """Return a copy of `value` with `new` at `path`, or without the key at `path` when `new` is REMOVED."""
    result = json.loads(json.dumps(value))  # copies of aliased values are not shared
    parent = result
    for key in path[:-1]:
        if not isinstance(parent.get(key), dict):
            if new is REMOVED:
                return result
            parent[key] = {}
        parent = parent[key]
    if new is REMOVED:
        parent.pop(path[-1], None)
    else:
        parent[path[-1]] = new
    return result


KEYS = st.sampled_from(["a", "b", "name", "on", "x y", "1", "ü"])
TEXTS = st.sampled_from(["", "a", "yes", "1", "a: b", "# c", "it's", 'q"', "[x]", "日本", "two\nlines", "end\n", " s "])
SCALARS = st.none() | st.booleans() | st.integers(-5, 200) | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=10,
)
MAPPINGS = st.dictionaries(KEYS, VALUES, min_size=1, max_size=4)


@st.composite
def document_texts(draw: st.DrawFn) -> str:
    """Draw a document in block style, flow style, or both, with comments between and after its lines."""
    value = draw(MAPPINGS)
    text = dump_document(value)
    flows = {key: dump_flow(item) for key, item in value.items() if draw(st.booleans())}
    if flows:
        text = "".join(
            f"{dump_flow(key)}: {flows[key]}\n" if key in flows else dump_document({key: item})
            for key, item in value.items()
        )
    lines = []
    is_block = False
    for line in text.splitlines():
        is_block = is_block and (not line or line.startswith(" "))
        if not is_block and draw(st.integers(0, 3)) == 0:
            indent = " " * (len(line) - len(line.lstrip()))
            lines.append(f"{indent}# note {len(lines)}")
        is_block = is_block or line.endswith(("|", "|-"))
        has_comment = not is_block and draw(st.integers(0, 3)) == 0
        lines.append(f"{line}  # after" if has_comment else line)
    return "\n".join(lines) + draw(st.sampled_from(["\n", "\n\n", ""]))


@examples(3)
@given(st.lists(document_texts(), min_size=1, max_size=3), st.data())
def test_any_edit_gives_the_expected_values_and_keeps_the_other_text(texts: list[str], data: st.DataObject) -> None:
    texts = [text if text.endswith("\n") else f"{text}\n" for text in texts[:-1]] + texts[-1:]
    text = "---\n".join(texts)
    documents, problems = parse_documents(text.encode(), "f.yaml")
    assert not problems
    index = data.draw(st.integers(0, len(documents) - 1))
    value = documents[index].value
    path = draw_path(data, value)
    new = data.draw(VALUES | st.just(REMOVED))
    expected = [document.value for document in documents]
    expected[index] = put_value(value, path, new)
    line = documents[index].position.line
    try:
        result = apply_edits(text.encode(), "f.yaml", {line: [Edit(path, new)]}).decode()
    except EditError:
        assert new is REMOVED and expected[index] == {}  # noqa: PT018 - the last key of a document cannot be removed
        return
    assert json.dumps(parse_values(result), sort_keys=True) == json.dumps(expected, sort_keys=True)
    for other, part in enumerate(texts):
        if other != index:
            assert part.rstrip("\n") in result
    if expected[index] == value:
        assert result == text
    for key in value:  # the keys beside the edited one are still there
        if key != path[0]:
            assert dump_flow(key) in result


def draw_path(data: st.DataObject, value: Any) -> tuple[str, ...]:
    """Draw a path of keys into `value`. Each key exists, or is `fresh`."""
    path: tuple[str, ...] = ()
    while not path or (isinstance(value, dict) and value and data.draw(st.booleans())):
        path = (*path, data.draw(st.sampled_from([*value, "fresh"])))
        value = value.get(path[-1])
    return path


def test_strings_in_brackets_keep_their_quotes() -> None:
    text = """{"kind": "A", "metadata": {'name': 'b', "n": 1}}\n"""
    edits = [("kind", "B, or C"), ("metadata/name", "c"), ("metadata/n", 2), ("metadata/drift", "keep")]
    (_, after) = diff_lines(edits, 1, text)
    assert after == """+ {"kind": "B, or C", "metadata": {'name': 'c', "n": 2, "drift": keep}}"""


ALIASED = ["*x", "[*x, 1]", "{in: *x}", "\n  in: *x", "\n  - *x\n  - {on: *x}", "\n  deep:\n    - a: *x", "&y# {k: *x}"]


@examples(3)
@given(VALUES, st.lists(st.sampled_from(ALIASED), min_size=1, max_size=4), st.data())
def test_an_edit_changes_no_aliased_value_elsewhere(anchored: Any, uses: list[str], data: st.DataObject) -> None:
    flow = dump_flow(anchored)
    block = dump_document({"anchored": anchored})
    head = block.replace("anchored:", "anchored: &x", 1) if data.draw(st.booleans()) else f"anchored: &x {flow}\n"
    text = head + "".join(f"use{index}: {use.replace('#', str(index))}\n" for index, use in enumerate(uses))
    (value,) = parse_values(text)
    path = draw_path(data, value)
    new = data.draw(VALUES | st.just(REMOVED))
    try:
        result = apply_edits(text.encode(), "f.yaml", {1: [Edit(path, new)]}).decode()
    except EditError:  # what cannot be written out is refused, and no value changes
        assert not anchored, text
        return
    assert json.dumps(parse_values(result), sort_keys=True) == json.dumps([put_value(value, path, new)], sort_keys=True)
