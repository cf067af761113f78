"""What a supervisor is told at its start, and the environment that follows from it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from unleash_gitops.sandbox.info import HOST
from unleash_gitops.sandbox.node import base_environment

__all__ = ["Orders", "read_id_mark"]


def read_id_mark(database_url: str | None) -> str:
    """Return what tells one database from another without giving the password away."""
    return hashlib.sha256(database_url.encode()).hexdigest() if database_url else ""


@dataclass(frozen=True)
class Orders:
    """What a supervisor is told at its start."""

    state_dir: str
    packages: str
    port: int
    token: str
    style: str
    database_url: str | None

    def environment(self) -> dict[str, str]:
        """Return Unleash's environment but for the embedded database: loopback, production, no calls to the outside."""
        return {
            **base_environment(),
            "NODE_ENV": "production",
            "TZ": "UTC",
            "HTTP_HOST": HOST,
            "HTTP_PORT": str(self.port),
            "UNLEASH_URL": f"http://{HOST}:{self.port}",
            "UNLEASH_SECRET": hashlib.sha256(f"session {self.token}".encode()).hexdigest(),
            "CHECK_VERSION": "false",
            "SEND_TELEMETRY": "false",
            "LOG_LEVEL": "warn",
            "GRACEFUL_SHUTDOWN_TIMEOUT": "200",
            "DATABASE_SSL": "false",  # a URL that says sslmode=require wins over it
            "UNLEASH_GITOPS_PACKAGES": self.packages,
            "UNLEASH_GITOPS_TOKEN": self.token,
            "UNLEASH_GITOPS_SERVER_STYLE": self.style,
        }
