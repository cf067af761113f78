"""What the events of objects tell of their past, also where an event tells only what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from kinds.named import MARK, Answers
from unleash_gitops.api.audit_log import Actor, Event
from unleash_gitops.kinds import kinds
from unleash_gitops.model.resource import UnknownValue

US = Actor(-42, "us")
Told = tuple[str, Any, Any]
"""The end of an event's type, and what it has of the object after and before."""


def log(kind: str, told: Sequence[Told]) -> list[Event]:
    """Return events of a kind, newest first; they are given oldest first."""
    noun = kinds()[kind].events[0].removesuffix("-created")
    events = [
        Event(number, f"{noun}-{end}", US, f"2026-01-01T00:00:{number:02}Z", data, before)
        for number, (end, data, before) in enumerate(told, 1)
    ]
    return events[::-1]


def history_states(kind: str, told: Sequence[Told], field: str, one: str = "a") -> list[Any]:
    """Return what a field was before and after each event, the oldest first: `absent`, `unknown`, or its value."""
    steps = [*kinds()[kind].history_states(None, one, log(kind, told), Answers())]  # type: ignore[arg-type]
    return [tuple(_shown(side, field) for side in step) for step in steps[::-1]]


def _shown(side: Any, field: str) -> Any:
    if side is None:
        return "absent"
    found = side if isinstance(side, UnknownValue) else side[field]
    return "unknown" if isinstance(found, UnknownValue) else found


def test_what_an_object_was_is_what_the_event_before_says() -> None:
    told = [("created", {"name": "a", "icon": "A"}, None), ("updated", {"name": "a", "icon": "B"}, None)]
    assert history_states("TagType", told, "icon") == [("absent", "A"), ("A", "B")]


def test_what_an_update_leaves_out_stays() -> None:
    told = [("created", {"name": "a", "icon": "A"}, None), ("updated", {"name": "a", "description": "d"}, None)]
    assert history_states("TagType", told, "icon") == [("absent", "A"), ("A", "A")]


def test_what_the_log_begins_with_is_known_only_after_it() -> None:
    assert history_states("TagType", [("updated", {"name": "a", "icon": "B"}, None)], "icon") == [("unknown", "B")]
    assert history_states("Strategy", [("deleted", {"name": "a"}, None)], "title") == [("unknown", "absent")]
    assert history_states("Strategy", [("deprecated", {"name": "a"}, None)], "deprecated") == [("unknown", "unknown")]


def test_what_was_deleted_and_made_again() -> None:
    told = [
        ("created", {"name": "a", "title": "A"}, None),
        ("deleted", {"name": "a"}, None),
        ("created", {"name": "a", "title": "B"}, None),
    ]
    assert history_states("Strategy", told, "title") == [("absent", "A"), ("A", "absent"), ("absent", "B")]


def test_no_event_but_its_own_tells_that_a_strategy_is_deprecated() -> None:
    whole = {"name": "a", "deprecated": False}
    told = [
        ("created", whole, None),
        ("deprecated", {"name": "a"}, None),
        ("updated", whole, None),  # says false whatever it is
        ("reactivated", {"name": "a"}, None),
    ]
    assert history_states("Strategy", told, "deprecated") == [
        ("absent", False), (False, True), (True, True), (True, False),
    ]  # fmt: skip


def test_of_another_name_it_is_another_object() -> None:
    told = [("updated", {"id": 1, "name": "b", "constraints": []}, {"id": 1, "name": "a", "constraints": []})]
    assert history_states("Segment", told, "constraints") == [([], "absent")]
    assert history_states("Segment", told, "constraints", "b") == [("absent", [])]
    event = log("Segment", told)[0]
    assert set(kinds()["Segment"].event_subjects(event, "w")) == {"a", "b"}


def test_of_the_parameters_of_an_integration_nothing_is_told() -> None:
    words = f"unleash-gitops name: a\n{MARK}"
    facts = {"id": 7, "provider": "webhook", "enabled": True, "events": [], "description": words}
    (event,) = log("Addon", [("created", facts, None)])
    (identifier,) = kinds()["Addon"].event_subjects(event, "w")
    assert history_states("Addon", [("created", facts, None)], "parameters", identifier) == [("absent", "unknown")]
    assert history_states("Addon", [("created", facts, None)], "enabled", identifier) == [("absent", True)]


def test_an_event_that_is_not_understood_tells_nothing() -> None:
    told = [("created", {"name": "a"}, None), ("updated", "gone wrong", None), ("deleted", None, ["x"])]
    assert history_states("TagType", told, "icon") == [("absent", ""), ("", "unknown"), ("unknown", "absent")]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([("created", f"x\n{MARK}"), ("updated", f"y\n{MARK}")], 1),
        ([("created", "x"), ("updated", f"x\n{MARK}"), ("updated", f"y\n{MARK}")], 2),
        ([("created", f"x\n{MARK}"), ("updated", "x"), ("updated", f"x\n{MARK}")], 3),
        ([("updated", f"y\n{MARK}")], None),  # it may have been marked before
        ([("created", "x")], None),
    ],
)
def test_which_event_marked_it(told: list[tuple[str, str]], expected: int | None) -> None:
    events = log("TagType", [(end, {"name": "a", "description": words}, None) for end, words in told])
    marker = kinds()["TagType"].find_marking_event(events, "w")
    assert (None if marker is None else marker.id) == expected
