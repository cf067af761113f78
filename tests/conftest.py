"""What all tests share: golden files (tests/cases/; `pytest --update-golden` writes them anew), and the real server."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from properties import register_profiles
from servers.instance import Instance
from servers.ports import unused_port
from servers.sandbox_database import save_fresh_state
from unleash_gitops import sandbox
from unleash_gitops.sandbox import control

CASES = Path(__file__).parent / "cases"
SERVER_FIXTURES = {"real_server", "sandbox_directory"}
"""The fixtures that start a server, or let a test start one."""
MOST_WORKERS = 4
"""Each worker has a server of its own, of half a gigabyte."""

Golden = Callable[[str, str], None]

register_profiles()

# The server allows 15 searches a minute, and tests would wait for most of their time.
os.environ["SEARCH_FEATURES_RATE_LIMIT_PER_MINUTE"] = "100000"

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


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return how many workers `-n auto` starts: none for single files, where a worker costs more than it saves."""
    named = [argument for argument in config.invocation_params.args if ".py" in argument]
    return 0 if named or config.getoption("collectonly") else min(MOST_WORKERS, os.cpu_count() or 1)


@pytest.hookimpl(tryfirst=True)  # before -m selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        names = set(getattr(item, "fixturenames", ()))
        if SERVER_FIXTURES & names:
            item.add_marker(pytest.mark.sandbox)
        if "sandbox_directory" in names:  # tests that start, stop and crash one server in turn
            item.add_marker(pytest.mark.xdist_group("sandbox directory"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Refuse a server to a test without the mark, so that `-m "not sandbox"` starts none."""
    if item.get_closest_marker("sandbox") is not None:
        return (yield)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(control, "_spawn_supervisor", _refuse_server)
        return (yield)


def _refuse_server(*_arguments: object) -> NoReturn:
    pytest.fail("a test that starts the real server must bear the mark `sandbox`")


@pytest.fixture(scope="session")
def real_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """Give the real server, in a sandbox of its own, with the objects that earlier tests left."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNLEASH_GITOPS_SANDBOX_DIR", str(tmp_path_factory.mktemp("real")))
        try:
            running = sandbox.start(say=lambda _: None, port=unused_port())
            save_fresh_state()
            instance = Instance(running.url, running.token)
            yield instance
            instance.close()
        finally:
            sandbox.reset(say=lambda _: None)


@pytest.fixture
def real(real_server: Instance) -> Instance:
    """Give the real server as it is after its first start."""
    real_server.reset()
    return real_server
