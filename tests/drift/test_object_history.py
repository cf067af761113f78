"""Why a part differs: an object's events against its live value and the value in its file."""

from __future__ import annotations

from typing import Any

import pytest

from unleash_gitops.api.audit_log import Actor, Event
from unleash_gitops.drift.object_history import ObjectHistory, Verdict
from unleash_gitops.engine.parts import ABSENT
from unleash_gitops.model.resource import UnknownValue

US, OTHER, PERSON = Actor(-42, "us"), Actor(-42, "other"), Actor(7, "admin")
NOT_LOGGED = UnknownValue()
UNREADABLE = UnknownValue("event 2 is of another form")

Logged = tuple[Actor, Any, Any]
"""Who changed the part, from which value, to which value; None stands for an object that does not exist."""


def history(*changes: Logged, **more: Any) -> ObjectHistory:
    """Return the history of an object with the part `a`, oldest event first; events are numbered from 1."""
    events = [Event(number, "changed", actor, f"2026-01-0{number}") for number, (actor, _, _) in enumerate(changes, 1)]
    transitions = [
        tuple(None if value is None else {"a": value} for value in (before, after)) for _, before, after in changes
    ]
    return ObjectHistory(events[::-1], transitions[::-1], US, **more)


def judge(now: Any, written: Any, *changes: Logged, **more: Any) -> Verdict:
    """Return why a part differs whose live value is `now`, and whose value in the file is `written`."""
    return history(*changes, **more).trace(("a",), now).judge(lambda base: bool(base == written))


def verdict(now: Any, written: Any, *changes: Logged, **more: Any) -> tuple[str, str | None]:
    """Return the origin of such a part, and who changed it."""
    judged = judge(now, written, *changes, **more)
    return judged.origin, judged.changed.by if judged.changed is not None else None


MADE = (US, None, 1)


@pytest.mark.parametrize(
    ("now", "written", "changes", "expected"),
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
        (2, 1, [MADE, (PERSON, NOT_LOGGED, 2)], ("drift", "admin")),
        (2, 1, [(US, None, NOT_LOGGED), (PERSON, NOT_LOGGED, 2)], ("conflict", "admin")),
        (5, 1, [MADE], ("unknown", None)),  # the log says 1 and it is 5: something is missing
        (5, 1, [MADE, (PERSON, 1, 2)], ("drift", "admin")),
        (1, 3, [MADE, (PERSON, 1, 2)], ("conflict", "admin")),  # changed between what was read first and the log
        (ABSENT, 1, [MADE, (PERSON, 1, None)], ("drift", "admin")),
    ],
)
def test_a_part_differs_for_one_of_four_reasons(
    now: Any, written: Any, changes: list[Logged], expected: tuple[str, str | None]
) -> None:
    assert verdict(now, written, *changes) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([(OTHER, None, 1), (PERSON, 1, 2)], ("drift", "admin")),
        ([(OTHER, None, 1), (OTHER, 1, 2)], ("file", None)),
        ([(OTHER, None, 0), (US, 0, 1), (OTHER, 1, 2)], ("drift", "other")),  # somebody else since we are
    ],
)
def test_changes_by_the_creator_are_our_own_until_our_first_write(
    changes: list[Logged], expected: tuple[str, str | None]
) -> None:
    assert verdict(2, 1, *changes, claimed_by=OTHER) == expected


def test_what_no_event_shows_is_of_unknown_origin() -> None:
    """The value of such a part is unknown on both sides of each event, which may have changed it or not."""
    hidden = UnknownValue(ambiguous=True)
    assert verdict(1, 2, (US, None, hidden)) == ("unknown", None)
    assert verdict(1, 2, (US, None, hidden), (PERSON, hidden, hidden)) == ("unknown", "admin")
    assert verdict(1, 2, (US, None, hidden), (PERSON, hidden, hidden), (US, hidden, hidden)) == ("unknown", None)


def test_changes_by_trusted_actors_are_our_own() -> None:
    assert verdict(2, 1, MADE, (OTHER, 1, 2), trusted_actors=("other",)) == ("file", None)
    assert verdict(2, 1, MADE, (PERSON, 1, 2), trusted_actors=("other",)) == ("drift", "admin")


def test_changes_up_to_the_accepted_event_are_no_drift() -> None:
    changes = [MADE, (PERSON, 1, 2)]
    assert verdict(2, 3, *changes, accepted=1) == ("conflict", "admin")
    assert verdict(2, 3, *changes, accepted=2) == ("file", None)
    assert verdict(4, 2, *changes, (PERSON, 2, 4), accepted=2) == ("drift", "admin")
    assert verdict(2, 1, *changes, accepted=4711) == ("drift", "admin")  # of another instance


