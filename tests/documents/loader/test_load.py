"""Loading valid workspaces, and the valid parts of invalid ones."""

from __future__ import annotations

from typing import Any

from document_samples import document_text, header
from unleash_gitops.model.diagnostics import Position
from unleash_gitops.model.ownership import computed_id
from unleash_gitops.model.resource import Address, Key, Reference, Resource
from unleash_gitops.model.workspace import Workspace, WorkspaceSpec

FLAG_CHART = f"""\
# the shop's errors
{header("ImpactMetric")}\
metadata:
  name: errors
  project: shop
  feature: checkout-v2
spec:
  metricName: unleash_counter_errors
  title: null
  timeRange: day
  aggregationMode: rps
  labelSelectors:
    environment: [staging, production]
"""
INSTANCE_CHART = document_text(
    "ImpactMetric",
    "latency",
    "{metricName: latency_bucket, timeRange: hour, aggregationMode: p99}",
    id="01ARZ3NDEKTSV4RRFFQ69G5FAV",
)


def test_documents_become_resources_with_their_positions(load_files: Any) -> None:
    loaded = load_files({"charts/all.yaml": FLAG_CHART + "---\n" + INSTANCE_CHART})
    assert loaded.diagnostics == ()
    assert loaded.documents == 2
    assert loaded.files == ("charts/all.yaml", "unleash-gitops.yaml")
    assert loaded.workspace == Workspace(name="payments", spec=WorkspaceSpec())
    first_id = computed_id("payments", "ImpactMetric", "shop", "checkout-v2", "errors")
    errors = Resource(
        Address("ImpactMetric", "errors", "shop", "checkout-v2"),
        first_id,
        {
            "metricName": "unleash_counter_errors",
            "title": None,
            "timeRange": "day",
            "aggregationMode": "rps",
            "labelSelectors": {"environment": ["production", "staging"]},
        },
        position=Position("charts/all.yaml", 2, 1),
        references=(Reference("FeatureFlag", "shop", "checkout-v2"),),
    )
    latency = Resource(
        Address("ImpactMetric", "latency"),
        "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        {"metricName": "latency_bucket", "timeRange": "hour", "aggregationMode": "p99"},
        position=Position("charts/all.yaml", 16, 1),
    )
    assert loaded.desired.resources == {Key("ImpactMetric", resource.id): resource for resource in (errors, latency)}
    (reference,) = loaded.desired.resources[Key("ImpactMetric", first_id)].references
    assert reference.position == Position("charts/all.yaml", 7, 12)


def test_the_workspace_has_its_settings_and_its_position(load_files: Any) -> None:
    content = f"""
{document_text("Workspace", "other")}\
spec:
  url: https://unleash.example.com/base/
  projects: [shop]
  exclusive: [{{kind: ImpactMetric}}, {{kind: ImpactMetric, project: shop}}]
  maxDeletes: 0
"""
    workspace = load_files({"unleash-gitops.yaml": content, "a.yaml": FLAG_CHART}).workspace
    assert workspace.position == Position("unleash-gitops.yaml", 2, 1)
    assert workspace.spec.url == "https://unleash.example.com/base"
    assert workspace.spec.projects == ("shop",)
    assert [(area.kind, area.project) for area in workspace.spec.exclusive] == [
        ("ImpactMetric", None),
        ("ImpactMetric", "shop"),
    ]
    assert workspace.spec.max_deletes == 0


def test_valid_documents_are_loaded_beside_invalid_ones(load_files: Any) -> None:
    broken = INSTANCE_CHART.replace("hour", "year").replace("latency,", "broken,").replace("5FAV", "5FAA")
    loaded = load_files({"a.yaml": broken, "b.yaml": INSTANCE_CHART, "c.yaml": "a: b: c"})
    assert [problem.code for problem in loaded.diagnostics] == ["value", "syntax"]
    assert [resource.address.name for resource in loaded.desired.resources.values()] == ["latency"]
    assert loaded.documents == 2


def test_the_first_of_two_documents_with_one_id_is_loaded(load_files: Any) -> None:
    second = INSTANCE_CHART.replace("latency,", "second,")
    loaded = load_files({"a.yaml": INSTANCE_CHART, "b.yaml": second})
    assert [problem.code for problem in loaded.diagnostics] == ["id-clash"]
    assert [resource.address.name for resource in loaded.desired.resources.values()] == ["latency"]


def test_ids_are_computed_with_the_workspace_name_even_when_its_spec_is_invalid(load_files: Any) -> None:
    content = document_text("Workspace", "payments", "{x: 1}")
    loaded = load_files({"unleash-gitops.yaml": content, "a.yaml": FLAG_CHART})
    assert loaded.workspace is None
    (resource,) = loaded.desired.resources.values()
    assert resource.id == computed_id("payments", "ImpactMetric", "shop", "checkout-v2", "errors")


def test_two_runs_give_the_same_diagnostics(load_files: Any) -> None:
    files = {f"{letter}.yaml": INSTANCE_CHART.replace("hour", "year") for letter in "hgfedcba"}
    assert load_files(files).diagnostics == load_files(files).diagnostics
