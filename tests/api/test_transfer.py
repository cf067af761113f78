"""Whatever a server sends, a request ends in time, with a bounded answer or an error of a known type."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import suppress
from itertools import repeat
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from properties import examples
from servers.loopback import read_request, serve_raw, trickle
from unleash_gitops.api.transfer import NoAnswer, Transfer, UnreadableAnswer, parse_body

OK = b'HTTP/1.1 200 OK\r\nContent-Length: 12\r\nX: y\r\n\r\n{"a": 12345}'
SECONDS = 0.4


def silent(connection: socket.socket) -> None:
    connection.recv(1)
    connection.recv(65536)
    time.sleep(20)


def endless_headers(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X-More: yes\r\n")
        time.sleep(0.05)


def endless_informational(connection: socket.socket) -> None:
    read_request(connection)
    while True:
        connection.sendall(b"HTTP/1.1 102 Processing\r\n\r\n")
        time.sleep(0.02)


def endless_body(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b" ")
        time.sleep(0.05)


def send(
    url: str, method: str = "GET", seconds: float = SECONDS, stop: threading.Event | None = None, **more: Any
) -> Any:
    with Transfer(url, {}, timeout=seconds, stop=stop) as transfer:
        return transfer.send(method, url, **more)


@pytest.mark.parametrize(
    ("talk", "trouble"),
    [
        (silent, "timeout"),
        (trickle(OK), "timeout"),
        (endless_headers, "timeout"),
        (endless_informational, "timeout"),
        (endless_body, "incomplete"),
    ],
)
def test_the_timeout_is_for_the_whole_answer(talk: Callable[[socket.socket], None], trouble: str) -> None:
    began = time.monotonic()
    with serve_raw(talk) as url, pytest.raises(NoAnswer) as caught:
        send(url)
    assert (caught.value.trouble, caught.value.sent) == (trouble, True)
    assert SECONDS <= time.monotonic() - began < SECONDS + 5


def test_a_server_that_does_not_read_ends_a_long_request_in_time() -> None:
    began = time.monotonic()
    with serve_raw(lambda _connection: time.sleep(20)) as url, pytest.raises(NoAnswer) as caught:
        send(url, "POST", body={"a": "x" * 16_000_000})
    assert (caught.value.trouble, caught.value.sent) == ("timeout", True)
    assert time.monotonic() - began < SECONDS + 8


def test_a_tls_handshake_ends_in_time() -> None:
    began = time.monotonic()
    with serve_raw(silent) as url, pytest.raises(NoAnswer) as caught:
        send(url.replace("http:", "https:"))
    assert (caught.value.trouble, caught.value.sent) == ("timeout", False)
    assert time.monotonic() - began < SECONDS + 5


def test_the_look_up_of_a_name_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_more: time.sleep(20))
    began = time.monotonic()
    with pytest.raises(NoAnswer) as caught:
        send("http://unleash.example.com")
    assert (caught.value.trouble, caught.value.sent) == ("timeout", False)
    assert time.monotonic() - began < SECONDS + 5


@pytest.mark.parametrize("talk", [silent, endless_body, endless_headers])
def test_an_interrupt_ends_a_slow_read(talk: Callable[[socket.socket], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unleash_gitops.api.deadline._GRACE", 0.2)
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    began = time.monotonic()
    with serve_raw(talk) as url, pytest.raises(NoAnswer) as caught:
        send(url, seconds=60, stop=stop)
    assert caught.value.trouble == "interrupted"
    assert time.monotonic() - began < 8


def test_after_an_interrupt_a_quick_answer_is_still_read() -> None:
    stop = threading.Event()
    stop.set()
    with serve_raw(trickle(OK, 0.001)) as url:
        assert send(url, seconds=10, stop=stop).content == b'{"a": 12345}'


def answer(head: str, *body: bytes) -> Callable[[socket.socket], None]:
    def talk(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(f"HTTP/1.1 {head}\r\n\r\n".encode())
        for part in body:
            connection.sendall(part)

    return talk


def bomb(megabytes: int) -> bytes:
    """Return gzip of so many megabytes of spaces."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(deflate.compress(b" " * 1_000_000) for _ in range(megabytes)) + deflate.flush()


def test_an_answer_is_not_decompressed_beyond_its_limit() -> None:
    with serve_raw(answer("200 OK\r\nContent-Encoding: gzip", bomb(100))) as url:
        tracemalloc.start()
        try:
            with pytest.raises(UnreadableAnswer, match=r"^the answer is larger than 5 MB$"):
                send(url, seconds=30, most_bytes=5_000_000)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 12_000_000


def test_an_answer_that_is_not_compressed_has_the_same_limit() -> None:
    with (
        serve_raw(answer("200 OK", *repeat(b" " * 100_000, 1000))) as url,
        pytest.raises(UnreadableAnswer, match=r"^the answer is larger than 5 MB$"),
    ):
        send(url, seconds=30, most_bytes=5_000_000)


