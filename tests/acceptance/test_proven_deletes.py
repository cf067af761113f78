"""Deletes that the audit log must prove: flags that a delete for good only archived, and tokens with the mark."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from acceptance.conftest import SOMEBODY, Space
from document_samples import actions
from servers.actors import ANOTHER, token_holder, wait_until_archived
from servers.fault_proxy import FaultProxy
from servers.instance import Instance

READER = {"type": "client", "environment": "development"}
LOG = "/api/admin/search/events"


@pytest.fixture
def mine(tmp_path: Path, instance: Instance) -> Space:
    """Give a workspace that deletes flags for good."""
    space = Space(tmp_path, instance)
    space.workspace(deletion="delete")
    return space


@pytest.fixture
def stranger(request: pytest.FixtureRequest, instance: Instance) -> Iterator[httpx.Client]:
    """Give a client of another user."""
    if instance.fake is None:
        yield request.getfixturevalue("other")
        return
    with token_holder(instance.url, SOMEBODY) as client:
        yield client


def somebody(space: Space) -> str:
    return "somebody" if space.instance.fake is not None else ANOTHER


def exists(space: Space, name: str) -> bool:
    """Tell whether a flag exists, archived or not."""
    return space.instance.http.get(f"/api/admin/features/{name}/tags").status_code == 200


def archive(space: Space, who: httpx.Client, name: str) -> None:
    who.delete(f"/api/admin/projects/default/features/{name}").raise_for_status()
    if space.instance.fake is None:
        wait_until_archived(name)


def make_flags(space: Space, count: int = 1) -> list[str]:
    """Apply new flags of the workspace, then remove their documents."""
    names = [f"gone-{uuid.uuid4().hex[:8]}" for _ in range(count)]
    for name in names:
        space.flag(name)
    assert space.apply().code == 0
    for name in names:
        (space.root / f"{name}.yaml").unlink()
    return names


def delete_half(space: Space, name: str) -> None:
    """Apply the delete of a flag through a proxy that fails the second request."""
    proxy = FaultProxy(space.instance.url)
    proxy.fault = lambda _number, method, path: (
        "500" if method == "DELETE" and path == f"/api/admin/archive/{name}" else None
    )
    with proxy.served() as url:
        done = space.run("apply", "--yes", "--url", url)
    assert (done.code, f"DELETE /api/admin/archive/{name}: 500" in done.out + done.err) == (3, True)
    assert exists(space, name)


def test_the_next_plan_finishes_a_delete_for_good(mine: Space) -> None:
    (name,) = make_flags(mine)
    delete_half(mine, name)
    plan = mine.plan()
    assert actions(plan) == [("delete", "FeatureFlag", name)]
    (change,) = plan["changes"]
    assert (change["origin"], change["before"]) == ("file", {"archived": True})
    assert change["reason"].startswith("this workspace archived it, and has not deleted it for good yet")
    assert [call["path"] for call in change["requests"]] == [f"/api/admin/archive/{name}"]
    assert mine.apply().code == 0
    assert not exists(mine, name)
    assert mine.plan()["changes"] == []


def test_a_saved_plan_finishes_a_delete_for_good(mine: Space) -> None:
    (name,) = make_flags(mine)
    delete_half(mine, name)
    saved = str(mine.root.parent / f"{mine.root.name}.json")
    assert mine.run("plan", "--out", saved).code == 0
    assert mine.run("apply", saved).code == 0
    assert not exists(mine, name)
    assert "no longer exists" in mine.run("apply", saved).err


def test_a_flag_that_another_user_archived_stays(mine: Space, stranger: httpx.Client) -> None:
    by_hand, ours, marked_twice = make_flags(mine, 3)
    archive(mine, stranger, by_hand)
    delete_half(mine, ours)
    assert actions(mine.plan()) == [("delete", "FeatureFlag", ours)]
    assert mine.apply().code == 0
    assert (exists(mine, by_hand), exists(mine, ours), exists(mine, marked_twice)) == (True, False, False)
    assert mine.plan()["changes"] == []
    mine.workspace(deletion="delete", appliedBy=[somebody(mine)])
    assert actions(mine.plan()) == [("delete", "FeatureFlag", by_hand)]


def test_archived_flags_stay_where_the_workspace_archives_or_prunes_nothing(mine: Space) -> None:
    (name,) = make_flags(mine)
    delete_half(mine, name)
    for spec in ({}, {"deletion": "delete", "prune": "none"}):
        mine.workspace(**spec)  # type: ignore[arg-type]
        assert mine.plan()["changes"] == []
    assert exists(mine, name)


def test_a_document_cannot_depend_on_an_archived_flag(mine: Space) -> None:
    (name,) = make_flags(mine)
    delete_half(mine, name)
    mine.flag("child", dependencies=[{"feature": name}])
    done = mine.run("plan")
    assert (done.code, f'"{name}" is archived' in done.err) == (1, True), done.err


def make_token(who: httpx.Client, name: str) -> None:
    body = {"tokenName": name, **READER, "projects": ["*"]}
    who.post("/api/admin/api-tokens", json=body).raise_for_status()


def names(space: Space) -> list[str]:
    return sorted(token["tokenName"] for token in space.instance.tokens())


def test_a_hand_made_token_whose_name_ends_like_the_mark_is_not_deleted(mine: Space, stranger: httpx.Client) -> None:
    mine.write("ApiToken", "ours", **READER)
    file = mine.write("ApiToken", "twice", **READER)
    assert mine.apply().code == 0
    make_token(stranger, "theirs [gitops:payments]")
    make_token(stranger, "twice [gitops:payments]")
    (mine.root / "ApiToken-ours.yaml").unlink()
    changes = {change["name"] or change["id"]: change for change in mine.plan()["changes"]}
    assert changes.pop("ours")["action"] == "delete"
    assert sorted(name.partition(" of ")[0] for name in changes) == ["theirs", "twice [gitops:payments]"]
    for change in changes.values():
        assert (change["action"], change["requests"]) == ("blocked", [])
        assert change["reason"].startswith(
            f"cannot be deleted: it bears this workspace's mark, but {somebody(mine)} created it at 20"
        )
        assert f"add {somebody(mine)} to spec.appliedBy" in change["reason"]
    assert mine.apply().code == 3
    assert names(mine) == ["theirs [gitops:payments]", "twice [gitops:payments]", "twice [gitops:payments]"]

    mine.workspace(appliedBy=[somebody(mine)])
    assert [change["action"] for change in mine.plan()["changes"]] == ["delete", "delete"]
    assert mine.apply().code == 0
    assert names(mine) == ["twice [gitops:payments]"]
    file.unlink()
    mine.workspace()
    assert mine.apply().code == 0
    assert names(mine) == []


@pytest.mark.parametrize("status", ["403", "500"])
def test_without_the_log_a_token_is_not_deleted(mine: Space, status: str) -> None:
    file = mine.write("ApiToken", "ours", **READER)
    assert mine.apply().code == 0
    file.unlink()
    proxy = FaultProxy(mine.instance.url)
    proxy.fault = lambda _number, _method, path: status if path.startswith(LOG) else None
    with proxy.served() as url:
        (change,) = mine.plan("--url", url)["changes"]
        assert change["action"] == "blocked"
        assert "the audit log, which shows whether this workspace created it, cannot be read" in change["reason"]
        assert "apply with a token that may read the log" in change["reason"]
        assert mine.run("apply", "--yes", "--url", url).code == 3
    assert names(mine) == ["ours [gitops:payments]"]


def test_a_token_that_is_not_in_the_log_is_not_deleted(fake_space: Space) -> None:
    file = fake_space.write("ApiToken", "ours", **READER)
    assert fake_space.apply().code == 0
    file.unlink()
    fake = fake_space.instance.fake
    assert fake is not None
    fake.audit.events.clear()
    (change,) = fake_space.plan()["changes"]
    assert change["action"] == "blocked"
    assert change["reason"] == (
        "cannot be deleted: the audit log does not show that this workspace created it; delete it in Unleash's UI if "
        "nothing uses it"
    )


def test_flags_that_were_deleted_halfway_are_found_by_one_request(fake_space: Space) -> None:
    fake = fake_space.instance.fake
    assert fake is not None
    fake.flags["shop"] = []

    def reads() -> int:
        fake.requests.clear()
        assert fake_space.plan()["changes"] == []
        return len(fake.requests)

    before = reads()
    fake_space.workspace(deletion="delete")
    assert reads() == before + 1
    names = make_flags(fake_space, 2)
    assert fake_space.apply().code == 0
    fake.requests.clear()
    assert reads() == before + 1
    assert not any(exists(fake_space, name) for name in names)
