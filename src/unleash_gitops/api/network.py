"""Connections whose every step ends at the deadline of its request. The other side cannot delay that.

The time-outs of HTTP libraries are for a single read: a server that sends one byte a second never exceeds them.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, TypeVar, cast
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from unleash_gitops.api.deadline import Deadline
from unleash_gitops.model.errors import UsageError

__all__ = ["BoundedTransport"]

_T = TypeVar("_T")
_POLL = 0.1
"""Seconds after which a blocked read notices an interrupt."""
_WRITE_BYTES = 1024
"""Bytes of one write: less than a segment, so that a slow reader cannot stretch one write beyond the deadline."""


_ERRORS = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
)


class BoundedTransport(httpx.BaseTransport):
    """HTTP to the origin of `url`; safe to use from many threads.

    `use_proxies` goes through the proxy that the environment names for it. Each request carries its Deadline as the
    extension `deadline`. Keeps at most `idle` unused connections open. Raises UsageError for a proxy that cannot be
    used, and httpx.HTTPError from requests.
    """

    def __init__(self, url: httpx.URL, tls: ssl.SSLContext, idle: int = 1, *, use_proxies: bool = True) -> None:
        self._network = _Network()
        self._pool = _open_pool(_find_proxy(url) if use_proxies else None, tls, idle, self._network)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return the answer, whose body the calling thread has to read."""
        self._network.set_deadline(request.extensions["deadline"])
        with _httpx_errors():
            response = self._pool.handle_request(
                httpcore.Request(
                    request.method,
                    _to_httpcore(request.url),
                    headers=request.headers.raw,
                    content=cast("Iterable[bytes]", request.stream),
                    extensions={},
                )
            )
        stream = _Body(cast("Iterable[bytes]", response.stream))
        return httpx.Response(
            response.status, headers=response.headers, stream=stream, extensions=dict(response.extensions)
        )

    def close(self) -> None:
        """Close all connections, also those that another thread is using or opening."""
        self._pool.close()
        self._network.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, stream: Iterable[bytes]) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        with _httpx_errors():
            yield from self._stream

    def close(self) -> None:
        close = getattr(self._stream, "close", None)
        if close is not None:
            close()


class _Network(httpcore.NetworkBackend):
    """Opens connections. Each thread has the deadline of the request that it makes."""

    def __init__(self) -> None:
        self._sockets = httpcore.SyncBackend()
        self._of_thread = threading.local()
        self._open: set[_Stream] = set()
        self._is_closed = False
        self._lock = threading.Lock()

    def set_deadline(self, deadline: Deadline) -> None:
        self._of_thread.deadline = deadline

    def remaining(self, out_of_time: type[httpcore.TimeoutException]) -> float:
        """Return the seconds that the request of this thread has left. Raises `out_of_time` at its end."""
        deadline: Deadline = self._of_thread.deadline
        seconds = deadline.remaining()
        if seconds <= 0:
            raise out_of_time
        return seconds

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline counts
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        def connect(seconds: float) -> httpcore.NetworkStream:
            try:
                return self._sockets.connect_tcp(host, port, seconds, local_address, socket_options)
            except UnicodeError as error:  # a name that is no host name, such as one with a label of 64 characters
                raise httpcore.ConnectError(str(error)) from None

        return self.keep(self.run(connect))

    def keep(self, stream: httpcore.NetworkStream) -> _Stream:
        """Return a connection with the deadlines of this network. Raises httpcore.ConnectError when that is closed."""
        kept = _Stream(stream, self)
        with self._lock:
            if not self._is_closed:
                self._open.add(kept)
                return kept
        stream.close()
        raise httpcore.ConnectError("the client was closed")

    def forget(self, stream: _Stream) -> None:
        """Note that a connection is closed."""
        with self._lock:
            self._open.discard(stream)

    def close(self) -> None:
        """Close each connection that is open, and each that is opened from now on: the pool knows only idle ones."""
        with self._lock:
            self._is_closed = True
            streams = list(self._open)
        for stream in streams:
            stream.close()

    def run(self, connect: Callable[[float], httpcore.NetworkStream]) -> httpcore.NetworkStream:
        """Return the result of `connect`, which gets the seconds that are left. Raises httpcore.ConnectTimeout.

        It runs in a thread: the system's look-up of a name cannot be given a time, and each address of a host takes
        its own.
        """
        connecting: Future[httpcore.NetworkStream] = Future()
        seconds = self.remaining(httpcore.ConnectTimeout)
        threading.Thread(target=_complete, args=(connecting, lambda: connect(seconds)), daemon=True).start()
        while True:
            try:
                return connecting.result(min(_POLL, self.remaining(httpcore.ConnectTimeout)))
            except TimeoutError:
                continue
            except httpcore.ConnectTimeout:
                connecting.add_done_callback(_close_result)
                raise


