"""The plans of several workspaces in one document."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from render.samples import ACTIONS, HUGE, PLANS, planset, without_calls
from unleash_gitops.model.errors import PlanFileError
from unleash_gitops.model.plan_file import seal
from unleash_gitops.model.plan_set import Planned, PlanSet, parse_plans
from unleash_gitops.render.json import render_plan_json, render_plan_set_json

FAILED = Planned(workspace="search", root="search", url=None, plan=None, error="no answer")
BOTH = planset(ACTIONS, FAILED, PLANS["plan-nothing-at-all"])


def test_a_plan_set_survives_writing_and_reading() -> None:
    for plans in (BOTH, planset(), planset(HUGE), planset(PLANS["plan-hostile"])):
        saved = parse_plans(render_plan_set_json(plans), "p.json")
        assert isinstance(saved, PlanSet)
        assert saved.plans == tuple(map(without_calls, plans.plans))
        assert saved.to_json() == plans.to_json()


def test_parse_plans_reads_the_plan_of_one_workspace() -> None:
    assert parse_plans(render_plan_json(ACTIONS), "p.json") == without_calls(ACTIONS)


def test_the_summary_of_a_plan_set_is_the_sum_of_its_plans() -> None:
    twice = planset(ACTIONS, FAILED, ACTIONS)
    assert twice.summary.model_dump() == {name: 2 * count for name, count in ACTIONS.summary.model_dump().items()}
    assert (BOTH.complete, BOTH.pending) == (False, True)
    assert (planset(PLANS["plan-nothing-at-all"]).complete, planset(PLANS["plan-nothing-at-all"]).pending) == (
        True,
        False,
    )


def test_each_plan_in_a_plan_set_has_its_own_digest() -> None:
    content = json.loads(render_plan_set_json(BOTH))
    assert list(content) == ["formatVersion", "toolVersion", "createdAt", "summary", "workspaces", "digest"]
    assert content["workspaces"][0]["plan"] == ACTIONS.to_json()


def edit(change: Callable[[dict[str, Any]], object], *, reseal: bool) -> str:
    content = json.loads(render_plan_set_json(BOTH))
    change(content)
    if reseal:
        content = seal({key: value for key, value in content.items() if key != "digest"})
    return json.dumps(content)


CHANGED = "p.json: the plan was changed after it was created (its digest does not match)"


@pytest.mark.parametrize(
    ("change", "reseal", "message"),
    [
        (lambda content: content["workspaces"].pop(), False, CHANGED),
        (lambda content: content["workspaces"][0]["plan"].update(workspace="other"), True, CHANGED),
        (lambda content: content["summary"].update(delete=0), True, "its summary does not match its plans"),
        (
            lambda content: content["workspaces"][0].update(plan=[]),
            True,
            "not a plan this version can read: workspaces[0].",
        ),
        (lambda content: content["workspaces"][0].pop("error"), True, "workspaces[0].error: Field required"),
        (lambda content: content.update(formatVersion="1"), True, "the plan has format 1, this version reads format 2"),
        (lambda content: content["workspaces"].append("x"), True, "not a plan this version can read: workspaces[3]"),
    ],
)
def test_an_edited_plan_set_is_refused(change: Callable[[dict[str, Any]], object], reseal: bool, message: str) -> None:
    with pytest.raises(PlanFileError) as caught:
        parse_plans(edit(change, reseal=reseal), "p.json")
    assert message in str(caught.value)


@pytest.mark.parametrize("version", ["1", "3"])
def test_a_plan_of_another_format_in_a_plan_set_is_refused(version: str) -> None:
    def set_version(content: dict[str, Any]) -> None:
        plan = {**content["workspaces"][0]["plan"], "formatVersion": version}
        content["workspaces"][0]["plan"] = seal({key: value for key, value in plan.items() if key != "digest"})

    with pytest.raises(PlanFileError, match=r"workspaces\[0\]\.plan\.formatVersion"):
        parse_plans(edit(set_version, reseal=True), "p.json")


def test_an_incomplete_plan_set_is_refused() -> None:
    complete = render_plan_set_json(BOTH)
    for length in range(0, len(complete) - 2, 997):
        with pytest.raises(PlanFileError):
            parse_plans(complete[:length], "p.json")


def test_a_plan_set_is_frozen() -> None:
    assert PlanSet.model_config["frozen"]
