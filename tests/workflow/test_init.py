"""The files of a new workspace, whatever its directory is called."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unleash_gitops.documents.loader import load
from unleash_gitops.workflow.init import start_workspace

HOSTILE = [
    "unleash",
    "flags #1: prod",
    "- flags",
    "[flags]",
    "{flags}",
    "{directory}",
    "flags: prod",
    "'flags'",
    '"flags"',
    "flags\\x41",
    "no",
    "null",
    "2024",
    "1.10",
    "1e5",
    "0x10",
    "12:30:00",
    "*flags",
    "&flags",
    "!flags",
    "%flags",
    "@flags",
    "|",
    "> flags",
    "? flags",
    " flags ",
    "flags\tprod",
    "flags\nprod",
    "flags\u2028prod",
    "flags\x1b[1m",
    "ümläut/日本",
]


def working_directories(pipeline: Path) -> set[str]:
    jobs = yaml.safe_load(pipeline.read_text(encoding="utf-8"))["jobs"]
    return {job["defaults"]["run"]["working-directory"] for job in jobs.values()}


def check_start(top: Path, directory: str) -> None:
    (top / ".git").mkdir()
    root = top / directory
    start_workspace(root, "acme-shop")
    assert working_directories(top / ".github" / "workflows" / "unleash-gitops.yaml") == {directory}
    assert load(root).diagnostics == ()


@pytest.mark.parametrize("directory", HOSTILE)
def test_the_pipeline_runs_in_the_directory_whatever_it_is_called(directory: str, tmp_path: Path) -> None:
    check_start(tmp_path, directory)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    name=st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=40).filter(
        lambda name: name.strip(".") != "" and len(name.encode()) < 200
    )
)
def test_any_name_of_a_directory_is_read_back(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    check_start(tmp_path_factory.mktemp("top"), name)


def test_the_pipeline_limits_where_the_token_goes_in_every_job(tmp_path: Path) -> None:
    start_workspace(tmp_path, "acme-shop")
    pipeline = yaml.safe_load((tmp_path / ".github" / "workflows" / "unleash-gitops.yaml").read_text(encoding="utf-8"))
    assert pipeline["env"] == {
        "UNLEASH_URL": "${{ vars.UNLEASH_URL }}",
        "UNLEASH_ALLOWED_HOSTS": "${{ vars.UNLEASH_ALLOWED_HOSTS }}",
    }


def test_a_workspace_at_the_top_runs_there(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    start_workspace(tmp_path, "acme-shop")
    assert working_directories(tmp_path / ".github" / "workflows" / "unleash-gitops.yaml") == {"."}
