"""A request is tried again a bounded number of times and for a bounded time, whatever the server asks for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from properties import examples
from unleash_gitops.api import retries
from unleash_gitops.api.retries import Retries, describe_seconds, parse_retry_after, parse_seconds

NOW = "Tue, 15 Nov 1994 08:12:31 GMT"
headers = st.sampled_from(
    [
        "0",
        "1",
        "60",
        "86400",
        "-5",
        "0.5",
        "²",
        "٣",
        "NaN",
        "inf",
        "1e9",
        "9" * 400,
        "0x10",
        "1_000",
        "",
        NOW,
        "Wed, 99",
    ]
) | st.text(max_size=10)


class Clock:
    """A monotonic clock that moves only while a test waits."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@examples(8.0)
@given(st.lists(headers, min_size=60, max_size=60), st.booleans(), st.floats(0, 40))
def test_no_sequence_of_answers_makes_a_request_endless(
    asked: list[str], has_answered: bool, seconds_of_an_attempt: float
) -> None:
    clock = Clock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retries, "time", clock)
        request = Retries(has_answered=has_answered)
        attempts = 0
        for header in asked:
            attempts += 1
            clock.now += seconds_of_an_attempt
            wait = request.next_wait(parse_retry_after({"retry-after": header}))
            if wait is None:
                break
            assert wait > 0.1
            clock.now += wait
    assert attempts <= retries.MOST_ATTEMPTS
    assert clock.now - 1000 <= retries.LONGEST_RETRY_TIME + seconds_of_an_attempt


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        (" 0 ", 0.0),
        ("1.5", 1.5),
        ("86400", 86400.0),
        ("9" * 400, float("inf")),
        *(
            (text, None)
            for text in ["-5", "+5", "²", "٣", "NaN", "inf", "1e9", "1_000", "0x10", ".5", "soon", "", "Wed, 99"]
        ),
    ],
)
def test_retry_after_is_a_number_in_ascii_digits(text: str, seconds: float | None) -> None:
    assert parse_retry_after({"retry-after": text}) == seconds


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        ("Tue, 15 Nov 1994 08:13:01 GMT", 30.0),
        ("Tue, 15 Nov 1994 08:00:00 GMT", 0.0),
        ("Mon, 01 Jan 1900 00:00:00 GMT", 0.0),
        ("Wed, 15 Nov 1995 08:12:31 GMT", 365 * 86400.0),
        ("Fri, 31 Dec 9999 23:59:59 -2359", None),
    ],
)
def test_a_time_of_day_is_compared_with_the_servers_own_clock(date: str, seconds: float | None) -> None:
    assert parse_retry_after({"retry-after": date, "date": NOW}) == seconds


def test_without_a_date_of_the_answer_a_time_of_day_is_compared_with_the_local_clock() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    seconds = parse_retry_after({"retry-after": later})
    assert seconds is not None
    assert 25 < seconds <= 30


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (119.0, "119 s"), (120.0, "2 minutes"), (7200.0, "2 hours"), (86400.0, "24 hours"),
     (172800.0, "2 days"), (float("inf"), "more than 1000 days")],
)  # fmt: skip
def test_a_wait_is_described_in_words(seconds: float, words: str) -> None:
    assert describe_seconds(seconds) == words


def test_a_number_has_no_sign_and_no_exponent() -> None:
    assert [parse_seconds(text) for text in ("10", "-1", "1e3")] == [10.0, None, None]
