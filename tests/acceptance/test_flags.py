"""Flags on the real server: what is written is what is there, and nothing else is touched."""

from __future__ import annotations

import itertools
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from acceptance.conftest import Space
from servers.fault_proxy import FaultProxy
from servers.instance import Instance
from unleash_gitops.sandbox.paths import Paths
from unleash_gitops.sandbox.state import load_state

pytestmark = pytest.mark.sandbox
OWNER = "gitops:payments"
ON = {"name": "flexibleRollout"}


@pytest.fixture
def flags(tmp_path: Path, real: Instance) -> Space:
    """Give a workspace on the real server, which has no flags but the example's."""
    return Space(tmp_path, real)


def fresh(name: str) -> str:
    """Return a name that no flag has had: an archived one keeps its name."""
    return f"{name}-{uuid.uuid4().hex[:8]}"


def assert_nothing_differs(space: Space) -> None:
    """Apply, and see that nothing is left to do."""
    done = space.apply()
    assert done.code == 0, done.out + done.err
    assert space.plan()["changes"] == []


def calls(space: Space) -> list[str]:
    """Return the calls of the plan's one change, short."""
    (change,) = space.plan()["changes"]
    return [f"{call['method']} {call['path'].rpartition('/')[2]}" for call in change["requests"]]


def live(space: Space, name: str) -> dict[str, Any]:
    found = space.instance.flag(name)
    assert found is not None
    return found


def rollouts(space: Space, name: str, environment: str = "production") -> list[str]:
    return [one["parameters"]["rollout"] for one in live(space, name)["in"][environment]["strategies"]]


def ids(space: Space, name: str, environment: str = "production") -> list[str]:
    return [one["id"] for one in live(space, name)["in"][environment]["strategies"]]


def test_a_flag_with_everything(flags: Space) -> None:
    name, parent = fresh("checkout"), fresh("payments")
    flags.write("TagType", "team")
    flags.write("ContextField", "country", legalValues=[{"value": "NO"}])
    flags.write("Segment", "beta users", constraints=[{"contextName": "country", "operator": "IN", "values": ["NO"]}])
    flags.flag(parent)
    flags.flag(
        name,
        description="New checkout",
        type="experiment",
        impressionData=True,
        tags=["team:payments"],
        links=[{"url": "https://example.com/", "title": "Design"}],
        dependencies=[{"feature": parent}],
        environments={
            "development": {"enabled": True},
            "production": {
                "enabled": True,
                "strategies": [
                    {
                        "name": "flexibleRollout",
                        "title": "a quarter of Norway",
                        "parameters": {"rollout": 25, "stickiness": "userId"},
                        "constraints": [{"contextName": "country", "operator": "IN", "values": ["NO"]}],
                        "segments": ["beta users"],
                        "variants": [{"name": "blue", "weight": 500, "payload": {"type": "string", "value": "b"}}],
                    },
                    {"name": "default", "disabled": True},
                ],
            },
        },
    )
    flags.chart("errors", feature=name)
    changes = {change["name"]: change for change in flags.plan()["changes"]}
    assert changes["errors"]["dependsOn"] == [f"FeatureFlag/default/{name}"]
    assert f"FeatureFlag/default/{parent}" in changes[name]["dependsOn"]
    assert_nothing_differs(flags)
    found = live(flags, name)
    assert (found["type"], found["description"], found["impressionData"]) == ("experiment", "New checkout", True)
    assert found["tags"] == [OWNER, "team:payments"]
    assert [(one["url"], one["title"]) for one in found["links"]] == [("https://example.com", "Design")]
    assert [(one["feature"], one["enabled"]) for one in found["dependencies"]] == [(parent, True)]
    assert [len(found["in"][place]["strategies"]) for place in ("development", "production")] == [1, 2]
    assert [found["in"][place]["enabled"] for place in ("development", "production")] == [True, True]
    first, second = found["in"]["production"]["strategies"]
    segment = flags.instance.named("segments")["beta users"]["id"]
    assert (first["title"], first["parameters"]["rollout"], first["segments"]) == (
        "a quarter of Norway",
        "25",
        [segment],
    )
    assert [(one["name"], one["weight"]) for one in first["variants"]] == [("blue", 1000)]
    assert (second["name"], second["disabled"]) == ("default", True)
    assert len(flags.instance.charts(name)) == 1


