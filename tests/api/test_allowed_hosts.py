"""The allow-list of hosts: what its entries are, and which URLs a token may be sent to."""

from __future__ import annotations

import pytest

from unleash_gitops.api.allowed_hosts import AllowedHosts
from unleash_gitops.model.errors import UsageError


def refusal(text: str, url: str) -> str | None:
    """Return why a token may not be sent to `url`, None when it may."""
    allowed = AllowedHosts.parse(text)
    assert allowed is not None
    try:
        allowed.check(url)
    except UsageError as error:
        return error.message
    return None


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("unleash.example.com", "https://unleash.example.com/base"),
        ("unleash.example.com", "https://unleash.example.com:8443"),
        ("unleash.example.com:443", "https://unleash.example.com"),
        ("unleash.example.com:8443", "https://unleash.example.com:8443"),
        ("UNLEASH.Example.COM.", "https://unleash.example.com"),
        ("unleash.example.com", "HTTPS://UNLEASH.example.com."),
        ("bücher.example", "https://xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "https://bücher.example"),
        ("a.example,b.example:1, c.example\n d.example", "https://c.example"),
        ("127.0.0.1", "http://127.0.0.1:4242"),
        ("127.8.9.10:80", "http://127.8.9.10"),
        ("localhost:4242", "http://localhost:4242"),
        ("[::1]:4242", "http://[0:0::1]:4242"),
        ("[2001:DB8::1]", "https://[2001:db8:0::1]"),
        ("my_unleash", "https://my_unleash"),
    ],
)
def test_a_token_is_sent_to_a_listed_host(text: str, url: str) -> None:
    assert refusal(text, url) is None


@pytest.mark.parametrize(
    ("text", "url", "host"),
    [
        ("unleash.example.com", "https://evil.example", "evil.example"),
        ("unleash.example.com", "https://unleash.example.com.evil.example", "unleash.example.com.evil.example"),
        ("unleash.example.com", "https://evil.example/unleash.example.com", "evil.example"),
        ("unleash.example.com", "https://sub.unleash.example.com", "sub.unleash.example.com"),
        ("example.com", "https://evilexample.com", "evilexample.com"),
        ("unleash.example.com", "https://unleash.example.com..", "unleash.example.com."),
        ("unleash.example.com", "https://unleash.example.com@evil.example", "evil.example"),
        ("unleash.example.com", "https://unleash.example.com\\@evil.example", "evil.example"),
        ("unleash.example.com:8443", "https://unleash.example.com", "unleash.example.com"),
        ("unleash.example.com:8443", "https://unleash.example.com:443", "unleash.example.com"),
        ("unleash.example.com:8443", "https://unleash.example.com:9443", "unleash.example.com:9443"),
        ("unleash.example.com", "https://unleаsh.example.com", "xn--unlesh-6nf.example.com"),  # noqa: RUF001 - Cyrillic
        ("127.0.0.1", "http://localhost", "localhost"),
        ("127.0.0.1", "http://127.1", "127.1"),
        ("[::1]", "http://[::2]:1", "[::2]:1"),
    ],
)
def test_a_token_is_sent_to_no_other_host(text: str, url: str, host: str) -> None:
    assert refusal(text, url) == f"the token is not sent to {url}: UNLEASH_ALLOWED_HOSTS does not list {host}"


@pytest.mark.parametrize(
    "url", ["http://unleash.example.com", "http://128.0.0.1", "http://[::ffff:127.0.0.1]", "http://a.localhost"]
)
def test_http_reaches_this_machine_only(url: str) -> None:
    listed = "unleash.example.com, 128.0.0.1 a.localhost [::ffff:127.0.0.1]"
    assert refusal(listed, url) == (
        f"the token is not sent to {url}: with UNLEASH_ALLOWED_HOSTS, only this machine is reached by http"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://unleash.example.com", "https://unleash.example.com"),
        ("unleash.example.com/", "unleash.example.com/"),
        ("unleash.example.com:", "unleash.example.com:"),
        ("unleash.example.com:0", "unleash.example.com:0"),
        ("unleash.example.com:65536", "unleash.example.com:65536"),
        ("unleash.example.com:٤٤٣", "unleash.example.com:٤٤٣"),
        ("*.example.com", "*.example.com"),
        ("a.example;b.example", "a.example;b.example"),
        ("a..example", "a..example"),
        (".example", ".example"),
        ("-a.example", "-a.example"),
        ("①.example", "①.example"),
        ("127.1", "127.1"),
        ("0x7f.1", "0x7f.1"),
        ("256.0.0.1", "256.0.0.1"),
        ("::1", "::1"),
        ("[::1", "[::1"),
        ("[::g]", "[::g]"),
        ("[fe80::1%eth0]", "[fe80::1%eth0]"),
        ("ok.example, b@d.example", "***@d.example"),
        ("name:secret@host", "***@host"),
    ],
)
def test_a_malformed_entry_is_an_error(text: str, shown: str) -> None:
    with pytest.raises(UsageError) as caught:
        AllowedHosts.parse(text)
    assert caught.value.message == (f'UNLEASH_ALLOWED_HOSTS: "{shown}" is neither a host nor a host and a port')


@pytest.mark.parametrize("text", ["", " ", ",", " ,\n"])
def test_a_list_without_hosts_is_an_error_and_no_permission(text: str) -> None:
    with pytest.raises(UsageError, match="UNLEASH_ALLOWED_HOSTS is set, but names no host"):
        AllowedHosts.parse(text)


def test_without_the_variable_nothing_is_limited() -> None:
    assert AllowedHosts.parse(None) is None
