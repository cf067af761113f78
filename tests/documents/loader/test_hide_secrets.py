"""No diagnostic quotes a secret, wherever it is in the parameters of an integration and however the file is broken."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from command_line import inherited_environment, run_here
from properties import examples
from unleash_gitops.documents.loader import load
from unleash_gitops.documents.loader.hide_secrets import hide_values
from unleash_gitops.model.diagnostics import Diagnostic, Position

MARKER = "S3cr3tM4rkerOfTheUser"
WORKSPACE = "apiVersion: unleash-gitops/v1\nkind: Workspace\nmetadata: {name: payments}\n"
HEAD = "apiVersion: unleash-gitops/v1\nkind: Addon\nmetadata:\n  name: audit-hook\nspec:\n"
SECRETS = [
    MARKER, f"*:*.{MARKER}", f"&{MARKER}", f"!{MARKER} x", f"https://user:{MARKER}@host/x?a=b#c", f"Bearer {MARKER}: x",
    f'{{"X-Key": "{MARKER}"}}', f"- {MARKER}", f"'{MARKER}", f'"a\\"{MARKER}\\\\" b"', f"%{MARKER}", f"12{MARKER}",
    f"|\n      first\n      {MARKER}: last", f">-\n      {MARKER}\n      more", f"\n      {MARKER}", f"[{MARKER}, b",
    f"{{a: {MARKER}}}", f"old # {MARKER}", f"{MARKER}\t:", f"&anchor {MARKER}", f"? {MARKER}", "1" * 20 + MARKER,
]  # fmt: skip
NAMES = ["url", "authorization", "customHeaders", "urll", "apiKey", "bodyTemplate", f"x-{MARKER}", MARKER]
BREAKS = [
    ("parameters", "parmeters"), ("spec:", "spek:"), ("kind: Addon", "kind: Adon"), ("kind: Addon", "knd: Addon"),
    ("kind: Addon", "kind: FeatureFlag"), ("kind: Addon", "kind: ApiToken"), ("spec:\n", "spec: [\n"),
    ("  name: audit-hook\n", ""), ("provider: webhook", "provider: webhok"), ("  parameters:", " parameters:"),
    ("  parameters:", "parameters:"), ("parameters:\n", "parameters: "), ("parameters:", "parameters"), ("  ", "\t"),
    ("apiVersion", "---\napiVersion"), (": ", ":"), ("metadata:", "metadata: {"), ("kind: Addon\n", ""), ("    ", "  "),
    ("provider: webhook", "provider: *nothing"), ("spec:\n", "spec: text\n"), ("", ""), ("events", "parameters"),
    ("\n", "\n# comment\n"), ("unleash-gitops/v1", "v2"), ("  parameters:\n    url:", "  provider:"),
    ("spec:", "- spec:"), ("  parameters:\n    url: ", ""), ("    url: ", "    "), ("url: ", "url: &x *x "),
    ("url: ", "url: !!int "),
]  # fmt: skip


def build_document(name: str, secret: str, *, flow: bool) -> str:
    if flow:
        spec = {"provider": "webhook", "events": ["feature-created"], "parameters": {name: secret}}
        return HEAD + "  " + json.dumps(spec) + "\n"
    return f"{HEAD}  provider: webhook\n  events: [feature-created]\n  parameters:\n    {name}: {secret}\n"


@st.composite
def broken_documents(draw: st.DrawFn) -> str:
    text = build_document(draw(st.sampled_from(NAMES)), draw(st.sampled_from(SECRETS)), flow=draw(st.booleans()))
    for old, new in draw(st.lists(st.sampled_from(BREAKS), max_size=3)):
        text = text.replace(old, new, draw(st.sampled_from([1, -1]))) if old else text
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(text)))
        if MARKER not in text[max(0, place - len(MARKER)) : place + len(MARKER)]:
            text = text[:place] + draw(st.sampled_from(list(":\"'{}[]\n\t -#*&!|>%@"))) + text[place:]
    return text


def is_public(content: Any, key: str = "") -> bool:
    """Tell whether the marker has become a name or a text that a plan shows, in data that is no parameter."""
    if isinstance(content, dict):
        return any(is_public(value, name) for name, value in content.items() if name != "parameters")
    return isinstance(content, str) and MARKER in content and key in {"name", "kind", "apiVersion"}


@given(broken_documents())
@examples(8)
def test_no_diagnostic_of_a_broken_integration_shows_a_parameter(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    with suppress(yaml.YAMLError):
        assume(not any(is_public(document) for document in yaml.load_all(text, yaml.BaseLoader)))
    root = tmp_path_factory.mktemp("broken")
    (root / "unleash-gitops.yaml").write_text(WORKSPACE)
    (root / "hook.yaml").write_text(text)
    for diagnostic in load(root).diagnostics:
        assert MARKER not in repr(diagnostic), text


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("arguments", ["validate", "-v validate --format json", "validate --format github", "plan"])
def test_no_command_shows_a_secret_of_a_file_that_it_refuses(tmp_path: Path, arguments: str, secret: str) -> None:
    (tmp_path / "unleash-gitops.yaml").write_text(WORKSPACE)
    (tmp_path / "hook.yaml").write_text(build_document("authorization", secret, flow=False).replace("kind: ", "knd: "))
    result = run_here(arguments.split(), cwd=tmp_path, environment=inherited_environment())
    assert result.code == 1
    assert MARKER not in result.out + result.err


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("  url: https://x/secret # old", "  url: ***"),
        ("  - name:", "  - name:"),
        ("  urll: s", "  urll: ***"),
        ("    Xk9-qqv: x", "    ***"),
        ("  secret123: x", "  ***"),
        ("# a comment", "***"),
        ("{kind: Addon, spec: s}", "***"),
        ("", ""),
    ],
)
def test_an_excerpt_shows_known_keys_only(line: str, shown: str) -> None:
    assert hide_values(Diagnostic("error", "value", "m", Position("a.yaml"), None, line)).excerpt == shown


def test_a_file_of_flags_keeps_its_excerpts(load_files: Callable[..., Any]) -> None:
    text = "apiVersion: unleash-gitops/v1\nkind: FeatureFlag\nmetadata: {name: a, project: p}\nspec: {typ: x}\n"
    (problem,) = load_files({"unleash-gitops.yaml": WORKSPACE, "a.yaml": text}).diagnostics
    assert problem.excerpt == "spec: {typ: x}"


@pytest.mark.parametrize("value", ["letmein", "mysecret", "hunter", "webhok", "urll"])
def test_a_value_that_only_resembles_a_schema_word_is_hidden(value: str) -> None:
    message = f'spec.provider: "{value}" is not one of webhook, slack'
    assert hide_values(Diagnostic("error", "value", message, Position("a.yaml"))).message == (
        'spec.provider: "***" is not one of webhook, slack'
    )


@pytest.mark.parametrize("end", ["", "---\nspec: [\n"])
@pytest.mark.parametrize(
    "key", ['"ki\\u006ed": ', '"\\x6bind" : ', "? kind\n: ", "? !!str kind\n: ", '{"ki\\u006ed": ']
)
def test_a_kind_that_only_yaml_can_read_hides_its_file(load_files: Callable[..., Any], key: str, end: str) -> None:
    head = "apiVersion: unleash-gitops/v1\nkind: FeatureFlag\nmetadata: {name: a, project: p}\nspec: {}\n---\n"
    body = f"Addon\nmetadata: {{name: b}}\nspec:\n  descriptio: {MARKER}\n"
    if key.startswith("{"):
        body = f"Addon, metadata: {{name: b}}, spec: {{descriptio: {MARKER}}}}}\n"
    diagnostics = load_files({"unleash-gitops.yaml": WORKSPACE, "a.yaml": head + key + body + end}).diagnostics
    assert diagnostics
    assert MARKER not in repr(diagnostics)


@pytest.mark.parametrize("key", ['{"ki\\u006ed"', "{? kind ", "{*k "])
def test_a_kind_in_a_document_that_is_no_yaml_hides_its_file(load_files: Callable[..., Any], key: str) -> None:
    head = "apiVersion: unleash-gitops/v1\nkind: FeatureFlag\nmetadata: {name: a, project: p}\nspec: {}\n---\n"
    broken = f"{key}: Addon, description: {MARKER}]\n"
    (problem,) = load_files({"unleash-gitops.yaml": WORKSPACE, "a.yaml": head + broken}).diagnostics
    assert problem.excerpt == "***"


@pytest.mark.parametrize("spec", [f"{{token: {MARKER}}}", f'{{url: "https://u:{MARKER}@a.example", projectz: [a]}}'])
def test_a_secret_in_a_workspace_file_is_not_quoted(tmp_path: Path, spec: str) -> None:
    (tmp_path / "unleash-gitops.yaml").write_text(f"{WORKSPACE}spec: {spec}\n")
    done = run_here(["validate", "."], cwd=tmp_path, environment=inherited_environment())
    assert (done.code, MARKER in done.out + done.err) == (1, False), done.out + done.err
