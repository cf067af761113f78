"""Start, stop, status and reset of the sandbox, with the real server.

A start takes seconds: each test starts what does not run, and the order of the tests saves starts.
"""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest

from servers.loopback import QuietHandler, serve
from unleash_gitops import sandbox
from unleash_gitops.model.errors import SandboxError
from unleash_gitops.sandbox.paths import Paths
from unleash_gitops.sandbox.ports import choose_port
from unleash_gitops.sandbox.state import load_state

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("sandbox_directory")
CHARTS = "/api/admin/impact-metrics/config"
CHART = {
    "id": "01G1T0PS00AAAAAAAAAAAAAAAA",
    "metricName": "kept",
    "timeRange": "day",
    "yAxisMin": "auto",
    "aggregationMode": "count",
    "labelSelectors": {},
}


def _start(**options: object) -> tuple[sandbox.Sandbox, list[str]]:
    """Start the sandbox; return it and its messages."""
    messages: list[str] = []
    return sandbox.start(say=messages.append, **options), messages  # type: ignore[arg-type]


def _stop() -> bool:
    return sandbox.stop(say=lambda _: None)


def _processes(running: sandbox.Sandbox) -> list[psutil.Process]:
    supervisor = psutil.Process(running.pid)
    return [supervisor, *supervisor.children(recursive=True)]


