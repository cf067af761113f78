"""The choice of the port that the sandbox listens on."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from unleash_gitops.model.errors import SandboxError
from unleash_gitops.sandbox.info import HOST, PORT

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["choose_port", "is_port_free"]


def choose_port(requested: int | None, previous: int | None, say: Callable[[str], None]) -> int:
    """Return the requested port, else the previous port, else the default, else any free port.

    Raises SandboxError when the requested port is in use.
    """
    if requested is not None:
        if not is_port_free(requested):
            raise SandboxError(f"port {requested} is in use by another program", "choose another --port, or omit it")
        return requested
    preferred = previous or PORT
    if is_port_free(preferred):
        return preferred
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        chosen = int(probe.getsockname()[1])
    say(f"port {preferred} is in use by another program; using {chosen}")
    return chosen


def is_port_free(port: int) -> bool:
    """Tell whether no program listens on the port. It probes twice, because systems differ in what programs share."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        if probe.connect_ex((HOST, port)) == 0:
            return False
    with socket.socket() as probe:
        if os.name != "nt":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # earlier connections may still be closing
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
