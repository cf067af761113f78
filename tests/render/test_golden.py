"""Every format of output matches its golden file in tests/cases/."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from render.samples import DIAGNOSTICS, HUGE, PLANS, REPORTS, without_calls
from unleash_gitops.model.plan import parse_plan
from unleash_gitops.render.github import render_diagnostics_github, render_drift_github
from unleash_gitops.render.json import render_diagnostics_json, render_plan_json, render_report_json
from unleash_gitops.render.markdown import render_plan_markdown
from unleash_gitops.render.report_text import render_report_text, render_result_line
from unleash_gitops.render.text import render_diagnostics_text, render_plan_text

Golden = Callable[[str, str], None]
CASES = Path(__file__).parents[1] / "cases"


@pytest.mark.parametrize("name", PLANS)
def test_plan(name: str, golden: Golden) -> None:
    golden(f"{name}/plan.json", render_plan_json(PLANS[name]))
    saved = parse_plan((CASES / name / "plan.json").read_bytes(), "plan.json")
    assert saved == without_calls(PLANS[name])
    golden(f"{name}/plan.txt", render_plan_text(saved).plain)
    golden(f"{name}/plan.md", render_plan_markdown(saved))


def test_drift_annotations(golden: Golden) -> None:
    golden(
        "plan-drift/plan.github", render_drift_github(PLANS["plan-drift"].model_copy(update={"root": "ops/unleash"}))
    )
    golden("plan-hostile/plan.github", render_drift_github(PLANS["plan-hostile"]))
    assert render_drift_github(PLANS["plan-actions"]) == ""


def test_comment_on_a_huge_plan(golden: Golden) -> None:
    golden("plan-huge/plan.md", render_plan_markdown(HUGE))


@pytest.mark.parametrize("name", REPORTS)
def test_report(name: str, golden: Golden) -> None:
    golden(f"{name}/report.json", render_report_json(REPORTS[name]))
    golden(f"{name}/report.txt", render_report_text(REPORTS[name]).plain)
    golden(f"{name}/progress.txt", "".join(f"{render_result_line(result).plain}\n" for result in REPORTS[name].results))


@pytest.mark.parametrize(("name", "prefix"), [("diagnostics", ""), ("diagnostics-from-outside", "../work space")])
def test_diagnostics(name: str, prefix: str, golden: Golden) -> None:
    diagnostics = [diagnostic.below(prefix) for diagnostic in DIAGNOSTICS]
    golden(f"{name}/diagnostics.json", render_diagnostics_json(diagnostics))
    golden(f"{name}/diagnostics.txt", render_diagnostics_text(diagnostics).plain)
    golden(f"{name}/diagnostics.github", render_diagnostics_github(diagnostics))


def test_a_path_prefix_can_end_with_a_slash() -> None:
    diagnostic = DIAGNOSTICS[0]
    for prefix, path in [("", "a.yaml"), ("..", "../a.yaml"), ("../x/", "../x/a.yaml"), ("/", "/a.yaml")]:
        position = replace(diagnostic.position, path="a.yaml")
        shown = replace(diagnostic, position=position).below(prefix).position
        assert shown == replace(position, path=path)
    assert [each.below("a/b/") for each in DIAGNOSTICS] == [each.below("a/b") for each in DIAGNOSTICS]


def test_no_diagnostics() -> None:
    assert render_diagnostics_text(()).plain == ""
    assert render_diagnostics_github(()) == ""
    empty = {"formatVersion": "1", "summary": {"errors": 0, "warnings": 0}, "diagnostics": []}
    assert json.loads(render_diagnostics_json(())) == empty


@pytest.mark.parametrize("name", PLANS)
def test_each_change_has_one_line_with_its_sign_verb_and_address(name: str) -> None:
    words = {"create": "+ create ", "update": "~ update ", "delete": "- DELETE ", "blocked": "! blocked"}
    lines = render_plan_text(PLANS[name]).plain.splitlines()
    marked = [line for line in lines if line.startswith(tuple(words.values()))]
    assert [line[:9] for line in marked] == [words[change.action] for change in PLANS[name].changes]
