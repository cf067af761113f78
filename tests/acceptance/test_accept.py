"""`accept`: what somebody changed on the server, in the files; all of what is asked for, or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from acceptance.conftest import SOMEBODY, Space
from document_samples import document_text, header
from servers.instance import Instance

FLAGS = "/api/admin/projects/default/features"
CHART = (
    "# Errors of the checkout.\n"
    + header("ImpactMetric")
    + """\
metadata: {{name: {name}}}  # the chart
spec:
  metricName: {metric}
  timeRange: day   # not longer
  aggregationMode: avg
"""
)
FLAG = "---\n".join(
    [
        document_text("FeatureFlag", "pay", "{description: Pay}", project="default"),
        document_text(
            "ImpactMetric",
            "of-pay",
            "{metricName: m, timeRange: day, aggregationMode: avg}",
            project="default",
            feature="pay",
        ),
        "# Another one.\n" + document_text("FeatureFlag", "stay", project="default"),
    ]
)


@pytest.fixture
def somebody(fake: Instance) -> Any:
    with httpx.Client(base_url=fake.url, headers={"Authorization": SOMEBODY}, trust_env=False, verify=False) as client:
        yield client


def write(space: Space, name: str, metric: str = "m", template: str = CHART) -> Path:
    space.file(name).write_text(template.format(name=name, metric=metric), encoding="utf-8")
    return space.file(name)


def change(space: Space, who: httpx.Client, **fields: Any) -> None:
    """Have somebody change every chart."""
    for chart in space.instance.charts().values():
        who.post("/api/admin/impact-metrics/config", json={**chart, **fields}).raise_for_status()


def test_a_value_is_written_at_its_place(fake_space: Space, somebody: httpx.Client) -> None:
    # the apply writes one event about the chart, and three about its lease
    file = write(fake_space, "errors")
    assert fake_space.apply().code == 0
    before = file.read_text()
    change(fake_space, somebody, timeRange="week")
    done = fake_space.run("accept")
    assert (done.code, done.out) == (
        0,
        "errors.yaml:2: accepted timeRange of ImpactMetric/errors (changed by somebody, event 5)\n",
    )
    assert done.err == "1 document changed; review and commit them\n"
    assert file.read_text() == before.replace("timeRange: day ", "timeRange: week ").replace(
        "{name: errors}", "{name: errors, accepted: 5}"
    )
    assert fake_space.plan()["changes"] == []
    assert fake_space.run("accept").err == "nothing to accept\n"


def test_what_only_the_file_changed_stays(fake_space: Space, somebody: httpx.Client) -> None:
    file = write(fake_space, "errors")
    assert fake_space.apply().code == 0
    change(fake_space, somebody, timeRange="week")
    file.write_text(file.read_text().replace("avg", "sum"))
    assert fake_space.run("accept").code == 0
    assert "aggregationMode: sum" in file.read_text()
    (field,) = fake_space.plan()["changes"][0]["fields"]
    assert (field["path"], field["origin"]) == ("aggregationMode", "file")


def test_only_what_is_named(fake_space: Space, somebody: httpx.Client) -> None:
    files = [write(fake_space, name) for name in ("one", "two")]
    assert fake_space.apply().code == 0
    change(fake_space, somebody, timeRange="week")
    assert fake_space.run("accept", "--target", "ImpactMetric/two").code == 0
    assert ["week" in file.read_text() for file in files] == [False, True]


def test_what_is_named_is_taken_whosever_it_is(fake_space: Space) -> None:
    """Where nobody knows the origin, whoever names an object says which side is right."""
    assert fake_space.instance.fake is not None
    file = write(fake_space, "errors")
    assert fake_space.apply().code == 0
    fake_space.instance.fake.absent.add("/search/events")
    change(fake_space, fake_space.instance.http, timeRange="week")
    done = fake_space.run("accept")
    assert "not accepted: ImpactMetric/errors: whether its file or another user changed it is unknown" in done.err
    assert done.err.endswith("nothing to accept\n")
    assert fake_space.run("accept", "--target", "ImpactMetric/errors").code == 0
    assert "timeRange: week   # not longer" in file.read_text()
    assert "accepted" not in file.read_text()


def test_the_document_of_a_deleted_flag_goes_and_so_do_its_charts(fake_space: Space, somebody: httpx.Client) -> None:
    write(fake_space, "flags")
    fake_space.file("flags").write_text(FLAG)
    assert fake_space.apply().code == 0
    somebody.delete(f"{FLAGS}/pay").raise_for_status()
    somebody.delete("/api/admin/archive/pay").raise_for_status()
    done = fake_space.run("accept")
    assert done.code == 0, done.err
    assert done.out.startswith("flags.yaml:1: removed FeatureFlag/default/pay (changed by somebody, event ")
    assert "flags.yaml:6: removed ImpactMetric/default/pay/of-pay" in done.out
    assert fake_space.file("flags").read_text() == FLAG[FLAG.index("# Another") - 4 :]
    assert fake_space.plan()["changes"] == []


def test_a_file_without_documents_goes(fake_space: Space, somebody: httpx.Client) -> None:
    file = write(fake_space, "errors")
    assert fake_space.apply().code == 0
    for chart in fake_space.instance.charts():
        somebody.delete(f"/api/admin/impact-metrics/config/{chart}").raise_for_status()
    assert fake_space.run("accept").code == 0
    assert not file.exists()


def test_what_no_file_has_is_said(fake_space: Space, somebody: httpx.Client) -> None:
    write(fake_space, "errors")
    assert fake_space.apply().code == 0
    change(fake_space, somebody, timeRange="week")
    fake_space.file("errors").unlink()
    (chart,) = fake_space.instance.charts()
    done = fake_space.run("accept")
    assert done.code == 0
    assert (
        f"not accepted: ImpactMetric/{chart}: no document describes it; write one with: unleash-gitops pull" in done.err
    )


def test_when_a_file_would_be_wrong_none_is_written(fake_space: Space, somebody: httpx.Client) -> None:
    files = [write(fake_space, "one"), write(fake_space, "two", "unleash_gauge_two")]
    assert fake_space.apply().code == 0
    before = [file.read_text() for file in files]
    change(fake_space, somebody, aggregationMode="p95")  # no gauge has it: the server does not look
    done = fake_space.run("accept")
    assert done.code == 1
    assert "two.yaml:" in done.out + done.err
    assert "p95" in done.err
    assert done.err.endswith("no file was changed\n")
    assert [file.read_text() for file in files] == before
    assert sorted(path.name for path in fake_space.root.iterdir()) == ["one.yaml", "two.yaml", "unleash-gitops.yaml"]


def test_what_cannot_be_edited_is_said_and_nothing_is_written(fake_space: Space, somebody: httpx.Client) -> None:
    plain, aliased = write(fake_space, "one"), write(fake_space, "two")
    aliased.write_text(aliased.read_text() + "  labelSelectors: {a: &one [x], b: *one, c: &one [z]}\n")
    assert fake_space.apply().code == 0
    before = [plain.read_text(), aliased.read_text()]
    change(fake_space, somebody, timeRange="week", labelSelectors={"a": ["x"], "b": ["y"], "c": ["z"]})
    done = fake_space.run("accept")
    assert done.code == 1
    assert "two.yaml:2: cannot be edited in its place" in done.err
    above = Space(fake_space.root.parent, fake_space.instance)
    assert f"{fake_space.root.name}/two.yaml:2: cannot" in above.run("accept", fake_space.root.name).err
    (above.root / "unleash-gitops.yaml").unlink()  # other tests are below it
    assert [plain.read_text(), aliased.read_text()] == before


ANCHORED = (
    header("FeatureFlag")
    + """\
