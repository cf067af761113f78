"""The times in ids of strategies, by which an export is put in order."""

from __future__ import annotations

import pytest

from unleash_gitops.kinds.flags.read_export import _creation_time


@pytest.mark.parametrize(
    ("identifier", "time"),
    [
        ("01ARZ3NDEKTSV4RRFFQ69G5FAV", 1469922850.259),
        ("01arz3ndektsv4rrffq69g5fav", 1469922850.259),
        ("00000000000000000000000000", 0.0),
        ("8ZZZZZZZZZZZZZZZZZZZZZZZZZ", None),  # more than 128 bits
        ("01ARZ3NDEKTSV4RRFFQ69G5FAU", None),
        ("01ARZ3NDEK", None),
        ("7d1f9f0e-3b6c-4a6e-9a49-0b8b1c1a5f7b", None),
        ("", None),
        ("ÄÖ" * 13, None),
    ],
)
def test_the_time_of_a_ulid(identifier: str, time: float | None) -> None:
    assert _creation_time(identifier) == time
