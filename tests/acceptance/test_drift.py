"""Three writers at one real server: us, a second token, and a person. The plan tells whose every difference is."""

from __future__ import annotations

import itertools
from typing import Any

import httpx
import pytest

from acceptance.trio import Parts, Trio, same
from servers.actors import ANOTHER, PERSON, make_token
from servers.fault_proxy import FaultProxy
from servers.sandbox_database import execute

pytestmark = pytest.mark.sandbox


def told(trio: Trio, *arguments: str) -> dict[str, Any]:
    """Return what a plan tells of each of the three."""
    return trio.told(trio.space.plan(*arguments))


def test_only_the_file_changed(trio: Trio) -> None:
    trio.write(1, 1)
    assert told(trio) == same({"first": "file", "second": "file"})


def test_only_the_server_changed(trio: Trio, other: httpx.Client, admin: httpx.Client) -> None:
    trio.change(other, first=2)
    trio.change(admin, second=2)
    assert told(trio) == same({"first": ("drift", ANOTHER), "second": ("drift", PERSON)})


def test_both_changed_the_same_part(trio: Trio, admin: httpx.Client) -> None:
    trio.change(admin, first=2)
    trio.write(1)
    assert told(trio) == same({"first": ("conflict", PERSON)})


def test_both_changed_different_parts(trio: Trio, other: httpx.Client) -> None:
    trio.change(other, second=2)
    trio.write(1)
    assert told(trio) == same({"first": "file", "second": ("drift", ANOTHER)})


def test_both_changed_it_to_the_same(trio: Trio, other: httpx.Client) -> None:
    trio.change(other, first=1)
    trio.write(1)
    assert told(trio) == {}


def test_deleted_by_somebody(trio: Trio, admin: httpx.Client) -> None:
    trio.delete(admin)
    assert told(trio) == same(("drift", PERSON))


def test_created_again_by_somebody(trio: Trio, other: httpx.Client) -> None:
    trio.delete(other)
    trio.create(other, 2, 2)
    both = {"first": ("drift", ANOTHER), "second": ("drift", ANOTHER)}
    assert told(trio) == {"FeatureFlag": both, "Segment": both, "ImpactMetric": ("drift", ANOTHER)}


def test_changed_and_changed_back(trio: Trio, other: httpx.Client, admin: httpx.Client) -> None:
    trio.change(other, first=2)
    trio.change(admin, first=0)
    assert told(trio) == {}
    trio.write(1)
    assert told(trio) == same({"first": "file"})


def test_our_own_apply_that_was_cut_off(trio: Trio) -> None:
    trio.write(1, 1)
    proxy = FaultProxy(trio.space.instance.url)
    with proxy.served() as url, trio.space.through(url):
        for _ in range(3):
            writes = itertools.count()
            proxy.fault = lambda _number, method, path: (
                "500"
                if method != "GET" and not any(part in path for part in ("playground", "tag-types")) and next(writes)  # noqa: B023
                else None
            )
            assert trio.space.apply().code == 3
            found = told(trio).values()
            assert {origin for parts in found for origin in parts.values()} == {"file"}, found
    assert trio.space.apply().code == 0
    assert trio.live() == same(Parts(1, 1))


def test_changed_after_the_objects_were_read_and_before_the_log_was(trio: Trio, admin: httpx.Client) -> None:
    trio.write(1)
    proxy = FaultProxy(trio.space.instance.url)
    once = iter([lambda: trio.change(admin, first=2)])

    def interfere(_number: int, _method: str, path: str) -> None:
        if path.startswith("/api/admin/user"):
            next(once, lambda: None)()

    proxy.fault = interfere
    with proxy.served() as url:
        plan = trio.space.run("plan", "--format", "json", UNLEASH_URL=url).json
    assert trio.told(plan) == same({"first": ("conflict", PERSON)})


def test_a_token_that_was_changed_for_another(trio: Trio, other: httpx.Client) -> None:
    trio.change(other, second=2)
    trio.write(1)
    with trio.space.through(token=make_token("our-next")):
        assert told(trio) == same({"first": "file", "second": ("drift", ANOTHER)})
        assert trio.space.apply().code == 0
        trio.change(other, first=3)
        assert told(trio) == same({"first": ("drift", ANOTHER)})


def test_a_token_that_reads_and_another_that_applies(trio: Trio, other: httpx.Client, admin: httpx.Client) -> None:
    token = {"description": trio.name, "expiresAt": "2100-01-01T00:00:00.000Z"}
    reading = admin.post("/api/admin/user/tokens", json=token).raise_for_status().json()["secret"]
    trio.change(other, second=2)
    trio.write(1)
    with trio.space.through(token=reading):
        assert told(trio) == same({"first": "file", "second": ("drift", ANOTHER)})
        trio.space.workspace(drift="overwrite", appliedBy=[ANOTHER])
        assert told(trio) == same({"first": "file", "second": "file"})


def test_a_log_that_was_cut(trio: Trio, other: httpx.Client) -> None:
    execute("DELETE FROM events")
    trio.write(1)
    assert told(trio) == same({"first": "unknown"})
    trio.change(other, second=2)
    assert told(trio) == same({"first": "unknown", "second": ("unknown", ANOTHER)})
    assert trio.space.apply().code == 0
    trio.change(other, first=3)
    assert told(trio) == same({"first": ("drift", ANOTHER)})


def test_deleted_by_somebody_and_what_was_before_is_not_in_the_log(trio: Trio, other: httpx.Client) -> None:
    execute("DELETE FROM events")
    trio.delete(other)
    assert told(trio) == same(("unknown", ANOTHER))
    assert f"origin unknown; last changed by {ANOTHER}" in trio.space.run("plan").out


def test_made_and_deleted_by_somebody_before_we_had_a_file(trio: Trio, admin: httpx.Client) -> None:
    trio.delete(admin)
    execute("DELETE FROM events")
    trio.create(admin, 1, 1)
    trio.delete_named(admin)
    assert told(trio) == same("file")


def test_archived_by_somebody_and_revived(trio: Trio, other: httpx.Client, admin: httpx.Client) -> None:
    at = f"features/{trio.name}"
    other.delete(f"/api/admin/projects/default/{at}").raise_for_status()
    assert told(trio) == {"FeatureFlag": {"archived": ("drift", ANOTHER)}}
    admin.post(f"/api/admin/archive/revive/{trio.name}").raise_for_status()
    assert told(trio) == {}
    trio.write(1)
    assert told(trio) == same({"first": "file"})


def test_a_person_who_uses_the_account_of_the_tool(trio: Trio, admin: httpx.Client) -> None:
    """Nobody can tell the two apart: what that person changes counts as ours."""
    token = {"description": trio.name, "expiresAt": "2100-01-01T00:00:00.000Z"}
    made = admin.post("/api/admin/user/tokens", json=token).raise_for_status().json()
    with trio.space.through(token=made["secret"]):
        trio.write(1)
        assert trio.space.apply().code == 0
        trio.change(admin, first=2)
        assert told(trio) == same({"first": "file"})
