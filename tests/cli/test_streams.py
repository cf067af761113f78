"""Lost output and odd files: each a sentence and the right exit code, never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from command_line import PROGRAM, inherited_environment, run_here
from servers.fake_unleash import TOKEN, FakeUnleash
from unleash_gitops.cli import cli, connection

WORKSPACE = {"apiVersion": "unleash-gitops/v1", "kind": "Workspace", "metadata": {"name": "payments"}}
CHART = {
    "apiVersion": "unleash-gitops/v1", "kind": "ImpactMetric", "metadata": {"name": "errors"},
    "spec": {"metricName": "m", "timeRange": "day", "aggregationMode": "avg"},
}  # fmt: skip


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    root = tmp_path / "workspace"
    root.mkdir()
    (root / "unleash-gitops.yaml").write_text(json.dumps(WORKSPACE))
    (root / "errors.yaml").write_text(json.dumps(CHART))
    return root


def run_shell(line: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a line of shell in which `$U` is the command."""
    environment = {**inherited_environment(), "U": " ".join(PROGRAM), **variables}
    return subprocess.run(
        ["bash", "-c", line], cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize("redirection", [">&-", ">/dev/full"])
@pytest.mark.parametrize("command", ["schema", "--help", "schema 2>&- <&-"])
def test_lost_output_is_never_a_success(command: str, redirection: str, workspace: Path) -> None:
    result = run_shell(f"$U {command} {redirection}", workspace)
    assert result.returncode == 1
    reason = "No space left on device" if "full" in redirection else "Bad file descriptor"
    lost = "" if "2>&-" in command else f"error: cannot write to standard output: {reason}\n"
    assert (result.stdout, result.stderr) == ("", lost)


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_report_that_cannot_be_rendered_is_shown_without_layout_and_the_exit_code_is_3(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    def fail(*_arguments: object) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr(
        f"unleash_gitops.render.{'json' if form == 'json' else 'report_text'}.render_report_{form}", fail
    )
    server = FakeUnleash()
    with server.served() as url:
        environment = {**inherited_environment(), "UNLEASH_URL": url, "UNLEASH_AUTH_TOKEN": TOKEN}
        result = run_here(["apply", "--yes", "--format", form], cwd=workspace, environment=environment)
    assert (result.code, len(server.charts)) == (3, 1)
    shown = result.err.splitlines()
    assert "error: the report cannot be shown: internal error: RecursionError: too deep" in shown
    assert "payments: create ImpactMetric/errors: applied" in shown


def test_an_apply_whose_report_is_lost_says_it_on_stderr_and_exits_with_3(workspace: Path) -> None:
    server = FakeUnleash()
    with server.served() as url:
        line = "$U apply --yes --format json >/dev/full"
        result = run_shell(line, workspace, UNLEASH_URL=url, UNLEASH_AUTH_TOKEN=TOKEN)
    assert result.returncode == 3
    assert len(server.charts) == 1
    assert result.stderr.count("cannot write to standard output: No space left on device") == 1
    assert "Applied 1, failed 0" in result.stderr


def test_a_vanished_working_directory_is_named_by_every_command(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    lines = " ; ".join(f"$U {name} 2>&1 | head -1" for name in ("validate", "sandbox status"))
    result = run_shell(f"mkdir gone; cd gone; rmdir ../gone; {lines}", tmp_path)
    sentence = "error: cannot use the working directory: No such file or directory\n"
    assert (result.stdout, gone.exists()) == (sentence * 2, False)


@pytest.mark.parametrize("command", sorted(cli.commands))
def test_an_error_of_the_system_in_any_command_is_a_sentence(
    command: str, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise OSError(28, "No space left on device", "some/file")

    monkeypatch.setattr(cli.commands[command], "invoke", fail)
    needed = {"fetch": ["--out", "plan.json"], "sandbox": ["status"], "show": ["errors.yaml"]}
    result = run_here([command, *needed.get(command, ())], cwd=workspace, environment=inherited_environment())
    assert (result.code, result.out, result.err) == (1, "", "error: some/file: No space left on device\n")


@pytest.mark.parametrize(
    ("file", "reason"),
    [("/dev/zero", "larger than 65,536 bytes"), (".", "Is a directory"), ("pipe", "nothing arrived through it within")],
)
def test_an_odd_token_file_is_a_sentence(
    file: str, reason: str, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_TOKEN_PATIENCE", 0.05)
    os.mkfifo(workspace / "pipe")
    arguments = ["plan", "--url", "http://127.0.0.1:9", "--token-file", file]
    result = run_here(arguments, cwd=workspace, environment=inherited_environment())
    assert (result.code, result.out) == (1, "")
    assert f"error: --token-file {file}: {reason}" in result.err


def test_an_endless_plan_file_is_a_sentence(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unleash_gitops.cli.workspaces._MAX_PLAN_FILE", 1000)
    result = run_here(["show", "/dev/zero"], cwd=workspace, environment=inherited_environment())
    assert (result.code, result.out, result.err) == (1, "", "error: /dev/zero: larger than 1,000 bytes\n")


@pytest.mark.parametrize(
    "target",
    ["errors.yaml", "new.yml", "NEW.YAML", "unleash-gitops.yaml", "../workspace/./errors.yaml", "link", "hard"],
)
@pytest.mark.parametrize("command", ["schema --out", "plan --out", "fetch --out", "apply --yes --secrets-out"])
def test_a_yaml_file_of_the_workspace_is_no_target(command: str, target: str, workspace: Path) -> None:
    (workspace.parent / "link").symlink_to(workspace / "errors.yaml")
    (workspace.parent / "hard").hardlink_to(workspace / "errors.yaml")
    path = f"../{target}" if target in {"link", "hard"} else target
    before = {file.name: file.read_bytes() for file in workspace.iterdir()}
    result = run_here([*command.split(), path], cwd=workspace, environment=inherited_environment())
    assert (result.code, result.out) == (1, "")
    assert "would write into the workspace" in result.err or "the file already exists" in result.err
    assert {file.name: file.read_bytes() for file in workspace.iterdir()} == before


def test_a_file_beside_the_documents_is_a_target(workspace: Path) -> None:
    for target in ("schema.json", ".hidden.yaml", "../elsewhere.yaml"):
        result = run_here(["schema", "--out", target], cwd=workspace, environment=inherited_environment())
        assert (result.code, result.err) == (0, f"wrote {target}\n")