metadata: {name: pay, project: default}
spec:
  environments:
    development: &on  # shared
      enabled: true
      strategies:
        - name: flexibleRollout
    production: *on
"""
)


def switch(who: httpx.Client, flag: str, environment: str, state: str) -> None:
    who.post(f"{FLAGS}/{flag}/environments/{environment}/{state}").raise_for_status()


def test_an_anchored_value_changes_in_one_environment_only(fake_space: Space, somebody: httpx.Client) -> None:
    file = fake_space.file("pay")
    file.write_text(ANCHORED)
    assert fake_space.apply().code == 0
    switch(somebody, "pay", "development", "off")
    done = fake_space.run("accept")
    assert done.code == 0, done.err
    assert "accepted environments.development.enabled of FeatureFlag/default/pay" in done.out
    assert file.read_text().endswith(
        "      enabled: false\n      strategies:\n        - name: flexibleRollout\n"
        "    production:\n      enabled: true\n      strategies:\n        - name: flexibleRollout\n"
    )
    assert fake_space.plan()["changes"] == []


def test_an_alias_is_written_out_where_it_was_changed(fake_space: Space, somebody: httpx.Client) -> None:
    file = fake_space.file("pay")
    file.write_text(ANCHORED)
    assert fake_space.apply().code == 0
    switch(somebody, "pay", "production", "off")
    assert fake_space.run("accept").code == 0
    assert "    development: &on  # shared\n      enabled: true\n" in file.read_text()
    assert "    production:\n      enabled: false\n" in file.read_text()
    assert fake_space.plan()["changes"] == []


def test_a_merge_key_is_refused_at_its_line(fake_space: Space) -> None:
    text = ANCHORED.replace("production: *on", "production: {<<: *on}")
    fake_space.file("pay").write_text(text)
    done = fake_space.run("accept")
    assert done.code == 1
    assert "pay.yaml:10:18: error: YAML 1.2 has no merge key << [merge-key]" in done.err
    assert fake_space.file("pay").read_text() == text


def test_through_a_symlink_the_target_is_edited(fake_space: Space, somebody: httpx.Client) -> None:
    target = fake_space.root / ".shared" / "errors"
    target.parent.mkdir()
    target.write_text(CHART.format(name="errors", metric="m"))
    target.chmod(0o640)
    link = fake_space.file("errors")
    link.symlink_to(".shared/errors")
    assert fake_space.apply().code == 0
    change(fake_space, somebody, timeRange="week")
    assert fake_space.run("accept").code == 0
    assert (link.readlink(), link.is_symlink()) == (Path(".shared/errors"), True)
    assert "timeRange: week   # not longer" in target.read_text()
    assert target.stat().st_mode & 0o777 == 0o640


def test_several_workspaces_in_one_run(tmp_path: Path, fake: Instance, somebody: httpx.Client) -> None:
    (tmp_path / "repository").mkdir()
    everything = Space(tmp_path, fake)
    everything.file("unleash-gitops").unlink()
    first, second = (Space(tmp_path / "repository" / name, fake) for name in ("first", "second"))
    first.workspace("first")
    second.workspace("second")
    files = [write(first, "one"), write(second, "two", "unleash_gauge_two")]
    before = [file.read_text() for file in files]
    assert everything.apply("--all").code == 0
    change(everything, somebody, timeRange="week")
    done = everything.run("accept", "repository/first", "repository/second")
    assert (done.code, done.err) == (0, "2 documents changed; review and commit them\n")
    assert [line.split(":")[0] for line in done.out.splitlines()] == [
        "repository/first/one.yaml", "repository/second/two.yaml",
    ]  # fmt: skip
    assert everything.run("accept", "--all").err == "nothing to accept\n"
    refused = everything.run("accept", "--all", "--target", "ImpactMetric")
    assert (refused.code, "--target cannot be used with several workspaces" in refused.err) == (1, True)
    change(everything, somebody, aggregationMode="p95")  # no gauge has it: the server does not look
    done = everything.run("accept", "--all")
    assert done.code == 3
    assert "workspace second (repository/second/):\nrepository/second/two.yaml:" in done.err
    assert "the files of workspaces with errors were not changed\n1 document changed" in done.err
    assert "p95" in files[0].read_text()
    assert files[1].read_text() == before[1].replace("day ", "week ").replace("two}", "two, accepted: 10}")


def test_a_name_with_a_slash_is_a_target(fake_space: Space, somebody: httpx.Client) -> None:
    files = [
        fake_space.write("Segment", name, file=f"{index}.yaml", description="")
        for index, name in enumerate(("eu/vip", "eu"))
    ]
    assert fake_space.apply("--target", "Segment/eu/vip").code == 0
    assert fake_space.plan("--target", "Segment/eu")["summary"]["create"] == 1
    assert fake_space.apply().code == 0
    for segment in somebody.get("/api/admin/segments").json()["segments"]:
        body = {**segment, "description": f"ours\n{segment['description']}"}
        somebody.put(f"/api/admin/segments/{segment['id']}", json=body).raise_for_status()
    assert "--target Segment/e covers nothing" in fake_space.run("accept", "--target", "Segment/e").err
    assert fake_space.run("accept", "--target", "Segment/eu/vip").code == 0
    assert ["ours" in file.read_text() for file in files] == [True, False]
    assert fake_space.run("accept", "--target", "Segment/").code == 0
    assert ["ours" in file.read_text() for file in files] == [True, True]
