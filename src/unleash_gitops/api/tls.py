"""The TLS settings of all clients. To load the certificate authorities takes 50 ms, so it is done once."""

from __future__ import annotations

import os
import ssl
from functools import cache

import httpx

__all__ = ["shared_tls_context"]


def shared_tls_context() -> ssl.SSLContext:
    """Return a context with the certificate authorities of SSL_CERT_FILE or SSL_CERT_DIR, else with the usual ones.

    Raises OSError when a file cannot be read.
    """
    return _load(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@cache
def _load(_file: str | None, _directory: str | None) -> ssl.SSLContext:
    """Load the context for these values of the environment, which httpx reads itself."""
    return httpx.create_ssl_context()
