"""The files and directories of a sandbox.

Each sandbox has its own state directory. All sandboxes of a user share the cache, which holds the installed
unleash-server.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from unleash_gitops.model.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["CACHE_VARIABLE", "MISSING_EXTRA", "STATE_VARIABLE", "Paths", "cache_dir", "hold_lock", "is_root"]

STATE_VARIABLE = "UNLEASH_GITOPS_SANDBOX_DIR"
CACHE_VARIABLE = "UNLEASH_GITOPS_CACHE_DIR"
MISSING_EXTRA = 'pip install "unleash-gitops[sandbox]"'
ROOT_DATA = Path("/var/lib/unleash-gitops")


def is_root() -> bool:
    """Tell whether this process runs as root. PostgreSQL refuses to run as root."""
    return os.name != "nt" and os.geteuid() == 0


@dataclass(frozen=True)
class Paths:
    """The files of one sandbox, all derived from its state directory."""

    state_dir: Path

    @classmethod
    def current(cls) -> Paths:
        """Return the paths below `UNLEASH_GITOPS_SANDBOX_DIR`, else below the user's state directory."""
        override = os.environ.get(STATE_VARIABLE)
        return cls(Path(override).expanduser().resolve() if override else _user_dir("state") / "sandbox")

    @property
    def state(self) -> Path:
        """The supervisor's record of the running processes."""
        return self.state_dir / "state.json"

    @property
    def token(self) -> Path:
        """The admin API token; mode 0600."""
        return self.state_dir / "token"

    @property
    def log(self) -> Path:
        """The output of the supervisor, PostgreSQL and Unleash."""
        return self.state_dir / "sandbox.log"

    @property
    def lock(self) -> Path:
        """The lock that `start`, `stop` and `reset` hold."""
        return self.state_dir / "lock"

    @property
    def data(self) -> Path:
        """PostgreSQL's data directory.

        As root, PostgreSQL runs as another user, who cannot enter root's home directory. The data is then below
        /var/lib, in one directory for each state directory.
        """
        if is_root():
            return ROOT_DATA / hashlib.sha256(os.fsencode(self.state_dir)).hexdigest()[:16] / "pgdata"
        return self.state_dir / "pgdata"


def cache_dir() -> Path:
    """Return the directory that all sandboxes of this user install unleash-server into."""
    override = os.environ.get(CACHE_VARIABLE)
    return Path(override).expanduser().resolve() if override else _user_dir("cache")


@contextmanager
def hold_lock(path: Path, *, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock at `path`. When another process holds it, call `waiting` once, then wait without a limit.

    The system releases the lock when its holder ends, however it ends.
    """
    try:
        from filelock import FileLock, Timeout
    except ImportError as error:
        raise SandboxError("the sandbox is not installed", MISSING_EXTRA) from error
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = FileLock(path, mode=0o600)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        waiting()
        lock.acquire(poll_interval=0.1)
    try:
        yield
    finally:
        lock.release()


def _user_dir(kind: str) -> Path:
    try:
        import platformdirs
    except ImportError as error:
        raise SandboxError("the sandbox is not installed", MISSING_EXTRA) from error
    find = platformdirs.user_state_path if kind == "state" else platformdirs.user_cache_path
    return find("unleash-gitops", appauthor=False)
