"""The parts that an object is compared by."""

from __future__ import annotations

from unleash_gitops.engine.parts import ABSENT, find_differing_parts, list_parts, value_at, with_value
from unleash_gitops.model.resource import UnknownValue

NOT_LOGGED = UnknownValue()


def test_parts_are_found_read_and_set() -> None:
    before = {"a": {"b": 1, "c": [1]}, "d": 1}
    after = {"a": {"b": 1, "c": [2], "e": None}, "f": {}}
    assert [*find_differing_parts(before, after)] == [("a", "c"), ("a", "e"), ("d",), ("f",)]
    assert (value_at(before, ("a", "c")), value_at(before, ("a", "x", "y"))) == ([1], ABSENT)
    assert (value_at(None, ()), value_at({}, ())) == (ABSENT, True)
    assert value_at({"a": NOT_LOGGED}, ("a", "b")) is NOT_LOGGED
    assert with_value(before, ("a", "b"), ABSENT) == {"a": {"c": [1]}, "d": 1}
    assert with_value(before, ("x", "y"), 2) == {**before, "x": {"y": 2}}


def test_an_empty_mapping_is_one_part() -> None:
    assert [*list_parts({"a": {"b": 1, "c": {}}, "d": [1]})] == [("a", "b"), ("a", "c"), ("d",)]
