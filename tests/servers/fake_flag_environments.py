"""The flags of an Unleash in memory in their environments: whether they are on, and their strategies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from servers.fake_flags import FEATURE
from servers.fake_named import complete_constraint
from servers.fake_routes import Part, Refusal, Request, Result, bad_data, not_found, route

ENVIRONMENT = f"{FEATURE}/environments/{{environment}}"
STRATEGIES = f"{ENVIRONMENT}/strategies"
TOTAL_WEIGHT = 1000


class FakeFlagEnvironments(Part):
    """What `FakeFlags` keeps of a flag below `in`: by environment `enabled`, and `strategies` in order."""

    @route("POST", f"{ENVIRONMENT}/on")
    def switch_on(self, request: Request) -> Result:
        """The server adds a strategy of its own where none is enabled."""
        flag, place = self._switchable(request)
        if all(strategy["disabled"] for strategy in place["strategies"]):
            self._add(request, flag, place, {"name": "flexibleRollout"})
        if not place["enabled"]:
            place["enabled"] = True
            self._log(request, flag, "feature-environment-enabled")
        return 200, None

    @route("POST", f"{ENVIRONMENT}/off")
    def switch_off(self, request: Request) -> Result:
        flag, place = self._switchable(request)
        self._switch_off(request, flag, place)
        return 200, None

    def _switchable(self, request: Request) -> tuple[dict[str, Any], dict[str, Any]]:
        about_flags = self.server.about_flags
        flag, environment = about_flags.require(request, archived=True), request["environment"]
        if flag["name"] in about_flags.archived:
            raise Refusal(400, "ArchivedFeatureError", "Cannot perform this operation on archived features")
        if environment not in self.server.environments.of_project(flag["project"]):
            raise not_found(f"Could not find environment {environment} for feature: {flag['name']}")
        return flag, flag["in"][environment]

    def _switch_off(self, request: Request, flag: Mapping[str, Any], place: dict[str, Any]) -> None:
        if place["enabled"]:
            place["enabled"] = False
            self._log(request, flag, "feature-environment-disabled")

    @route("GET", STRATEGIES)
    def list_all(self, request: Request) -> Result:
        flag = self.server.about_flags.require(request, archived=True)
        if request["environment"] not in self.server.environments.of_project(flag["project"]):
            raise not_found(f"Feature {flag['name']} does not have environment {request['environment']}")
        return 200, flag["in"][request["environment"]]["strategies"]

    @route("POST", STRATEGIES)
    def create(self, request: Request) -> Result:
        flag, place = self._place(request)
        return 200, self._add(request, flag, place, request.body)

    @route("PUT", f"{STRATEGIES}/{{strategy}}")
    def update(self, request: Request) -> Result:
        """What is left out is as it is by default, but title, disabled and segments, which stay."""
        flag, place, strategy = self._strategy(request)
        before = _shown(strategy)
        kept = {key: strategy[key] for key in ("title", "disabled", "segments")}
        strategy |= self._complete(flag["name"], {**kept, **request.body})
        self._log(request, flag, "feature-strategy-update", data=_shown(strategy), before=before)
        self._switch_off_without_strategies(request, flag, place)
        return 200, _shown(strategy)

    @route("DELETE", f"{STRATEGIES}/{{strategy}}")
    def delete(self, request: Request) -> Result:
        flag, place, strategy = self._strategy(request)
        place["strategies"].remove(strategy)
        self._log(request, flag, "feature-strategy-remove", before=_shown(strategy))
        self._switch_off_without_strategies(request, flag, place)
        return 200, None

    @route("POST", f"{STRATEGIES}/set-sort-order")
    def sort(self, request: Request) -> Result:
        flag, place = self._place(request)
        before = [strategy["id"] for strategy in place["strategies"]]
        orders = {entry["id"]: entry["sortOrder"] for entry in request.body}
        for strategy in place["strategies"]:
            strategy["sortOrder"] = orders.get(strategy["id"], strategy["sortOrder"])
        place["strategies"].sort(key=lambda strategy: strategy["sortOrder"])
        after = [strategy["id"] for strategy in place["strategies"]]
        if before != after:
            orders = {"data": {"strategyIds": after}, "before": {"strategyIds": before}}
            self._log(request, flag, "strategy-order-changed", **orders)
        return 200, None

    def _place(self, request: Request) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return a flag, archived or not, and what it is in the environment of a request."""
        flag = self.server.about_flags.require(request, archived=True)
        if request["environment"] not in flag["in"]:
            raise bad_data("You have not added the current environment to the project")
        return flag, flag["in"][request["environment"]]

    def _strategy(self, request: Request) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        flag, place = self._place(request)
        for strategy in place["strategies"]:
            if strategy["id"] == request["strategy"]:
                return flag, place, strategy
        raise not_found(f"Could not find strategy with id={request['strategy']}")

    def _switch_off_without_strategies(self, request: Request, flag: dict[str, Any], place: dict[str, Any]) -> None:
        if all(strategy["disabled"] for strategy in place["strategies"]):
            self._switch_off(request, flag, place)

    def _add(
        self, request: Request, flag: Mapping[str, Any], place: dict[str, Any], body: Mapping[str, Any]
    ) -> dict[str, Any]:
        order = max((strategy["sortOrder"] for strategy in place["strategies"]), default=-1) + 1
        strategy = {"title": None, "disabled": False, "segments": [], "sortOrder": order, "milestoneId": None}
        strategy |= self._complete(flag["name"], body)
        strategy["id"] = self.server.audit.clock.ulid()
        place["strategies"].append(strategy)
        self._log(request, flag, "feature-strategy-add", data=_shown(strategy))
        return _shown(strategy)

    def _complete(self, flag: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a body says of a strategy, with what is as it is by default."""
        name = body["name"]
        if name not in self.server.strategies.types:
            raise bad_data(f"Could not find strategy type with name {name}")
        given = {key: body[key] for key in ("title", "disabled") if key in body}
        defaults = {"groupId": flag, "rollout": "100", "stickiness": "default"} if name == "flexibleRollout" else {}
        return {
            "name": name,
            **given,
            "parameters": {**defaults, **body.get("parameters", {})},
            "constraints": [complete_constraint(constraint) for constraint in body.get("constraints", ())],
            "segments": sorted(set(body.get("segments", ()))),
            "variants": _weighed(body.get("variants", ())),
        }

    def _log(self, request: Request, flag: Mapping[str, Any], event: str, **facts: Any) -> None:
        self.server.about_flags.log_flag(request, event, flag, environment=request["environment"], **facts)


def _shown(strategy: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in strategy.items() if name != "milestoneId"}


def _weighed(variants: Any) -> list[dict[str, Any]]:
    """Return variants by name, those of variable weight with equal shares of what the fixed ones leave."""
    variable = [variant["name"] for variant in variants if variant["weightType"] == "variable"]
    left = TOTAL_WEIGHT - sum(variant["weight"] for variant in variants if variant["weightType"] == "fix")
    share, rest = divmod(left, len(variable)) if variable else (0, 0)
    weights = {name: share + (place < rest) for place, name in enumerate(variable)}
    weighed = [{**variant, "weight": weights.get(variant["name"], variant["weight"])} for variant in variants]
    return sorted(weighed, key=lambda variant: str(variant["name"]))