def test_what_a_document_leaves_out_is_not_managed(flags: Space) -> None:
    name = fresh("kill-switch")
    flags.flag(name, environments={"production": {"strategies": [ON]}})
    assert_nothing_differs(flags)
    flags.instance.call("POST", f"/features/{name}/environments/production/on")
    flags.instance.call("POST", f"/features/{name}/environments/development/on")
    flags.instance.call("PUT", f"/features/{name}", {"name": name, "description": "By hand", "type": "operational"})
    flags.instance.call("POST", f"/features/{name}/link", {"url": "https://example.com/by-hand"})
    strategy = ids(flags, name)[0]
    path = f"/features/{name}/environments/production/strategies/{strategy}"
    flags.instance.call("PUT", path, {**ON, "title": "By hand", "parameters": {"rollout": "7"}})
    assert flags.plan()["changes"] == []
    flags.flag(name, stale=True, environments={"production": {"strategies": [{**ON, "disabled": False}]}})
    assert_nothing_differs(flags)
    found = live(flags, name)
    assert (found["description"], found["type"], found["stale"]) == ("By hand", "operational", True)
    assert [found["in"][place]["enabled"] for place in ("development", "production")] == [True, True]
    assert rollouts(flags, name) == ["7"]
    assert len(found["links"]) == 1


def test_strategies_keep_their_ids_and_cost_the_fewest_calls(flags: Space) -> None:
    name = fresh("rollout")

    def strategies(*wanted: int, **more: Any) -> None:
        each = [{**ON, "parameters": {"rollout": rollout}, **more} for rollout in wanted]
        flags.flag(name, environments={"production": {"enabled": True, "strategies": each}})

    strategies(10, 20, 30)
    assert_nothing_differs(flags)
    first, second, third = ids(flags, name)
    strategies(30, 10, 20)
    assert calls(flags) == ["POST set-sort-order"]
    assert_nothing_differs(flags)
    assert (rollouts(flags, name), ids(flags, name)) == (["30", "10", "20"], [third, first, second])
    strategies(30, 10, 25)
    assert calls(flags) == [f"PUT {second}"]
    assert_nothing_differs(flags)
    strategies(30, 5, 10, 25)
    assert calls(flags) == ["POST strategies", "POST set-sort-order"]
    assert_nothing_differs(flags)
    assert rollouts(flags, name) == ["30", "5", "10", "25"]
    strategies(10)
    assert sorted(calls(flags)) == sorted(
        ["DELETE strategies"] * 0 + [f"DELETE {one}" for one in ids(flags, name) if one != first]
    )
    assert_nothing_differs(flags)
    assert (ids(flags, name), live(flags, name)["in"]["production"]["enabled"]) == ([first], True)
    flags.flag(
        name, environments={"production": {"enabled": True, "strategies": [{"name": "default", "title": "all"}]}}
    )
    assert calls(flags) == [f"PUT {first}"]
    assert_nothing_differs(flags)
    assert live(flags, name)["in"]["production"]["enabled"] is True


def test_what_replaces_all_strategies_never_switches_the_flag_off(flags: Space) -> None:
    name = fresh("always-on")
    production = {"enabled": True, "strategies": [ON, {**ON, "disabled": True}]}
    flags.flag(name, environments={"production": production})
    assert_nothing_differs(flags)
    production["strategies"] = [{**ON, "disabled": True}, ON, {"name": "default"}]
    flags.flag(name, environments={"production": production})
    before = _events(flags, name)
    assert_nothing_differs(flags)
    assert live(flags, name)["in"]["production"]["enabled"] is True
    assert "feature-environment-disabled" not in _events(flags, name)[: -len(before) or None]


