"""Maintenance mode of the real server, which may remember an earlier answer about itself for a minute."""

from __future__ import annotations

import time

import httpx


def set_maintenance(http: httpx.Client, *, on: bool) -> None:
    """Switch it, and tell the server again until it knows: being told makes it forget what it remembered."""
    deadline = time.monotonic() + 30
    while True:
        http.post("/api/admin/maintenance", json={"enabled": on}).raise_for_status()
        if http.get("/api/admin/ui-config").json()["maintenanceMode"] is on:
            return
        assert time.monotonic() < deadline
        time.sleep(0.1)
