"""The JSON is valid and safe to print for any strings in it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from properties import examples
from render.samples import PLANS, REPORTS, hostile
from unleash_gitops.model.diagnostics import Diagnostic, Position
from unleash_gitops.render.json import render_diagnostics_json, render_plan_json, render_report_json


@pytest.mark.parametrize("name", PLANS)
def test_plan_json_is_the_plan(name: str) -> None:
    assert json.loads(render_plan_json(PLANS[name])) == PLANS[name].to_json()


@pytest.mark.parametrize("name", REPORTS)
def test_report_json_is_the_report(name: str) -> None:
    assert json.loads(render_report_json(REPORTS[name])) == REPORTS[name].as_json()


def test_control_and_invisible_characters_are_escaped() -> None:
    text = render_plan_json(hostile())
    assert [
        character
        for character in "\x1b\x9b\x7f\x85\u2028\u2029\u202e\u2066\u200b\ufeff\xad\U000e0041"
        if character in text
    ] == []
    assert "日本語 العربية" in text


def test_a_command_of_a_ci_system_is_escaped_and_stays_the_same_text() -> None:
    text = render_plan_json(hostile())
    assert "##[" not in text
    assert json.loads(text) == hostile().to_json()
    assert "##[error]x" in json.dumps(json.loads(text))


@examples(5)
@given(st.text(st.characters()), st.text(st.characters()))
def test_any_text_survives_the_round_trip(message: str, path: str) -> None:
    text = render_diagnostics_json([Diagnostic("warning", "code", message, Position(path, 2, 3)).below("sub")])
    assert text.endswith("\n}\n")
    text.encode()
    assert json.loads(text) == {
        "formatVersion": "1",
        "summary": {"errors": 0, "warnings": 1},
        "diagnostics": [
            {
                "severity": "warning",
                "code": "code",
                "message": json.loads(json.dumps(message)),
                "path": "sub/" + json.loads(json.dumps(path)),
                "line": 2,
                "column": 3,
                "hint": None,
            }
        ],
    }