def test_a_compressed_answer_is_read() -> None:
    content = json.dumps([{"name": f"flag-{number}"} for number in range(100_000)]).encode()
    with serve_raw(answer("200 OK\r\nContent-Encoding: gzip", gzip.compress(content))) as url:
        response = send(url, seconds=30)
    assert response.content == content
    assert "content-encoding" not in response.headers


@pytest.mark.parametrize("body", [b"\x1f\x8b", b"{}", gzip.compress(b"{}")[:-4], b""])
def test_a_damaged_compressed_answer_is_an_error(body: bytes) -> None:
    with serve_raw(answer("200 OK\r\nContent-Encoding: gzip", body)) as url, pytest.raises(UnreadableAnswer):
        send(url)


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "x" * 5000])
def test_an_encoding_that_was_not_asked_for_is_an_error(encoding: str) -> None:
    with (
        serve_raw(answer(f"200 OK\r\nContent-Encoding: {encoding}", b"{}")) as url,
        pytest.raises(
            UnreadableAnswer, match=r"^the answer has the content encoding .{2,40}, which was not asked for$"
        ),
    ):
        send(url)


def test_the_body_of_an_error_is_ignored_when_it_cannot_be_read() -> None:
    with serve_raw(answer("502 Bad Gateway\r\nContent-Encoding: gzip", bomb(20))) as url:
        response = send(url, seconds=30)
    assert (response.status_code, response.reason_phrase, response.content) == (502, "Bad Gateway", b"")


ODD = [
    b"",
    b"\r\n",
    b"\x00" * 100,
    b"HTTP/1.1\r\n\r\n",
    b"HTTP/1.1 abc OK\r\n\r\n",
    b"HTTP/9.9 200 OK\r\n\r\n",
    b"SSH-2.0-OpenSSH_9.9\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: \xb2\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n: x\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    b"HTTP/1.1 200 \xff\xfe\r\nX: \xff\r\n\r\n",
    b"HTTP/1.1 999 x\r\nContent-Encoding: \xb2\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\nmore",
    b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000 + b"\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: http://[\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nSet-Cookie: =;=;\xff; expires=Never\r\nContent-Length: 0\r\n\r\n",
    b"<html></html>",
    b"HTTP/1.1 200 OK\nX:y\n\n{}",
]


@pytest.mark.parametrize("raw", ODD, ids=range(len(ODD)))
def test_odd_bytes_end_in_an_answer_or_a_known_error(raw: bytes) -> None:
    def talk(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(raw)

    with serve_raw(talk) as url, suppress(NoAnswer, UnreadableAnswer):
        assert 100 <= send(url, seconds=5).status_code <= 999


def test_connections_are_used_again() -> None:
    connections = []

    def talk(connection: socket.socket) -> None:
        connections.append(connection)
        while True:
            read_request(connection)
            connection.sendall(OK)

    with serve_raw(talk) as url, Transfer(url, {}, timeout=5) as transfer:
        for _ in range(5):
            assert transfer.send("GET", url).content == b'{"a": 12345}'
    assert len(connections) == 1


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"<html>", "the answer is not JSON"),
        (b"NaN", "the answer is not JSON"),
        (b'[{"a": -Infinity}]', "the answer is not JSON"),
        (b'"\xff"', "the answer is not JSON"),
        (b'"\\ud800"', "the answer is not JSON"),
        (b"1" * 5000, "the answer is not JSON"),
        (b"[" * 100_000, "the answer is not JSON"),
        (b'{"a": [1e400]}', "the answer has a number that is too large"),
        (b"[" * 51 + b"]" * 51, "the answer nests lists and objects more than 50 levels deep"),
        (b'{"a":' * 51 + b"1" + b"}" * 51, "the answer nests lists and objects more than 50 levels deep"),
    ],
)
def test_json_that_later_steps_could_not_handle_is_refused(body: bytes, problem: str) -> None:
    with pytest.raises(UnreadableAnswer) as caught:
        parse_body(body)
    assert str(caught.value) == problem


def test_json_of_fifty_levels_is_read() -> None:
    assert parse_body(b"[" * 50 + b"]" * 50) == json.loads("[" * 50 + "]" * 50)


def test_an_empty_body_is_none_and_of_two_equal_keys_the_last_counts() -> None:
    assert parse_body(b"") is None
    assert parse_body(b'{"a": 1, "a": 2}') == {"a": 2}


def _encode(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@examples(4.0)
@given(values)
def test_any_other_json_is_read_as_it_is(value: Any) -> None:
    assert parse_body(json.dumps(value).encode()) == value


@examples(4.0)
@given(st.binary(max_size=12) | st.text('[]{}:,"\\\x00 09.-eEu\ud800\ufeff', max_size=12).map(_encode))
def test_any_bytes_are_json_or_an_unreadable_answer(body: bytes) -> None:
    with suppress(UnreadableAnswer):
        assert parse_body(body) == (json.loads(body) if body else None)
