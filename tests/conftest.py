"""What all tests share: golden files (tests/cases/; `pytest --update-golden` writes them anew), and the real server."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from properties import register_profiles
from servers.instance import Instance
from unleash_gitops import sandbox

CASES = Path(__file__).parent / "cases"

Golden = Callable[[str, str], None]

register_profiles()

if (
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN
):  # as in a shell's background, and what is started here inherits it
    signal.signal(signal.SIGINT, signal.default_int_handler)


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


@pytest.fixture(scope="session")
def real() -> Iterator[Instance]:
    """Give the real server, in a sandbox of its own."""
    with tempfile.TemporaryDirectory(prefix="ug-") as directory:
        before = os.environ.get("UNLEASH_GITOPS_SANDBOX_DIR")
        os.environ["UNLEASH_GITOPS_SANDBOX_DIR"] = directory
        try:
            running = sandbox.start(say=lambda _: None)
            instance = Instance(running.url, running.token)
            yield instance
            instance.close()
        finally:
            os.environ["UNLEASH_GITOPS_SANDBOX_DIR"] = directory
            sandbox.reset(say=lambda _: None)
            if before is None:
                del os.environ["UNLEASH_GITOPS_SANDBOX_DIR"]
            else:
                os.environ["UNLEASH_GITOPS_SANDBOX_DIR"] = before
