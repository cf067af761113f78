"""One request and its whole answer, bounded in time, size and depth.

Anything that a server sends becomes an answer, NoAnswer or UnreadableAnswer.
"""

from __future__ import annotations

import math
import threading
import zlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, Literal, Self, cast

import httpx
from pydantic_core import from_json

from unleash_gitops.api.deadline import Deadline
from unleash_gitops.api.network import BoundedTransport
from unleash_gitops.api.tls import shared_tls_context

__all__ = ["NoAnswer", "Transfer", "UnreadableAnswer", "parse_body"]

MOST_BYTES = 100_000_000
"""The most bytes of an answer, decompressed. An export of 10,000 flags has some tens of millions."""
_MOST_ERROR_BYTES = 1_000_000
"""The most bytes of an error answer. The body of a longer one is ignored."""
_MOST_DEPTH = 50
"""The most levels of lists and objects in an answer. Unleash needs about ten."""
_CHUNK = 1 << 18
"""Bytes that are decompressed at once."""
_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)
_ABOUT_BODY = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})
_CHECKED = frozenset({dict, list, float})


class NoAnswer(Exception):
    """No complete answer came. `sent` tells whether the server may have processed the request.

    `trouble` is a sort: "timeout", "incomplete" (a time-out within the answer), "interrupted", "certificate" (not
    trusted) or "lost" (any other). The text is the HTTP library's.
    """

    def __init__(self, trouble: _Trouble, text: str, *, sent: bool) -> None:
        super().__init__(text)
        self.trouble = trouble
        self.sent = sent

    @property
    def is_timeout(self) -> bool:
        """Whether the time for the answer was over."""
        return self.trouble in {"timeout", "incomplete"}


class UnreadableAnswer(Exception):
    """An answer came, but its body cannot be used. The text says why, as a sentence with "the answer" as subject."""


_Trouble = Literal["timeout", "incomplete", "interrupted", "certificate", "lost"]


class Transfer:
    """Requests with the same `headers` to the origin of `url`; a context manager, safe to use from many threads.

    `timeout` is in seconds, for one request with its whole answer; once `stop` is set, a request has only a few
    seconds left. Keeps at most `idle` unused connections. `use_proxies` takes the proxies of the environment. Raises
    OSError for certificates that cannot be loaded, and UsageError for a proxy or a URL that cannot be used.
    """

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        *,
        timeout: float,
        stop: threading.Event | None = None,
        idle: int = 1,
        use_proxies: bool = True,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._headers = {"User-Agent": "unleash-gitops", "Accept-Encoding": "gzip", **headers}
        self._timeout = timeout
        self._stop = stop or threading.Event()
        self._transport = transport or BoundedTransport(
            httpx.URL(url), shared_tls_context(), idle, use_proxies=use_proxies
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def send(
        self,
        method: str,
        url: str,
        body: Any = None,
        *,
        most_bytes: int = MOST_BYTES,
        timeout: float | None = None,
    ) -> httpx.Response:
        """Send one request, with `body` as JSON unless it is None; return the answer with its body decompressed.

        Follows no redirect and keeps no cookies. Raises NoAnswer, and UnreadableAnswer for a successful one.
        """
        try:
            request = httpx.Request(method, url, headers=self._headers, json=body)
        except httpx.InvalidURL as error:
            raise NoAnswer("lost", str(error), sent=False) from None
        deadline = request.extensions["deadline"] = Deadline(timeout or self._timeout, self._stop)
        has_begun = False
        try:
            response = self._transport.handle_request(request)
            has_begun = True
            return _complete(request, response, deadline, most_bytes)
        except httpx.HTTPError as error:
            raise _to_no_answer(error, deadline, has_begun=has_begun) from None


def parse_body(body: bytes) -> Any:
    """Return the value of a JSON text, None for an empty one. Raises UnreadableAnswer.

    Refuses what later steps could not handle: NaN and infinite numbers, lone surrogates, deep nesting.
    """
    if not body:
        return None
    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError:
        raise UnreadableAnswer("the answer is not JSON") from None
    level: list[Any] = [[value]]
    for _ in range(_MOST_DEPTH + 1):
        children = chain.from_iterable(node.values() if type(node) is dict else node for node in level)
        checked = [child for child in children if type(child) in _CHECKED]
        level = [child for child in checked if type(child) is not float]
        if len(level) < len(checked) and not all(math.isfinite(child) for child in checked if type(child) is float):
            raise UnreadableAnswer("the answer has a number that is too large")
        if not level:
            return value
    raise UnreadableAnswer(f"the answer nests lists and objects more than {_MOST_DEPTH} levels deep")


def _complete(request: httpx.Request, response: httpx.Response, deadline: Deadline, most_bytes: int) -> httpx.Response:
    """Read the body, and return the answer with it. Raises httpx.HTTPError and UnreadableAnswer."""
    try:
        body = b"".join(_read(response, deadline, most_bytes if response.is_success else _MOST_ERROR_BYTES))
    except UnreadableAnswer:
        if response.is_success:
            raise
        body = b""  # the status of an error says enough
    finally:
        response.close()
    headers = [(name, value) for name, value in response.headers.raw if name.lower() not in _ABOUT_BODY]
    extensions = {name: value for name, value in response.extensions.items() if name == "reason_phrase"}
    return httpx.Response(response.status_code, headers=headers, content=body, request=request, extensions=extensions)


def _read(response: httpx.Response, deadline: Deadline, most_bytes: int) -> Iterator[bytes]:
    """Yield the body in parts, decompressed. Raises httpx.HTTPError and UnreadableAnswer."""
    parts = cast("Iterable[bytes]", response.stream)
    read = 0
    for part in _decompress(parts, response.headers.get("content-encoding", "identity").strip().lower()):
        read += len(part)
        if read > most_bytes:
            raise UnreadableAnswer(f"the answer is larger than {most_bytes / 1_000_000:g} MB")
        if deadline.remaining() <= 0:
            raise httpx.ReadTimeout("")
        yield part


def _decompress(parts: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Yield decompressed parts, each of a bounded size. Raises UnreadableAnswer."""
    if encoding in {"", "identity"}:
        yield from parts
        return
    if encoding not in {"gzip", "x-gzip"}:
        raise UnreadableAnswer(f"the answer has the content encoding {encoding[:40]}, which was not asked for")
    inflate = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        for part in parts:
            rest = part
            while rest and not inflate.eof:
                yield inflate.decompress(rest, _CHUNK)
                rest = inflate.unconsumed_tail
        yield inflate.flush()
    except zlib.error:
        raise UnreadableAnswer("the answer is not valid gzip") from None
    if not inflate.eof:
        raise UnreadableAnswer("the answer is cut short")


def _to_no_answer(error: httpx.HTTPError, deadline: Deadline, *, has_begun: bool) -> NoAnswer:
    text = str(error) or type(error).__name__
    trouble: _Trouble = "lost"
    if isinstance(error, httpx.TimeoutException):
        trouble = "interrupted" if deadline.is_interrupted else "incomplete" if has_begun else "timeout"
    elif "CERTIFICATE_VERIFY_FAILED" in text:
        trouble = "certificate"
    return NoAnswer(trouble, text, sent=not isinstance(error, _UNSENT))
