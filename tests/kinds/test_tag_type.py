"""Tag types: what a document says, what a server answers, what is sent."""

from __future__ import annotations

from typing import Any

import pytest

from document_samples import desired
from kinds.named import MARK, Answers, create, delete, live, problem, update

SERVER = Answers(
    tag_types={
        "tagTypes": [
            {"name": "simple", "description": "Used to simplify filtering", "icon": "#", "color": "#FFFFFF"},
            {"name": "team", "description": f"Who\n{MARK}", "icon": None, "color": None},
            {"name": "hand", "description": None, "icon": "H", "color": ""},
            {"name": "other", "description": "managed by unleash-gitops: v", "icon": "", "color": "#aabbcc"},
        ]
    },
    tags={"tags": [{"type": "hand", "value": "b"}]},
    projects={"projects": [{"id": "p"}]},
    paths={
        "projects/p/features": {"features": [{"name": "a"}, {"name": "b", "tags": [{"type": "hand", "value": "b"}]}]}
    },
    doomed={"hand", "team"},
)


def test_what_is_live() -> None:
    found = live("TagType", SERVER)
    assert {name: one.ownership for name, one in found.items()} == {
        "simple": "builtin", "team": "owned", "hand": "unmanaged", "other": "foreign",
    }  # fmt: skip
    assert found["team"].spec == {"description": "Who", "icon": "", "color": None}
    assert found["other"].spec == {"description": None, "icon": "", "color": "#AABBCC"}
    assert (found["hand"].users, found["team"].users) == (("FeatureFlag/p/b",), ())


def test_what_is_sent() -> None:
    assert create(desired("TagType", "team")) == (
        "POST", "/api/admin/tag-types", {"name": "team", "description": MARK, "icon": ""},
    )  # fmt: skip
    change = desired("TagType", "hand", color="#aabbcc", description="Text\n")
    assert update(change, live("TagType", SERVER)["hand"]) == (
        "PUT", "/api/admin/tag-types/hand",
        {"name": "hand", "description": f"Text\n\n{MARK}", "icon": "H", "color": "#AABBCC"},
    )  # fmt: skip
    assert delete(live("TagType", SERVER)["team"]) == ("DELETE", "/api/admin/tag-types/team", None)


@pytest.mark.parametrize(
    ("name", "spec", "code"),
    [
        ("x", {}, "value"),
        ("x" * 51, {}, "value"),
        ("a b", {}, "value"),
        ("gitops", {}, "owner-tag"),
        ("gitops-lock-team", {}, "lease"),
        ("team", {"color": "red"}, "value"),
        ("team", {"color": None}, "type"),
        ("team", {"colour": "#FFFFFF"}, "unknown-key"),
        ("team", {"description": f"Mine\n{MARK}"}, "mark"),
    ],
)
def test_what_is_refused(name: str, spec: dict[str, Any], code: str) -> None:
    assert problem("TagType", name, **spec)[0] == code
