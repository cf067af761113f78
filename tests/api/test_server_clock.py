"""The server's clock is estimated from the dates of its answers, not from this machine's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from properties import examples
from unleash_gitops.api.server_clock import ServerClock, parse_http_date

DATE = "Tue, 15 Nov 1994 08:12:31 GMT"
TIME = datetime(1994, 11, 15, 8, 12, 31, tzinfo=UTC)


class Seconds:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_time_goes_on_after_the_newest_answer() -> None:
    seconds = Seconds()
    clock = ServerClock(seconds)
    assert clock.now() is None
    clock.observe({"date": DATE})
    seconds.now += 2.5
    assert clock.now() == TIME + timedelta(seconds=2.5)
    clock.observe({"date": "Tue, 15 Nov 1994 08:12:40 GMT"})
    assert clock.now() == TIME + timedelta(seconds=9)


@pytest.mark.parametrize(("age", "seconds"), [("0", 0), ("30", 30), (" 30 ", 30)])
def test_the_age_of_a_cached_answer_is_added_to_its_date(age: str, seconds: int) -> None:
    clock = ServerClock(Seconds())
    clock.observe({"date": DATE, "age": age})
    assert clock.now() == TIME + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"date": "yesterday"},
        {"date": ""},
        {"date": "Tue, 15 Nov 1994 09:00:00 GMT", "age": "old"},
        {"date": "Tue, 15 Nov 1994 09:00:00 GMT", "age": "-1"},
        {"date": "Fri, 31 Dec 9999 23:59:59 GMT", "age": "1"},
    ],
)
def test_an_answer_without_a_usable_date_changes_nothing(headers: dict[str, str]) -> None:
    clock = ServerClock(Seconds())
    clock.observe(headers)
    assert clock.now() is None
    clock.observe({"date": DATE})
    clock.observe(headers)
    assert clock.now() == TIME


def test_a_date_at_the_end_of_the_calendar_gives_no_time() -> None:
    seconds = Seconds()
    clock = ServerClock(seconds)
    clock.observe({"date": "Fri, 31 Dec 9999 23:59:59 GMT"})
    seconds.now += 1
    assert clock.now() is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (DATE, TIME),
        ("Tue, 15 Nov 1994 09:12:31 +0100", TIME),
        ("Tue, 15 Nov 1994 08:12:31 -0000", TIME),
        ("Tue, 15 Nov 1994", None),
        ("Tue, ²5 Nov 1994 08:12:31 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 -2359", None),
        ("Fri, 31 Dec 99999999999999999999 23:59:59 GMT", None),
        ("Fri, 31 Dec 1999 23:59:59 +99999999999999999999", None),
        ("²", None),
        ("", None),
    ],
)
def test_an_http_date_is_a_time_in_utc(text: str, expected: datetime | None) -> None:
    assert parse_http_date(text) == expected


@examples(1.0)
@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, \S{1,25} [A-Z][a-z]{2} \S{1,25} \S{1,3}:\S{1,3}(:\S+)? \S+"))
def test_any_text_is_a_time_or_none(text: str) -> None:
    date = parse_http_date(text)
    assert date is None or date.tzinfo is UTC