def _events(space: Space, name: str) -> list[str]:
    path = f"/api/admin/search/events?feature=IS:{name}&limit=200"
    return [event["type"] for event in space.instance.http.get(path).raise_for_status().json()["events"]]


def test_no_strategies_switch_it_off_and_the_plan_says_so(flags: Space) -> None:
    name = fresh("emptied")
    flags.flag(name, environments={"production": {"enabled": True, "strategies": [ON]}})
    assert_nothing_differs(flags)
    flags.flag(name, environments={"production": {"strategies": []}})
    (change,) = flags.plan()["changes"]
    assert change["reason"] == "with no strategy left, it is switched off in production"
    assert change["after"]["environments"]["production"] == {"enabled": False, "strategies": []}
    assert_nothing_differs(flags)
    assert live(flags, name)["in"]["production"]["enabled"] is False


def test_a_flag_that_left_the_files_is_archived_and_its_document_revives_it(flags: Space) -> None:
    name = fresh("seasonal")
    spec: dict[str, Any] = {
        "description": "Autumn",
        "environments": {"production": {"enabled": True, "strategies": [ON]}},
    }
    flags.flag(name, **spec, links=[{"url": "https://example.com"}])
    assert_nothing_differs(flags)
    strategy = ids(flags, name)
    (flags.root / f"{name}.yaml").unlink()
    (change,) = flags.plan()["changes"]
    before = change["before"]["environments"]["production"]
    assert (change["action"], before["enabled"], len(before["strategies"])) == ("delete", True, 1)
    assert [link["url"] for link in change["before"]["links"]] == ["https://example.com"]
    assert_nothing_differs(flags)
    assert flags.instance.flag(name) is None
    flags.flag(name, **{**spec, "description": "Winter"}, links=[{"url": "https://example.com"}])
    (change,) = flags.plan()["changes"]
    assert (change["action"], change["reason"]) == ("update", "restores the archived flag")
    assert {field["path"] for field in change["fields"]} == {
        "archived", "description", "environments.production.enabled",
    }  # fmt: skip
    assert_nothing_differs(flags)
    found = live(flags, name)
    assert (found["description"], found["in"]["production"]["enabled"], ids(flags, name)) == ("Winter", True, strategy)
    assert len(found["links"]) == 1


def test_deletion_delete_removes_it_for_good(flags: Space) -> None:
    name = fresh("gone")
    flags.workspace("payments", deletion="delete")
    flags.flag(name)
    assert_nothing_differs(flags)
    (flags.root / f"{name}.yaml").unlink()
    assert_nothing_differs(flags)
    assert flags.instance.http.get(f"/api/admin/features/{name}/tags").status_code == 404


def test_many_flags_are_deleted_for_good_and_the_server_stays_up(flags: Space) -> None:
    """8.2.0 ends when a flag is deleted before it has recorded that the flag was archived, a second later."""
    names = [fresh("many") for _ in range(40)]
    flags.workspace("payments", deletion="delete", maxDeletes=40)
    for name in names:
        flags.flag(name, environments={"development": {"enabled": True}})
    assert_nothing_differs(flags)
    before = load_state(Paths.current().state)
    for name in names:
        (flags.root / f"{name}.yaml").unlink()
    assert_nothing_differs(flags)
    for name in names:
        assert flags.instance.http.get(f"/api/admin/features/{name}/tags").status_code == 404
    time.sleep(2)  # the listener of a vanished flag would end the server by now
    after = load_state(Paths.current().state)
    assert flags.instance.http.get("/health").status_code == 200
    assert (after.crashes, after.processes["node"]) == (before.crashes, before.processes["node"])


