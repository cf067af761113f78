"""Requests of this process to a server in memory of this process, answered without a socket.

Sockets, headers and threads were half of the CPU time of such a test. Other processes, and the fault proxy, go through
the socket, and get the same answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

import httpx

from servers.fake_routes import Answer

LOOPBACK = {"127.0.0.1", "localhost"}
_usual = httpx.HTTPTransport.handle_request
_servers: dict[int, Callable[[httpx.Request], Answer]] = {}


@contextmanager
def answered_here(port: int, answer: Callable[[httpx.Request], Answer]) -> Iterator[None]:
    """Let `answer` serve the requests of this process to a port of loopback. It may raise ConnectionError."""
    with patch.dict(_servers, {port: answer}), patch.object(httpx.HTTPTransport, "handle_request", _handle_request):
        yield


def _handle_request(transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
    server = _servers.get(request.url.port or 0) if request.url.host in LOOPBACK else None
    if server is None:
        return _usual(transport, request)
    request.read()
    try:
        status, headers, content = server(request)
    except ConnectionError as error:
        raise httpx.RemoteProtocolError("Server disconnected without sending a response.") from error
    return httpx.Response(status, headers=headers, content=content)
