"""Where a sandbox keeps what it keeps.

State is one sandbox's own; the cache (the installed unleash-server) is shared by all of a user's sandboxes.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from unleash_gitops.model.errors import SandboxError

__all__ = ["CACHE_VARIABLE", "MISSING_EXTRA", "STATE_VARIABLE", "Paths", "cache_dir", "is_root"]

STATE_VARIABLE = "UNLEASH_GITOPS_SANDBOX_DIR"
CACHE_VARIABLE = "UNLEASH_GITOPS_CACHE_DIR"
MISSING_EXTRA = 'pip install "unleash-gitops[sandbox]"'
ROOT_DATA = Path("/var/lib/unleash-gitops")


def is_root() -> bool:
    """Whether this process is the superuser, as whom PostgreSQL refuses to run."""
    return os.name != "nt" and os.geteuid() == 0


@dataclass(frozen=True)
class Paths:
    """One sandbox's files, all derived from its state directory."""

    state_dir: Path

    @classmethod
    def current(cls) -> Paths:
        """Return the paths that the environment names, or the user's default ones."""
        override = os.environ.get(STATE_VARIABLE)
        return cls(Path(override).expanduser().resolve() if override else _user_dir("state") / "sandbox")

    @property
    def state(self) -> Path:
        """The supervisor's own record of what runs."""
        return self.state_dir / "state.json"

    @property
    def token(self) -> Path:
        """The admin API token; mode 0600."""
        return self.state_dir / "token"

    @property
    def log(self) -> Path:
        """What supervisor, PostgreSQL and Unleash have to say."""
        return self.state_dir / "sandbox.log"

    @property
    def lock(self) -> Path:
        """Held while the sandbox is started, stopped or reset."""
        return self.state_dir / "lock"

    @property
    def data(self) -> Path:
        """PostgreSQL's data directory.

        Root's PostgreSQL runs as another user, who cannot pass root's home: there it lies below /var/lib, one directory
        for each state directory.
        """
        if is_root():
            return ROOT_DATA / hashlib.sha256(os.fsencode(self.state_dir)).hexdigest()[:16] / "pgdata"
        return self.state_dir / "pgdata"


def cache_dir() -> Path:
    """Return the directory that all sandboxes of this user install into."""
    override = os.environ.get(CACHE_VARIABLE)
    return Path(override).expanduser().resolve() if override else _user_dir("cache")


def _user_dir(kind: str) -> Path:
    try:
        import platformdirs
    except ImportError as error:
        raise SandboxError("the sandbox is not installed", MISSING_EXTRA) from error
    find = platformdirs.user_state_path if kind == "state" else platformdirs.user_cache_path
    return find("unleash-gitops", appauthor=False)
