"""Why a part differs, told from an object's events: the log against what is live and what the file says."""

from __future__ import annotations

from typing import Any

import pytest

from unleash_gitops.api.audit_log import Actor, Event
from unleash_gitops.drift.object_history import ObjectHistory
from unleash_gitops.engine.parts import ABSENT, find_differing_parts, value_at, with_value
from unleash_gitops.model.resource import UnknownValue

US, OTHER, PERSON = Actor(-42, "us"), Actor(-42, "other"), Actor(7, "admin")
UNTOLD = UnknownValue()

Told = tuple[Actor, Any, Any]
"""Who changed the part from what to what; an object that is not there is None."""


def past(*told: Told, **more: Any) -> ObjectHistory:
    """Return the past of an object with the part `a`, oldest event first; events are numbered from 1."""
    events = [Event(number, "changed", actor, f"2026-01-0{number}") for number, (actor, _, _) in enumerate(told, 1)]
    steps = [tuple(None if value is None else {"a": value} for value in (before, after)) for _, before, after in told]
    return ObjectHistory(events[::-1], steps[::-1], US, **more)


def verdict(now: Any, said: Any, *told: Told, **more: Any) -> tuple[str, str | None]:
    """Return the origin of a part that is `now` and of which the file says `said`, and who changed it."""
    found = past(*told, **more).trace(("a",), now).judge(lambda base: bool(base == said))
    return found.origin, found.changed.by if found.changed is not None else None


MADE = (US, None, 1)


@pytest.mark.parametrize(
    ("now", "said", "told", "expected"),
    [
        (1, 2, [MADE], ("file", None)),
        (1, 3, [MADE, (US, 1, 2), (US, 2, 1)], ("file", None)),
        (2, 1, [MADE, (PERSON, 1, 2)], ("drift", "admin")),
        (2, 1, [MADE, (PERSON, 1, 3), (OTHER, 3, 2)], ("drift", "other")),
        (2, 3, [MADE, (PERSON, 1, 2)], ("conflict", "admin")),
        (1, 3, [MADE, (PERSON, 1, 2), (PERSON, 2, 1)], ("file", None)),
        (2, 3, [MADE, (PERSON, 1, 5), (US, 5, 2)], ("file", None)),
        (2, 3, [(PERSON, None, 2)], ("unknown", "admin")),
        (2, 3, [], ("unknown", None)),
        (2, 3, [(PERSON, None, 2), (US, 2, 2)], ("file", None)),  # we wrote the object, and left the part as it was
        (4, 2, [(PERSON, None, 2), (US, 2, 2), (PERSON, 2, 4)], ("drift", "admin")),
        (2, 1, [MADE, (PERSON, UNTOLD, 2)], ("drift", "admin")),
        (2, 1, [(US, None, UNTOLD), (PERSON, UNTOLD, 2)], ("conflict", "admin")),
        (5, 1, [MADE], ("unknown", None)),  # the log says 1 and it is 5: something is missing
        (5, 1, [MADE, (PERSON, 1, 2)], ("drift", "admin")),
        (1, 3, [MADE, (PERSON, 1, 2)], ("conflict", "admin")),  # changed between what was read first and the log
        (ABSENT, 1, [MADE, (PERSON, 1, None)], ("drift", "admin")),
    ],
)
def test_why_it_differs(now: Any, said: Any, told: list[Told], expected: tuple[str, str | None]) -> None:
    assert verdict(now, said, *told) == expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([(OTHER, None, 1), (PERSON, 1, 2)], ("drift", "admin")),
        ([(OTHER, None, 1), (OTHER, 1, 2)], ("file", None)),
        ([(OTHER, None, 0), (US, 0, 1), (OTHER, 1, 2)], ("drift", "other")),  # somebody else since we are
    ],
)
def test_who_made_it_is_us_until_we_write(told: list[Told], expected: tuple[str, str | None]) -> None:
    assert verdict(2, 1, *told, claimed_by=OTHER) == expected


def test_others_who_apply_are_us() -> None:
    assert verdict(2, 1, MADE, (OTHER, 1, 2), trusted_actors=("other",)) == ("file", None)
    assert verdict(2, 1, MADE, (PERSON, 1, 2), trusted_actors=("other",)) == ("drift", "admin")


def test_what_was_accepted_is_settled() -> None:
    told = [MADE, (PERSON, 1, 2)]
    assert verdict(2, 3, *told, accepted=1) == ("conflict", "admin")
    assert verdict(2, 3, *told, accepted=2) == ("file", None)
    assert verdict(4, 2, *told, (PERSON, 2, 4), accepted=2) == ("drift", "admin")
    assert verdict(2, 1, *told, accepted=4711) == ("drift", "admin")  # another instance's


def test_people_are_their_account_and_tokens_their_name() -> None:
    assert PERSON.same(Actor(7, "admin-renamed"))
    assert not PERSON.same(Actor(8, "admin"))
    assert not US.same(OTHER)
    assert not Actor(None, "us").same(US)


def test_of_what_no_file_has_others_changes_are_told() -> None:
    whole, parts = past(MADE, (PERSON, 1, 2)).judge_undocumented({"a": 2})
    assert (whole.origin, list(parts)) == ("conflict", [("a",)])
    assert whole.changed is not None
    assert (whole.changed.by, whole.changed.event) == ("admin", 2)
    assert past(MADE).judge_undocumented({"a": 1})[0].origin == "file"
    assert past((PERSON, None, 1)).judge_undocumented({"a": 1})[0].origin == "drift"
    assert past((PERSON, 0, 1)).judge_undocumented({"a": 1})[0].origin == "unknown"


def test_the_base_of_a_part_and_its_last_change() -> None:
    found = past(MADE, (PERSON, 1, 2))
    assert found.find_base(("a",), {"a": 2}) == 1
    last = found.find_last_change([("a",)])
    assert (last.by, last.at, last.event) == ("admin", "2026-01-02", 2) if last else pytest.fail("nobody")
    assert found.find_last_change([("b",)]) is None


def test_parts() -> None:
    before = {"a": {"b": 1, "c": [1]}, "d": 1}
    after = {"a": {"b": 1, "c": [2], "e": None}, "f": {}}
    assert [*find_differing_parts(before, after)] == [("a", "c"), ("a", "e"), ("d",), ("f",)]
    assert (value_at(before, ("a", "c")), value_at(before, ("a", "x", "y"))) == ([1], ABSENT)
    assert (value_at(None, ()), value_at({}, ())) == (ABSENT, True)
    assert value_at({"a": UNTOLD}, ("a", "b")) is UNTOLD
    assert with_value(before, ("a", "b"), ABSENT) == {"a": {"c": [1]}, "d": 1}
    assert with_value(before, ("x", "y"), 2) == {**before, "x": {"y": 2}}
