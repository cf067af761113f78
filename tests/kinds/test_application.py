"""Applications: what a document says, what a server answers, what is sent."""

from __future__ import annotations

from document_samples import desired
from kinds.named import MARK, Answers, create, delete, live, problem, update

SERVER = Answers(
    paths={
        "metrics/applications?limit=1000&offset=0": {
            "total": 3,
            "applications": [
                {"appName": "sdk", "description": None, "url": None, "icon": "", "color": None},
                {"appName": "shop web", "description": MARK, "url": "https://a.b", "icon": "", "color": ""},
                {"appName": "hand", "description": "By hand", "url": None, "icon": None, "color": None},
            ],
        }
    }
)


def test_what_is_live() -> None:
    found = live("Application", SERVER)
    assert {name: one.ownership for name, one in found.items()} == {
        "sdk": "builtin", "shop web": "owned", "hand": "unmanaged",
    }  # fmt: skip
    assert found["shop web"].spec == {"description": None, "url": "https://a.b", "icon": "", "color": ""}


def test_what_is_sent() -> None:
    body = {"name": "shop web", "description": MARK, "url": "https://a.b", "icon": "", "color": ""}
    del body["name"]
    path = "/api/admin/metrics/applications/shop%20web"
    assert create(desired("Application", "shop web", url="https://a.b")) == ("POST", path, body)
    found = live("Application", SERVER)
    assert update(desired("Application", "shop web", icon="i"), found["shop web"]) == (
        "POST",
        path,
        {**body, "icon": "i"},
    )
    assert delete(found["shop web"]) == ("DELETE", path, None)


def test_what_is_refused() -> None:
    assert problem("Application", "a", colour="red")[0] == "unknown-key"
    assert problem("Application", "a", description=MARK)[0] == "mark"
