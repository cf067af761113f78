"""Health checks of an Unleash on this machine."""

from __future__ import annotations

import time

from unleash_gitops.sandbox.info import HOST

__all__ = ["is_healthy", "wait_until_healthy"]


def is_healthy(port: int, token: str) -> bool:
    """Tell whether Unleash on `port` is healthy and takes `token`: another sandbox on that port does not take it."""
    return _returns_ok(port, "/health", {}) and _returns_ok(port, "/api/admin/user", {"Authorization": token})


def _returns_ok(port: int, path: str, headers: dict[str, str]) -> bool:
    import http.client  # unlike httpx, it ignores proxy variables

    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def wait_until_healthy(port: int, token: str, seconds: float) -> bool:
    """Poll Unleash on `port` for at most `seconds`; tell whether it became healthy and takes `token`."""
    deadline = time.monotonic() + seconds
    while not is_healthy(port, token):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
