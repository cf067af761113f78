"""The configuration of a supervisor, and the environment variables of its Unleash."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from unleash_gitops.sandbox.info import HOST
from unleash_gitops.sandbox.node import base_environment

__all__ = ["SupervisorConfig", "hash_database_url"]


def hash_database_url(database_url: str | None) -> str:
    """Return a hash that identifies a database without its password, empty for the embedded database."""
    return hashlib.sha256(database_url.encode()).hexdigest() if database_url else ""


@dataclass(frozen=True)
class SupervisorConfig:
    """The configuration that a supervisor reads from its standard input at its start.

    `packages` is the directory whose node_modules holds unleash-server. `style` is the version whose answers the six
    routes imitate ("7.5"), empty for the installed version. `database_url` is None for the embedded database.
    """

    state_dir: str
    packages: str
    port: int
    token: str
    style: str
    database_url: str | None

    def environment(self) -> dict[str, str]:
        """Return the environment variables of Unleash, except those of the embedded database.

        Unleash listens on loopback, runs in production mode, and calls no other host.
        """
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
            "DATABASE_SSL": "false",  # sslmode=require in a URL overrides it
            "UNLEASH_GITOPS_PACKAGES": self.packages,
            "UNLEASH_GITOPS_TOKEN": self.token,
            "UNLEASH_GITOPS_SERVER_STYLE": self.style,
        }
