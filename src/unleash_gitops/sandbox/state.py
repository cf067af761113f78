"""The state file of a sandbox: its port, its processes, and how far its start is. The supervisor writes it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from unleash_gitops.model.files import replace_file
from unleash_gitops.sandbox.processes import OwnProcess

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["State", "load_state", "save_state"]


@dataclass(frozen=True)
class State:
    """The state of one sandbox. After a stop it holds only `port`, which the next start prefers, and `database`."""

    port: int | None = None
    database: str = "embedded"
    database_mark: str = ""
    """A hash of the external database's URL, which tells whether a later start uses the same database."""
    phase: str = "stopped"
    """`stopped`, `PostgreSQL` or `Unleash` (which is starting), or `ready`."""
    failure: str | None = None
    crashes: int = 0
    socket_dir: str | None = None
    processes: dict[str, OwnProcess] = field(default_factory=dict)
    """The processes by role: supervisor, postgres, node."""

    @property
    def supervisor(self) -> OwnProcess | None:
        """The running supervisor, None when it does not run."""
        process = self.processes.get("supervisor")
        return process if process is not None and process.alive else None

    def with_process(self, role: str, process: OwnProcess) -> State:
        """Return the state with `process` in `role`, in place of an earlier process."""
        return replace(self, processes={**self.processes, role: process})


def load_state(path: Path) -> State:
    """Read the state file; return an empty state when it is missing or broken."""
    try:
        raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        processes = {role: OwnProcess(**fields) for role, fields in raw.pop("processes").items()}
        return State(**raw, processes=processes)
    except (FileNotFoundError, KeyError, TypeError, ValueError, AttributeError):
        return State()


def save_state(path: Path, state: State) -> None:
    """Replace the state file in one step, so that no reader sees a part of it."""
    replace_file(path, json.dumps(asdict(state), indent=1), private=True)
