"""200 interrupts at random times."""

from __future__ import annotations

from pathlib import Path

from cli.test_interrupts import interrupt_at_random


def test_200_interrupts_at_random_times(tmp_path: Path) -> None:
    codes = interrupt_at_random(tmp_path, 200)
    assert sum(codes.values()) == 200
    print(codes)  # noqa: T201 - the figures, with -s
