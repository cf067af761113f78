"""Fixtures for the sandbox: each test module gets its own sandbox directory, which is reset at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from servers.ports import unused_port
from unleash_gitops import sandbox
from unleash_gitops.sandbox.state import State, save_state

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def environment() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def sandbox_directory(environment: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("sandbox") / "state"
    path.mkdir(mode=0o700)
    save_state(path / "state.json", State(port=unused_port()))  # as after a stop: the next start takes this port
    environment.setenv("UNLEASH_GITOPS_SANDBOX_DIR", str(path))
    environment.delenv("UNLEASH_GITOPS_SERVER_STYLE", raising=False)
    yield path
    sandbox.reset(say=lambda _: None)


@pytest.fixture(scope="module")
def api(sandbox_directory: Path, style: str, environment: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    """A client of a sandbox whose six routes answer in the module's `style`."""
    environment.setenv("UNLEASH_GITOPS_SERVER_STYLE", style)
    running = sandbox.start(say=lambda _: None)
    with httpx.Client(base_url=running.url, headers={"Authorization": running.token}, trust_env=False) as client:
        yield client
