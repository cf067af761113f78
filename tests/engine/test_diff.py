"""Two specs to the parts and fields that differ."""

from __future__ import annotations

from unleash_gitops.engine.diff import diff_fields, diff_parts


def test_fields_are_grouped_by_their_part_and_named_by_their_path() -> None:
    before = {"e": {"p": {"on": True, "list": [{"a": 1, "b": 2}, {"a": 3}]}}, "x.y": 1}
    after = {"e": {"p": {"on": False, "list": [{"a": 1, "b": 4, "c": 5}]}, "q": {"on": True}}}
    parts = diff_parts(before, after)
    assert {part.path: sorted((field.path, field.before, field.after) for field in part.fields) for part in parts} == {
        ("e", "p", "on"): [("e.p.on", True, False)],
        ("e", "p", "list"): [
            ("e.p.list[0].b", 2, 4),
            ("e.p.list[0].c", None, 5),
            ("e.p.list[1]", {"a": 3}, None),
        ],
        ("e", "q"): [("e.q", None, {"on": True})],
        ("x.y",): [('["x.y"]', 1, None)],
    }
    fields = diff_fields(before, after)
    assert sorted(field.path for part in parts for field in part.fields) == [field.path for field in fields]


def test_a_part_whose_path_begins_like_another_one_is_apart() -> None:
    parts = diff_parts({"a": [1], "ab": [1], "a.b": [1]}, {"a": [2], "ab": [2], "a.b": [2]})
    assert [[field.path for field in part.fields] for part in parts] == [["a[0]"], ["ab[0]"], ['["a.b"][0]']]


def test_keys_that_begin_with_underscores_are_compared() -> None:
    (part,) = diff_parts({"list": [{"__name__": "a"}]}, {"list": [{"__name__": "b"}]})
    assert [(field.path, field.before, field.after) for field in part.fields] == [("list[0].__name__", "a", "b")]
    assert [field.path for field in diff_fields({"__name__": ["a"]}, {"__name__": ["b"]})] == ["__name__[0]"]
