"""Golden files: what is expected stands in tests/cases/; `pytest --update-golden` writes it anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

CASES = Path(__file__).parent / "cases"

Golden = Callable[[str, str], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden files instead of comparing")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compare a text with the golden file at a path below tests/cases, byte for byte."""
    update = request.config.getoption("--update-golden")

    def check(path: str, text: str) -> None:
        file = CASES / path
        if update:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode())
        assert file.is_file(), f"{file} is missing; write it with --update-golden and read it"
        assert text == file.read_bytes().decode()

    return check
