"""A change on the real server, from the plan on a pull request to its merge, its apply, and later drift."""

from __future__ import annotations

from pathlib import Path

from pipeline.conftest import INSTALLED, build_pipeline
from servers.fake_code_host import FakeCodeHost
from servers.instance import Instance
from servers.runner import run_script

pytestmark = INSTALLED


def test_from_the_pull_request_to_the_server(tmp_path: Path, installed: Path, real: Instance) -> None:
    with FakeCodeHost().served() as code_host:
        pipeline = build_pipeline(tmp_path, installed, run_script, real.url, real.token, code_host)
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
        assert '- title: "Changed by hand"\n+ title: "Errors"' in code_host.bodies()[0]
        assert f'`ImpactMetric/{by_hand}` `"by hand"`' in code_host.bodies()[0]
        real.delete(ours["id"])
        run = pipeline.apply()
        assert run.failed
        assert "create, and the expected plan has update" in run.log
        assert list(real.charts()) == [by_hand]
