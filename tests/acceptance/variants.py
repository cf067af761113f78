"""Which variants of a test run on the real server, too: as many as the server itself tells apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

IN_MEMORY = pytest.mark.parametrize("instance", ["fake"], indirect=True)
"""The mark of a test that asks the server nothing of its own: it runs on the server in memory only."""


def parametrize_instance(name: str, variants: Sequence[Any], real: Sequence[Any]) -> pytest.MarkDecorator:
    """Run a test with all `variants` on the server in memory, and with those in `real` on the real server."""
    cases = [("fake", variant) for variant in variants]
    marked = [pytest.param("real", variant, marks=pytest.mark.sandbox) for variant in real]
    return pytest.mark.parametrize(("instance", name), [*cases, *marked], indirect=["instance"])
