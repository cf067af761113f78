"""Whether an Unleash on this machine answers."""

from __future__ import annotations

import time

from unleash_gitops.sandbox.info import HOST

__all__ = ["is_healthy", "wait_until_healthy"]


def is_healthy(port: int) -> bool:
    """Ask once."""
    import http.client  # unlike other clients it heeds no proxy variables

    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def wait_until_healthy(port: int, seconds: float) -> bool:
    """Ask until it answers, for no longer than `seconds`."""
    deadline = time.monotonic() + seconds
    while not is_healthy(port):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
