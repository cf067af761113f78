"""Archived flags that a delete for good may have left, as the audit log names them."""

from __future__ import annotations

from typing import Any

import pytest

from kinds.named import Answers
from unleash_gitops.kinds.flags.half_deleted import read_half_deleted
from unleash_gitops.model.errors import ApiError, NotUnleash, ServerError

LOG = "search/events?type=IS_ANY_OF:feature-archived,feature-deleted,feature-revived&limit=1000&offset=0"
OURS, THEIRS = {"type": "gitops", "value": "w"}, {"type": "gitops", "value": "other"}


def event(number: int, kind: str, flag: str, *tags: dict[str, str], project: str = "p", **more: Any) -> dict[str, Any]:
    facts = {"id": number, "type": f"feature-{kind}", "createdAt": "2026-01-01T00:00:00.000Z", "createdBy": "x"}
    return {**facts, "featureName": flag, "project": project, "tags": list(tags), **more}


def find(*events: dict[str, Any], tags: dict[str, list[dict[str, str]] | None] | None = None) -> Any:
    """Return what is found in project p, where the flag `known` is active; `tags` are the live tags."""
    paths: dict[str, Any] = {LOG: {"events": list(events), "total": len(events)}}
    live = {name: None if found is None else {"tags": found} for name, found in (tags or {}).items()}
    paths |= {f"features/{name}/tags": answer for name, answer in live.items()}
    return read_half_deleted(Answers(paths), "p", {"known"})


def test_a_flag_whose_newest_event_is_that_it_was_archived_is_found() -> None:
    events = [event(2, "archived", "half", OURS), event(1, "revived", "half", OURS)]
    assert find(*events, tags={"half": [OURS, {"type": "team", "value": "a"}]}) == [("half", ["gitops:w", "team:a"])]


@pytest.mark.parametrize(
    "events",
    [
        [event(2, "deleted", "f", OURS), event(1, "archived", "f", OURS)],
        [event(2, "revived", "f", OURS), event(1, "archived", "f", OURS)],
        [event(1, "archived", "f", OURS, project="elsewhere")],
        [event(1, "archived", "known", OURS)],
        [event(1, "archived", "f", THEIRS)],
        [event(1, "archived", "f")],
        [event(1, "archived", "f") | {"tags": None}],
        [event(1, "archived", "f") | {"tags": "gitops:w"}],
    ],
)
def test_no_request_is_sent_for_another_flag(events: list[dict[str, Any]]) -> None:
    assert find(*events) == []


@pytest.mark.parametrize("live", [None, [THEIRS], []])
def test_a_flag_that_no_longer_bears_the_mark_is_not_found(live: list[dict[str, str]] | None) -> None:
    assert find(event(1, "archived", "f", OURS), tags={"f": live}) == []


class Failing(Answers):
    """Raises at each request."""

    def __init__(self, error: ServerError) -> None:
        super().__init__()
        self.error = error

    def get_cached(self, path: str) -> Any:
        raise self.error


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_without_the_log_there_are_none(status: int) -> None:
    assert read_half_deleted(Failing(ApiError("GET", "/x", status, None, "no")), "p", ()) == []
    assert read_half_deleted(Failing(NotUnleash("GET", "/x", "no")), "p", ()) == []


@pytest.mark.parametrize("status", [429, 503])
def test_trouble_of_the_moment_is_an_error(status: int) -> None:
    with pytest.raises(ApiError):
        read_half_deleted(Failing(ApiError("GET", "/x", status, None, "no")), "p", ())
