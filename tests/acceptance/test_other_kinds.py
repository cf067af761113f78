"""Strategies, applications, environments and projects, on the real server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from acceptance.conftest import Space
from servers.instance import Instance

pytestmark = pytest.mark.sandbox
LOST = "every flag is switched off in development, and the default strategy there is lost"


@pytest.fixture
def others(tmp_path: Path, real: Instance) -> Space:
    return Space(tmp_path, real)


def assert_nothing_differs(space: Space) -> None:
    done = space.apply()
    assert done.code == 0, done.out + done.err
    assert space.plan()["changes"] == []


def listed(space: Space, path: str, at: str, key: str) -> dict[str, dict[str, Any]]:
    return {one[key]: one for one in space.instance.http.get(path).raise_for_status().json()[at]}


def test_a_strategys_life(others: Space) -> None:
    path = others.write("Strategy", "byRegion", title="By region", parameters=[{"name": "region", "type": "string"}])
    assert_nothing_differs(others)
    others.write("Strategy", "byRegion", title=None, deprecated=True, parameters=[])
    assert_nothing_differs(others)
    found = listed(others, "/api/admin/strategies", "strategies", "name")["byRegion"]
    assert (found["title"], found["deprecated"], found["parameters"]) == ("", True, [])
    assert found["description"] == "managed by unleash-gitops: payments"
    use = "/features/checkout-v2/environments/development/strategies"
    others.instance.http.post("/api/admin/strategies/byRegion/reactivate", json={}).raise_for_status()
    identifier = others.instance.call("POST", use, {"name": "byRegion"})["id"]
    path.unlink()
    (change,) = others.plan()["changes"]
    assert change["reason"] == "cannot be deleted: used by FeatureFlag/default/checkout-v2"
    others.instance.call("DELETE", f"{use}/{identifier}")
    assert_nothing_differs(others)
    assert "byRegion" not in listed(others, "/api/admin/strategies", "strategies", "name")


def test_a_flag_may_use_a_strategy_of_the_same_run(others: Space) -> None:
    others.write("Strategy", "byPlanet", parameters=[{"name": "planet", "type": "string"}])
    strategy = {"name": "byPlanet", "parameters": {"planet": "Mars"}}
    others.flag("to-mars", environments={"production": {"enabled": True, "strategies": [strategy]}})
    assert_nothing_differs(others)


def test_an_applications_life(others: Space) -> None:
    others.instance.http.post("/api/admin/metrics/applications/sdk-made", json={}).raise_for_status()
    path = others.write(
        "Application", "shop web/1", file="application.yaml", url="https://shop.example.com", description="The shop"
    )
    assert_nothing_differs(others)
    found = listed(others, "/api/admin/metrics/applications", "applications", "appName")
    assert found["shop web/1"]["description"] == "The shop\nmanaged by unleash-gitops: payments"
    assert [one for one in others.plan()["unmanaged"] if one["kind"] == "Application"] == []
    path.unlink()
    assert_nothing_differs(others)
    assert set(listed(others, "/api/admin/metrics/applications", "applications", "appName")) == {"sdk-made"}


def test_environments_are_switched_and_sorted_and_no_more(others: Space) -> None:
    others.write("Environment", "development", enabled=False, sortOrder=7)
    try:
        assert_nothing_differs(others)
        found = listed(others, "/api/admin/environments", "environments", "name")["development"]
        assert (found["enabled"], found["sortOrder"]) == (False, 7)
        others.write("Environment", "development", type="production")
        others.write("Environment", "qa")
        changes = others.plan()["changes"]
        assert [change["action"] for change in changes] == ["blocked", "blocked"]
        assert all(change["reason"].startswith("needs Unleash Enterprise") for change in changes)
        (others.root / "Environment-qa.yaml").unlink()
    finally:
        others.write("Environment", "development", enabled=True, sortOrder=2)
        assert_nothing_differs(others)
    (others.root / "Environment-development.yaml").unlink()
    assert others.plan()["changes"] == []  # never deleted


def test_a_project_gets_and_loses_environments(others: Space) -> None:
    others.write("Project", "default", environments=["production"])
    (change,) = others.plan()["changes"]
    assert change["reason"] == LOST
    try:
        assert_nothing_differs(others)
        others.write("Project", "default", mode="private")
        (change,) = others.plan()["changes"]
        assert (change["action"], "cannot change mode" in change["reason"]) == ("blocked", True)
    finally:
        others.write("Project", "default", environments=["development", "production"])
        assert_nothing_differs(others)
