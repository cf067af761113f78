"""Tag types, context fields and segments, through their lives: on an Unleash in memory, and on the real server."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from acceptance.conftest import Space
from document_samples import actions, document_text

MARK = "managed by unleash-gitops: payments"
PLACES = {"TagType": "tag-types", "ContextField": "context", "Segment": "segments"}
KINDS = list(PLACES)
SPECS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "TagType": ({"icon": "T", "color": "#AABBCC"}, {"icon": "X"}),
    "ContextField": (
        {"stickiness": True, "legalValues": [{"value": "NO", "description": "Norway"}, {"value": "SE"}]},
        {"legalValues": [{"value": "SE"}, {"value": "DK"}]},
    ),
    "Segment": (
        {"constraints": [{"contextName": "userId", "operator": "IN", "values": ["1", "2"]}]},
        {"constraints": [{"contextName": "userId", "operator": "SEMVER_GT", "value": "1.2.0", "inverted": True}]},
    ),
}


def said(space: Space, kind: str) -> dict[str, Any]:
    return {name: one["description"] for name, one in space.instance.named(PLACES[kind]).items()}


@pytest.mark.parametrize("kind", KINDS)
def test_an_objects_life(space: Space, kind: str) -> None:
    first, second = SPECS[kind]
    space.write(kind, "one", description="Ours\nof two lines", **first)
    assert actions(space.plan()) == [("create", kind, "one")]
    assert space.apply().code == 0
    assert space.plan()["changes"] == []
    assert said(space, kind)["one"] == f"Ours\nof two lines\n{MARK}"

    space.write(kind, "one", **second)  # the description is not managed any more, and stays
    assert actions(space.plan()) == [("update", kind, "one")]
    assert space.apply().code == 0
    assert space.plan()["changes"] == []
    assert said(space, kind)["one"] == f"Ours\nof two lines\n{MARK}"

    (space.root / f"{kind}-one.yaml").unlink()
    assert actions(space.plan()) == [("delete", kind, "one")]
    assert space.apply().code == 0
    assert "one" not in said(space, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_what_others_made_is_reported_and_left_alone(space: Space, kind: str) -> None:
    required = {"constraints": []} if kind == "Segment" else {}
    space.instance.make(PLACES[kind], "by-hand", description="By hand", **required)
    space.instance.make(PLACES[kind], "theirs", description="managed by unleash-gitops: search", **required)
    before = space.instance.named(PLACES[kind])
    plan = space.plan()
    assert plan["changes"] == []
    assert [one["name"] for one in plan["unmanaged"] if one["kind"] == kind] == ["by-hand"]
    assert plan["summary"]["foreign"] == 1
    assert space.apply().code == 0
    assert space.instance.named(PLACES[kind]) == before

    space.write(kind, "theirs", description="Mine!")
    plan = space.plan()
    assert actions(plan) == [("blocked", kind, "theirs")]
    assert plan["changes"][0]["reason"].startswith("owned by workspace search: set metadata.transferFrom: search, ")
    assert space.apply().code == 3
    assert space.instance.named(PLACES[kind]) == before

    (space.root / f"{kind}-theirs.yaml").unlink()
    space.workspace("payments", exclusive=[{"kind": kind}])
    assert actions(space.plan()) == [("delete", kind, "by-hand")]
    assert space.apply().code == 0
    assert set(before) - set(space.instance.named(PLACES[kind])) == {"by-hand"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_document_takes_over_what_exists(space: Space, kind: str) -> None:
    required = {"constraints": []} if kind == "Segment" else {}
    space.instance.make(PLACES[kind], "by-hand", description="By hand", **required)
    space.write(kind, "by-hand", description="By hand")
    assert actions(space.plan()) == [("adopt", kind, "by-hand")]
    space.write(kind, "by-hand", description="By hand no more")
    plan = space.plan()
    assert actions(plan) == [("adopt", kind, "by-hand")]
    assert [field["path"] for field in plan["changes"][0]["fields"]] == ["description"]
    assert space.apply().code == 0
    assert said(space, kind)["by-hand"] == f"By hand no more\n{MARK}"
    (space.root / f"{kind}-by-hand.yaml").unlink()
    assert actions(space.plan()) == [("delete", kind, "by-hand")]


@pytest.mark.parametrize("kind", KINDS)
def test_drift_is_undone_and_what_no_file_mentions_is_kept(space: Space, kind: str) -> None:
    first, second = SPECS[kind]
    space.write(kind, "one", **first)
    space.apply()
    space.instance.change(PLACES[kind], "one", description=f"Somebody's words\n{MARK}", **second)
    assert actions(space.plan()) == [("update", kind, "one")]
    assert space.apply().code == 0
    assert space.plan()["changes"] == []
    assert said(space, kind)["one"] == f"Somebody's words\n{MARK}"


def test_what_is_referred_to_is_made_first_and_deleted_last(space: Space) -> None:
    space.write("ContextField", "zone")
    space.write("Segment", "a", constraints=[{"contextName": "zone", "operator": "IN", "values": ["x"]}])
    plan = space.plan()
    assert actions(plan) == [("create", "ContextField", "zone"), ("create", "Segment", "a")]
    assert plan["changes"][1]["dependsOn"] == ["ContextField/zone"]
    assert space.apply().code == 0
    for file in ("ContextField-zone", "Segment-a"):
        (space.root / f"{file}.yaml").unlink()
    assert actions(space.plan()) == [("delete", "Segment", "a"), ("delete", "ContextField", "zone")]
    assert space.apply().code == 0


def test_a_context_field_that_nobody_has_is_said_where_it_is_named(space: Space) -> None:
    content = document_text("Segment", "a") + (
        "spec:\n  constraints:\n"
        "    - {contextName: userId, operator: IN, values: [x]}\n    - {contextName: zone, operator: IN, values: [x]}\n"
    )
    (space.root / "a.yaml").write_text(content)
    done = space.run("plan")
    assert done.code == 1
    assert 'a.yaml:7:21: error: there is no context field "zone", neither on the server nor' in done.err


def test_a_target_may_refer_to_what_is_outside_of_it(space: Space) -> None:
    space.write("Segment", "a", constraints=[{"contextName": "userId", "operator": "IN", "values": ["x"]}])
    space.write("Segment", "b")
    space.write("TagType", "team")
    assert actions(space.plan("--target", "Segment/a")) == [("create", "Segment", "a")]
    assert actions(space.plan("--target", "TagType")) == [("create", "TagType", "team")]


def test_the_servers_own_objects_can_be_managed_but_are_never_deleted(space: Space) -> None:
    space.workspace("payments", exclusive=[{"kind": kind} for kind in KINDS])
    assert space.plan()["changes"] == []
    space.write("ContextField", "environment", stickiness=True)
    assert actions(space.plan()) == [("update", "ContextField", "environment")]
    assert space.apply().code == 0
    assert space.plan()["changes"] == []
    assert space.instance.named("context")["environment"]["stickiness"] is True
    space.write("ContextField", "environment", stickiness=False)
    assert space.apply().code == 0


def test_pull_writes_what_is_live_and_a_plan_after_it_is_empty(space: Space) -> None:
    live: list[tuple[str, str, dict[str, Any]]] = [
        ("segments", "Beta users: größe/№ 1", {"constraints": [
            {"contextName": "userId", "operator": "IN", "values": ["b", "a", "b"]},
            {"contextName": "appName", "operator": "STR_CONTAINS", "values": ["x"], "caseInsensitive": True},
            {"contextName": "userId", "operator": "NUM_GTE", "value": "5.5", "inverted": True},
            {"contextName": "currentTime", "operator": "DATE_BEFORE", "value": "2026-01-31T12:00:00.000Z"},
        ]}),
        ("segments", "beta users größe № 1", {"constraints": [], "description": "no: yes\n# not a comment\n"}),
        ("segments", "empty", {"constraints": []}),
        ("context", "country", {"stickiness": True, "legalValues": [
            {"value": "no"}, {"value": "1.0", "description": "x"}]}),
        ("context", "~un-usual.name", {"description": "  spaces  "}),
        ("tag-types", "team", {"description": "Who", "icon": "T", "color": "#AABBCC"}),
        ("tag-types", "bare", {}),
    ]  # fmt: skip
    for collection, name, body in live:
        space.instance.make(collection, name, **body)
    before = [space.instance.named(collection) for collection in PLACES.values()]
    for kind in KINDS:
        done = space.run("pull", "--kind", kind)
        assert done.code == 0, done.err
    written = [path for path in space.root.rglob("*.yaml") if path.name != "unleash-gitops.yaml"]
    names = {yaml.safe_load(path.read_text(encoding="utf-8"))["metadata"]["name"] for path in written}
    assert names == {name for _, name, _ in live}
    plan = space.plan()
    assert {(change["action"], len(change["fields"])) for change in plan["changes"]} == {("adopt", 0)}
    assert len(plan["changes"]) == len(live)
    assert [one for one in plan["unmanaged"] if one["kind"] in KINDS] == []
    assert [space.instance.named(collection) for collection in PLACES.values()] == before


def test_a_tag_type_that_a_flag_has_tags_of_is_not_deleted(space: Space) -> None:
    space.write("TagType", "team")
    space.apply()
    tag = {"type": "team", "value": "payments"}
    space.instance.http.post("/api/admin/tags", json=tag).raise_for_status()
    path = "/api/admin/features/checkout-v2/tags"
    space.instance.http.post(path, json=tag).raise_for_status()
    try:
        (space.root / "TagType-team.yaml").unlink()
        plan = space.plan()
        assert actions(plan) == [("blocked", "TagType", "team")]
        assert plan["changes"][0]["reason"] == "cannot be deleted: used by FeatureFlag/default/checkout-v2"
    finally:
        space.instance.http.put(path, json={"addedTags": [], "removedTags": [tag]}).raise_for_status()
    assert actions(space.plan()) == [("delete", "TagType", "team")]


def test_a_segment_that_a_flag_uses_is_not_deleted(space: Space) -> None:
    space.write("Segment", "used", constraints=[])
    space.apply()
    path = "/features/checkout-v2/environments/development/strategies"
    body = {"name": "flexibleRollout", "segments": [space.instance.named("segments")["used"]["id"]]}
    strategy = space.instance.call("POST", path, body)["id"]
    try:
        (space.root / "Segment-used.yaml").unlink()
        plan = space.plan()
        assert actions(plan) == [("blocked", "Segment", "used")]
        assert plan["changes"][0]["reason"] == "cannot be deleted: used by FeatureFlag/default/checkout-v2"
    finally:
        space.instance.call("DELETE", f"{path}/{strategy}")