class _Stream(httpcore.NetworkStream):
    """A connection whose reads and writes end at the deadline of the thread that makes them."""

    def __init__(self, stream: httpcore.NetworkStream, network: _Network) -> None:
        self._stream = stream
        self._network = network

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - the deadline counts
        while True:
            seconds = self._network.remaining(httpcore.ReadTimeout)
            try:
                return self._stream.read(max_bytes, min(_POLL, seconds))
            except httpcore.ReadTimeout:
                continue

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - the deadline counts
        for begin in range(0, len(buffer), _WRITE_BYTES):
            seconds = self._network.remaining(httpcore.WriteTimeout)
            self._stream.write(buffer[begin : begin + _WRITE_BYTES], seconds)

    def close(self) -> None:
        self._network.forget(self)
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - the deadline counts
    ) -> httpcore.NetworkStream:
        def shake_hands(seconds: float) -> httpcore.NetworkStream:
            return self._stream.start_tls(ssl_context, server_hostname, seconds)

        encrypted = self._network.keep(self._network.run(shake_hands))
        self._network.forget(self)  # the encrypted connection closes this one
        return encrypted

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _complete(future: Future[_T], function: Callable[[], _T]) -> None:
    try:
        future.set_result(function())
    except BaseException as error:  # noqa: BLE001 - raised where the result is waited for
        future.set_exception(error)


def _close_result(connecting: Future[httpcore.NetworkStream]) -> None:
    """Close a connection that is made after its request has ended."""
    if connecting.exception() is None:
        connecting.result().close()


@contextmanager
def _httpx_errors() -> Iterator[None]:
    """Raise errors of httpcore as those of httpx, which have the same names."""
    try:
        yield
    except _ERRORS as error:
        raise getattr(httpx, type(error).__name__)(str(error)) from error


def _to_httpcore(url: httpx.URL) -> httpcore.URL:
    return httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)


def _find_proxy(url: httpx.URL) -> httpx.Proxy | None:
    """Return the proxy that HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY name for a URL. Raises UsageError."""
    proxies = getproxies()
    scheme = url.scheme if url.scheme in proxies else "all"
    address = proxies.get(scheme)
    if not address or proxy_bypass(url.netloc.decode("ascii")):
        return None
    try:
        return httpx.Proxy(address if "://" in address else f"http://{address}")
    except (httpx.InvalidURL, ValueError):
        raise UsageError(
            f"{scheme.upper()}_PROXY is not the URL of a proxy",
            ("it has the form http://HOST:PORT", f"to connect without it, add {url.host} to NO_PROXY"),
        ) from None


def _open_pool(proxy: httpx.Proxy | None, tls: ssl.SSLContext, idle: int, network: _Network) -> httpcore.ConnectionPool:
    options: Any = {
        "ssl_context": tls,
        "max_connections": None,  # each thread has at most one
        "max_keepalive_connections": idle,
        "keepalive_expiry": 5.0,
        "network_backend": network,
    }
    if proxy is None:
        return httpcore.ConnectionPool(**options)
    options |= {"proxy_url": _to_httpcore(proxy.url), "proxy_auth": proxy.raw_auth}
    if not proxy.url.scheme.startswith("socks"):
        proxy_tls = tls if proxy.url.scheme == "https" else None
        return httpcore.HTTPProxy(proxy_ssl_context=proxy_tls, **options)
    try:
        return httpcore.SOCKSProxy(**options)
    except (ImportError, RuntimeError):
        raise UsageError(
            f"the proxy {proxy.url.scheme}://{proxy.url.host} needs support for SOCKS, which is not installed",
            (
                "to install it, run: pip install socksio",
                "to use an HTTP proxy, set HTTPS_PROXY",
                "to connect without a proxy, add the host to NO_PROXY",
            ),
        ) from None
