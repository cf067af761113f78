"""What is known about a sandbox: the facts of a running one, its versions, whose routes are whose."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["HOST", "PASSWORD", "PORT", "ROUTES", "UNLEASH_VERSION", "USERNAME", "Sandbox"]

UNLEASH_VERSION = "8.2.0"  # the version package.json and package-lock.json pin
HOST = "127.0.0.1"
PORT = 4242
USERNAME = "admin"  # Unleash makes this user in an empty database, with this password
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
        f"everything else, as unleash-server {UNLEASH_VERSION} has it: the rest of the Admin API, login, UI",
        "what lies under the six routes too: authentication, permissions, validation, database, event log",
    ),
}
"""Who answers which request: `sandbox` lists the routes of this package, `unleash` says what is Unleash's own."""


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox: where it is and how to get in. Its `repr` does not show the token."""

    url: str
    token: str = field(repr=False)
    """An admin API token, random, made at the first start."""
    username: str
    password: str
    pid: int
    """The process of the supervisor, which owns PostgreSQL and Unleash."""
    log: Path
    data: Path
    database: str
    """`embedded` or `external`; never the URL, which may hold a password."""
