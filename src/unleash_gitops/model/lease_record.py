"""The record of a lease: a tag type whose name has a hash of the workspace, and whose description has the facts.

A name that begins with `LEASE_PREFIX` is reserved: no document may have it, and no kind reads such an object.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

__all__ = [
    "LEASE_PREFIX",
    "LeaseRecord",
    "format_time",
    "is_lease_name",
    "new_lease_name",
    "parse_lease",
    "workspace_prefix",
]

LEASE_PREFIX = "gitops-lock-"
_HASH_DIGITS = 20
_RANDOM_BYTES = 8


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """One lease, or a claim to it, which `is_held` tells apart. The times are the server's, in UTC.

    `holder` is who applies. `expires` is None for a description that cannot be read: such a lease never ends by itself.
    """

    name: str
    holder: str
    since: datetime | None
    expires: datetime | None
    is_held: bool

    def __str__(self) -> str:
        """Return who holds the lease and how long, as a part of a sentence."""
        if self.since is None or self.expires is None:
            return f"locked by an unknown holder (the description of tag type {self.name} is not that of a lease)"
        return f"locked by {self.holder} since {format_time(self.since)}, expires at {format_time(self.expires)}"

    def has_expired(self, now: datetime) -> bool:
        """Tell whether the lease has ended by itself at `now`, a time of the server."""
        return self.expires is not None and self.expires <= now

    def to_description(self, workspace: str) -> str:
        """Return the description of the tag type."""
        facts = {
            "workspace": workspace,
            "holder": self.holder,
            "since": self.since and self.since.isoformat(),
            "expires": self.expires and self.expires.isoformat(),
            "held": self.is_held,
        }
        return json.dumps(facts, ensure_ascii=False)


def new_lease_name(workspace: str) -> str:
    """Return a name that no other lease has, of at most 50 characters."""
    return workspace_prefix(workspace) + secrets.token_hex(_RANDOM_BYTES)


def workspace_prefix(workspace: str) -> str:
    """Return how the names of a workspace's leases begin."""
    return f"{LEASE_PREFIX}{hashlib.sha256(workspace.encode()).hexdigest()[:_HASH_DIGITS]}-"


def is_lease_name(name: str) -> bool:
    """Tell whether the name of a tag type is reserved for leases."""
    return name.startswith(LEASE_PREFIX)


def parse_lease(name: str, description: object) -> LeaseRecord:
    """Return a tag type with the name of a lease as a record."""
    try:
        facts: Any = json.loads(description) if isinstance(description, str) else {}
        return LeaseRecord(
            name,
            str(facts["holder"]),
            _parse_time(facts["since"]),
            _parse_time(facts["expires"]),
            facts["held"] is True,
        )
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return LeaseRecord(name, "", None, None, is_held=True)


def format_time(time: datetime) -> str:
    """Return a time in UTC for a reader, with seconds."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _parse_time(text: Any) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("a time without its distance from UTC")
    return time.astimezone(UTC)
