"""The answers of the six routes in the style of Unleash 7.5."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import httpx

INSTANCE = "/api/admin/impact-metrics/config"
BODY = {"timeRange": "week", "yAxisMin": "zero", "aggregationMode": "avg", "labelSelectors": {}}


@pytest.fixture(scope="module")
def style() -> str:
    return "7.5"


@pytest.mark.parametrize(
    ("name", "kind", "shown"),
    [
        ("unleash_counter_clicks", "counter", "clicks"),
        ("unleash_gauge_queue_count", "gauge", "queue_count"),
        ("unleash_histogram_time", "histogram", "time"),
        ("time_bucket", "histogram", "time_bucket"),
        ("clicks_count", "counter", "clicks_count"),
        ("clicks", "unknown", "clicks"),
    ],
)
def test_an_answer_has_a_type_from_the_metric_name_and_no_source(
    api: httpx.Client, name: str, kind: str, shown: str
) -> None:
    answer = api.post(INSTANCE, json={**BODY, "metricName": name, "source": "external"}).json()
    added = {"displayName": shown, "type": kind, "step": "3h", "mode": "write"}
    assert answer == {"id": answer["id"], **BODY, "metricName": name, **added}
    assert answer in api.get(INSTANCE).json()["configs"]
