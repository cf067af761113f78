"""What a workspace does to an instance, on both servers: create, update, delete, and leave alone."""

from __future__ import annotations

from typing import Any

import pytest

from acceptance.conftest import Space
from servers.instance import FLAGS
from unleash_gitops.model.ownership import computed_id

FLAG = "checkout-v2"


def chart_id(name: str, feature: str | None = None, workspace: str = "payments") -> str:
    return computed_id(workspace, "ImpactMetric", "default" if feature else None, feature, name)


def seen(config: dict[str, Any]) -> dict[str, Any]:
    """Return what a person set of a chart."""
    return {
        name: config.get(name)
        for name in ("metricName", "title", "timeRange", "aggregationMode", "yAxisMin", "labelSelectors")
    }


def test_create_update_delete_and_nothing_to_do(space: Space) -> None:
    space.chart("errors", title="Errors", labelSelectors={"environment": ["production", "development"]})
    space.chart("latency", FLAG, metricName="unleash_histogram_latency", aggregationMode="p95")
    assert space.run("plan", "--detailed-exitcode").code == 2
    assert space.instance.everything() == {}
    assert space.apply().code == 0
    assert seen(space.instance.charts()[chart_id("errors")]) == {
        "metricName": "m",
        "title": "Errors",
        "timeRange": "day",
        "aggregationMode": "avg",
        "yAxisMin": "auto",
        "labelSelectors": {"environment": ["development", "production"]},
    }
    assert set(space.instance.charts(FLAG)) == {chart_id("latency", FLAG)}
    assert space.run("plan", "--detailed-exitcode").code == 0

    space.chart("errors", title="Errors", timeRange="week")
    plan = space.plan()
    assert plan["summary"] == summary(update=1, unchanged=1)
    field = {"path": "timeRange", "before": "day", "after": "week", "origin": "file", "changed": None}
    assert plan["changes"][0]["fields"] == [field]
    assert space.apply().code == 0
    assert space.instance.charts()[chart_id("errors")]["timeRange"] == "week"

    space.file("latency").unlink()
    plan = space.plan()
    assert plan["summary"] == summary(delete=1, unchanged=1)
    assert space.apply().code == 0
    assert set(space.instance.everything()) == {chart_id("errors")}
    assert space.apply().code == 0
    assert space.run("plan", "--detailed-exitcode").code == 0


def summary(**counts: int) -> dict[str, int]:
    names = (
        "create", "update", "adopt", "transfer", "release", "delete", "unchanged", "unmanaged", "foreign", "blocked",
        "drifted", "kept", "released",
    )  # fmt: skip
    return {name: counts.get(name, 0) for name in names}


def test_what_a_document_leaves_out_keeps_its_live_value(space: Space) -> None:
    space.chart("a")
    assert space.apply().code == 0
    space.instance.save(id=chart_id("a"), title="By hand", yAxisMin="zero", labelSelectors={"appName": ["web"]})
    assert space.run("plan", "--detailed-exitcode").code == 0
    space.chart("a", timeRange="month")
    assert space.apply().code == 0
    live = seen(space.instance.charts()[chart_id("a")])
    assert live == {
        **live,
        "timeRange": "month",
        "title": "By hand",
        "yAxisMin": "zero",
        "labelSelectors": {"appName": ["web"]},
    }


def test_drift_in_a_managed_field_is_undone(space: Space) -> None:
    space.chart("a", title="Mine", labelSelectors={"environment": ["production"]})
    assert space.apply().code == 0
    space.instance.save(id=chart_id("a"), title="Theirs", labelSelectors={"environment": ["development"]})
    paths = [field["path"] for field in space.plan()["changes"][0]["fields"]]
    assert paths == ["labelSelectors.environment[0]", "title"]
    assert space.apply().code == 0
    assert space.instance.charts()[chart_id("a")]["title"] == "Mine"


def test_title_null_takes_the_title_away(space: Space) -> None:
    space.chart("a", title="Something")
    assert space.apply().code == 0
    space.chart("a", title=None)
    assert space.plan()["summary"]["update"] == 1
    assert space.apply().code == 0
    assert not space.instance.charts()[chart_id("a")].get("title")
    assert space.run("plan", "--detailed-exitcode").code == 0


def test_prune_none_deletes_nothing(space: Space) -> None:
    space.chart("a")
    space.chart("b")
    assert space.apply().code == 0
    space.file("a").unlink()
    space.workspace(prune="none", exclusive=[{"kind": "ImpactMetric"}])
    assert space.plan()["summary"] == summary(unchanged=1, unmanaged=1)
    assert space.apply().code == 0
    assert len(space.instance.everything()) == 2


