"""The rules of charts: defaults, normal forms, what an update carries along."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from document_samples import document, parse_resource
from kinds.named import FACTS, Answers
from unleash_gitops.kinds.impact_metric import KIND, metric_type
from unleash_gitops.model.resource import Area, ReadScope, Resource

USUAL = {"metricName": "m", "timeRange": "day", "aggregationMode": "avg"}
LIVE = {**USUAL, "id": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "yAxisMin": "auto", "labelSelectors": {}, "mode": "write"}
PATH = "/api/admin/impact-metrics/config"


class Server:
    """Answers every read with the same charts."""

    workspace = "w"

    def __init__(self, *configs: dict[str, Any]) -> None:
        self.configs = configs

    def get(self, path: str) -> Any:
        assert path == PATH
        return {"configs": list(self.configs)}

    get_or_none = get

    def projects(self) -> tuple[str, ...]:
        return ("p", "q")

    def flags(self, project: str) -> tuple[str, ...]:
        return ("f", "g") if project == "p" else ()


def live(**config: Any) -> Resource:
    (found,) = KIND.read(Server({**LIVE, **config}), Area("ImpactMetric"))
    return found


def desired(metadata: dict[str, Any] | None = None, **spec: Any) -> Resource:
    return parse_resource(document("ImpactMetric", "a", metadata, **{**USUAL, **spec}))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("unleash_counter_x", "counter"),
        ("unleash_gauge_x", "gauge"),
        ("unleash_histogram_x", "histogram"),
        ("unleash_gauge_x_bucket", "gauge"),
        ("x_bucket", "histogram"),
        ("x_count", "counter"),
        ("counter_x", None),
        ("x", None),
    ],
)
def test_a_metrics_type_is_told_by_its_name(name: str, expected: str | None) -> None:
    assert metric_type(name) == expected


@pytest.mark.parametrize("mode", ["rps", "count", "avg", "sum", "p50", "p95", "p99"])
def test_modes_fit_types(mode: str) -> None:
    fitting = {"counter": {"rps", "count"}, "gauge": {"avg", "sum"}, "histogram": {"p50", "p95", "p99"}}
    assert desired(aggregationMode=mode).spec["aggregationMode"] == mode
    for kind, modes in fitting.items():
        if mode in modes:
            desired(metricName=f"unleash_{kind}_x", aggregationMode=mode)
        else:
            with pytest.raises(ValidationError, match=f'"{mode}" does not fit a {kind}'):
                desired(metricName=f"unleash_{kind}_x", aggregationMode=mode)


def test_only_what_the_document_mentions_is_desired_and_a_create_sends_the_defaults() -> None:
    found = desired()
    assert found.spec == USUAL
    (call,) = KIND.create(found, KIND.spec_after_create(found))
    assert (call.method, call.path) == ("POST", PATH)
    assert call.body == {"id": found.id, **USUAL, "yAxisMin": "auto", "labelSelectors": {}}


def test_the_order_and_repetition_of_label_values_mean_nothing() -> None:
    found = live(labelSelectors={"b": ["2", "1", "2"], "a": ["x"], "none": []})
    wanted = desired(labelSelectors={"a": ["x"], "b": ["1", "2"]})
    assert found.spec["labelSelectors"] == wanted.spec["labelSelectors"] == {"a": ["x"], "b": ["1", "2"]}
    assert KIND.spec_after_update(wanted, found) == found.spec


def test_no_title_and_an_empty_one_are_the_same() -> None:
    assert live().spec["title"] is None
    assert live(title="").spec == live().spec == live(title=None).spec
    assert desired(title="").spec == desired(title=None).spec


def test_what_the_server_computes_counts_for_nothing() -> None:
    assert live(displayName="x", step="1h", type="gauge", new_field=1).spec == live().spec


@pytest.mark.parametrize(
    ("source", "sent"), [({}, {}), ({"source": "internal"}, {}), ({"source": "external"}, {"source": "external"})]
)
def test_an_update_carries_a_source_that_is_not_the_default(source: dict[str, str], sent: dict[str, str]) -> None:
    wanted, found = desired(timeRange="week"), live(title="T", yAxisMin="zero", **source)
    (call,) = KIND.update(wanted, found, KIND.spec_after_update(wanted, found))
    assert call.body == {
        "id": wanted.id, **USUAL, "timeRange": "week", "title": "T", "yAxisMin": "zero", "labelSelectors": {}, **sent,
    }  # fmt: skip


def test_a_source_that_is_mentioned_is_sent() -> None:
    wanted, found = desired(source="internal"), live(source="external")
    (call,) = KIND.update(wanted, found, KIND.spec_after_update(wanted, found))
    assert call.body["source"] == "internal"


def test_a_server_that_knows_no_source_has_internal_ones() -> None:
    assert KIND.spec_after_update(desired(source="internal"), live()) == live().spec
    assert (
        KIND.server_refusal(desired(source="external"), live(), {}, FACTS)
        == "this server knows no external source of metrics"
    )
    assert KIND.server_refusal(desired(source="external"), live(source="internal"), {}, FACTS) is None


def test_a_flags_chart_refers_to_its_flag_and_lies_below_it() -> None:
    found = desired({"project": "p/q", "feature": "f g"})
    assert [(reference.kind, reference.project, reference.name) for reference in found.references] == [
        ("FeatureFlag", "p/q", "f g")
    ]
    (call,) = KIND.create(found, KIND.spec_after_create(found))
    assert call.path == "/api/admin/projects/p%2Fq/features/f%20g/impact-metrics/config"


FLAGS: dict[str, Any] = {
    "projects": {"projects": [{"id": "p"}]},
    "paths": {"projects/p/features": {"features": [{"name": "f"}, {"name": "g"}]}},
}
EVENTS = "search/events?type=IS_ANY_OF:impact-metric-created,impact-metric-updated&limit=1000&offset=0"


def areas(reads: Answers, scope: ReadScope) -> list[str | None]:
    reads.scope = scope
    first, *rest = KIND.areas(reads)
    assert first == Area("ImpactMetric")
    return [area.feature for area in rest]


def test_the_areas_are_the_instance_and_every_flag() -> None:
    wanted = {Area("ImpactMetric"): {"a": {}}}
    assert areas(Answers(**FLAGS), ReadScope(wanted, lambda _: False)) == ["f", "g"]
    assert areas(Answers(**FLAGS), ReadScope(None, lambda _: False)) == ["f", "g"]


@pytest.mark.parametrize(("total", "looked_at"), [(1, ["g"]), (2000, ["f", "g"])])
def test_without_documents_the_audit_log_tells_which_flags_may_have_charts(total: int, looked_at: list[str]) -> None:
    event = {"id": 1, "type": "impact-metric-created", "createdAt": "2030-01-01T00:00:00.000Z", "featureName": "g"}
    log = {EVENTS: {"total": total, "events": [event]}}
    reads = Answers(**{**FLAGS, "paths": {**FLAGS["paths"], **log}})
    assert areas(reads, ReadScope({}, lambda _: False)) == looked_at


def test_a_chart_that_a_safeguard_uses_is_protected() -> None:
    assert live(mode="read").protected == "used by a safeguard (mode: read)"
    assert live().protected is None


def test_a_delete_names_the_chart() -> None:
    (call,) = KIND.delete(live())
    assert (call.method, call.path, call.body) == ("DELETE", f"{PATH}/{LIVE['id']}", None)


def test_a_pulled_document_has_every_field() -> None:
    document, title = KIND.to_pulled_document(live(source="internal"))
    unset = {"title": None, "yAxisMin": "auto", "labelSelectors": {}, "source": "internal"}
    assert (document, title) == ({"metadata": {"id": LIVE["id"]}, "spec": {**USUAL, **unset}}, "m")


def test_a_minimal_pulled_document_has_no_defaults() -> None:
    document, title = KIND.to_pulled_document(live(source="internal"), minimal=True)
    assert (document, title) == ({"metadata": {"id": LIVE["id"]}, "spec": USUAL}, "m")
    document, title = KIND.to_pulled_document(
        live(source="external", title="T", yAxisMin="zero", labelSelectors={"a": ["*"]}), minimal=True
    )
    assert title == "T"
    assert document["spec"] == {
        **USUAL, "title": "T", "yAxisMin": "zero", "labelSelectors": {"a": ["*"]}, "source": "external",
    }  # fmt: skip
