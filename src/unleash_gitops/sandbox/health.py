"""Health checks of an Unleash on this machine."""

from __future__ import annotations

import time

from unleash_gitops.sandbox.info import HOST

__all__ = ["is_healthy", "wait_until_healthy"]


def is_healthy(port: int) -> bool:
    """Tell whether Unleash on `port` is healthy. Sends one request."""
    import http.client  # unlike httpx, it ignores proxy variables

    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def wait_until_healthy(port: int, seconds: float) -> bool:
    """Poll Unleash on `port` for at most `seconds`; tell whether it became healthy."""
    deadline = time.monotonic() + seconds
    while not is_healthy(port):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
