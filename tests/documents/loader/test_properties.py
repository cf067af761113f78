"""For any file the loader returns documents or problems, and never raises an exception."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from document_samples import API_VERSION, WORKSPACE, document
from documents.loader.test_codes import ALL_CODES
from unleash_gitops.documents.loader import LoadedWorkspace, load
from unleash_gitops.documents.yamldoc import dump_document, parse_documents

WORDS = ["apiVersion", "kind", "metadata", "name", "project", "feature", "id", "spec", "metricName", "title"]
WORDS += ["timeRange", "aggregationMode", "yAxisMin", "labelSelectors", "source", "url", "projects", "prune"]
WORDS += ["exclusive", "maxDeletes", API_VERSION, "ImpactMetric", "Workspace", "day", "rps", "none", "shop"]
PIECES = [
    b"a: ",
    b"- ",
    b"\n",
    b"  ",
    b"{",
    b"}",
    b"[",
    b"]",
    b"*a",
    b"&a ",
    b"'",
    b'"',
    b"#",
    b"|",
    b">",
    b"!",
    b"!!int ",
]
PIECES += [
    b"<<: ",
    b"? ",
    b": ",
    b", ",
    b"---\n",
    b"...\n",
    b"%YAML 1.2\n",
    b"\t",
    b"1",
    b"x",
    b"\r\n",
    b"\xc3\xa9",
    b"\xef\xbb\xbf",
]

words = st.sampled_from(WORDS) | st.text(max_size=5)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | words
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=5), max_leaves=12
)
documents = st.fixed_dictionaries(
    {},
    optional={
        "apiVersion": st.just(API_VERSION) | values,
        "kind": st.sampled_from(["ImpactMetric", "Workspace"]) | values,
        "metadata": st.fixed_dictionaries({"name": words}, optional=dict.fromkeys(WORDS[4:7], words)) | values,
        "spec": st.dictionaries(st.sampled_from(WORDS[8:21]), values, max_size=8) | values,
        "extra": values,
    },
)


def load_file(name: str, content: bytes) -> LoadedWorkspace:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "unleash-gitops.yaml").write_text(WORKSPACE)
        (Path(folder) / name).write_bytes(content)
        return load(Path(folder))


def assert_diagnostics_are_well_formed(loaded: LoadedWorkspace) -> None:
    for problem in loaded.diagnostics:
        assert problem.code in ALL_CODES
        assert problem.message.isprintable()
        assert not {"pydantic", "NoneType", "validation", "Input"} & set(problem.message.split())
        assert problem.position.path in {"a.yaml", "unleash-gitops.yaml"}
        if problem.excerpt is not None:
            assert problem.position.column <= len(problem.excerpt) + 1


@given(st.binary() | st.text().map(str.encode) | st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join))
def test_any_bytes_give_documents_or_problems(content: bytes) -> None:
    parsed, diagnostics = parse_documents(content, "a.yaml")
    assert parsed or diagnostics
    for name in ("a.yaml", "unleash-gitops.yaml"):
        loaded = load_file(name, content)
        assert_diagnostics_are_well_formed(loaded)
        assert loaded.diagnostics


@given(st.sampled_from(["a.yaml", "unleash-gitops.yaml"]), documents)
def test_any_values_give_resources_or_problems(name: str, document: dict[str, Any]) -> None:
    loaded = load_file(name, dump_document(document).encode())
    assert_diagnostics_are_well_formed(loaded)
    assert loaded.desired.resources or loaded.diagnostics


names = st.from_regex(r"[a-z0-9]([a-z0-9._-]{0,98}[a-z0-9])?", fullmatch=True)
specs = st.fixed_dictionaries(
    {
        "metricName": st.text(min_size=1).map(lambda text: "x" + text + "x"),
        "timeRange": st.sampled_from(["hour", "day", "week", "month"]),
        "aggregationMode": st.sampled_from(["rps", "count", "avg", "sum", "p50", "p95", "p99"]),
    },
    optional={
        "title": st.text(min_size=1),
        "yAxisMin": st.sampled_from(["auto", "zero"]),
        "source": st.sampled_from(["internal", "external"]),
        "labelSelectors": st.dictionaries(
            st.text(), st.lists(st.text(), min_size=1, max_size=3, unique=True).map(sorted), max_size=3
        ).map(lambda selectors: dict(sorted(selectors.items()))),
    },
)


@given(names, specs, st.none() | st.tuples(st.text(min_size=1), st.text(min_size=1)))
def test_a_valid_document_becomes_a_resource_with_its_values(
    name: str, spec: dict[str, Any], flag: tuple[str, str] | None
) -> None:
    parent = {} if flag is None else {"project": flag[0], "feature": flag[1]}
    loaded = load_file("a.yaml", dump_document(document("ImpactMetric", name, parent, **spec)).encode())
    assert loaded.diagnostics == ()
    (resource,) = loaded.desired.resources.values()
    assert dict(resource.spec) == spec
    assert (resource.address.name, resource.address.project, resource.address.feature) == (
        name,
        *(flag or (None, None)),
    )
