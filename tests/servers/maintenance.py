"""Maintenance mode of the real server, which caches the setting for up to a minute."""

from __future__ import annotations

import time

import httpx


def set_maintenance(http: httpx.Client, *, on: bool) -> None:
    """Switch maintenance mode. Repeat the request, which clears the cache, until the server reports the new mode."""
    deadline = time.monotonic() + 30
    while True:
        http.post("/api/admin/maintenance", json={"enabled": on}).raise_for_status()
        if http.get("/api/admin/ui-config").json()["maintenanceMode"] is on:
            return
        assert time.monotonic() < deadline
        time.sleep(0.1)
