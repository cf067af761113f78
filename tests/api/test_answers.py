"""An answer of another form is told by its place, without its values; the rest of this package's errors are bugs."""

from __future__ import annotations

from typing import Any, NotRequired

import pytest
from pydantic import BaseModel
from typing_extensions import TypedDict

from unleash_gitops.api.answers import check_answer, parse_answer, read_entries, read_pages
from unleash_gitops.model.errors import UnexpectedAnswer

PATH = "/api/admin/things"
UNKNOWN = f"GET {PATH}: the answer is not of the form that this version knows: "


class Thing(TypedDict):
    name: str
    size: NotRequired[int]


class Things(TypedDict):
    things: list[Thing]


class ThingsModel(BaseModel):
    things: list[dict[str, int]]


def test_an_answer_of_the_known_form_is_returned_as_it_is() -> None:
    answer = {"things": [{"name": "a", "other": {}}], "total": 1}
    assert check_answer(Things, answer, PATH) is answer


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (None, "the answer: Input should be a valid dictionary"),
        ([], "the answer: Input should be a valid dictionary"),
        ({}, "things: Field required"),
        ({"things": None}, "things: Input should be a valid list"),
        ({"things": [{"name": "a"}, {"size": 1}]}, "things[1].name: Field required"),
        ({"things": [{"name": 5}]}, "things[0].name: Input should be a valid string"),
        ({"things": [{"name": "a", "size": "secret"}]}, "things[0].size: Input should be a valid integer"),
    ],
)
def test_an_answer_of_another_form_is_told_by_its_place(answer: Any, problem: str) -> None:
    with pytest.raises(UnexpectedAnswer) as caught:
        check_answer(Things, answer, f"{PATH}?limit=5")
    assert str(caught.value) == UNKNOWN + problem


def test_the_cause_has_every_mismatch_and_no_value() -> None:
    with pytest.raises(UnexpectedAnswer) as caught:
        parse_answer(ThingsModel, {"things": [{"a": "secret-1"}, {"b": "secret-2"}]}, PATH)
    integer = "Input should be a valid integer, unable to parse string as an integer"
    assert str(caught.value.__cause__) == f"things[0].a: {integer}\nthings[1].b: {integer}"


@pytest.mark.parametrize(
    ("answer", "key", "problem"),
    [
        ({"other": []}, "things", "the answer has no list things"),
        ({"things": {}}, "things", "the answer has no list things"),
        ([], "things", "the answer has no list things"),
        ("text", "things", "the answer has no list things"),
        ({"things": []}, None, "the answer is not a list"),
    ],
)
def test_an_answer_without_its_list_is_told(answer: Any, key: str | None, problem: str) -> None:
    with pytest.raises(UnexpectedAnswer) as caught:
        read_entries(answer, key, PATH)
    assert str(caught.value) == f"GET {PATH}: {problem}"


def test_the_list_of_an_answer_is_returned() -> None:
    entries = [1, {}]
    assert read_entries({"things": entries}, "things", PATH) is entries
    assert read_entries(entries, None, PATH) is entries


def test_all_pages_of_a_list_are_read() -> None:
    entries = list(range(25))
    assert list(read_pages(lambda offset: (entries[offset : offset + 10], 25), 10, PATH)) == entries


@pytest.mark.parametrize(
    ("page", "problem"),
    [([], "the answer is empty, but the list goes on"), ([1] * 10, "the list has more than 1000 pages")],
)
def test_a_list_that_never_ends_is_an_unexpected_answer(page: list[int], problem: str) -> None:
    with pytest.raises(UnexpectedAnswer) as caught:
        list(read_pages(lambda _offset: (page, 10**30), 10, PATH))
    assert str(caught.value) == f"GET {PATH}: {problem}"