def _running(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [process for process in processes if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def _node(running: sandbox.Sandbox) -> psutil.Process:
    return next(child for child in psutil.Process(running.pid).children() if child.name().startswith("node"))


def _charts(running: sandbox.Sandbox) -> list[str]:
    answer = httpx.get(running.url + CHARTS, headers={"Authorization": running.token}, trust_env=False, timeout=30)
    return [chart["metricName"] for chart in answer.json()["configs"]]


def _save_chart(running: sandbox.Sandbox) -> None:
    """Save the chart whose survival a test looks for."""
    httpx.post(
        running.url + CHARTS, json=CHART, headers={"Authorization": running.token}, trust_env=False
    ).raise_for_status()


def _port(running: sandbox.Sandbox) -> int:
    return int(running.url.rpartition(":")[2])


@pytest.fixture
def marked_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("UNLEASH_AUTH_TOKEN", "AWS_SECRET_ACCESS_KEY", "PGDATA"):
        monkeypatch.setenv(name, "marker-of-the-user")


@pytest.mark.usefixtures("marked_environment")
def test_a_first_start_reports_its_progress_and_the_origin_of_the_routes() -> None:
    assert sandbox.status() is None
    assert not _stop()
    running, messages = _start()
    text = "\n".join(messages)
    for words in ("starting PostgreSQL", "starting Unleash", "ready after", "6 impact-metrics routes", "every other"):
        assert words in text
    assert "created the example flags checkout-v2 and search-ranking" in text
    assert sandbox.status() == running
    assert (running.username, running.password, running.database) == ("admin", "unleash4all", "embedded")
    assert running.token not in repr(running)


def test_no_process_of_the_sandbox_inherits_other_variables() -> None:
    running = sandbox.status()
    assert running is not None  # by the first start, in the marked environment
    processes = _processes(running)
    assert len(processes) >= 3
    assert [process for process in processes if "marker-of-the-user" in process.environ().values()] == []


def test_starting_a_running_sandbox_changes_nothing() -> None:
    running, _ = _start()
    again, messages = _start()
    assert again == running
    assert messages == [f"the sandbox is already running at {running.url}"]
    with pytest.raises(SandboxError, match="another database"):
        _start(database_url="postgres://localhost/other")
    with pytest.raises(SandboxError, match=f"already running on port {_port(running)}"):
        _start(port=_port(running) + 1)


def test_the_sandbox_serves_the_ui_and_the_login_of_unleash() -> None:
    running, _ = _start()
    with httpx.Client(base_url=running.url, trust_env=False) as client:
        assert "<!DOCTYPE html>" in client.get("/").text
        login = {"username": running.username, "password": running.password}
        assert client.post("/auth/simple/login", json=login).json()["username"] == "admin"


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX")
def test_only_the_owner_can_read_the_token(sandbox_directory: Path) -> None:
    running, _ = _start()
    assert (sandbox_directory / "token").read_text(encoding="utf-8").strip() == running.token
    for name in ("token", "state.json", "sandbox.log"):
        assert stat.S_IMODE((sandbox_directory / name).stat().st_mode) == 0o600


def test_the_sandbox_listens_on_loopback_only() -> None:
    running, _ = _start()
    listening = [
        connection.laddr
        for process in _processes(running)
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert listening == [("127.0.0.1", _port(running))]


def test_stop_ends_all_processes_and_keeps_data_port_and_token() -> None:
    running, _ = _start()
    _save_chart(running)
    processes, socket_dir = _processes(running), load_state(Paths.current().state).socket_dir
    assert len(processes) > 3
    assert _stop()
    assert _running(processes) == []
    assert not os.path.exists(str(socket_dir))  # noqa: PTH110
    assert sandbox.status() is None
    assert not _stop()

    again, messages = _start()
    assert (again.url, again.token) == (running.url, running.token)
    assert _charts(again) == ["kept"]
    assert "created" not in "\n".join(messages)


def test_two_starts_at_the_same_time_give_one_sandbox() -> None:
    _stop()
    script = "from unleash_gitops import sandbox; print(sandbox.start(say=lambda _: None).pid)"
    starts = [subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    pids = {start.communicate(timeout=120)[0].strip() for start in starts}
    running = sandbox.status()
    assert running is not None
    assert pids == {str(running.pid)}


def test_the_supervisor_restarts_a_crashed_server() -> None:
    running, _ = _start()
    _save_chart(running)
    node = _node(running)
    node.kill()
    node.wait(10)
    again, messages = _start()
    assert messages == [f"the sandbox is already running at {running.url}"]
    assert again.pid == running.pid
    assert _node(again).pid != node.pid
    assert _charts(again) == ["kept"]


def test_the_supervisor_restarts_a_crashed_database() -> None:
    running, _ = _start()
    _save_chart(running)
    postgres = psutil.Process(load_state(Paths.current().state).processes["postgres"].pid)
    postgres.kill()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        own = load_state(Paths.current().state).processes["postgres"]
        if own.pid != postgres.pid:
            break
        time.sleep(0.1)
    assert own.alive
    again, _ = _start()
    while time.monotonic() < deadline:
        try:
            assert _charts(again) == ["kept"]
            break
        except (httpx.HTTPError, KeyError):
            time.sleep(0.2)
    assert _charts(again) == ["kept"]


def test_start_and_stop_end_the_processes_that_a_killed_supervisor_left() -> None:
    for clean in (lambda: _start()[0], _stop):
        running, _ = _start()
        processes = _processes(running)
        processes[0].kill()
        processes[0].wait(10)
        assert sandbox.status() is None
        assert clean()
        assert _running(processes) == []
    assert sandbox.status() is None


def test_a_failed_start_shows_the_end_of_the_log_and_leaves_no_process() -> None:
    _stop()
    before = set(psutil.Process().children(recursive=True))
    with pytest.raises(SandboxError) as raised:
        _start(database_url="postgres://someone:hunter2@127.0.0.1:9/none")
    assert "ECONNREFUSED" in raised.value.message
    assert "hunter2" not in raised.value.message
    started = [child for child in psutil.Process().children(recursive=True) if child not in before]
    psutil.wait_procs(started, timeout=10)  # PostgreSQL's children end a moment after it
    assert _running(started) == []
    assert sandbox.status() is None


def test_start_chooses_another_port_when_the_previous_port_is_in_use() -> None:
    _stop()
    previous = load_state(Paths.current().state).port
    with socket.create_server(("127.0.0.1", int(previous or 0))):
        with pytest.raises(SandboxError, match=f"port {previous} is in use"):
            _start(port=previous)
        running, messages = _start()
    assert _port(running) != previous
    assert f"port {previous} is in use by another program; using {_port(running)}" in messages


def test_start_tries_another_port_when_another_server_takes_the_chosen_port(monkeypatch: pytest.MonkeyPatch) -> None:
    class OtherSandbox(QuietHandler):
        """Is healthy, and does not take the token of this sandbox."""

        def do_GET(self) -> None:  # noqa: N802
            self.reply(200 if self.path == "/health" else 401, {}, b"{}")

    _stop()
    with serve(OtherSandbox) as url:
        taken = int(url.rpartition(":")[2])
        monkeypatch.setattr("unleash_gitops.sandbox.control.choose_port", choose_taken_port_first(taken))
        running, messages = _start()
    assert _port(running) != taken
    assert f"port {taken} is in use by another program; using {_port(running)}" in messages
    answer = httpx.get(f"{running.url}/api/admin/user", headers={"Authorization": running.token})
    assert answer.status_code == 200


def choose_taken_port_first(taken: int) -> Callable[..., int]:
    """Return a `choose_port` whose first choice another program has taken by the time it is used."""
    choices = [taken]
    return lambda *arguments: choices.pop() if choices else choose_port(*arguments)


def test_reset_deletes_the_data_but_not_the_installation(sandbox_directory: Path) -> None:
    running, _ = _start()
    processes = _processes(running)
    sandbox.reset(say=lambda _: None)
    assert _running(processes) == []
    assert not running.data.exists()
    assert [path.name for path in sandbox_directory.iterdir()] == ["lock"]
    again, messages = _start()
    assert again.token != running.token
    assert _charts(again) == []
    assert "installing" not in "\n".join(messages)
