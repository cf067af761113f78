"""An Unleash server for tests, and a client for the changes that other users make on it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote

import httpx

from servers.fake_unleash import FakeUnleash
from servers.sandbox_database import execute, restore_fresh_state

BUILTIN = {"simple", "gitops", "appName", "currentTime", "environment", "sessionId", "userId"}
FLAGS = ("checkout-v2", "search-ranking")


@dataclass
class Instance:
    """An Unleash server to test against, with methods that change it as other users do."""

    url: str
    token: str
    fake: FakeUnleash | None = None

    @cached_property
    def http(self) -> httpx.Client:
        """A client that keeps no connection, so that an instance which no test closes leaves no socket behind."""
        return httpx.Client(
            base_url=self.url,
            headers={"Authorization": self.token},
            limits=httpx.Limits(max_keepalive_connections=0),
            trust_env=False,
            timeout=30,
            verify=False,
        )

    def close(self) -> None:
        self.http.close()

    def reset(self) -> None:
        """Leave on the real server what a fresh one has; see `restore_fresh_state`.

        A server that has crashed is up again within about ten seconds.
        """
        assert self.fake is None, "a server in memory is new for each test"
        restore_fresh_state()
        for _ in range(120):
            try:
                self.http.get("/health").raise_for_status()
                return
            except httpx.HTTPError:
                time.sleep(0.5)
        raise AssertionError("the server has not come back within a minute")

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
        """Save a chart by hand, as a user does in the UI; return its id."""
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
        """Let safeguards use these charts, as an Enterprise server does."""
        if self.fake is not None:
            self.fake.safeguarded = set(charts)
        for chart in () if self.fake is not None else charts:
            execute(f"INSERT INTO safeguards VALUES ('guard-{chart}', '{chart}', '{{}}', '{{}}')")

    def unguard(self) -> None:
        """Let no safeguard use any chart."""
        if self.fake is not None:
            self.fake.safeguarded = set()
        else:
            execute("DELETE FROM safeguards")

    def named(self, collection: str) -> dict[str, dict[str, Any]]:
        """Return the live objects of `tag-types`, `context` or `segments`, by name."""
        answer = self.http.get(f"/api/admin/{collection}").raise_for_status().json()
        listed = answer if isinstance(answer, list) else answer["tagTypes" if collection == "tag-types" else collection]
        return {live["name"]: live for live in listed}

    def make(self, collection: str, name: str, **body: Any) -> None:
        """Create an object by hand."""
        self.http.post(f"/api/admin/{collection}", json={"name": name, **body}).raise_for_status()

    def remove(self, collection: str, name: str) -> None:
        """Delete an object by hand."""
        key = quote(str(self.named(collection)[name].get("id", name)), safe="")
        self.http.delete(f"/api/admin/{collection}/{key}").raise_for_status()

    def change(self, collection: str, name: str, **body: Any) -> None:
        """Change an object by hand."""
        live = self.named(collection)[name]
        key = quote(str(live.get("id", name)), safe="")
        kept = {field: value for field, value in live.items() if field in {"description", "constraints", "legalValues"}}
        self.http.put(f"/api/admin/{collection}/{key}", json={**kept, "name": name, **body}).raise_for_status()

    def addons(self) -> list[dict[str, Any]]:
        """Return the integrations in the order of their ids."""
        addons: list[dict[str, Any]] = self.http.get("/api/admin/addons").raise_for_status().json()["addons"]
        return sorted(addons, key=lambda addon: addon["id"])

    def tokens(self) -> list[dict[str, Any]]:
        """Return the API tokens except admin tokens."""
        tokens = self.http.get("/api/admin/api-tokens").raise_for_status().json()["tokens"]
        return [token for token in tokens if token["type"] != "admin"]

    def flag(self, name: str, project: str = "default") -> dict[str, Any] | None:
        """Return a flag with its environments by name and its tags, None when it is not active."""
        answer = self.http.get(f"/api/admin/projects/{project}/features/{name}")
        if answer.status_code == 404:
            return None
        flag: dict[str, Any] = answer.raise_for_status().json()
        tags = self.http.get(f"/api/admin/features/{name}/tags").raise_for_status().json()["tags"]
        flag["tags"] = sorted(f"{tag['type']}:{tag['value']}" for tag in tags)
        flag["in"] = {environment["name"]: environment for environment in flag["environments"]}
        return flag

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request to `path` below the default project by hand; return the answer."""
        answer = self.http.request(method, f"/api/admin/projects/default{path}", json={} if body is None else body)
        assert answer.is_success, f"{method} {path}: {answer.text}"
        return answer.json() if answer.content else None
