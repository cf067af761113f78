"""The whole way of a change, on the real server: planned on a pull request, reviewed, merged, applied, drift found."""

from __future__ import annotations

from pathlib import Path

from pipeline.conftest import INSTALLED, pipeline_for
from servers.fake_forge import FakeForge
from servers.instance import Instance
from servers.runner import run_script

pytestmark = INSTALLED


def test_from_the_pull_request_to_the_server(tmp_path: Path, installed: Path, real: Instance) -> None:
    real.clear()
    with FakeForge().served() as forge:
        pipeline = pipeline_for(tmp_path, installed, run_script, real.url, real.token, forge)
        pipeline.chart("errors", title="Errors")
        assert pipeline.plan().outputs["create"] == "1"
        pipeline.merge()
        by_hand = real.save(title="by hand")
        run = pipeline.apply()
        assert (run.failed, run.outputs["applied"]) == (False, "1"), run.log
        assert sorted(chart["title"] for chart in real.charts().values()) == ["Errors", "by hand"]

        ours = next(chart for chart in real.charts().values() if chart["title"] == "Errors")
        real.save(**{**ours, "title": "Changed by hand"})
        run = pipeline.plan()
        assert (run.outputs["has-changes"], run.outputs["update"]) == ("true", "1")
        assert '- title: "Changed by hand"\n+ title: "Errors"' in forge.bodies()[0]
        assert f'`ImpactMetric/{by_hand}` `"by hand"`' in forge.bodies()[0]
        real.delete(ours["id"])
        run = pipeline.apply()
        assert run.failed
        assert "the server has changed since this plan was made" in run.log
        assert list(real.charts()) == [by_hand]
    real.clear()
