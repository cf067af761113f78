"""Other users of the real server: a second admin token, and a user who logs in."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from servers.sandbox_database import execute

PERSON = "admin"
ANOTHER = "other-tool"
"""The name of the second token."""


def make_token(name: str) -> str:
    """Create an admin token with that name, as the UI does; return its secret."""
    secret = f"*:*.{uuid.uuid4().hex}"
    columns = "secret, username, token_name, type, created_by_user_id"
    execute(f"INSERT INTO api_tokens ({columns}) VALUES ('{secret}', '{name}', '{name}', 'admin', -1337)")
    return secret


@contextmanager
def token_holder(url: str, secret: str) -> Iterator[httpx.Client]:
    """Yield a client with a token."""
    with httpx.Client(
        base_url=url, headers={"Authorization": secret}, trust_env=False, timeout=30, verify=False
    ) as client:
        yield client


@contextmanager
def person(url: str) -> Iterator[httpx.Client]:
    """Yield a client that is logged in as `PERSON`."""
    with httpx.Client(base_url=url, trust_env=False, timeout=30, verify=False) as client:
        login = {"username": PERSON, "password": "unleash4all"}
        client.post("/auth/simple/login", json=login).raise_for_status()
        yield client


def wait_until_archived(flag: str) -> None:
    """Wait until the server has processed its event that `flag` was archived. It processes events every second.

    8.2.0 may end with a database error when a flag is deleted before that.
    """
    pending = "EXISTS (SELECT FROM events WHERE NOT announced) OR NOT EXISTS"
    execute(f"""DO $$ BEGIN
        FOR tries IN 1..500 LOOP
            IF NOT ({pending} (SELECT FROM feature_lifecycles WHERE feature = '{flag}' AND stage = 'archived')) THEN
                PERFORM pg_sleep(0.05);  -- the listeners of an event run at the same time
                RETURN;
            END IF;
            PERFORM pg_sleep(0.02);
        END LOOP;
        RAISE 'the server does not process its events';
    END $$""")
