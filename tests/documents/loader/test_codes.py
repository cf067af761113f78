"""Every code of a diagnostic has a description and a cause."""

from __future__ import annotations

import ast
import os
from collections.abc import Callable
from pathlib import Path

import pytest

import unleash_gitops
from document_samples import WORKSPACE, header
from unleash_gitops.documents.loader import load
from unleash_gitops.documents.yamldoc import MAX_FILE_SIZE
from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.impact_metric import ImpactMetric
from unleash_gitops.model.diagnostics import CODES
from unleash_gitops.model.resource import DocumentProblem

SOURCE = Path(unleash_gitops.__file__).parent
HEADER = header("ImpactMetric")
S = "spec: {metricName: unleash_counter_a, timeRange: day, aggregationMode: rps}\n"
GOOD = HEADER + "metadata: {name: a}\n" + S
ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


def _with_id(name: str, identifier: str) -> str:
    return f"{HEADER}metadata: {{name: {name}, id: {identifier}}}\n{S}"


CONTEXT_FIELD = header("ContextField") + 'metadata: {name: country}\nspec: {legalValues: [{value: "NO"}]}\n'
SEGMENT = header("Segment") + (
    "metadata: {{name: nordic}}\n"
    'spec: {{constraints: [{{contextName: country, operator: IN, values: ["{country}"]}}]}}\n'
)
# The files that cause a code in a workspace with a valid unleash-gitops.yaml, or a function that creates them.
CAUSES: dict[str, dict[str, str | bytes] | Callable[[Path], None]] = {
    "alias": {"a.yaml": "a: *b"},
    "binary": {"a.yaml": b"\x00"},
    "character": {"a.yaml": b"\x1b"},
    "conflict": {"field.yaml": CONTEXT_FIELD, "segment.yaml": SEGMENT.format(country="SE")},
    "duplicate": {"a.yaml": GOOD, "b.yaml": GOOD},
    "duplicate-key": {"a.yaml": "a: 1\na: 2"},
    "empty-file": {"a.yaml": ""},
    "empty-workspace": {},
    "empty-selector": {"a.yaml": GOOD.replace("rps}", "rps, labelSelectors: {a: []}}")},
    "encoding": {"a.yaml": b"\xe9"},
    "exclusive-unused": {"unleash-gitops.yaml": WORKSPACE + "spec: {prune: none, exclusive: [{kind: ImpactMetric}]}"},
    "foreign-id": {"a.yaml": _with_id("a", "01G1T0PS000000000000000000")},
    "id-clash": {"a.yaml": _with_id("a", ULID), "b.yaml": _with_id("b", ULID)},
    "key": {"a.yaml": "5: a"},
    "merge-key": {"a.yaml": "<<: {}"},
    "missing": {"a.yaml": "a: b"},
    "mode": {"a.yaml": GOOD.replace("counter", "gauge")},
    "name-in-capitals": {"a.YAML": GOOD},
    "nested-workspace": {"sub/unleash-gitops.yaml": WORKSPACE},
    "no-workspace": lambda root: (root / "unleash-gitops.yaml").unlink(),
    "not-a-file": lambda root: os.mkfifo(root / "a.yaml"),
    "outside-projects": {"unleash-gitops.yaml": WORKSPACE + "spec: {projects: [], exclusive: [{kind: X, project: p}]}"},
    "pair": {"a.yaml": GOOD.replace("name: a", "name: a, project: p")},
    "released": {"unleash-gitops.yaml": WORKSPACE + "spec: {release: [ImpactMetric/a]}", "a.yaml": GOOD},
    "symlink": lambda root: (root / "a.yaml").symlink_to("/"),
    "syntax": {"a.yaml": "a: b: c"},
    "tag": {"a.yaml": "a: !b c"},
    "too-deep": {"a.yaml": "[" * 200},
    "too-large": {"a.yaml": b"#" * (MAX_FILE_SIZE + 1)},
    "too-many": {"a.yaml": "---\n[]\n" * 200},
    "type": {"a.yaml": "[]"},
    "unknown-key": {"a.yaml": GOOD + "status: x"},
    "unknown-kind": {"a.yaml": "kind: X"},
    "value": {"a.yaml": GOOD.replace("day", "daily")},
    "workspace-file": {"a.yaml": WORKSPACE},
}
ALL_CODES = {*CODES, *(code for kind in kinds().values() for code in kind.codes)}
TESTED_ELSEWHERE = {
    "too-long",  # only some kinds cause it, see tests/kinds
    "two-workspaces",  # needs two workspaces, see test_shared_documents.py
    "missing-reference",  # needs the live objects, see tests/engine/test_planner.py
    "unreadable",  # needs a file that root cannot read, see test_files.py
}


