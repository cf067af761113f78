"""The description of a lease is what anyone has written there."""

from __future__ import annotations

import json
from typing import Any

import pytest

from unleash_gitops.model.lease_record import parse_lease

TIMES = {"since": "2026-01-01T00:00:00+00:00", "expires": "2026-01-01T00:00:40+00:00"}


@pytest.mark.parametrize(
    "facts",
    [
        {"since": "0001-01-01T00:00:00+23:59"},
        {"expires": "9999-12-31T23:59:59-23:59"},
        {"since": "2026-01-01T00:00:00"},
        {"expires": None},
        {"expires": 5},
    ],
)
def test_times_that_are_none_make_a_lease_of_an_unknown_holder(facts: dict[str, Any]) -> None:
    record = parse_lease("gitops-lock-a-b", json.dumps({"holder": "x", "held": False, **TIMES, **facts}))
    assert (record.since, record.expires, record.is_held) == (None, None, True)
    assert str(record).startswith("locked by an unknown holder")
