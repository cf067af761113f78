"""The strategy types of an Unleash in memory: the server's own, and custom ones."""

from __future__ import annotations

from typing import Any

from servers.fake_routes import Part, Refusal, Request, Result, name_exists, not_found, route

ROLLOUT = (
    "Roll out to a percentage of your userbase, and ensure that the experience is the same for the user on each visit."
)
STANDARD = (
    'This strategy turns on / off for your entire userbase. Prefer using "Gradual rollout" strategy (100%=on, 0%=off).'
)
STICKINESS = "Used define stickiness. Possible values: default, userId, sessionId, random"
GROUP = "Used to define a activation groups, which allows you to correlate across feature toggles."


def _parameter(name: str, kind: str, description: str, *, required: bool) -> dict[str, Any]:
    return {"name": name, "type": kind, "description": description, "required": required}


def _builtin(name: str, description: str, *parameters: dict[str, Any]) -> dict[str, Any]:
    facts = {"name": name, "title": None, "description": description, "parameters": list(parameters)}
    return {**facts, "editable": False, "deprecated": False}


def builtin_strategies() -> dict[str, dict[str, Any]]:
    """Return the strategy types of a fresh server, by name."""
    strategies = (
        _builtin(
            "flexibleRollout",
            ROLLOUT,
            _parameter("rollout", "percentage", "", required=False),
            _parameter("stickiness", "string", STICKINESS, required=True),
            _parameter("groupId", "string", GROUP, required=True),
        ),
        _builtin("default", STANDARD),
        _builtin(
            "remoteAddress",
            "Enable the feature for a specific set of IP addresses.",
            _parameter("IPs", "list", "List of IPs to enable the feature toggle for.", required=True),
        ),
        _builtin(
            "applicationHostname",
            "Enable the feature for a specific set of hostnames.",
            _parameter("hostNames", "list", "List of hostnames to enable the feature toggle for.", required=False),
        ),
    )
    return {strategy["name"]: strategy for strategy in strategies}


class FakeStrategies(Part):
    """Strategy types by name."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.types = builtin_strategies()

    def _find_editable(self, name: str) -> dict[str, Any]:
        if name not in self.types:
            raise not_found("No strategy found")
        if not self.types[name]["editable"]:
            raise Refusal(500, "UnknownError", f"Cannot edit strategy {name}")
        return self.types[name]

    @route("GET", "/strategies")
    def list_all(self, request: Request) -> Result:
        return 200, {"version": 1, "strategies": self.server.shuffled([*self.types.values()])}

    @route("GET", "/strategies/{name}")
    def get(self, request: Request) -> Result:
        if request["name"] not in self.types:
            raise not_found("No strategy found")
        return 200, self.types[request["name"]]

    @route("POST", "/strategies")
    def create(self, request: Request) -> Result:
        name = request.body["name"]
        if name in self.types:
            raise name_exists(f"Strategy with name {name} already exist!")
        facts = {"title": None, "description": None, **request.body, "editable": True, "deprecated": False}
        self.types[name] = facts
        self.log(request, "strategy-created", data={**request.body, "editable": True, "deprecated": False})
        return 201, facts

    @route("PUT", "/strategies/{name}")
    def update(self, request: Request) -> Result:
        """What is left out stays."""
        strategy = self._find_editable(request["name"])
        strategy |= {**request.body, "name": strategy["name"]}
        self.log(request, "strategy-updated", data={**request.body, "editable": True, "deprecated": False})
        return 200, None

    @route("DELETE", "/strategies/{name}")
    def delete(self, request: Request) -> Result:
        """It stays on the flags that have it."""
        strategy = self._find_editable(request["name"])
        del self.types[strategy["name"]]
        self.log(request, "strategy-deleted", data={"name": strategy["name"]})
        return 200, None

    @route("POST", "/strategies/{name}/deprecate")
    def deprecate(self, request: Request) -> Result:
        message = f"Could not find strategy with name {request['name']}"
        return self._deprecate(request, "strategy-deprecated", message, deprecated=True)

    @route("POST", "/strategies/{name}/reactivate")
    def reactivate(self, request: Request) -> Result:
        return self._deprecate(request, "strategy-reactivated", "No strategy found", deprecated=False)

    def _deprecate(self, request: Request, event: str, missing: str, *, deprecated: bool) -> Result:
        name = request["name"]
        if name not in self.types:
            raise not_found(missing)
        self.types[name]["deprecated"] = deprecated
        self.log(request, event, data={"name": name})
        return 200, None