@pytest.mark.parametrize("code", CAUSES)
def test_every_code_has_a_cause(code: str, tmp_path: Path) -> None:
    (tmp_path / "unleash-gitops.yaml").write_text(WORKSPACE)
    cause = CAUSES[code]
    if callable(cause):
        cause(tmp_path)
    else:
        for name, content in cause.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    assert code in {problem.code for problem in load(tmp_path).diagnostics}


def find_tested_kind_codes() -> set[str]:
    """Return the codes of single kinds that the tests of kinds mention."""
    tests = "".join(
        path.read_text(encoding="utf-8") for path in (Path(__file__).parents[2] / "kinds").glob("test_*.py")
    )
    return {code for kind in kinds().values() for code in kind.codes if f'"{code}"' in tests}


POSITION_OF_CODE = {
    "Diagnostic": 1,
    "DocumentProblem": 0,
    "PydanticCustomError": 0,
    "_Explanation": 0,
    "_build_error": 1,
    "_report": 0,
    "_stop": 0,
    "build_error": 0,
}
"""The position of the code among the arguments, by the name of the function or class."""


def find_emitted_codes() -> dict[str, str]:
    """Return the codes that the source gives to diagnostics, with the module of each."""
    emitted: dict[str, str] = {}
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(node.func, "attr", getattr(node.func, "id", None)) if isinstance(node, ast.Call) else None
            if not isinstance(node, ast.Call) or name not in POSITION_OF_CODE:
                continue
            if name == "_Explanation" and path.name != "validation_messages.py":
                continue  # the one of syntax errors has no code
            arguments = node.args[POSITION_OF_CODE[name] :]
            if arguments and isinstance(arguments[0], ast.Constant):
                emitted[arguments[0].value] = path.name
    return emitted


def test_every_code_that_the_source_emits_is_declared() -> None:
    emitted = find_emitted_codes()
    assert {"conflict", "duplicate", "key", "missing", "pair", "symlink", "tag", "too-long"} <= emitted.keys()
    of_pydantic = {"value_error"}  # an error of pydantic's own type, for a line that may hold a secret
    assert {code: module for code, module in emitted.items() if code not in ALL_CODES | of_pydantic} == {}


def test_a_problem_of_a_kind_has_the_code_that_the_kind_gives_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "unleash-gitops.yaml").write_text(WORKSPACE)
    (tmp_path / "a.yaml").write_text(GOOD)
    problem = DocumentProblem("mode", "no server can show it")
    monkeypatch.setattr(ImpactMetric, "document_problem", lambda _kind, _desired: problem)
    diagnostics = load(tmp_path).diagnostics
    assert [(diagnostic.code, diagnostic.message) for diagnostic in diagnostics] == [("mode", "no server can show it")]


def test_values_that_a_context_field_has_are_no_conflict(tmp_path: Path) -> None:
    (tmp_path / "unleash-gitops.yaml").write_text(WORKSPACE)
    (tmp_path / "field.yaml").write_text(CONTEXT_FIELD)
    (tmp_path / "segment.yaml").write_text(SEGMENT.format(country="NO"))
    assert load(tmp_path).diagnostics == ()


def test_every_code_has_a_description_and_a_test() -> None:
    assert set(CAUSES) | TESTED_ELSEWHERE | find_tested_kind_codes() == ALL_CODES
    assert list(CODES) == sorted(CODES)
