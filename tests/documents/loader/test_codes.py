"""Every code of a diagnostic has a description and a cause."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from document_samples import WORKSPACE, header
from unleash_gitops.documents.loader import load
from unleash_gitops.documents.yamldoc import MAX_FILE_SIZE
from unleash_gitops.kinds import kinds
from unleash_gitops.model.diagnostics import CODES

HEADER = header("ImpactMetric")
S = "spec: {metricName: unleash_counter_a, timeRange: day, aggregationMode: rps}\n"
GOOD = HEADER + "metadata: {name: a}\n" + S
ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


def _with_id(name: str, identifier: str) -> str:
    return f"{HEADER}metadata: {{name: {name}, id: {identifier}}}\n{S}"


# The files that cause a code in a workspace with a valid unleash-gitops.yaml, or a function that creates them.
CAUSES: dict[str, dict[str, str | bytes] | Callable[[Path], None]] = {
    "alias": {"a.yaml": "a: *b"},
    "binary": {"a.yaml": b"\x00"},
    "character": {"a.yaml": b"\x1b"},
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
    "nested-workspace": {"sub/unleash-gitops.yaml": WORKSPACE},
    "no-workspace": lambda root: (root / "unleash-gitops.yaml").unlink(),
    "not-a-file": lambda root: os.mkfifo(root / "a.yaml"),
    "outside-projects": {"unleash-gitops.yaml": WORKSPACE + "spec: {projects: [], exclusive: [{kind: X, project: p}]}"},
    "pair": {"a.yaml": GOOD.replace("name: a", "name: a, project: p")},
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


def test_every_code_has_a_description_and_a_test() -> None:
    assert set(CAUSES) | TESTED_ELSEWHERE | find_tested_kind_codes() == ALL_CODES
    assert list(CODES) == sorted(CODES)
