"""Help, usage errors, and the commands that need no server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

import unleash_gitops
from command_line import CommandResult, inherited_environment, run_here
from document_samples import chart, document_text

ROOT = Path(__file__).parents[2]
COMMANDS = ["init", "validate", "plan", "apply", "accept", "show", "comment", "fetch", "pull", "schema", "sandbox"]
HEAVY = ["pydantic", "httpx", "deepdiff", "yaml", "rich", "ulid"]


def run(*arguments: str, cwd: Path = ROOT, **environment: str) -> CommandResult:
    return run_here(arguments, cwd=cwd, environment={**inherited_environment(), **environment})


def test_version_is_the_version_of_the_package() -> None:
    done = run("--version")
    assert (done.code, done.out) == (0, f"unleash-gitops {unleash_gitops.__version__}\n")


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_version_and_help_import_nothing_heavy(option: str) -> None:
    script = (
        "import sys; sys.argv = ['unleash-gitops', sys.argv[1]]\n"
        "from unleash_gitops.__main__ import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script, option], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_is_in_the_readme(command: str) -> None:
    done = run(command, "--help")
    assert done.code == 0
    assert done.out.startswith("Usage: unleash-gitops " + command)
    assert f"`{command}" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["plan", "--nope"], "No such option"),
        (["frobnicate"], "No such command"),
        (["plan", "no-such-directory"], "does not exist"),
        (["plan", "--format", "xml"], "is not one of"),
        (["apply", "--max-deletes", "-1"], "is not in the range"),
        (["plan", "--concurrency", "0"], "is not in the range"),
        (["show", "no-such-file"], "does not exist"),
        (["plan", "--sandbox", "--url", "http://localhost"], "--sandbox cannot be combined with --url or --token-file"),
    ],
)
def test_a_usage_error_exits_with_1(arguments: list[str], words: str) -> None:
    done = run(*arguments, cwd=ROOT / "examples" / "quickstart")
    assert done.code == 1
    assert words in done.err
    assert done.out == ""


@pytest.mark.parametrize("command", [["plan"], ["apply", "--yes"], ["pull"]])
def test_a_missing_server_or_token_is_an_error_with_hints(command: list[str]) -> None:
    quickstart = ROOT / "examples" / "quickstart"
    nameless = run(*command, cwd=quickstart)
    assert nameless.code == 1
    assert "no server URL is set" in nameless.err
    tokenless = run(*command, cwd=quickstart, UNLEASH_URL="http://127.0.0.1:9")
    assert tokenless.code == 1
    assert "UNLEASH_AUTH_TOKEN" in tokenless.err
    assert "--token-file" in tokenless.err


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", None])
def test_an_unusable_token_file_is_an_error(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    done = run("plan", "--url", "http://127.0.0.1:9", "--token-file", str(file), cwd=ROOT / "examples" / "quickstart")
    assert done.code == 1
    assert f"--token-file {file}" in done.err


@pytest.mark.parametrize("url", ["localhost:4242", "ftp://x", "http://user:secret@x", "http://x?y", "http://x:port"])
def test_an_invalid_url_is_refused(url: str) -> None:
    done = run("plan", "--url", url, cwd=ROOT / "examples" / "quickstart", UNLEASH_AUTH_TOKEN="t")
    assert done.code == 1
    assert done.err.startswith("error: --url: ")
    assert "secret" not in done.err


def test_init_writes_a_workspace_that_is_valid_and_never_overwrites(tmp_path: Path) -> None:
    directory = tmp_path / "Payments Team"
    first = run("init", str(directory), "--name", "acme-payments")
    assert first.code == 0, first.err
    written = {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}
    assert written == {
        "unleash-gitops.yaml",
        "impact-metrics/sign-ups.yaml",
        "unleash-gitops.schema.json",
        ".github/workflows/unleash-gitops.yaml",
    }
    assert (directory / "unleash-gitops.schema.json").read_text() == run("schema").out
    for file in ("unleash-gitops.yaml", "impact-metrics/sign-ups.yaml"):
        line = (directory / file).read_text().splitlines()[0]
        schema = directory / file / ".." / line.removeprefix("# yaml-language-server: $schema=")
        assert os.path.normpath(schema) == str(directory / "unleash-gitops.schema.json")
    assert "name: acme-payments " in (directory / "unleash-gitops.yaml").read_text()
    assert run("validate", str(directory)).code == 0
    pipeline = yaml.safe_load((directory / ".github/workflows/unleash-gitops.yaml").read_text())
    assert f"unleash-gitops=={unleash_gitops.__version__}" in json.dumps(pipeline)
    before = {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}
    second = run("init", str(directory), "--name", "acme-other")
    assert second.code == 1
    assert "init never overwrites a file" in second.err
    assert {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()} == before


def test_init_takes_the_name_from_the_git_remote_without_its_credentials(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text('[remote "origin"]\n\turl = https://x:s3cr3t@github.com/Acme/Shop.git\n')
    done = run("init", str(tmp_path / "flags"))
    assert done.code == 0
    assert "workspace acme-shop-flags: named after the Git remote; --name gives another name" in done.err
    text = (tmp_path / "flags" / "unleash-gitops.yaml").read_text()
    assert "name: acme-shop-flags " in text
    assert "s3cr3t" not in done.err + done.out + text
    assert run("validate", str(tmp_path / "flags")).code == 0


def test_init_without_a_remote_and_a_terminal_says_to_give_a_name(tmp_path: Path) -> None:
    done = run("init", str(tmp_path / "flags"))
    assert done.code == 1
    assert done.err.splitlines()[0] == "error: there is no Git remote to name the workspace after"
    assert "unleash-gitops init --name ORG-REPO" in done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "a", "A-Team", "a" * 51, "-ab", "ab\n"])
def test_init_refuses_a_name_that_no_workspace_can_have(name: str, tmp_path: Path) -> None:
    done = run("init", str(tmp_path), "--name", name)
    assert done.code == 1
    assert "is not the name of a workspace" in done.err
    assert "use 2 to 50 lower-case letters" in done.err
    assert list(tmp_path.iterdir()) == []


def test_init_does_not_overwrite_an_existing_pipeline(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    assert run("init", str(tmp_path / "one"), "--name", "acme-one").code == 0
    pipeline = (tmp_path / ".github/workflows/unleash-gitops.yaml").read_bytes()
    second = run("init", str(tmp_path / "two"), "--name", "acme-two")
    assert second.code == 0
    assert "did not overwrite" in second.err
    assert (tmp_path / ".github/workflows/unleash-gitops.yaml").read_bytes() == pipeline


def test_every_example_is_valid_by_the_schema_and_by_validate(tmp_path: Path) -> None:
    schema = json.loads(run("schema").out)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert run("init", str(tmp_path / "new"), "--name", "acme-new").code == 0
    workspaces = [*(path.parent for path in (ROOT / "examples").rglob("unleash-gitops.yaml")), tmp_path / "new"]
    assert len(workspaces) >= 2
    for workspace in workspaces:
        done = run("validate", str(workspace))
        assert (done.code, done.out) == (0, ""), done.out
        for file in [path for path in workspace.rglob("*.yaml") if ".github" not in path.parts]:
            for document in yaml.safe_load_all(file.read_text(encoding="utf-8")):
                validator.validate(document)


def test_the_schema_refuses_what_validate_refuses() -> None:
    validator = jsonschema.Draft202012Validator(json.loads(run("schema").out))
    sample = chart("a")
    assert validator.is_valid(sample)
    assert not validator.is_valid({**sample, "kind": "Nope"})
    assert not validator.is_valid({**sample, "extra": 1})
    assert not validator.is_valid({**sample, "spec": {**sample["spec"], "timeRange": "daily"}})
    assert not validator.is_valid({**sample, "metadata": {"name": "Not A Name"}})
    assert not validator.is_valid({**sample, "metadata": {"name": "a", "feature": "f"}})
    assert not validator.is_valid({**sample, "spec": {**sample["spec"], "labelSelectors": {"environment": []}}})


def test_everything_in_the_schema_has_a_title_and_a_description() -> None:
    definitions = json.loads(run("schema").out)["$defs"]
    for definition in definitions.values():
        assert (definition["type"], definition["additionalProperties"]) == ("object", False)
        assert definition["title"]
        assert definition["description"]
        for name, content in definition["properties"].items():
            assert content["title"], name
            assert content["description"], name
            assert {"enum", "const", "examples", "$ref"} & set(content), name


def test_the_schema_can_be_written_to_a_file(tmp_path: Path) -> None:
    done = run("schema", "--out", str(tmp_path / "schema.json"))
    assert (done.code, done.out) == (0, "")
    assert (tmp_path / "schema.json").read_text() == run("schema").out
    assert run("schema", "--out", str(tmp_path / "no" / "schema.json")).code == 1


def test_a_token_in_place_of_its_variables_name_is_refused_and_not_shown(tmp_path: Path) -> None:
    (tmp_path / "unleash-gitops.yaml").write_text(document_text("Workspace", "a") + "spec:\n  tokenEnv: '*:*.s3cret'\n")
    for form in ("text", "json", "github"):
        done = run("validate", str(tmp_path), "--format", form)
        assert done.code == 1
        assert "spec.tokenEnv: must be the name of the environment variable" in done.out
        assert "s3cret" not in done.out + done.err
