"""Edits of a file by position: exactly what was wanted changes, and nothing else."""

from __future__ import annotations

import copy
import difflib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from properties import examples
from unleash_gitops.documents.yamldoc import REMOVED, Edit, Unwritable, apply_edits, dump_document, parse_documents
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


def changed(edits: list[tuple[str, Any]], line: int = 2, text: str = FLAG) -> list[str]:
    """Return the lines that go (-) and come (+) by `edits`, each a path with slashes and a value."""
    wanted = [Edit(tuple(path.split("/")), value) for path, value in edits]
    before = text.splitlines()
    after = apply_edits(text.encode(), "f.yaml", {line: wanted}).decode().splitlines()
    return [one for one in difflib.ndiff(before, after) if one[0] in "+-"]


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
def test_what_changes(edits: list[tuple[str, Any]], lines: list[str]) -> None:
    assert sorted(changed(edits)) == sorted(lines)


def test_items_of_a_list_beside_its_key() -> None:
    assert changed([("values", ["new", "b", "c"])], 26) == ["- - a", "+ - new", "+ - c"]
    assert changed([("values", ["b"])], 26) == ["- - a"]
    assert changed([("values", [{"deep": [1]}, "b"])], 26) == ["- - a", "+ - deep:", "+     - 1"]


def test_a_document_goes() -> None:
    assert (
        apply_edits(FLAG.encode(), "f.yaml", {2: None}).decode() == FLAG.splitlines(True)[0] + FLAG[FLAG.index("---") :]
    )
    assert apply_edits(FLAG.encode(), "f.yaml", {26: None}).decode() == FLAG[: FLAG.index("---")]
    assert apply_edits(FLAG.encode(), "f.yaml", {2: None, 26: None}) == b""


def test_line_ends_and_the_mark_at_the_beginning_stay() -> None:
    windows = ("\ufeff" + FLAG).replace("\n", "\r\n").encode()
    found = apply_edits(
        windows, "f.yaml", {2: [Edit(("metadata", "accepted"), 1), Edit(("spec", "description"), "a\nb")]}
    )
    assert found.startswith(b"\xef\xbb\xbf# yaml")
    assert b"\n" not in found.replace(b"\r\n", b"")
    assert b"  accepted: 1\r\n" in found
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
def test_what_is_written_in_a_strange_way_is_right_or_refused(text: str, path: tuple[str, ...], value: Any) -> None:
    try:
        found = apply_edits(text.encode(), "f.yaml", {1: [Edit(path, value)]})
    except Unwritable:
        return
    before, after = values(text), values(found.decode())
    before[0] = put(before[0], path, value)
    assert after == before


def test_a_file_that_changed_meanwhile_is_refused() -> None:
    with pytest.raises(Unwritable, match="not what it was"):
        apply_edits(FLAG.encode(), "f.yaml", {3: [Edit(("a",), 1)]})
    with pytest.raises(Unwritable, match="not what it was"):
        apply_edits(b"a: [", "f.yaml", {1: [Edit(("a",), 1)]})


def values(text: str) -> list[Any]:
    documents, problems = parse_documents(text.encode(), "f.yaml")
    assert not problems
    return [one.value for one in documents]


def put(value: Any, path: tuple[str, ...], new: Any) -> Any:
    found = copy.deepcopy(value)
    at = found
    for key in path[:-1]:
        if not isinstance(at.get(key), dict):
            if new is REMOVED:
                return found
            at[key] = {}
        at = at[key]
    if new is REMOVED:
        at.pop(path[-1], None)
    else:
        at[path[-1]] = new
    return found


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
def written(draw: st.DrawFn) -> str:
    """Draw a document in one of several ways of writing, with comments between and behind its lines."""
    value = draw(MAPPINGS)
    text = dump_document(value)
    flows = {key: dump_flow(one) for key, one in value.items() if draw(st.booleans())}
    if flows:
        text = "".join(
            f"{dump_flow(key)}: {flows[key]}\n" if key in flows else dump_document({key: one})
            for key, one in value.items()
        )
    lines = []
    block = False
    for line in text.splitlines():
        block = block and (not line or line.startswith(" "))
        if not block and draw(st.integers(0, 3)) == 0:
            indent = " " * (len(line) - len(line.lstrip()))
            lines.append(f"{indent}# note {len(lines)}")
        block = block or line.endswith(("|", "|-"))
        behind = not block and draw(st.integers(0, 3)) == 0
        lines.append(f"{line}  # behind" if behind else line)
    return "\n".join(lines) + draw(st.sampled_from(["\n", "\n\n", ""]))


@examples(3)
@given(st.lists(written(), min_size=1, max_size=3), st.data())
def test_any_edit_gives_what_is_wanted_and_leaves_the_rest(texts: list[str], data: st.DataObject) -> None:
    texts = [text if text.endswith("\n") else f"{text}\n" for text in texts[:-1]] + texts[-1:]
    text = "---\n".join(texts)
    documents, problems = parse_documents(text.encode(), "f.yaml")
    assert not problems
    place = data.draw(st.integers(0, len(documents) - 1))
    value = documents[place].value
    path: tuple[str, ...] = ()
    at = value
    while not path or (isinstance(at, dict) and at and data.draw(st.booleans())):
        path = (*path, data.draw(st.sampled_from([*at, "fresh"])))
        at = at.get(path[-1])
    new = data.draw(VALUES | st.just(REMOVED))
    wanted = [one.value for one in documents]
    wanted[place] = put(value, path, new)
    line = documents[place].position.line
    try:
        found = apply_edits(text.encode(), "f.yaml", {line: [Edit(path, new)]}).decode()
    except Unwritable:
        assert new is REMOVED and wanted[place] == {}  # noqa: PT018 - nothing can stand for a document without keys
        return
    assert json.dumps(values(found), sort_keys=True) == json.dumps(wanted, sort_keys=True)
    for other, part in enumerate(texts):
        if other != place:
            assert part.rstrip("\n") in found
    if wanted[place] == value:
        assert found == text
    top = path[0]
    for key in value:  # what stands beside the edited key keeps its lines, comments and all
        if key != top:
            assert dump_flow(key) in found


def test_quotes_stay_in_brackets() -> None:
    text = """{"kind": "A", "metadata": {'name': 'b', "n": 1}}\n"""
    edits = [("kind", "B, or C"), ("metadata/name", "c"), ("metadata/n", 2), ("metadata/drift", "keep")]
    (_, after) = changed(edits, 1, text)
    assert after == """+ {"kind": "B, or C", "metadata": {'name': 'c', "n": 2, "drift": keep}}"""
