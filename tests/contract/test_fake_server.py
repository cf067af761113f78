"""A request that the server in memory has no route for fails the test, whoever sends it."""

from __future__ import annotations

import httpx
import pytest

from servers.fake_routes import UnknownRoute
from servers.fake_unleash import TOKEN, FakeUnleash

HEADERS = {"Authorization": TOKEN}
UNKNOWN = r"GET /api/admin/no-such-route: the fake server has no such route"


def test_an_unknown_route_raises_in_the_client() -> None:
    fake = FakeUnleash()
    with (
        httpx.Client(base_url="http://fake", headers=HEADERS, transport=fake.transport()) as http,
        pytest.raises(UnknownRoute, match=UNKNOWN),
    ):
        http.get("/api/admin/no-such-route")


def test_an_unknown_route_raises_when_a_server_on_a_socket_ends() -> None:
    with pytest.raises(UnknownRoute, match=UNKNOWN), FakeUnleash().served() as url:
        assert httpx.get(f"{url}/api/admin/no-such-route", headers=HEADERS, trust_env=False).status_code == 500


def test_another_method_is_another_route() -> None:
    with pytest.raises(UnknownRoute, match="PUT /api/admin/addons: "), FakeUnleash().served() as url:
        httpx.put(f"{url}/api/admin/addons", headers=HEADERS, json={}, trust_env=False)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_absent_route_is_not_found(method: str) -> None:
    with FakeUnleash(absent={"/segments"}).served() as url:
        answer = httpx.request(method, f"{url}/api/admin/segments", headers=HEADERS, json={}, trust_env=False)
    assert answer.status_code == 404
    assert answer.json()["message"] == "The path you were looking for (/api/admin/segments) is not available."


def test_what_only_enterprise_has_is_not_found_on_the_open_source_edition_and_unknown_otherwise() -> None:
    with FakeUnleash().served() as url:
        assert httpx.post(f"{url}/api/admin/projects", headers=HEADERS, json={}, trust_env=False).status_code == 404
    with pytest.raises(UnknownRoute), FakeUnleash(enterprise=True).served() as url:
        httpx.post(f"{url}/api/admin/projects", headers=HEADERS, json={}, trust_env=False)
