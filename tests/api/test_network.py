"""Connections go through the proxy that the environment names, and one that cannot be used is an error."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator

import httpcore
import pytest

from servers.loopback import read_request, serve_raw
from unleash_gitops.api.client import Client
from unleash_gitops.api.network import _Network
from unleash_gitops.api.transfer import NoAnswer, Transfer
from unleash_gitops.model.errors import UsageError

NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def proxy() -> Iterator[tuple[str, list[bytes]]]:
    """Serve a proxy that answers by itself; give its host and port, and the requests as they come."""
    requests: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        requests.append(read_request(connection))
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    with serve_raw(talk) as url:
        yield url.removeprefix("http://"), requests


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("form", ["http://user:pw@{}", "user:pw@{}"])
def test_a_request_goes_through_the_proxy(
    proxy: tuple[str, list[bytes]], variable: str, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, requests = proxy
    monkeypatch.setenv(variable, form.format(address))
    with Transfer("http://unleash.test/base", {}, timeout=5) as transfer:
        assert transfer.send("GET", "http://unleash.test/base/x").status_code == 403
    (request,) = requests
    lines = request.decode().split("\r\n")
    assert lines[0] == "GET http://unleash.test/base/x HTTP/1.1"
    assert "Proxy-Authorization: Basic dXNlcjpwdw==" in lines


def test_https_opens_a_tunnel_and_a_refused_one_is_no_answer(
    proxy: tuple[str, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, requests = proxy
    monkeypatch.setenv("HTTPS_PROXY", f"http://{address}")
    with (
        Transfer("https://unleash.test", {"Authorization": "secret"}, timeout=5) as transfer,
        pytest.raises(NoAnswer) as caught,
    ):
        transfer.send("GET", "https://unleash.test/x")
    assert (caught.value.trouble, caught.value.sent, str(caught.value)) == ("lost", False, "403 Forbidden")
    assert [request.split(b"\r\n")[0] for request in requests] == [b"CONNECT unleash.test:443 HTTP/1.1"]
    assert b"secret" not in requests[0]


@pytest.mark.parametrize("exception", ["127.0.0.1", "*"])
def test_a_host_in_no_proxy_is_connected_to_directly(exception: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def talk(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", exception)
    with serve_raw(talk) as url, Transfer(url, {}, timeout=5) as transfer:
        assert transfer.send("GET", url).status_code == 204


@pytest.mark.parametrize(
    ("proxy_url", "message"),
    [
        (
            "socks5://u:secret@proxy.test:1080",
            "the proxy socks5://proxy.test needs support for SOCKS, which is not installed",
        ),
        ("socks5h://proxy.test", "the proxy socks5h://proxy.test needs support for SOCKS, which is not installed"),
        ("ftp://u:secret@proxy.test", "ALL_PROXY is not the URL of a proxy"),
        ("http://proxy.test:port", "ALL_PROXY is not the URL of a proxy"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_a_usage_error(
    proxy_url: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "socksio", None)
    monkeypatch.setenv("ALL_PROXY", proxy_url)
    with pytest.raises(UsageError) as caught:
        Client("http://unleash.test", "token")
    assert caught.value.message == message
    assert len(caught.value.hints) >= 2


@pytest.mark.parametrize("host", ["x" * 64 + ".test", "a..b", "*.test"])
def test_a_name_that_is_no_host_is_no_answer(host: str) -> None:
    with Transfer("http://unleash.test", {}, timeout=5) as transfer, pytest.raises(NoAnswer) as caught:
        transfer.send("GET", f"http://{host}/")
    assert not caught.value.sent


class _Connection(httpcore.NetworkStream):
    """A connection that tells whether it was closed."""

    def __init__(self) -> None:
        self.is_closed = False

    def close(self) -> None:
        self.is_closed = True


def test_a_closed_client_leaves_no_connection_open_that_another_thread_opened() -> None:
    network = _Network()
    early, late = _Connection(), _Connection()
    network.keep(early)
    network.close()
    with pytest.raises(httpcore.ConnectError):
        network.keep(late)
    assert (early.is_closed, late.is_closed) == (True, True)