def test_what_others_made_is_reported_and_left_alone(flags: Space) -> None:
    by_hand, theirs = fresh("by-hand"), fresh("theirs")
    for name in (by_hand, theirs):
        flags.instance.call("POST", "/features", {"name": name})
        flags.instance.call("POST", f"/features/{name}/environments/production/on")
    flags.instance.http.post("/api/admin/tag-types", json={"name": "gitops"})
    flags.instance.http.post(f"/api/admin/features/{theirs}/tags", json={"type": "gitops", "value": "others"})
    plan = flags.plan()
    assert plan["changes"] == []
    assert by_hand in [one["name"] for one in plan["unmanaged"]]
    assert theirs not in [one["name"] for one in plan["unmanaged"]]
    assert plan["summary"]["foreign"] == 1
    flags.flag(theirs, stale=True)
    (change,) = flags.plan()["changes"]
    assert change["action"] == "blocked"
    assert change["reason"].startswith("owned by workspace others: set metadata.transferFrom: others, ")
    (flags.root / f"{theirs}.yaml").unlink()
    flags.flag(by_hand, description=None)
    assert [change["fields"] for change in flags.plan()["changes"]] == [[]]  # it is adopted as it is
    flags.flag(by_hand, stale=True)
    (change,) = flags.plan()["changes"]
    assert change["action"] == "adopt"
    assert_nothing_differs(flags)
    found = live(flags, by_hand)
    assert (found["tags"], found["in"]["production"]["enabled"]) == ([OWNER], True)


def test_what_others_depend_on_is_not_deleted_and_they_are_named(flags: Space) -> None:
    parent, child, segment = fresh("parent"), fresh("child"), f"segment {fresh('s')}"
    flags.write("Segment", segment, constraints=[])
    flags.flag(parent, environments={"production": {"strategies": [{**ON, "segments": [segment]}]}})
    assert_nothing_differs(flags)
    flags.instance.call("POST", "/features", {"name": child})
    flags.instance.call("POST", f"/features/{child}/dependencies", {"feature": parent})
    (flags.root / f"{parent}.yaml").unlink()
    (flags.root / f"Segment-{segment}.yaml").unlink()
    found = {change["kind"]: change["reason"] for change in flags.plan()["changes"]}
    assert found == {
        "FeatureFlag": f"cannot be deleted: used by FeatureFlag/default/{child}",
        "Segment": f"cannot be deleted: used by FeatureFlag/default/{parent}",
    }
    flags.instance.call("DELETE", f"/features/{child}/dependencies")
    assert [change["action"] for change in flags.plan()["changes"]] == ["delete", "delete"]
    assert_nothing_differs(flags)


def test_a_segment_goes_once_the_flag_lets_go_of_it(flags: Space) -> None:
    name, segment = fresh("lets-go"), fresh("segment")
    flags.write("Segment", segment, constraints=[])
    flags.flag(name, environments={"production": {"strategies": [{**ON, "segments": [segment]}]}})
    assert_nothing_differs(flags)
    (flags.root / f"Segment-{segment}.yaml").unlink()
    done = flags.run("plan")
    assert done.code == 3
    assert f"cannot be deleted: used by FeatureFlag/default/{name}" in done.out
    flags.flag(name, environments={"production": {"strategies": [{**ON, "segments": []}]}})
    changes = flags.plan()["changes"]
    assert [(change["action"], change["kind"]) for change in changes] == [
        ("update", "FeatureFlag"),
        ("delete", "Segment"),
    ]
    assert changes[1]["dependsOn"] == [f"FeatureFlag/default/{name}"]
    assert_nothing_differs(flags)