@pytest.mark.parametrize(
    "exclusive", [[], [{"kind": "ImpactMetric"}], [{"kind": "ImpactMetric", "project": "default"}]]
)
def test_foreign_is_never_touched_and_unmanaged_only_where_we_are_alone(space: Space, exclusive: list[Any]) -> None:
    foreign = [
        space.instance.save(id=chart_id("x", workspace="other"), title="theirs"),
        space.instance.save(FLAG, id=chart_id("x", FLAG, workspace="other"), title="theirs"),
    ]
    instance_level, flag_level = space.instance.save(title="by hand"), space.instance.save(FLAG, title="by hand")
    before = space.instance.everything()
    space.workspace(exclusive=exclusive)
    space.chart("a")
    doomed = {
        chart
        for chart, project in ((instance_level, None), (flag_level, "default"))
        if any(area.get("project") == project for area in exclusive)
    }
    plan = space.plan()
    assert plan["summary"] == summary(create=1, delete=len(doomed), unmanaged=2 - len(doomed), foreign=2)
    assert {change["id"] for change in plan["changes"] if change["action"] == "delete"} == doomed
    assert {one["id"] for one in plan["unmanaged"]} == {instance_level, flag_level} - doomed
    assert space.apply().code == 0
    after = space.instance.everything()
    assert {chart: after.get(chart) for chart in before if chart not in doomed} == {
        chart: config for chart, config in before.items() if chart not in doomed
    }
    assert set(after) == set(before) - doomed | {chart_id("a")}
    assert all(chart in after for chart in foreign)


def test_a_document_with_an_id_takes_a_chart_over(space: Space) -> None:
    by_hand = space.instance.save(title="by hand", timeRange="month")
    space.chart("a", object_id=by_hand, title="now ours")
    plan = space.plan()
    assert [(change["action"], change["id"]) for change in plan["changes"]] == [("update", by_hand)]
    assert space.apply().code == 0
    assert set(space.instance.everything()) == {by_hand}
    assert space.run("plan", "--detailed-exitcode").code == 0
    space.file("a").unlink()
    assert space.plan()["summary"] == summary(unmanaged=1 + len(FLAGS))  # an empty workspace reports flags too


def test_a_chart_is_not_moved_to_another_flag(space: Space) -> None:
    by_hand = space.instance.save(FLAG, title="by hand")
    space.chart("a", "search-ranking", object_id=by_hand)
    (change,) = space.plan()["changes"]
    assert (change["action"], change["requests"]) == ("blocked", [])
    assert change["reason"] == f"its id belongs to an object of default/{FLAG}; without metadata.id it is created anew"
    assert space.apply().code == 3
    assert set(space.instance.charts(FLAG)) == {by_hand}
    assert space.instance.charts("search-ranking") == {}


def test_more_deletes_than_the_limit_are_refused_until_they_are_asked_for(space: Space) -> None:
    space.workspace(maxDeletes=2)
    for number in range(3):
        space.chart(f"c{number}")
    assert space.apply().code == 0
    for number in range(3):
        space.file(f"c{number}").unlink()
    refused = space.run("apply", "--yes")
    assert refused.code == 1
    assert "3 deletes, more than the limit of 2" in refused.err
    assert space.apply("--max-deletes", "2").code == 1
    assert len(space.instance.everything()) == 3
    assert space.apply("--max-deletes", "3").code == 0
    assert space.instance.everything() == {}


def test_a_target_limits_what_is_looked_at(space: Space) -> None:
    space.chart("a")
    space.chart("b", FLAG)
    space.chart("c", "search-ranking")
    assert space.plan("--target", "ImpactMetric/default")["summary"] == summary(create=2)
    assert space.plan("--target", f"ImpactMetric/default/{FLAG}", "--target", "ImpactMetric/a")["summary"] == summary(
        create=2
    )
    assert space.plan("--target", "ImpactMetric/default/checkout-v2/b")["summary"] == summary(create=1)
    assert space.apply("--target", "ImpactMetric/default").code == 0
    assert space.instance.charts() == {}
    space.file("b").unlink()
    assert space.plan("--target", "ImpactMetric/default/search-ranking")["summary"] == summary(unchanged=1)
    assert space.plan("--target", f"ImpactMetric/default/{FLAG}")["summary"] == summary(delete=1)
    nothing = space.run("plan", "--target", "ImpactMetric/def")
    assert nothing.code == 1
    assert "ImpactMetric/def covers nothing" in nothing.err


