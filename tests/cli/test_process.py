"""The command line in processes of its own: what other tests call in theirs ends in the same way here."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from command_line import inherited_environment, run_here, run_process, start_process
from servers.fake_unleash import TOKEN, FakeUnleash

BY_HAND = "01G1T0PS00AAAAAAAAAAAAAAAA"
CHART = {"metricName": "m", "timeRange": "day", "aggregationMode": "avg"}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Give a workspace whose only chart has the id of a chart of a flag, which blocks it."""
    write(tmp_path, "unleash-gitops", "Workspace", {"name": "payments"})
    write(tmp_path, "errors", "ImpactMetric", {"name": "errors", "id": BY_HAND}, **CHART, title="ü → 🎉")
    return tmp_path


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    live = (("default", "checkout-v2"), {**CHART, "yAxisMin": "auto", "labelSelectors": {}})
    with FakeUnleash(charts={BY_HAND: live}).served() as url:
        yield {**inherited_environment(), "UNLEASH_URL": url, "UNLEASH_AUTH_TOKEN": TOKEN}


def write(root: Path, file: str, kind: str, metadata: dict[str, Any], **spec: Any) -> None:
    document = {"apiVersion": "unleash-gitops/v1", "kind": kind, "metadata": metadata, "spec": spec}
    (root / f"{file}.yaml").write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")


def without_times(text: str) -> str:
    """Return an output without the times and digests that no two calls share."""
    return re.sub(r'"(createdAt|digest)": "[^"]*"|in [0-9]+ ms', "", text)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("--version", 0),
        ("plan --nope", 1),
        ("validate", 0),
        ("plan", 3),
        ("-v plan --detailed-exitcode --format json --concurrency 1", 3),
        ("plan --url http://user:secret@host", 1),
        ("apply", 1),
        ("apply --yes --format json", 3),
        ("show errors.yaml", 1),
    ],
)
def test_a_call_in_this_process_ends_like_a_process(
    workspace: Path, environment: dict[str, str], command: str, code: int
) -> None:
    here, process = (run(command.split(), cwd=workspace, environment=environment) for run in (run_here, run_process))
    assert (here.code, without_times(here.out), without_times(here.err)) == (
        process.code, without_times(process.out), without_times(process.err),
    )  # fmt: skip
    assert here.code == code


def test_files_with_errors_end_like_a_process(workspace: Path, environment: dict[str, str]) -> None:
    (workspace / "errors.yaml").write_text("kind: [\n")
    for command in (["validate"], ["validate", "--format", "github"], ["plan"]):
        here, process = (run(command, cwd=workspace, environment=environment) for run in (run_here, run_process))
        assert here == process
        assert here.code == 1


def test_an_error_of_our_own_shows_where_it_came_from_with_v_only(
    workspace: Path, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("site")
    (folder / "sitecustomize.py").write_text(
        "from unleash_gitops.cli.offline import validate\n"
        "def fail(**options): raise RuntimeError('a bug')\n"
        "validate.callback = fail\n"
    )
    environment["PYTHONPATH"] = str(folder)
    result = run_process(["validate"], cwd=workspace, environment=environment)
    assert (result.code, result.err.splitlines()[0]) == (1, "error: internal error: RuntimeError: a bug")
    assert "Traceback" not in result.err
    result = run_process(["-v", "validate"], cwd=workspace, environment=environment)
    assert (result.code, result.err.splitlines()[-1]) == (1, "RuntimeError: a bug")
    assert result.err.startswith("Traceback")


def test_a_reader_that_goes_away_ends_the_command_quietly(workspace: Path, environment: dict[str, str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = start_process(["schema"], cwd=workspace, environment=environment, stdout=writer)
    os.close(writer)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (1, "")


def test_a_console_that_cannot_show_a_character_gets_an_escape(workspace: Path, environment: dict[str, str]) -> None:
    environment |= {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    process = start_process(["plan"], cwd=workspace, environment=environment, stderr=subprocess.STDOUT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 3
    assert r"\xfc \u2192 \U0001f389" in out


def test_init_asks_for_a_name_on_a_terminal_until_it_is_valid(tmp_path: Path, environment: dict[str, str]) -> None:
    leader, follower = pty.openpty()
    try:
        os.write(leader, b"Flags!\nacme-shop\n")
        process = start_process(["init", "new"], cwd=tmp_path, environment=environment, stdin=follower)
        _, err = process.communicate(timeout=60)
    finally:
        os.close(leader)
        os.close(follower)
    assert process.returncode == 0, err
    assert err.count("Name of the workspace (such as acme-shop-flags): ") == 2
    assert '"Flags!" is not the name of a workspace: use 2 to 50 lower-case letters' in err
    assert "name: acme-shop " in (tmp_path / "new" / "unleash-gitops.yaml").read_text()
