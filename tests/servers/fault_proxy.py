"""A proxy on loopback that injects faults in front of a server."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from urllib.parse import urlsplit

from servers.loopback import QuietHandler, serve

Fault = str | None
"""None passes the request on; a status is the answer; "cut before" and "cut after" close the connection before or after
the server handles the request; "slow" delays the request by 0.3 s."""


class FaultProxy:
    """Passes requests on to `upstream`, except for the faults that `fault(number, method, path)` returns.

    `before_passing` is called with the method and path right before a request is passed on, such as for an edit by
    another user. `reached` has the requests that reached the server, `faults` counts the faults, `seen` all requests.
    """

    def __init__(self, upstream: str) -> None:
        self.upstream = urlsplit(upstream)
        self.fault: Callable[[int, str, str], Fault] = lambda _number, _method, _path: None
        self.before_passing: Callable[[str, str], None] = lambda _method, _path: None
        self.reached: list[tuple[str, str]] = []
        self.faults = 0
        self.seen = 0
        self.lock = threading.Lock()

    @contextmanager
    def served(self) -> Iterator[str]:
        """Serve on a free port; yield the URL."""
        with serve(_handler(self)) as url:
            yield url


def _handler(proxy: FaultProxy) -> type[QuietHandler]:
    class Handler(QuietHandler):
        def respond(self) -> None:
            body = self.body()
            with proxy.lock:
                fault = proxy.fault(proxy.seen, self.command, self.path)
                proxy.seen += 1
                proxy.faults += fault is not None
            if fault == "cut before":
                self._cut()
            elif fault is not None and fault.isdigit():
                self._reply(
                    int(fault),
                    b'{"name": "Busy", "message": "try later"}',
                    {"retry-after": "0"} if fault == "429" else {},
                )
            else:
                time.sleep(0.3 if fault == "slow" else 0)
                proxy.before_passing(self.command, self.path)
                status, content = self._pass_on(body)
                if fault == "cut after":
                    self._cut()
                else:
                    self._reply(status, content, {})

        do_GET = do_POST = do_PUT = do_DELETE = respond  # noqa: N815 - http.server's names

        def _pass_on(self, body: bytes) -> tuple[int, bytes]:
            connection = HTTPConnection(proxy.upstream.hostname or "", proxy.upstream.port, timeout=30)
            headers = {
                name: value for name, value in self.headers.items() if name.lower() not in {"host", "accept-encoding"}
            }
            connection.request(self.command, self.path, body or None, headers)
            answer = connection.getresponse()
            content = answer.read()
            connection.close()
            with proxy.lock:
                proxy.reached.append((self.command, self.path))
            return answer.status, content

        def _reply(self, status: int, content: bytes, headers: dict[str, str]) -> None:
            self.reply(status, {**headers, "content-type": "application/json"}, content)

        def _cut(self) -> None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

    return Handler
