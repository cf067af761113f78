"""Two workspaces of one instance may not describe one object."""

from __future__ import annotations

from pathlib import Path

import pytest

from document_samples import chart, document, flag, workspace, write
from unleash_gitops.documents.loader import LoadedWorkspace, load
from unleash_gitops.documents.shared_documents import find_shared_documents


def load_workspaces(root: Path, *documents: dict[str, object], urls: tuple[str, ...] = ()) -> list[LoadedWorkspace]:
    """Write one document into two workspaces, and load both."""
    loaded = []
    for number, name in enumerate(("aa", "bb")):
        spec = {"url": urls[number]} if urls else {}
        write(root / name, workspace(name, **spec))
        for place, content in enumerate(documents):
            write(root / name, content, f"{place}.yaml")
        loaded.append(load(root / name))
    return loaded


def find_problems(loaded: list[LoadedWorkspace]) -> list[str]:
    first, second = loaded
    problems = find_shared_documents([(first, "aa"), (second, "bb")])
    return [f"{problem.position}: {problem.message} [{problem.code}]" for problem in problems]


def test_the_second_document_is_an_error_that_names_the_first(tmp_path: Path) -> None:
    loaded = load_workspaces(tmp_path, flag("f", "default"), document("Segment", "s"))
    message = "is already described in another workspace, in aa"
    assert find_problems(loaded) == [
        f"bb/0.yaml:1: FeatureFlag/default/f {message}/0.yaml:1 [two-workspaces]",
        f"bb/1.yaml:1: Segment/s {message}/1.yaml:1 [two-workspaces]",
    ]


@pytest.mark.parametrize(
    "content",
    [chart("c"), document("ApiToken", "t", type="client", environment="production")],
    ids=["chart", "token"],
)
def test_where_the_workspace_is_a_part_of_the_identity_both_may_have_the_name(
    content: dict[str, object], tmp_path: Path
) -> None:
    assert find_problems(load_workspaces(tmp_path, content)) == []


def test_on_two_instances_both_may_describe_it(tmp_path: Path) -> None:
    loaded = load_workspaces(tmp_path, flag("f", "default"), urls=("http://one", "http://two"))
    assert find_problems(loaded) == []
