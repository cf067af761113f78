"""Ports for servers that tests start."""

from __future__ import annotations

import os
import socket

FIRST, BLOCKS, SIZE = 20_000, 500, 20  # all below the ports that systems give to clients


def unused_port() -> int:
    """Return a port of this process's own block that is free.

    Two runs that begin at the same time take different blocks: a port that is free for both would be taken by both.
    """
    first = FIRST + os.getpid() % BLOCKS * SIZE
    for port in range(first, first + SIZE):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError("all ports of the block are in use")
