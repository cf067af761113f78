"""What a comment says first, and what it leaves out when there is no room."""

from __future__ import annotations

import re

import pytest

from render.samples import ACTIONS, CHART, HUGE, PLANS, change, created, deleted, plan, unmanaged
from unleash_gitops.plan import FieldChange, Plan
from unleash_gitops.render.markdown import LONGEST_COMMENT, fenced, plan_markdown, span

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
def test_span(text: str, code: str) -> None:
    assert span(text) == code


def test_fenced() -> None:
    assert fenced(["+ a"], "diff") == "```diff\n+ a\n```\n"
    assert fenced(["+ ````", "- ```"], "diff") == "`````diff\n+ ````\n- ```\n`````\n"
    assert fenced([], "diff") == "```diff\n```\n"


def test_the_first_line_says_it_all() -> None:
    first = plan_markdown(ACTIONS).splitlines()[0]
    assert first == "**2 to create, 1 to update, 1 to delete, 3 blocked**, 7 unchanged, 2 unmanaged, 1 foreign"


def test_deletes_and_blocked_come_first() -> None:
    actions = ACTION.findall(plan_markdown(ACTIONS))
    assert actions == ["delete", "blocked", "blocked", "blocked", "update", "create", "create"]


def test_a_plan_over_the_limit_of_deletes_says_so_at_the_top() -> None:
    lines = plan_markdown(PLANS["plan-many-deletes"]).splitlines()
    assert lines[4] == "**12 deletes, more than the limit of 10: apply refuses this without --max-deletes 12**"


def test_a_huge_plan_is_cut_between_changes_and_says_what_is_missing() -> None:
    comment = plan_markdown(HUGE)
    shown = ACTION.findall(comment)
    assert len(comment) <= LONGEST_COMMENT
    assert shown[:90] == ["delete"] * 60 + ["update"] * 30
    assert set(shown[90:]) == {"create"}
    missing = 490 - len(shown)
    assert f"**{missing} changes are not shown here ({missing} create): a comment has no room for more.**" in comment
    assert comment.count("<details>") == comment.count("</details>") == len(shown) + 1


@pytest.mark.parametrize("count", range(60, 140, 7))
def test_no_number_of_changes_is_too_many(count: int) -> None:
    many = plan(*(deleted(number, "🦄" * 100) for number in range(count)), left=tuple(map(unmanaged, range(30))))
    assert len(plan_markdown(many).encode("utf-16-le")) // 2 <= LONGEST_COMMENT


def huge_everywhere() -> Plan:
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


def test_one_huge_change_does_not_take_the_room_of_all() -> None:
    comment = plan_markdown(huge_everywhere())
    assert len(comment.encode("utf-16-le")) // 2 <= LONGEST_COMMENT
    shown = ACTION.findall(comment)
    assert (shown[0], set(shown[1:])) == ("update", {"create"})
    assert f"**{10 - len(shown)} changes are not shown here ({10 - len(shown)} create)" in comment
    assert "more lines\n" in comment


def test_everything_is_shown_where_there_is_room() -> None:
    comment = plan_markdown(plan(*(created(f"chart-{number}", number) for number in range(90))))
    assert len(ACTION.findall(comment)) == 90
    assert "not shown" not in comment
