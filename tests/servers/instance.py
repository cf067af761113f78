"""An Unleash that tests talk to directly, as other people do."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import httpx

from servers.fake_unleash import FakeUnleash
from servers.sandbox_database import execute

FLAGS = ("checkout-v2", "search-ranking")


@dataclass
class Instance:
    """An Unleash to test against, and a second way in, for what other people do."""

    url: str
    token: str
    fake: FakeUnleash | None = None

    @cached_property
    def http(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers={"Authorization": self.token}, trust_env=False, timeout=30)

    def close(self) -> None:
        self.http.close()

    def path(self, feature: str | None = None) -> str:
        return f"/api/admin{f'/projects/default/features/{feature}' if feature else ''}/impact-metrics/config"

    def charts(self, feature: str | None = None) -> dict[str, dict[str, Any]]:
        """Return the live charts of a flag, or of the instance, by id."""
        configs = self.http.get(self.path(feature)).raise_for_status().json()["configs"]
        return {config["id"]: config for config in configs}

    def everything(self) -> dict[str, dict[str, Any]]:
        """Return all live charts by id."""
        return {**self.charts(), **self.charts(FLAGS[0]), **self.charts(FLAGS[1])}

    def save(self, feature: str | None = None, **config: Any) -> str:
        """Save a chart as a person would, by hand; return its id."""
        usual = {
            "metricName": "m",
            "timeRange": "day",
            "aggregationMode": "avg",
            "yAxisMin": "auto",
            "labelSelectors": {},
        }
        answer = self.http.post(self.path(feature), json={**usual, **config}).raise_for_status()
        return str(answer.json()["id"])

    def delete(self, object_id: str, feature: str | None = None) -> None:
        self.http.delete(f"{self.path(feature)}/{object_id}").raise_for_status()

    def guard(self, *charts: str) -> None:
        """Have safeguards use these charts, as an Enterprise server would."""
        if self.fake is not None:
            self.fake.guarded = set(charts)
        for chart in () if self.fake is not None else charts:
            execute(f"INSERT INTO safeguards VALUES ('guard-{chart}', '{chart}', '{{}}', '{{}}')")

    def clear(self) -> None:
        for feature in (None, *FLAGS):
            for object_id in self.charts(feature):
                self.delete(object_id, feature)
