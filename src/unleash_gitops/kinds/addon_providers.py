"""Which parameters integrations take, which of them are secrets, and what a document may say of each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import Field, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from unleash_gitops.kinds.shared.models import LiveModel
from unleash_gitops.model.errors import UsageError
from unleash_gitops.model.resource import Resource
from unleash_gitops.model.suggestions import suggest_alternatives
from unleash_gitops.model.variables import SECRET_PREFIX, SECRET_VARIABLE, suggest_secret_variable

__all__ = ["MASK", "PARAMETERS", "Provider", "check_against_server", "check_creatable", "parameter_problem"]

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

_WRITE_VARIABLE = f"write {{fromEnv: {SECRET_PREFIX}NAME}}"

_DEPRECATED = {"slack": "slack-app", "teams": "teamsworkflow"}
"""Providers that no new object may have, and what came after them."""


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
        return f"is a secret: {_WRITE_VARIABLE}, and put it into that environment variable"
    if not isinstance(value, str):
        return "expected a string, found something else; put it in quotes"
    return None if value else "must not be empty; null says that it is not set"


def _variable_problem(value: Mapping[str, Any], *, secret: bool | None) -> str | None:
    if value.keys() != {"fromEnv"}:
        return f"expected a string or {{fromEnv: {SECRET_PREFIX}NAME}}"
    if secret is False:
        return "is no secret: write the value itself, which is compared"
    variable = value["fromEnv"]
    if not isinstance(variable, str) or not re.fullmatch(SECRET_VARIABLE, variable):
        suggestion = suggest_secret_variable(variable) if isinstance(variable, str) else None
        if suggestion is not None:
            return f"fromEnv must begin with {SECRET_PREFIX}: rename the variable {variable} to {suggestion}"
        return (
            "fromEnv must be the name of an environment variable, never the secret itself; "
            f"it begins with {SECRET_PREFIX}, and has only A-Z, 0-9 and _"
        )
    return None


def check_creatable(document: Any) -> Any:
    """Refuse a document without what a new integration needs; one with `metadata.id` takes over an existing one."""
    spec = document.spec
    if document.metadata.id is not None:
        return document
    needed = [("parameters", name) for name, (required, _) in PARAMETERS[spec.provider].items() if required]
    missing: list[tuple[str, ...]] = [path for path in needed if spec.parameters.get(path[1]) is None]
    missing += [] if spec.events else [("events",)]
    problems = [InitErrorDetails(type="missing", loc=("spec", *path), input=None) for path in missing]
    if spec.provider in _DEPRECATED:
        hint = f"use {_DEPRECATED[spec.provider]}, or give the metadata.id of an existing one"
        problem = PydanticCustomError("deprecated-provider", "is deprecated, and not created any more", {"hint": hint})
        problems = [InitErrorDetails(type=problem, loc=("spec", "provider"), input=None)]
    if problems:
        raise ValidationError.from_exception_data("Addon", problems)
    return document


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
            raise UsageError(
                f"Addon {object_id}: {name} is a secret on this server", "write {fromEnv: UNLEASH_SECRET_NAME}"
            )
