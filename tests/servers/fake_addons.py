"""The integrations of an Unleash in memory, and the services that it knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from servers.fake_routes import Actor, Part, Request, Result, bad_data, not_found, route

MASK = "*****"
INVALID = (
    "A validation error occurred while processing your request data. Please make sure it conforms to the request data "
    "schema."
)
EVENTS = (
    "feature-archived", "feature-created", "feature-environment-disabled", "feature-environment-enabled",
    "feature-metadata-updated", "feature-potentially-stale-on", "feature-project-change", "feature-revived",
    "feature-stale-off", "feature-stale-on", "feature-strategy-add", "feature-strategy-remove",
    "feature-strategy-update",
)  # fmt: skip
"""The events that every service can be told of. The real server names more for most."""
DEPRECATED = {"slack", "teams"}
TAG_TYPES = {
    "slack": {
        "name": "slack",
        "description": "Slack tag used by the slack-addon to specify the slack channel.",
        "icon": "S",
    },
    "datadog": {
        "name": "datadog",
        "description": "All Datadog tags added to a specific feature are sent to datadog event stream.",
        "icon": "D",
    },
    "new-relic": {
        "name": "new-relic",
        "description": "All New Relic tags added to a specific feature are sent to New Relic Event API.",
        "icon": "D",
    },
}
"""The tag types that the server creates with the first integration of a service."""
SERVER = Actor("unleash_system_user", -1337)


def _parameters(*parameters: str) -> list[dict[str, Any]]:
    """Return parameters: `!` before a name stands for required, `*` for secret."""
    return [{"name": name.lstrip("!*"), "required": "!" in name, "sensitive": "*" in name} for name in parameters]


PROVIDERS = {
    "webhook": _parameters("!*url", "contentType", "*authorization", "*customHeaders", "bodyTemplate"),
    "slack": _parameters("!*url", "username", "emojiIcon", "!defaultChannel", "*customHeaders"),
    "slack-app": _parameters("!*accessToken", "defaultChannels"),
    "teams": _parameters("!*url", "*customHeaders"),
    "datadog": _parameters("url", "!*apiKey", "sourceTypeName", "*customHeaders", "bodyTemplate"),
    "new-relic": _parameters("!url", "!*licenseKey", "*customHeaders", "bodyTemplate"),
    "teamsworkflow": _parameters("!*url", "*customHeaders"),
}


class FakeAddons(Part):
    """Integrations by number."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.addons: dict[int, dict[str, Any]] = {}
        self.count = 0

    @route("GET", "/addons")
    def list_all(self, request: Request) -> Result:
        providers = [
            {"name": name, "parameters": parameters, "events": list(EVENTS)} for name, parameters in PROVIDERS.items()
        ]
        addons = [_masked(addon) for addon in self.addons.values()]
        return 200, {"addons": self.server.shuffled(addons), "providers": providers}

    @route("GET", "/addons/{number}")
    def get(self, request: Request) -> Result:
        return 200, _masked(self._find(request["number"]))

    @route("POST", "/addons")
    def create(self, request: Request) -> Result:
        """The answer has the secrets in clear."""
        addon = {"description": None, "projects": [], "environments": [], **_checked(request.body)}
        tag_type = TAG_TYPES.get("slack" if addon["provider"] == "slack-app" else addon["provider"])
        if tag_type is not None and tag_type["name"] not in self.server.named["tag-types"]:
            self.server.tags.create_type(Request(SERVER, {}, {}, tag_type), tag_type)
        self.count += 1
        self.addons[self.count] = {"id": self.count, **addon}
        self.log(request, "addon-config-created", data=_public(self.addons[self.count]))
        return 201, self.addons[self.count]

    @route("PUT", "/addons/{number}")
    def update(self, request: Request) -> Result:
        """A mask keeps a secret; a description that is left out stays, all else is as it is by default."""
        before = self._find(request["number"])
        parameters = {
            name: before["parameters"][name] if value == MASK else value
            for name, value in request.body["parameters"].items()
        }
        kept = {"description": before["description"], "projects": [], "environments": []}
        after = {"id": before["id"], **kept, **_checked({**request.body, "parameters": parameters})}
        self.addons[before["id"]] = after
        if _public(after) != _public(before):  # the server logs no event without a difference
            self.log(request, "addon-config-updated", data=_public(after), before=_public(before))
        return 200, after

    @route("DELETE", "/addons/{number}")
    def delete(self, request: Request) -> Result:
        addon = self._find(request["number"])
        del self.addons[addon["id"]]
        self.log(request, "addon-config-deleted", before=_public(addon))
        return 200, None

    def _find(self, number: str) -> dict[str, Any]:
        if int(number) not in self.addons:
            raise not_found("Could not find addon")
        return self.addons[int(number)]


def _checked(body: dict[str, Any]) -> dict[str, Any]:
    parameters = PROVIDERS.get(body["provider"])
    if parameters is None or body["provider"] in DEPRECATED:
        raise bad_data(INVALID)
    if any(parameter["required"] and parameter["name"] not in body["parameters"] for parameter in parameters):
        raise bad_data(INVALID)
    return body


def _masked(addon: Mapping[str, Any]) -> dict[str, Any]:
    secrets = {parameter["name"] for parameter in PROVIDERS[addon["provider"]] if parameter["sensitive"]}
    parameters = {name: MASK if name in secrets else value for name, value in addon["parameters"].items()}
    return {**addon, "parameters": parameters}


def _public(addon: Mapping[str, Any]) -> dict[str, Any]:
    """Return what events tell of an integration: nothing of its parameters."""
    return {name: value for name, value in addon.items() if name != "parameters"}
