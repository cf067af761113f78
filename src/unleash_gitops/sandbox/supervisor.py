"""The process that runs a sandbox's PostgreSQL and Unleash, restarts them after a crash, and stops them.

`control` starts it, detached from the terminal. It reads its configuration, a JSON object, from standard input, and
writes its progress to the state file. It ends on SIGTERM, or when its children crash too often.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import Any

from unleash_gitops.model.errors import SandboxError
from unleash_gitops.sandbox.config import SupervisorConfig, hash_database_url
from unleash_gitops.sandbox.health import is_healthy
from unleash_gitops.sandbox.node import SERVER, find_node
from unleash_gitops.sandbox.paths import Paths
from unleash_gitops.sandbox.postgres import Postgres, prepare_postgres, run_as
from unleash_gitops.sandbox.processes import OwnProcess
from unleash_gitops.sandbox.state import State, save_state

__all__ = ["run_supervisor"]

CRASHES, WINDOW = 5, 60.0  # the supervisor gives up after this many crashes within this many seconds
LONGEST_PAUSE = 5.0  # seconds before a restart of a child that crashes repeatedly
POLL = 0.05  # seconds


class Supervisor:
    """Runs PostgreSQL and Unleash as child processes until `stopping` is set. Call `run`."""

    def __init__(self, config: SupervisorConfig) -> None:
        self.config = config
        self.paths = Paths(Path(config.state_dir))
        self.stopping = threading.Event()
        self.postgres: Postgres | None = None
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self.crashes: deque[float] = deque(maxlen=CRASHES)
        self.state = State(
            port=config.port,
            database="external" if config.database_url else "embedded",
            database_mark=hash_database_url(config.database_url),
        )

    def run(self) -> int:
        """Start the children, watch them until `stopping` is set, stop them; return the exit code."""
        self._record(processes={"supervisor": OwnProcess.of(os.getpid())})
        try:
            if self.config.database_url is None:
                self._record(phase="PostgreSQL")
                self._start_postgres()
            self._record(phase="Unleash")
            self._start_node()
            self._watch()
        except SandboxError as error:
            print(error, file=sys.stderr, flush=True)  # noqa: T201 - the log
            self._record(failure=str(error))
            return 1
        finally:
            self._stop_children()
        self._record(phase="stopped")
        return 0

    def _record(self, **changes: Any) -> None:
        self.state = replace(self.state, **changes)
        save_state(self.paths.state, self.state)

    def _start_postgres(self) -> None:
        if self.postgres is None:
            self.postgres = prepare_postgres(self.paths.data, self.config.token)
            self._record(socket_dir=str(self.postgres.socket_dir))
        for _ in range(4):  # the shared memory of a killed PostgreSQL disappears after a moment
            child = self._spawn("postgres", self.postgres.command, None, **run_as())
            while child.poll() is None:
                if self.postgres.ready(child.pid) or self.stopping.wait(0.02):
                    return
            time.sleep(0.5)
        raise SandboxError("PostgreSQL did not start")

    def _start_node(self) -> None:
        database = self.postgres.environment if self.postgres else {"DATABASE_URL": self.config.database_url or ""}
        self._spawn("node", (str(find_node()), str(SERVER)), {**self.config.environment(), **database})

    def _spawn(
        self, role: str, command: tuple[str, ...], environment: dict[str, str] | None, **options: Any
    ) -> subprocess.Popen[bytes]:
        """Start a child and record it. Its output goes into the log, like the output of this process."""
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=environment, **options)  # noqa: S603 - our own
        self.children[role] = child
        self.state = self.state.with_process(role, OwnProcess.of(child.pid))
        self._record()
        return child

    def _watch(self) -> None:
        """Wait until `stopping` is set, and restart children that end before."""
        while not self.stopping.wait(POLL):
            ended = [role for role, child in self.children.items() if child.poll() is not None]
            for role in ended:
                self._restart(role)
            if self.state.phase == "Unleash" and not ended and is_healthy(self.config.port, self.config.token):
                self._record(phase="ready")

    def _restart(self, role: str) -> None:
        """Restart a child that ended, after a pause. Raises SandboxError when children crash too often."""
        now = time.monotonic()
        self.crashes.append(now)
        self._record(crashes=self.state.crashes + 1)
        recent = sum(now - crash < WINDOW for crash in self.crashes)
        code = self.children[role].returncode
        print(f"sandbox: {role} ended with code {code}; {recent} crashes in {WINDOW:.0f} s", flush=True)  # noqa: T201 - the log
        if recent >= CRASHES:
            raise SandboxError(f"{role} crashed {recent} times within {WINDOW:.0f} s")
        if self.stopping.wait(min(LONGEST_PAUSE, 0.1 * 4 ** (recent - 1))):
            return
        if role == "postgres":
            self._start_postgres()
        else:
            self._start_node()

    def _stop_children(self) -> None:
        """Stop Unleash first, then PostgreSQL. SIGINT asks PostgreSQL for a fast, orderly shutdown."""
        for role, stop_signal in (("node", signal.SIGTERM), ("postgres", signal.SIGINT)):
            child = self.children.get(role)
            if child is None or child.poll() is not None:
                continue
            if os.name == "nt":
                child.terminate()
            else:
                child.send_signal(stop_signal)
            try:
                child.wait(8)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        if self.postgres is not None:
            shutil.rmtree(self.postgres.socket_dir, ignore_errors=True)


def run_supervisor() -> int:
    """Read the configuration from standard input and run the sandbox; return the exit code."""
    supervisor = Supervisor(SupervisorConfig(**json.load(sys.stdin)))
    for stop_signal in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop_signal, lambda *_: supervisor.stopping.set())
    return supervisor.run()


if __name__ == "__main__":
    sys.exit(run_supervisor())
