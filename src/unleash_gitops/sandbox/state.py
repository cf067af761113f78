"""The record of one sandbox: what runs, where, how far it has come. The supervisor writes it, all read it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from unleash_gitops.sandbox.processes import OwnProcess

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["State", "load_state", "save_state", "write_private"]


@dataclass(frozen=True)
class State:
    """What the supervisor says of itself. After a stop only `port` is left, for the next start to prefer."""

    port: int | None = None
    database: str = "embedded"
    database_mark: str = ""
    """A hash of the external database's URL, to tell whether another start means the same one."""
    phase: str = "stopped"
    """stopped, PostgreSQL, Unleash (both: being started) or ready."""
    failure: str | None = None
    crashes: int = 0
    socket_dir: str | None = None
    processes: dict[str, OwnProcess] = field(default_factory=dict)
    """By role: supervisor, postgres, node."""

    @property
    def supervisor(self) -> OwnProcess | None:
        """The supervisor if it runs."""
        own = self.processes.get("supervisor")
        return own if own is not None and own.alive else None

    def with_process(self, role: str, own: OwnProcess) -> State:
        """Return the state with one process more, or another one in its place."""
        return replace(self, processes={**self.processes, role: own})


def load_state(path: Path) -> State:
    """Read the record; an empty one if there is none, or none that can be read."""
    try:
        raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        processes = {role: OwnProcess(**own) for role, own in raw.pop("processes").items()}
        return State(**raw, processes=processes)
    except (FileNotFoundError, KeyError, TypeError, ValueError, AttributeError):
        return State()


def save_state(path: Path, state: State) -> None:
    """Replace the record in one step, so that no reader sees half of it."""
    write_private(path, json.dumps(asdict(state), indent=1))


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, in one step."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)
