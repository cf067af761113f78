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
    file = write(fake_space, "errors")
    assert fake_space.apply().code == 0
    before = file.read_text()
    change(fake_space, somebody, timeRange="week")
    done = fake_space.run("accept")
    assert (done.code, done.out) == (
        0,
        "errors.yaml:2: accepted timeRange of ImpactMetric/errors (changed by somebody, event 2)\n",
    )
    assert done.err == "1 document changed; review and commit them\n"
    assert file.read_text() == before.replace("timeRange: day ", "timeRange: week ").replace(
        "{name: errors}", "{name: errors, accepted: 2}"
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
    assert fake_space.run("accept", "ImpactMetric/two").code == 0
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
    assert fake_space.run("accept", "ImpactMetric/errors").code == 0
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
    aliased.write_text(aliased.read_text() + "  labelSelectors: {a: &one [x], b: *one}\n")
    assert fake_space.apply().code == 0
    before = [plain.read_text(), aliased.read_text()]
    change(fake_space, somebody, timeRange="week", labelSelectors={"a": ["x"], "b": ["y"]})
    done = fake_space.run("accept")
    assert done.code == 1
    assert "two.yaml:9: cannot be edited in its place" in done.err
    assert [plain.read_text(), aliased.read_text()] == before
