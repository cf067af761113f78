"""The allow-list of hosts: the hosts a token may be sent to. Files, plans and options cannot extend it.

A host is compared in the form in which the client connects to it: in lower case, an international name in its ASCII
form, an IP address in its shortest form, and without the dot at the end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address
from typing import NamedTuple, Self

import httpx

from unleash_gitops.model.errors import UsageError

__all__ = ["ALLOWED_HOSTS_VARIABLE", "AllowedHosts"]

ALLOWED_HOSTS_VARIABLE = "UNLEASH_ALLOWED_HOSTS"

_LOOPBACK = IPv4Network("127.0.0.0/8")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_ENTRY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:/@?#\\%*]+)(?::([0-9]{1,5}))?")
_LABEL = "[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_ENTRY_HINT = "an entry is HOST or HOST:PORT, such as unleash.example.com or [2001:db8::1]:4242"


class _Entry(NamedTuple):
    """A host in its canonical form, and its port; None: any port."""

    host: str
    port: int | None


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """The hosts that may receive a token."""

    entries: frozenset[_Entry]

    @classmethod
    def parse(cls, text: str | None) -> Self | None:
        """Return the hosts in the value of UNLEASH_ALLOWED_HOSTS, None when it is not set (None).

        Entries are separated by commas or white space. Raises UsageError for a malformed entry, or without any.
        """
        if text is None:
            return None
        entries = [entry for entry in re.split(r"[,\s]+", text) if entry]
        if not entries:
            raise UsageError(
                f"{ALLOWED_HOSTS_VARIABLE} is set, but names no host",
                (f"name the host of the instance; {_ENTRY_HINT}", "to allow every host, unset the variable"),
            )
        return cls(frozenset(map(_parse_entry, entries)))

    def check(self, url: str) -> None:
        """Raise UsageError unless a token may be sent to `url`: to a listed host, and by https or to this machine."""
        try:
            parts = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise UsageError(f"{url}: {error}") from None
        host = _canonicalize(parts.raw_host.decode("ascii"))
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
        if _Entry(host, None) not in self.entries and _Entry(host, port) not in self.entries:
            shown = f"[{host}]" if ":" in host else host
            shown = shown if parts.port is None else f"{shown}:{parts.port}"
            raise UsageError(
                f"the token is not sent to {url}: {ALLOWED_HOSTS_VARIABLE} does not list {shown}",
                (
                    "if the address is wrong, correct it (--url, UNLEASH_URL or spec.url)",
                    f"to allow the host, add {shown} to {ALLOWED_HOSTS_VARIABLE}",
                ),
            )
        if parts.scheme != "https" and not _is_loopback(host):
            raise UsageError(
                f"the token is not sent to {url}: with {ALLOWED_HOSTS_VARIABLE}, only this machine is reached by http",
                "use the https:// address of the instance",
            )


def _parse_entry(text: str) -> _Entry:
    """Return an entry in its canonical form. Raises UsageError."""
    match = _ENTRY.fullmatch(text)
    if match is not None:
        try:
            host = _canonicalize(httpx.URL(f"https://{match[1]}").raw_host.decode("ascii"))
        except httpx.InvalidURL:
            host = ""
        port = None if match[2] is None else int(match[2])
        if _is_host(host) and (port is None or 1 <= port <= 65535):
            return _Entry(host, port)
    shown = text if "@" not in text else f"***@{text.rpartition('@')[2]}"  # it may be a password
    raise UsageError(f'{ALLOWED_HOSTS_VARIABLE}: "{shown}" is neither a host nor a host and a port', _ENTRY_HINT)


def _canonicalize(host: str) -> str:
    """Return the form of a host in which two spellings of it are equal."""
    host = host.lower().removesuffix(".")
    address = _parse_address(host)
    return host if address is None else str(address)


def _is_host(host: str) -> bool:
    """Tell whether a canonical host is an address, or a name that cannot be taken for one, such as 127.1."""
    if _parse_address(host) is not None:
        return True
    last = host.rpartition(".")[2]
    return len(host) <= 253 and _NAME.fullmatch(host) is not None and not re.fullmatch("[0-9]+|0x[0-9a-f]*", last)


def _is_loopback(host: str) -> bool:
    address = _parse_address(host)
    if isinstance(address, IPv4Address):
        return address in _LOOPBACK
    return host == "localhost" or address == IPv6Address("::1")


def _parse_address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
