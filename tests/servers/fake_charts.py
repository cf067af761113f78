"""The charts of impact metrics of an Unleash in memory, as the sandbox answers for them."""

from __future__ import annotations

from typing import Any

from servers.fake_flags import FEATURE
from servers.fake_routes import BAD_SCHEMA, Part, Refusal, Request, Result, not_found, route

STEPS = {"hour": "1m", "day": "15m", "week": "3h", "month": "1d"}
REQUIRED = ("metricName", "timeRange", "yAxisMin", "aggregationMode", "labelSelectors")
KEPT = (*REQUIRED, "title", "source")
INSTANCE = "/impact-metrics/config"

Scope = tuple[str, str] | None


class FakeCharts(Part):
    """What `FakeUnleash.charts` holds."""

    @route("GET", INSTANCE)
    def list_of_instance(self, request: Request) -> Result:
        return self._list(None)

    @route("POST", INSTANCE)
    def save_of_instance(self, request: Request) -> Result:
        return self._save(request, None)

    @route("DELETE", f"{INSTANCE}/{{chart}}")
    def delete_of_instance(self, request: Request) -> Result:
        return self._delete(request, None)

    @route("GET", f"{FEATURE}{INSTANCE}")
    def list_of_flag(self, request: Request) -> Result:
        return self._list(self._flag(request))

    @route("POST", f"{FEATURE}{INSTANCE}")
    def save_of_flag(self, request: Request) -> Result:
        return self._save(request, self._flag(request))

    @route("DELETE", f"{FEATURE}{INSTANCE}/{{chart}}")
    def delete_of_flag(self, request: Request) -> Result:
        return self._delete(request, self._flag(request))

    def _flag(self, request: Request) -> Scope:
        project, feature = request["project"], request["feature"]
        if feature not in self.server.flags.get(project, []):
            if self.server.about_flags.archived.get(feature) == project:
                raise not_found(f'The feature "{feature}" is archived.')
            raise not_found(f'There\'s no feature named "{feature}" in project "{project}".')
        return project, feature

    def _list(self, scope: Scope) -> Result:
        charts = [self._shown(key) for key, (place, _) in self.server.charts.items() if place == scope]
        return 200, {"configs": self.server.shuffled(charts)}

    def _save(self, request: Request, scope: Scope) -> Result:
        """Create a chart, or replace all of it."""
        config = request.body
        missing = [name for name in REQUIRED if name not in config]
        if missing:
            details = [{"message": f"The `/body/{missing[0]}` property is required.", "path": "/body"}]
            raise Refusal(400, "BadDataError", BAD_SCHEMA, details)
        chart = config.get("id") or self.server.audit.clock.ulid()
        place, before = self.server.charts.get(chart, (scope, None))
        if place != scope:
            owner = "the instance" if place is None else f'the feature "{place[1]}"'
            message = f'The impact metric with id "{chart}" already exists and belongs to {owner}.'
            raise Refusal(409, "ConflictError", message)
        kept = {name: config[name] for name in KEPT if name in config}
        self.server.charts[chart] = (scope, kept)
        facts = {"data": {"id": chart, **kept}, "before": before and {"id": chart, **before}}
        self._log(request, scope, "impact-metric-created" if before is None else "impact-metric-updated", **facts)
        return 200, self._shown(chart)

    def _delete(self, request: Request, scope: Scope) -> Result:
        chart = request["chart"]
        if chart not in self.server.charts or self.server.charts[chart][0] != scope:
            raise not_found(f'Could not find the impact metric with id "{chart}".')
        _, config = self.server.charts.pop(chart)
        self._log(request, scope, "impact-metric-deleted", before={"id": chart, **config})
        return 204, None

    def _log(self, request: Request, scope: Scope, event: str, **facts: Any) -> None:
        place = {} if scope is None else {"project": scope[0], "feature": scope[1]}
        self.log(request, event, **place, **facts)

    def _shown(self, chart: str) -> dict[str, Any]:
        """Return a chart in the style of a new server, or of 7.5, which told a type and no source."""
        _, config = self.server.charts[chart]
        shown = {name: value for name, value in config.items() if name != "source"}
        style: dict[str, Any] = (
            {"source": config.get("source", "internal")} if self.server.style == "new" else {"type": "unknown"}
        )
        mode = "read" if chart in self.server.safeguarded else "write"
        step = STEPS.get(config["timeRange"])
        return {"id": chart, **shown, "displayName": config["metricName"], "step": step, "mode": mode, **style}