def test_a_flag_that_a_chart_names_is_not_deleted(flags: Space) -> None:
    name = fresh("watched")
    flags.flag(name)
    flags.chart("errors", feature=name)
    assert_nothing_differs(flags)
    (flags.root / f"{name}.yaml").unlink()
    (change,) = flags.plan()["changes"]
    assert change["reason"] == f"cannot be deleted: used by ImpactMetric/default/{name}/errors"
    flags.file("errors").unlink()
    assert [(one["action"], one["kind"]) for one in flags.plan()["changes"]] == [
        ("delete", "ImpactMetric"), ("delete", "FeatureFlag"),
    ]  # fmt: skip
    assert_nothing_differs(flags)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"tags": ["nowhere:payments"]}, 'no tag type "nowhere"'),
        ({"dependencies": [{"feature": "nowhere"}]}, 'no feature flag "nowhere" in project "default"'),
        ({"environments": {"nowhere": {"enabled": False}}}, 'no environment "nowhere" in project "default"'),
        ({"environments": {"production": {"strategies": [{"name": "nowhere"}]}}}, 'no strategy "nowhere"'),
        ({"environments": {"production": {"strategies": [{**ON, "segments": ["nowhere"]}]}}}, 'no segment "nowhere"'),
        (
            {"environments": {"production": {"strategies": [{**ON, "parameters": {"stickiness": "nowhere"}}]}}},
            'no context field "nowhere"',
        ),
    ],
)
def test_what_is_named_and_not_there_is_an_error(flags: Space, spec: dict[str, Any], said: str) -> None:
    flags.flag(fresh("lost"), **spec)
    done = flags.run("plan")
    assert (done.code, said in done.err) == (1, True), done.err


def test_a_chain_of_dependencies_and_an_illegal_value_are_errors(flags: Space) -> None:
    first, second, third = fresh("a"), fresh("b"), fresh("c")
    flags.flag(first)
    flags.flag(second, dependencies=[{"feature": first}])
    flags.flag(third, dependencies=[{"feature": second}])
    done = flags.run("validate")
    assert (done.code, f'"{second}" depends on another flag itself' in done.err + done.out) == (1, True)
    (flags.root / f"{third}.yaml").unlink()
    flags.instance.make("context", "zone", legalValues=[{"value": "a"}])
    constraint = {"contextName": "zone", "operator": "IN", "values": ["b"]}
    flags.flag(first, environments={"production": {"strategies": [{**ON, "constraints": [constraint]}]}})
    done = flags.run("plan")
    assert (done.code, '"b" is not among the legal values of the context field zone' in done.err) == (1, True)


def test_a_saved_plan_is_refused_when_its_flag_has_moved(flags: Space) -> None:
    name = fresh("moved")
    flags.flag(name, environments={"production": {"enabled": False, "strategies": [ON]}})
    assert_nothing_differs(flags)
    flags.flag(name, stale=True, environments={"production": {"enabled": False, "strategies": [ON]}})
    assert flags.run("plan", "--out", "p.json").code == 0
    flags.instance.call("POST", f"/features/{name}/environments/development/on")  # not managed: not a move
    flags.instance.call("POST", f"/features/{name}/link", {"url": "https://example.com"})
    flags.instance.call("POST", f"/features/{name}/environments/production/on")
    done = flags.run("apply", "p.json", "--yes")
    assert (done.code, "environments.production.enabled" in done.err) == (1, True), done.err
    flags.instance.call("POST", f"/features/{name}/environments/production/off")
    assert flags.run("apply", "p.json", "--yes").code == 0
    assert live(flags, name)["stale"] is True


def apply_with_faults(space: Space, fault: str, every: int) -> int:
    """Apply through a proxy that fails at some of the writes; return at how many."""
    proxy = FaultProxy(space.instance.url)
    writes = itertools.count()
    proxy.fault = lambda _number, method, _path: fault if method != "GET" and next(writes) % every == 0 else None
    direct = space.instance
    with proxy.served() as url:
        space.instance = Instance(url, direct.token)
        done = space.apply()
        space.instance.close()
    space.instance = direct
    assert done.code == 0, done.out + done.err
    return proxy.faults


