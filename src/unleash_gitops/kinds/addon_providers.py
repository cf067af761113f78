"""Which parameters integrations take, which of them are secrets, and what a document may say of each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from unleash_gitops.kinds.shared.models import LiveModel
from unleash_gitops.model.call import VARIABLE_NAME
from unleash_gitops.model.errors import UsageError
from unleash_gitops.model.resource import Resource
from unleash_gitops.model.suggestions import suggest_alternatives

__all__ = ["MASK", "PARAMETERS", "Provider", "check_against_server", "parameter_problem"]

MASK = "*****"
"""The server answers this in place of a secret, and keeps the stored secret when it is sent back."""

_HEADERS_AND_BODY = {"customHeaders": (False, True), "bodyTemplate": (False, False)}

PARAMETERS: Mapping[str, Mapping[str, tuple[bool, bool]]] = {
    "webhook": {
        "url": (True, True),
        "contentType": (False, False),
        "authorization": (False, True),
        **_HEADERS_AND_BODY,
    },
    "slack": {
        "url": (True, True),
        "username": (False, False),
        "emojiIcon": (False, False),
        "defaultChannel": (True, False),
        "customHeaders": (False, True),
    },
    "slack-app": {"accessToken": (True, True), "defaultChannels": (False, False)},
    "teams": {"url": (True, True), "customHeaders": (False, True)},
    "teamsworkflow": {"url": (True, True), "customHeaders": (False, True)},
    "datadog": {
        "url": (False, False),
        "apiKey": (True, True),
        "sourceTypeName": (False, False),
        **_HEADERS_AND_BODY,
    },
    "new-relic": {"url": (True, False), "licenseKey": (True, True), **_HEADERS_AND_BODY},
}
"""By service and parameter, as Unleash 8.2.0 has them: whether it is required, whether it is a secret."""


def parameter_problem(provider: str | None, name: str, value: Any) -> str | None:
    """Return why a document may not say `value` there, without the value: it may be a secret."""
    known = PARAMETERS.get(provider or "")
    if known is not None and name not in known:
        return f"{provider} takes no such parameter; it takes {', '.join(known)}"
    required, secret = (False, None) if known is None else known[name]
    if value is None:
        return "is required" if required else None
    if isinstance(value, dict):
        return _variable_problem(value, secret=secret)
    if secret:
        return "is a secret: write {fromEnv: NAME}, and put it into that environment variable"
    if not isinstance(value, str):
        return "expected a string, found something else; put it in quotes"
    return None if value else "must not be empty; null says that it is not set"


def _variable_problem(value: Mapping[str, Any], *, secret: bool | None) -> str | None:
    if value.keys() != {"fromEnv"}:
        return "expected a string or {fromEnv: NAME}"
    if not isinstance(value["fromEnv"], str) or not re.fullmatch(VARIABLE_NAME, value["fromEnv"]):
        return "fromEnv must be the name of an environment variable, never the secret itself"
    return "is no secret: write the value itself, which is compared" if secret is False else None


class _Parameter(LiveModel):
    name: str
    sensitive: bool = False


class Provider(LiveModel):
    """A service as this server describes it."""

    name: str
    parameters: list[_Parameter] = Field(default_factory=list)
    events: list[str] = Field(default_factory=list)

    @property
    def secrets(self) -> set[str]:
        """The names of the parameters that the server keeps secret."""
        return {parameter.name for parameter in self.parameters if parameter.sensitive}


def check_against_server(
    object_id: str, spec: Mapping[str, Any], providers: Mapping[str, Provider], live: Resource | None
) -> None:
    """Raise UsageError when the service on this server does not take what a document holds."""
    provider = providers.get(spec["provider"])
    if provider is None:
        raise UsageError(f"Addon {object_id}: this server knows no service {spec['provider']}")
    known = {*provider.events, *(live.spec["events"] if live else ())}
    unknown = [event for event in spec.get("events", ()) if event not in known]
    if unknown:
        raise UsageError(
            f"Addon {object_id}: {provider.name} does not support event {unknown[0]}",
            suggest_alternatives(unknown[0], known, "the events are"),
        )
    for name, value in spec.get("parameters", {}).items():
        if isinstance(value, str) and value != MASK and name in provider.secrets:
            raise UsageError(f"Addon {object_id}: {name} is a secret on this server", "write {fromEnv: NAME}")
