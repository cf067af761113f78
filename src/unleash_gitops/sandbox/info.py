"""Facts about the sandbox: its version, its defaults, the routes it adds, and a running sandbox."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["HOST", "PASSWORD", "PORT", "ROUTES", "UNLEASH_VERSION", "USERNAME", "Sandbox"]

UNLEASH_VERSION = "8.2.0"  # the version that package.json and package-lock.json pin
HOST = "127.0.0.1"
PORT = 4242
USERNAME = "admin"  # Unleash creates this user, with this password, in an empty database
PASSWORD = "unleash4all"  # noqa: S105 - Unleash's published default, only ever on loopback

ROUTES: dict[str, tuple[str, ...]] = {
    "sandbox": (
        "GET    /api/admin/impact-metrics/config",
        "POST   /api/admin/impact-metrics/config",
        "DELETE /api/admin/impact-metrics/config/{id}",
        "GET    /api/admin/projects/{projectId}/features/{featureName}/impact-metrics/config",
        "POST   /api/admin/projects/{projectId}/features/{featureName}/impact-metrics/config",
        "DELETE /api/admin/projects/{projectId}/features/{featureName}/impact-metrics/config/{id}",
    ),
    "unleash": (
        f"every other route, as in unleash-server {UNLEASH_VERSION}: the rest of the Admin API, login, UI",
        "also behind the six routes: authentication, permissions, validation, database, event log",
    ),
}
"""The origin of each route: `sandbox` lists the routes that this package adds, `unleash` describes the server's."""


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox: its address, its logins and its files. Its `repr` does not show the token."""

    url: str
    token: str = field(repr=False)
    """A random admin API token, created at the first start."""
    username: str
    password: str
    pid: int
    """The process id of the supervisor, which runs PostgreSQL and Unleash."""
    log: Path
    data: Path
    database: str
    """`embedded` or `external`. It is never the URL, which may contain a password."""