def test_people_are_their_account_and_tokens_their_name() -> None:
    assert PERSON.same(Actor(7, "admin-renamed"))
    assert not PERSON.same(Actor(8, "admin"))
    assert not US.same(OTHER)
    assert not Actor(None, "us").same(US)


def test_changes_of_an_undocumented_object_are_attributed() -> None:
    whole, parts = history(MADE, (PERSON, 1, 2)).judge_undocumented({"a": 2})
    assert (whole.origin, list(parts)) == ("conflict", [("a",)])
    assert whole.changed is not None
    assert (whole.changed.by, whole.changed.event) == ("admin", 2)
    assert history(MADE).judge_undocumented({"a": 1})[0].origin == "file"
    assert history((PERSON, None, 1)).judge_undocumented({"a": 1})[0].origin == "drift"
    assert history((PERSON, 0, 1)).judge_undocumented({"a": 1})[0].origin == "unknown"


def test_the_base_of_a_part_and_its_last_change() -> None:
    log = history(MADE, (PERSON, 1, 2))
    assert log.find_base(("a",), {"a": 2}) == 1
    last = log.find_last_change([("a",)])
    assert last is not None
    assert (last.by, last.at, last.event) == ("admin", "2026-01-02", 2)
    assert log.find_last_change([("b",)]) is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([(US, None, 1), (US, UNREADABLE, UNREADABLE)], ("unknown", UNREADABLE.error)),
        ([(US, None, 1), (PERSON, 1, 5), (US, UNREADABLE, 2)], ("unknown", UNREADABLE.error)),  # may hide the person's
        ([(PERSON, UNREADABLE, UNREADABLE)], ("unknown", UNREADABLE.error)),
        ([(US, None, 1), (PERSON, UNREADABLE, 2)], ("drift", None)),
        ([(US, None, UNREADABLE), (PERSON, UNREADABLE, 2)], ("conflict", None)),
        ([(US, None, 1), (PERSON, 1, 2)], ("drift", None)),
        ([(PERSON, UNREADABLE, 3), (US, 3, 2)], ("file", None)),  # older than our last change
        ([(PERSON, NOT_LOGGED, 2)], ("unknown", None)),
    ],
)
def test_an_event_that_cannot_be_understood_is_the_error_of_the_part(
    changes: list[Logged], expected: tuple[str, str | None]
) -> None:
    judged = judge(2, 1, *changes)
    assert (judged.origin, judged.error) == expected


def test_what_was_accepted_does_not_depend_on_an_older_event_that_cannot_be_understood() -> None:
    changes: list[Logged] = [MADE, (PERSON, UNREADABLE, 2)]
    assert (judge(2, 3, *changes, accepted=2).origin, judge(2, 3, *changes, accepted=2).error) == ("file", None)


def test_the_parts_of_an_undocumented_object_include_those_whose_log_cannot_be_understood() -> None:
    whole, parts = history(MADE, (US, UNREADABLE, UNREADABLE)).judge_undocumented({"a": 1})
    assert whole.origin == "file"
    assert {path: verdict.error for path, verdict in parts.items()} == {("a",): UNREADABLE.error}


@pytest.mark.parametrize(
    ("now", "written", "changes", "expected"),
    [
        (2, 1, [(PERSON, 1, 2)], ("drift", "admin")),
        (3, 1, [(PERSON, 1, 2), (OTHER, 2, 3)], ("drift", "other")),
        (2, 3, [(PERSON, 1, 2)], ("unknown", "admin")),
        (1, 2, [(PERSON, 1, 2), (PERSON, 2, 1)], ("unknown", "admin")),
        (2, 1, [(PERSON, NOT_LOGGED, 2)], ("unknown", "admin")),
        (3, 1, [(PERSON, 1, 2)], ("unknown", "admin")),  # an event is missing
        (2, 1, [], ("unknown", None)),
        (2, 1, [(US, 3, 1), (PERSON, 1, 2)], ("drift", "admin")),
    ],
)
def test_of_an_object_of_the_server_the_oldest_logged_value_counts(
    now: Any, written: Any, changes: list[Logged], expected: tuple[str, str | None]
) -> None:
    assert verdict(now, written, *changes, assumes_oldest=True) == expected
