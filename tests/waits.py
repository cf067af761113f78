"""Shorter waits for commands in the process of the tests; those in processes of their own wait as for users."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

RETRIES = "unleash_gitops.api.retries"
SENDER = "unleash_gitops.engine.call_sender"


@contextmanager
def short_waits() -> Iterator[None]:
    """Shorten the waits between the attempts of a request."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"{RETRIES}.CONNECT_RETRY_BUDGET", 0.3)
        patch.setattr(f"{RETRIES}.LONGEST_BACKOFF", 0.05)
        patch.setattr(f"{SENDER}._FIRST_WAIT_BEFORE_VERIFYING", 0.05)
        patch.setattr(f"{SENDER}._LONGEST_WAIT_BEFORE_VERIFYING", 0.1)
        yield
