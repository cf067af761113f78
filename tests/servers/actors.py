"""Other people at the real server: a second admin token, and somebody who logs in."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from servers.sandbox_database import execute

PERSON = "admin"
ANOTHER = "other-tool"
"""The name of the second token."""


def make_token(name: str) -> str:
    """Make an admin token of that name, as the server's own pages do; return its secret."""
    secret = f"*:*.{uuid.uuid4().hex}"
    columns = "secret, username, token_name, type, created_by_user_id"
    execute(f"INSERT INTO api_tokens ({columns}) VALUES ('{secret}', '{name}', '{name}', 'admin', -1337)")
    return secret


@contextmanager
def token_holder(url: str, secret: str) -> Iterator[httpx.Client]:
    """Give a client with a token."""
    with httpx.Client(base_url=url, headers={"Authorization": secret}, trust_env=False, timeout=30) as client:
        yield client


@contextmanager
def person(url: str) -> Iterator[httpx.Client]:
    """Give a client that has logged in as `PERSON`."""
    with httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
        login = {"username": PERSON, "password": "unleash4all"}
        client.post("/auth/simple/login", json=login).raise_for_status()
        yield client


def let_be_announced() -> None:
    """Wait until the server has told itself what was done: every second it does.

    8.2.0 may end, with an error of its database, when a flag is deleted while it notes that it was archived.
    """
    time.sleep(1.5)
