"""The order in a comment, and the parts that are left out without room."""

from __future__ import annotations

import re

import pytest

from render.samples import ACTIONS, CHART, HUGE, PLANS, change, created, deleted, plan, planset, unmanaged, updated
from unleash_gitops.ci.job import Job
from unleash_gitops.model.plan import FieldChange, Plan
from unleash_gitops.model.plan_set import Planned
from unleash_gitops.render.markdown import (
    MAX_COMMENT_BYTES,
    render_failed_markdown,
    render_plan_markdown,
    render_plan_set_markdown,
)
from unleash_gitops.render.markdown_syntax import count_bytes, format_code_span, format_fence

ACTION = re.compile(r"^<details><summary>. <b>(\w+)</b>", re.MULTILINE)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a", "`a`"),
        ("", "`   `"),
        ("a`b", "``a`b``"),
        ("``", "``` `` ```"),
        (" a ", "`  a  `"),
        ("a\nb", "`a\\nb`"),
        ("x" * 301, f"`{'x' * 299}…`"),
    ],
)
def test_format_code_span(text: str, code: str) -> None:
    assert format_code_span(text) == code


def test_format_fence() -> None:
    assert format_fence(["+ a"], "diff") == "```diff\n+ a\n```\n"
    assert format_fence(["+ ````", "- ```"], "diff") == "`````diff\n+ ````\n- ```\n`````\n"
    assert format_fence([], "diff") == "```diff\n```\n"


def test_the_first_line_counts_the_changes() -> None:
    first = render_plan_markdown(ACTIONS).splitlines()[0]
    counts = "2 to create, 1 to update, 1 to delete, 3 blocked, 2 unmanaged"
    assert first == f"**{counts}** (7 unchanged, 1 owned by another workspace)"


def test_the_first_line_of_a_plan_without_changes() -> None:
    assert render_plan_markdown(PLANS["plan-nothing-at-all"]).startswith("**Nothing to change**\n")
    first = render_plan_markdown(PLANS["plan-no-changes"]).splitlines()[0]
    assert first == "**Nothing to change, 2 unmanaged** (8 unchanged)"


def test_deletes_and_blocked_changes_come_first() -> None:
    actions = ACTION.findall(render_plan_markdown(ACTIONS))
    assert actions == ["DELETE", "BLOCKED", "BLOCKED", "BLOCKED", "update", "create", "create"]


def test_deletes_and_blocked_changes_have_alerts() -> None:
    lines = render_plan_markdown(ACTIONS).splitlines()
    assert lines[4:9] == [
        "> [!CAUTION]", "> **1 object will be deleted**", "",
        "> [!WARNING]", "> **3 changes are blocked and will not be done**",
    ]  # fmt: skip
    assert "[!" not in render_plan_markdown(plan(created("a")))


def test_a_plan_over_the_delete_limit_has_an_alert() -> None:
    lines = render_plan_markdown(PLANS["plan-many-deletes"]).splitlines()
    refusal = "This plan is refused, and nothing of it will be applied: 12 deletes, more than the limit of 10"
    assert lines[:2] == ["> [!CAUTION]", f"> **{refusal}**"]


def test_a_huge_plan_is_cut_between_changes_and_counts_the_missing_ones() -> None:
    comment = render_plan_markdown(HUGE)
    shown = ACTION.findall(comment)
    assert count_bytes(comment) <= MAX_COMMENT_BYTES
    assert shown[:90] == ["DELETE"] * 60 + ["update"] * 30
    assert set(shown[90:]) == {"create"}
    missing = 490 - len(shown)
    assert f"**{missing} changes are not shown here ({missing} create): a comment has no room for more.** " in comment
    assert "** The plan file has the whole plan: `unleash-gitops show PLANFILE`.\n" in comment
    assert comment.count("<details>") == comment.count("</details>") == len(shown) + 1


@pytest.mark.parametrize("count", range(60, 140, 7))
def test_any_number_of_changes_fits_the_limit(count: int) -> None:
    big_plan = plan(*(deleted(number, "🦄" * 100) for number in range(count)), left=tuple(map(unmanaged, range(30))))
    assert count_bytes(render_plan_markdown(big_plan)) <= MAX_COMMENT_BYTES


def plan_with_huge_strings() -> Plan:
    text = "`<&🦄" * 500
    fields = tuple(FieldChange(path=f"{number}{text}", before=text, after=text + "x") for number in range(500))
    after = {f"{number}{text}": text for number in range(500)}
    facts = {"project": text, "feature": text, "source": text, "reason": text, "kind": text}
    return plan(
        change("update", text, before=CHART, after=CHART, fields=fields, **facts),
        *(change("create", f"{number}{text}", after=after, **facts) for number in range(9)),
        left=tuple(unmanaged(number, text, project=text) for number in range(30)),
        workspace=text,
    )


