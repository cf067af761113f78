"""A link's address as a server keeps it, so that the same address is not taken for another one."""

from __future__ import annotations

import posixpath
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

__all__ = ["normalise_url"]

_PORTS = {"http": 80, "https": 443}


def normalise_url(url: str) -> str:
    """Return `url` in the form that Unleash 8.2.0 turns every link into.

    Scheme and host in lower case, no user, usual port, trailing slash or `utm_` parameters, parameters in order. Raises
    ValueError when it is no http(s) address.
    """
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname or any(sign.isspace() for sign in url):
        raise ValueError("not an absolute http:// or https:// address")
    port = "" if parts.port in {None, _PORTS[parts.scheme]} else f":{parts.port}"
    host = parts.hostname if parts.hostname.isascii() else parts.hostname.encode("idna").decode()
    path = posixpath.normpath(parts.path) if parts.path else ""
    path = quote(unquote(path), safe="/~!$&'()*+,;=:@-._").rstrip("/").replace("//", "/")
    query = sorted(pair for pair in parse_qsl(parts.query, keep_blank_values=True) if not pair[0].startswith("utm_"))
    path = path or ("/" if query else "")
    return urlunsplit((parts.scheme, host + port, path, urlencode(query), parts.fragment))
