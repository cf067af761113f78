"""Errors on the terminal, and their causes with -v."""

from __future__ import annotations

import sys

import pytest

from unleash_gitops.api.answers import read_entries
from unleash_gitops.cli.output import show_error, show_unexpected
from unleash_gitops.model.change_errors import UnexpectedFailure
from unleash_gitops.model.errors import GitopsError, UnexpectedAnswer


def make_error() -> GitopsError:
    try:
        try:
            raise KeyError("projects\x1b[1m")
        except KeyError as cause:
            raise UnexpectedAnswer("GET", "/api/admin/projects", "the answer has no list projects") from cause
    except UnexpectedAnswer as error:
        return error


@pytest.mark.parametrize("option", ["-v", "--verbose"])
def test_an_error_is_shown_with_its_cause_where_details_are_asked_for(
    option: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["unleash-gitops", option, "plan"])
    show_error(make_error())
    first, *frames, cause, error = capsys.readouterr().err.splitlines()
    assert first == "Traceback (most recent call last):"
    assert any("in make_error" in frame for frame in frames)
    assert cause == "KeyError: 'projects\\x1b[1m'"
    assert error == "error: GET /api/admin/projects: the answer has no list projects"


def test_an_error_is_shown_alone_otherwise(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["unleash-gitops", "plan"])
    show_error(make_error())
    assert capsys.readouterr().err == "error: GET /api/admin/projects: the answer has no list projects\n"


def test_an_error_without_a_cause_is_shown_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["unleash-gitops", "-v", "plan"])
    with pytest.raises(UnexpectedAnswer) as caught:
        read_entries({}, "projects", "/api/admin/projects")
    show_error(caught.value)
    assert capsys.readouterr().err == "error: GET /api/admin/projects: the answer has no list projects\n"


def test_the_traceback_of_a_failure_is_shown_with_v_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failure = UnexpectedFailure(RecursionError("too deep"))
    monkeypatch.setattr("sys.argv", ["unleash-gitops", "apply"])
    show_unexpected(failure)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.argv", ["unleash-gitops", "-v", "apply"])
    show_unexpected(failure)
    assert capsys.readouterr().err == "RecursionError: too deep\n"
