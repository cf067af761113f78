"""What the README shows is what the tool does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from unleash_gitops.documents.loader import load
from unleash_gitops.kinds import kinds
from unleash_gitops.model.plan import parse_plan
from unleash_gitops.render.text import render_diagnostics_text, render_plan_text

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CASES = ROOT / "tests" / "cases"


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def test_the_two_commands_stand_there_word_for_word() -> None:
    assert [block for block in _blocks("sh") if block.startswith("python3 -m venv")] == [
        (
            'python3 -m venv .venv && .venv/bin/pip install -q -e ".[sandbox]" '
            "&& .venv/bin/unleash-gitops apply examples/quickstart --sandbox --yes\n"
        ),
        'python3 -m venv .venv && .venv/bin/pip install -q -e ".[dev]" && .venv/bin/pytest\n',
    ]


def test_the_plan_is_as_it_really_looks() -> None:
    plan = parse_plan((CASES / "plan-readme" / "plan.json").read_bytes(), "plan.json")
    assert render_plan_text(plan).plain in _blocks("text")


def test_the_diagnostics_are_as_they_really_look() -> None:
    found = load(CASES / "readme-broken").diagnostics
    assert render_diagnostics_text(found).plain in _blocks("text")


def test_the_documents_are_valid(tmp_path: Path) -> None:
    documents = [block for block in _blocks("yaml") if block.startswith("apiVersion")]
    workspace, *others = documents
    (tmp_path / "unleash-gitops.yaml").write_text(workspace, encoding="utf-8")
    for number, text in enumerate(others):
        (tmp_path / f"{number}.yaml").write_text(text, encoding="utf-8")
    loaded = load(tmp_path)
    assert loaded.diagnostics == ()
    assert loaded.desired.kinds == set(kinds())


@pytest.mark.parametrize("name", ["CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", ".ci/run", ".github/plan.svg"])
def test_what_the_project_promises_is_there(name: str) -> None:
    assert (ROOT / name).stat().st_size > 0


def test_the_examples_have_workspace_names_of_their_own() -> None:
    """Two workspaces of one name on one instance delete each other's objects."""
    workspaces = [load(path.parent).workspace for path in (ROOT / "examples").rglob("unleash-gitops.yaml")]
    names = [workspace.name for workspace in workspaces if workspace is not None]
    assert len(names) == len(workspaces) == len(set(names))
    assert len(names) >= 2
