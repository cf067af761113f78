"""Files after accept are refused when their next plan would do more than before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from document_samples import WORKSPACE_FILE, document_text
from kinds.named import FACTS
from unleash_gitops.documents.loader import LoadedWorkspace, load
from unleash_gitops.engine.classify import Classification, classify
from unleash_gitops.engine.plan_context import PlanContext
from unleash_gitops.model.errors import InvalidFiles, UsageError
from unleash_gitops.model.resource import Resource, ResourceSet
from unleash_gitops.workflow.check_accepted import check_accepted


@pytest.fixture
def loaded(tmp_path: Path) -> LoadedWorkspace:
    """Give two tag types, as they are in the files."""
    (tmp_path / WORKSPACE_FILE).write_text(document_text("Workspace", "payments"))
    for name in ("area", "team"):
        (tmp_path / f"{name}.yaml").write_text(document_text("TagType", name, "{icon: T}"))
    return load(tmp_path)


def classify_live(loaded: LoadedWorkspace, **icons: str) -> Classification:
    """Compare the files with a server that has the tag types with these icons."""
    assert loaded.workspace is not None
    live = {
        key: _make_live(resource, icons[str(resource.address.name)])
        for key, resource in loaded.desired.resources.items()
        if resource.address.name in icons
    }
    return classify(loaded.desired, ResourceSet(live), PlanContext(loaded.workspace, FACTS))


def context_of(loaded: LoadedWorkspace) -> PlanContext:
    assert loaded.workspace is not None
    return PlanContext(loaded.workspace, FACTS)


def _make_live(resource: Resource, icon: str) -> Resource:
    spec = {"description": None, "icon": icon, "color": None}
    return replace(resource, spec=spec, position=None, ownership="owned", mark=None)


def test_files_that_agree_with_the_server_pass(loaded: LoadedWorkspace) -> None:
    classification = classify_live(loaded, area="X", team="T")
    (loaded.root / "area.yaml").write_text(document_text("TagType", "area", "{icon: X}"))
    check_accepted(loaded, classification, (), context_of(loaded), "")


def test_a_difference_that_was_there_before_passes(loaded: LoadedWorkspace) -> None:
    check_accepted(loaded, classify_live(loaded, area="X", team="T"), (), context_of(loaded), "")


def test_a_new_difference_is_refused_at_its_document(loaded: LoadedWorkspace) -> None:
    classification = classify_live(loaded, area="X", team="T")
    (loaded.root / "team.yaml").write_text(document_text("TagType", "team", "{icon: Y}"))
    with pytest.raises(UsageError, match=r"^ws/team.yaml:1: accept would make the next plan change icon"):
        check_accepted(loaded, classification, (), context_of(loaded), "ws/")
    with pytest.raises(UsageError, match="change icon of TagType/team"):
        check_accepted(loaded, classification, [("TagType", "team")], context_of(loaded), "")
    check_accepted(loaded, classification, [("TagType", "area")], context_of(loaded), "")


def test_a_removed_document_of_a_live_object_is_refused(loaded: LoadedWorkspace) -> None:
    classification = classify_live(loaded, area="T")
    (loaded.root / "team.yaml").unlink()
    check_accepted(loaded, classification, (), context_of(loaded), "")
    (loaded.root / "area.yaml").unlink()
    with pytest.raises(UsageError, match=r"^area.yaml:1: accept would make the next plan delete TagType/area"):
        check_accepted(loaded, classification, (), context_of(loaded), "")


def test_a_new_missing_reference_is_refused(loaded: LoadedWorkspace) -> None:
    (loaded.root / "pay.yaml").write_text(
        document_text("FeatureFlag", "pay", "{tags: ['team:shop']}", project="default")
    )
    before = load(loaded.root)
    classification = classify_live(before, area="T")
    (loaded.root / "team.yaml").unlink()
    with pytest.raises(InvalidFiles) as error:
        check_accepted(before, classification, (), context_of(before), "")
    (problem,) = error.value.diagnostics
    assert problem.message == 'there is no tag type "team", neither on the server nor in the workspace'
    assert problem.hint is not None
    assert problem.hint.startswith("accept would remove its document; remove the reference")
