"""A server on a free port of loopback, for as long as a test needs it."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class QuietHandler(BaseHTTPRequestHandler):
    """Keeps connections open and logs nothing.

    Headers and body leave in one segment, without Nagle's algorithm: two sends would wait 40 ms for a delayed ACK.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # http.server flushes after each request

    def body(self) -> bytes:
        """Return the body of the request. Raises ConnectionAbortedError when the client ends before it is complete."""
        length = int(self.headers.get("content-length") or 0)
        content = self.rfile.read(length)
        if len(content) < length:
            raise ConnectionAbortedError("the client went away within a request")
        return content

    def reply(self, status: int, headers: dict[str, str], content: bytes) -> None:
        """Send a whole response, dated unless `headers` have a date."""
        self.send_response_only(status)
        dated = {"date": self.date_time_string(), **headers}
        for name, value in {**dated, "content-length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        """Log nothing."""


class LoopbackServer(ThreadingHTTPServer):
    """Keeps the errors of its handlers, which `http.server` would print on the stderr of a command under test."""

    daemon_threads = True

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.errors: list[BaseException] = []

    def handle_error(self, request: object, client_address: object) -> None:
        """Keep the error, unless the client has gone away."""
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, ConnectionError):
            self.errors.append(error)


@contextmanager
def serve(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve with `handler`; give the address. Raises an error of the handler at the end."""
    server = LoopbackServer(handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
    if server.errors:
        raise server.errors[0]


@contextmanager
def serve_raw(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """Accept connections and let `talk` have each, until it returns; give the address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:  # closed
                    return
                threading.Thread(target=run, args=(connection,), daemon=True).start()

        def run(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                talk(connection)

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


def read_request(connection: socket.socket) -> bytes:
    """Return the bytes of a request up to the end of its headers."""
    received = b""
    while b"\r\n\r\n" not in received:
        part = connection.recv(65536)
        if not part:
            raise ConnectionAbortedError("the client went away")
        received += part
    return received


def trickle(content: bytes, pause: float = 0.05) -> Callable[[socket.socket], None]:
    """Return a server that sends `content` byte by byte, with a pause after each, and then nothing for good."""

    def talk(connection: socket.socket) -> None:
        read_request(connection)
        for byte in content:
            connection.sendall(bytes([byte]))
            time.sleep(pause)
        connection.recv(1)

    return talk