def test_a_huge_change_leaves_room_for_others() -> None:
    comment = render_plan_markdown(plan_with_huge_strings())
    assert count_bytes(comment) <= MAX_COMMENT_BYTES
    shown = ACTION.findall(comment)
    assert (shown[0], set(shown[1:])) == ("update", {"create"})
    assert f"**{10 - len(shown)} changes are not shown here ({10 - len(shown)} create)" in comment
    assert "more lines\n" in comment


def test_every_change_is_shown_while_there_is_room() -> None:
    comment = render_plan_markdown(plan(*(created(f"chart-{number}", number) for number in range(90))))
    assert len(ACTION.findall(comment)) == 90
    assert "not shown" not in comment


JOB = Job(
    host="github",
    api="https://api.github.com",
    repository="acme/flags",
    repository_url="https://github.com/acme/flags",
    commit="0123456789abcdef",
    run=42,
    run_url="https://github.com/acme/flags/actions/runs/42",
    pull_request=7,
)


def test_sources_and_the_commit_are_links_into_the_repository_of_the_job() -> None:
    linked = render_plan_markdown(plan(created("a", source="charts/größe #1.yaml:12"), root="deploy/unleash"), JOB)
    blob = "https://github.com/acme/flags/blob/0123456789abcdef/deploy/unleash/charts/gr%C3%B6%C3%9Fe%20%231.yaml#L12"
    assert f'<a href="{blob}"><code>charts/größe #1.yaml:12</code></a>' in linked
    assert ", commit [`0123456789ab`](https://github.com/acme/flags/commit/0123456789abcdef), plan" in linked


@pytest.mark.parametrize(
    ("source", "root"),
    [("a.yaml:1", None), ("a.yaml", ""), (":1", ""), ("../a.yaml:1", ""), ("a.yaml:1", "x/../.."), ("a//b:1", ""),
     ("a.yaml:one", ""), ("/a.yaml:1", "")],
)  # fmt: skip
def test_a_source_outside_of_the_repository_is_not_a_link(source: str, root: str | None) -> None:
    assert "<a " not in render_plan_markdown(plan(created("a", source=source), root=root), JOB)


def test_a_cut_comment_links_to_the_job_that_saved_the_plan() -> None:
    assert f"no room for more.** The plan file that [this job]({JOB.run_url}) saved has" in render_plan_markdown(
        HUGE, JOB
    )


FAILED = Planned(workspace="search", root="search", url="https://b.example", plan=None, error="no `answer`")


def test_several_plans_have_a_section_each() -> None:
    plans = planset(ACTIONS, FAILED, PLANS["plan-nothing-at-all"])
    comment = render_plan_set_markdown(plans, JOB)
    head, *sections = comment.split("\n### ")
    counts = "2 to create, 1 to update, 1 to delete, 3 blocked, 2 unmanaged"
    assert (
        head
        == f"**{counts}** (7 unchanged, 1 owned by another workspace) in 3 workspaces, **1 could not be planned**\n"
    )
    assert sections == [
        f"`payments`\n\n{render_plan_markdown(ACTIONS, JOB)}",
        f"`search`\n\n{render_failed_markdown(FAILED)}",
        f"`payments`\n\n{render_plan_markdown(PLANS['plan-nothing-at-all'], JOB)}",
    ]


def test_the_comment_on_a_workspace_without_a_plan_has_the_error() -> None:
    assert render_failed_markdown(FAILED) == (
        "> [!CAUTION]\n> **Could not be planned:** `` no `answer` ``\n\nWorkspace `search` on `https://b.example`\n"
    )


@pytest.mark.parametrize("count", [1, 2, 3, 10, 40])
def test_several_huge_plans_share_the_room(count: int) -> None:
    small = plan(updated("a"), workspace="small")
    comment = render_plan_set_markdown(planset(small, *[HUGE] * count), JOB)
    assert 0.8 * MAX_COMMENT_BYTES < count_bytes(comment) <= MAX_COMMENT_BYTES
    assert render_plan_markdown(small, JOB) in comment
    assert comment.count("\n### ") == count + 1
    assert comment.count(" changes are not shown here (") == count
    assert comment.count("<details>") == comment.count("</details>")


def test_workspaces_without_room_in_the_comment_are_counted() -> None:
    quiet = [plan(workspace=f"quiet-{number}") for number in range(200)]
    comment = render_plan_set_markdown(
        planset(*quiet, *[plan(created(f"a{number}")) for number in range(200)], ACTIONS)
    )
    shown = comment.count("\n### ")
    assert 50 < shown < 201
    assert "`quiet-" not in comment
    assert "DELETE" in ACTION.findall(comment)
    assert f"**{401 - shown} workspaces are not shown here.** The plan file has the whole plan" in comment
    assert count_bytes(comment) <= MAX_COMMENT_BYTES
