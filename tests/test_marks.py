"""The mark `sandbox` is on every test that needs the real server."""

from __future__ import annotations

import pytest

from unleash_gitops.sandbox import control


def test_a_test_without_the_mark_cannot_start_a_server() -> None:
    with pytest.raises(pytest.fail.Exception, match="must bear the mark `sandbox`"):
        control._spawn_supervisor(None, None)  # type: ignore[arg-type]


def test_a_test_that_uses_the_server_has_the_mark(request: pytest.FixtureRequest) -> None:
    servers = {"real_server", "sandbox_directory"}
    users = [item for item in request.session.items if servers & set(getattr(item, "fixturenames", ()))]
    assert [item.nodeid for item in users if item.get_closest_marker("sandbox") is None] == []