@pytest.mark.parametrize("fault", ["cut after", "cut before", "504"])
def test_a_strategy_is_never_doubled(flags: Space, fault: str) -> None:
    names = [fresh("twice") for _ in range(4)]
    for name in names:
        each = [{**ON, "parameters": {"rollout": rollout}} for rollout in (10, 20, 20)]
        links = [{"url": "https://example.com/a"}, {"url": "https://example.com/b"}]
        flags.flag(name, links=links, environments={"production": {"enabled": True, "strategies": each}})
    assert apply_with_faults(flags, fault, every=3) > 4
    for name in names:
        assert rollouts(flags, name) == ["10", "20", "20"]
        assert [one["url"][-1] for one in live(flags, name)["links"]] == ["a", "b"]
    assert flags.plan()["changes"] == []


@pytest.mark.parametrize("fault", ["cut after", "cut before", "503"])
def test_faults_are_lived_through_whatever_the_kind(flags: Space, fault: str) -> None:
    name = fresh("all")
    each = ("TagType", "ContextField", "Segment", "Strategy", "Application")
    names = {kind: fresh(kind.lower()) for kind in each}
    flags.write("TagType", names["TagType"])
    flags.write("ContextField", names["ContextField"], legalValues=[{"value": "NO"}])
    constraint = {"contextName": names["ContextField"], "operator": "IN", "values": ["NO"]}
    flags.write("Segment", names["Segment"], constraints=[constraint])
    flags.write("Strategy", names["Strategy"], parameters=[{"name": "a", "type": "string"}])
    flags.write("Application", names["Application"], description="Text")
    strategy = {"name": names["Strategy"], "segments": [names["Segment"]]}
    production = {"enabled": True, "strategies": [strategy]}
    flags.flag(name, tags=[f"{names['TagType']}:ab"], environments={"production": production})
    flags.chart("errors", feature=name)
    assert apply_with_faults(flags, fault, every=2) > 3
    assert len(ids(flags, name)) == 1
    assert flags.plan()["changes"] == []
    for path in flags.root.glob("*.yaml"):
        if path.name != "unleash-gitops.yaml":
            path.unlink()
    assert_nothing_differs(flags)


def test_killed_half_way_and_applied_again(flags: Space) -> None:
    names = [fresh("many") for _ in range(40)]
    for name in names:
        each = [{**ON, "parameters": {"rollout": rollout}} for rollout in (10, 20)]
        flags.flag(name, environments={"production": {"enabled": True, "strategies": each}})
    process = flags.start("apply", "--yes")
    while flags.instance.flag(names[10]) is None:
        assert process.poll() is None, process.communicate()
    flags.kill(process)
    live = [flags.instance.flag(name) for name in names]
    assert any(flag is None or len(flag["in"]["production"]["strategies"]) < 2 for flag in live)
    assert_nothing_differs(flags)
    assert all(rollouts(flags, name) == ["10", "20"] for name in names)


def test_a_flag_of_another_project_is_said_to_be_there(flags: Space) -> None:
    name = fresh("elsewhere")
    flags.instance.call("POST", "/features", {"name": name})
    flags.flag(name, "shop")
    done = flags.run("plan")
    assert (done.code, 'no project "shop"' in done.err) == (1, True), done.err


def test_the_example_is_applied_and_taken_back(flags: Space) -> None:
    example = Path(__file__).parents[2] / "examples" / "flags"
    assert flags.run("validate", str(example)).code == 0
    assert flags.run("apply", str(example), "--yes").code == 0
    assert flags.run("plan", str(example), "--detailed-exitcode").code == 0
    assert live(flags, "basket-discounts")["dependencies"][0]["feature"] == "new-basket"
    flags.workspace("flags-example")
    done = flags.apply()
    assert done.code == 0, done.err
    assert flags.instance.flag("new-basket") is None
