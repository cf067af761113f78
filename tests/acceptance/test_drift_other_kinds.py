"""Whose a difference is, for the kinds beside flags, segments and charts, on the real server."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from acceptance.conftest import Space
from servers.actors import ANOTHER, PERSON
from servers.instance import Instance

pytestmark = pytest.mark.sandbox

API = "/api/admin"


@dataclass(frozen=True)
class Sort:
    """One kind: a spec with two parts, what a second value of each is, and how people do the same by hand."""

    kind: str
    spec: dict[str, Any]
    second: dict[str, Any]
    change: Callable[[httpx.Client, str], None]
    delete: Callable[[httpx.Client, str], Any] = lambda *_: None
    name: str = "mine"


def found(who: httpx.Client, path: str, at: str, **match: Any) -> dict[str, Any]:
    listed = who.get(f"{API}/{path}").raise_for_status().json()[at]
    return next(one for one in listed if all(one[key] == value for key, value in match.items()))


def deletes(collection: str) -> Callable[[httpx.Client, str], Any]:
    """Return how people delete what is known by its name."""
    return lambda who, name: who.delete(f"{API}/{collection}/{name}").raise_for_status()


def token(who: httpx.Client) -> str:
    return quote(found(who, "api-tokens", "tokens", tokenName="mine [gitops:payments]")["secret"], safe="")


def change_tag_type(who: httpx.Client, name: str) -> None:
    live = found(who, "tag-types", "tagTypes", name=name)
    body = {key: value for key, value in live.items() if value is not None}
    who.put(f"{API}/tag-types/{name}", json={**body, "icon": "X"}).raise_for_status()


def change_strategy(who: httpx.Client, name: str) -> None:
    live = found(who, "strategies", "strategies", name=name)
    kept = {key: live[key] for key in ("name", "description", "parameters")}
    who.put(f"{API}/strategies/{name}", json={**kept, "title": "X"}).raise_for_status()


def change_addon(who: httpx.Client, name: str) -> None:
    live = found(who, "addons", "addons", provider="slack-app")
    who.put(f"{API}/addons/{live['id']}", json={**live, "enabled": True}).raise_for_status()


def delete_addon(who: httpx.Client, name: str) -> None:
    who.delete(f"{API}/addons/{found(who, 'addons', 'addons', provider='slack-app')['id']}").raise_for_status()


def change_token(who: httpx.Client, name: str) -> None:
    who.put(f"{API}/api-tokens/{token(who)}", json={"expiresAt": "2031-01-01T00:00:00.000Z"}).raise_for_status()


def change_context_field(who: httpx.Client, name: str) -> None:
    live = who.get(f"{API}/context/{name}").raise_for_status().json()
    kept = {key: live[key] for key in ("name", "description", "legalValues")}
    who.put(f"{API}/context/{name}", json={**kept, "stickiness": True}).raise_for_status()


SORTS = [
    Sort(
        "TagType",
        {"icon": "A", "description": "a"},
        {"icon": "X", "description": "b"},
        change_tag_type,
        deletes("tag-types"),
    ),
    Sort(
        "Strategy",
        {"title": "A", "description": "a"},
        {"title": "X", "description": "b"},
        change_strategy,
        deletes("strategies"),
    ),
    Sort(
        "ContextField",
        {"stickiness": False, "description": "a"},
        {"stickiness": True, "description": "b"},
        change_context_field,
        deletes("context"),
    ),
    Sort(
        "Addon",
        {
            "provider": "slack-app",
            "enabled": False,
            "description": "a",
            "events": ["feature-created"],
            "parameters": {"accessToken": {"fromEnv": "UNLEASH_SECRET_TOKEN"}},
        },
        {"enabled": True, "description": "b"},
        change_addon,
        delete_addon,
    ),
    Sort(
        "ApiToken",
        {"type": "client", "environment": "development", "expiresAt": "2030-01-01T00:00:00.000Z"},
        {"expiresAt": "2031-01-01T00:00:00.000Z"},
        change_token,
        lambda who, name: who.delete(f"{API}/api-tokens/{token(who)}").raise_for_status(),
    ),
]
THIRD = {"icon": "Z", "title": "Z", "expiresAt": "2032-01-01T00:00:00.000Z"}
"""What else the first part can be; of two values there is no third."""


@pytest.fixture
def space(tmp_path: Path, real: Instance) -> Space:
    return Space(tmp_path, real)


def write(space: Space, sort: Sort, **more: Any) -> Path:
    """Write the document of a kind, with something else in it."""
    return space.write(sort.kind, sort.name, **{**sort.spec, **more})


def apply(space: Space, *arguments: str) -> None:
    done = space.run("apply", "--yes", *arguments, UNLEASH_SECRET_TOKEN="xoxb-secret")
    assert done.code == 0, done.out + done.err


def told(space: Space) -> dict[str, Any]:
    """Return what a plan tells of the one change: of the object, or by part."""
    (change,) = space.plan()["changes"]
    if change["origin"] is not None:
        return {"": (change["origin"], (change["changed"] or {}).get("by"))}
    return {one["path"]: (one["origin"], (one["changed"] or {}).get("by")) for one in change["fields"]}


@pytest.mark.parametrize("sort", SORTS, ids=lambda sort: sort.kind)
def test_whose_a_difference_is(space: Space, sort: Sort, other: httpx.Client, admin: httpx.Client) -> None:
    first, *second = sort.second
    document = write(space, sort)
    apply(space)
    sort.change(admin, sort.name)
    assert told(space)[first] == ("drift", PERSON)
    if second:
        write(space, sort, **{second[0]: sort.second[second[0]]})
        both = told(space)
        assert (both[first], both[second[0]]) == (("drift", PERSON), ("file", None))
    if first in THIRD:
        write(space, sort, **{first: THIRD[first]})
        assert told(space)[first] == ("conflict", PERSON)
    write(space, sort)
    apply(space)
    write(space, sort, **{first: sort.second[first]})
    assert told(space)[first] == ("file", None)
    write(space, sort)
    sort.change(other, sort.name)
    assert told(space)[first] == ("drift", ANOTHER)
    apply(space, "--on-drift", "keep")
    assert told_kept(space)[first] == ("drift", ANOTHER)
    done = space.run("accept")
    assert (done.code, space.plan()["changes"]) == (0, []), done.err
    assert json.loads(document.read_text())["spec"][first] == sort.second[first]
    sort.delete(other, sort.name)
    assert told(space) == {"": ("drift", ANOTHER)}
    apply(space)
    assert space.plan()["changes"] == []


def told_kept(space: Space) -> dict[str, Any]:
    space.workspace(drift="keep")
    plan = space.plan()
    space.workspace()
    (change,) = plan["kept"]
    return {one["path"]: (one["origin"], one["changed"]["by"]) for one in change["fields"]}


def test_whose_an_environment_of_a_project_is(space: Space, admin: httpx.Client, other: httpx.Client) -> None:
    sort = Sort("Project", {"environments": ["development", "production"]}, {}, lambda *_: None, name="default")
    place = f"{API}/projects/default/environments"
    write(space, sort, environments=["production"])
    try:
        apply(space)
        write(space, sort)
        assert told(space) == {"environments[0]": ("file", None)}
        apply(space)
        admin.delete(f"{place}/development").raise_for_status()
        assert told(space) == {"environments[0]": ("drift", PERSON)}
        write(space, sort, environments=[])
        assert {origin for origin, _ in told(space).values()} == {"conflict"}
    finally:
        other.post(place, json={"environment": "development"})
    write(space, sort)
    assert space.plan()["changes"] == []


@pytest.mark.parametrize(
    ("kind", "name", "path", "field", "values"),
    [
        ("Application", "shop", "metrics/applications/shop", "url", ("https://a.example", "https://b.example")),
        ("Environment", "development", "environments/sort-order", "sortOrder", (7, 8)),
    ],
)
def test_of_some_the_server_keeps_no_log(
    space: Space, admin: httpx.Client, kind: str, name: str, path: str, field: str, values: tuple[Any, Any]
) -> None:
    ours, theirs = values
    sort = Sort(kind, {field: ours}, {}, lambda *_: None, name=name)
    document = write(space, sort)
    apply(space)
    if kind == "Application":
        admin.post(f"{API}/{path}", json={field: theirs}).raise_for_status()
    else:
        admin.put(f"{API}/{path}", json={name: theirs}).raise_for_status()
    assert told(space)[field] == ("unknown", None)
    assert "origin unknown" in space.run("plan").out
    done = space.run("plan", "--drift")
    assert (done.code, done.out) == (0, "")
    assert f"the audit log does not record who changed {kind}/{name}" in done.err
    apply(space)
    document.unlink()
    space.apply()