def test_a_flag_that_does_not_exist_is_an_error_with_its_place_and_nothing_happens(space: Space) -> None:
    space.chart("a")
    space.chart("b", "no-such-flag")
    for command in (["plan"], ["apply", "--yes"]):
        done = space.run(*command)
        assert done.code == 1
        assert "b.yaml:1:" in done.err
        assert 'there is no feature flag "no-such-flag" in project "default"' in done.err
    assert space.instance.everything() == {}


def test_a_project_that_does_not_exist_is_an_error(space: Space) -> None:
    space.workspace(projects=["nope"])
    done = space.run("plan")
    assert done.code == 1
    assert 'there is no project "nope" on the server' in done.err


def test_pull_takes_everything_over_and_the_plan_is_empty(space: Space) -> None:
    titles = [
        "Plain",
        "no",
        "1.10",
        "\x1b[31mred\x1b[0m\n# @all ![x](y)",
        "ünï ✓ 🎉",
        "Plain",
        " spaces: ",
        "0o17",
        "null",
    ]
    for title in titles:
        space.instance.save(title=title)
        space.instance.save(FLAG, title=title, metricName="odd {name}: #1", labelSelectors={"app: x": ["*", "no"]})
    space.instance.save(timeRange="hour", yAxisMin="zero")
    space.instance.save(id=chart_id("x", workspace="other"), title="theirs")
    space.instance.save(metricName="unleash_counter_x", aggregationMode="p99", title="what a file may not have")
    before = space.instance.everything()
    done = space.run("pull")
    assert done.code == 0
    assert "belongs to another workspace" in done.err
    assert "spec.aggregationMode" in done.err
    assert len(done.out.splitlines()) == 2 * len(titles) + 1 + len(FLAGS)
    assert "\x1b" not in done.out
    count = 2 * len(titles) + 1
    assert space.plan()["summary"] == summary(unchanged=count, adopt=len(FLAGS), unmanaged=1, foreign=1)
    assert space.run("validate").code == 0
    assert space.instance.everything() == before
    files = {path: path.read_bytes() for path in space.root.rglob("*.yaml")}
    assert space.run("pull").out == ""
    assert {path: path.read_bytes() for path in space.root.rglob("*.yaml")} == files


def test_pull_takes_only_what_is_asked_for(space: Space) -> None:
    space.instance.save(title="one")
    space.instance.save(FLAG, title="two")
    written = "".join(f"wrote flags/default/{name}.yaml\n" for name in FLAGS)
    written += f"wrote impact-metrics/default/{FLAG}/two.yaml\n"
    assert space.run("pull", "--project", "default").out == written
    assert "no such kind" in space.run("pull", "--kind", "Nope").err
    assert space.run("pull", "--kind", "ImpactMetric").out == "wrote impact-metrics/one.yaml\n"


def test_a_chart_that_a_safeguard_uses_is_never_changed_or_deleted(space: Space) -> None:
    space.chart("a")
    space.chart("b", FLAG)
    space.chart("c")
    assert space.apply().code == 0
    space.instance.guard(chart_id("a"), chart_id("b", FLAG))
    space.chart("a", timeRange="month")
    space.file("b").unlink()
    before = space.instance.everything()
    plan = space.plan()
    assert plan["summary"] == summary(blocked=2, unchanged=1)
    assert [change["requests"] for change in plan["changes"]] == [[], []]
    assert space.run("plan", "--detailed-exitcode").code == 3
    space.chart("c", title="C")
    done = space.apply("--format", "json")
    assert done.code == 3
    assert done.json["summary"] == {"applied": 1, "failed": 0, "skipped": 0, "blocked": 2}
    assert {result["error"] for result in done.json["results"] if result["status"] == "blocked"} == {
        "used by a safeguard (mode: read)",
        "cannot be deleted: used by a safeguard (mode: read)",
    }
    after = space.instance.everything()
    assert after == {**before, chart_id("c"): {**before[chart_id("c")], "title": "C"}}


def test_a_chart_that_a_safeguard_came_to_use_makes_a_plan_stale(space: Space) -> None:
    space.chart("a")
    assert space.apply().code == 0
    space.chart("a", timeRange="month")
    out = space.root / "plan.json"
    assert space.run("plan", "--out", str(out)).code == 0
    space.instance.guard(chart_id("a"))
    done = space.run("apply", str(out))
    assert done.code == 1
    assert "ImpactMetric/a: used by a safeguard" in done.err
    assert space.instance.charts()[chart_id("a")]["timeRange"] == "day"
