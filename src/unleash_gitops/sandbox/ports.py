"""Which port the sandbox listens on."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from unleash_gitops.model.errors import SandboxError
from unleash_gitops.sandbox.info import HOST, PORT

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["choose_port"]


def choose_port(wanted: int | None, earlier: int | None, say: Callable[[str], None]) -> int:
    """Return the port the user wants, else the one of before, else the default, else any free one."""
    if wanted is not None:
        if not _is_free(wanted):
            raise SandboxError(f"port {wanted} is in use by another program", "give another --port, or none")
        return wanted
    preferred = earlier or PORT
    if _is_free(preferred):
        return preferred
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        chosen = int(probe.getsockname()[1])
    say(f"port {preferred} is in use by another program; using {chosen}")
    return chosen


def _is_free(port: int) -> bool:
    """Whether nobody listens there. Both probes are needed: systems differ in what they let two programs share."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        if probe.connect_ex((HOST, port)) == 0:
            return False
    with socket.socket() as probe:
        if os.name != "nt":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of before may linger
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
