"""What the six routes answer when asked to do as Unleash 7.5 does."""

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
def test_the_type_is_told_by_the_name_and_there_is_no_source(
    api: httpx.Client, name: str, kind: str, shown: str
) -> None:
    answer = api.post(INSTANCE, json={**BODY, "metricName": name, "source": "external"}).json()
    added = {"displayName": shown, "type": kind, "step": "3h", "mode": "write"}
    assert answer == {"id": answer["id"], **BODY, "metricName": name, **added}
    assert answer in api.get(INSTANCE).json()["configs"]
