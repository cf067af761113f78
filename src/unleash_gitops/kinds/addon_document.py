"""The document of an integration. No error about a parameter shows its line, which may hold a secret."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from unleash_gitops.kinds.addon_providers import PARAMETERS, parameter_problem
from unleash_gitops.kinds.shared.fields import UNIQUE, Rule
from unleash_gitops.kinds.shared.models import AuditedMetadata, Model, TransferableMetadata
from unleash_gitops.kinds.shared.named import Description
from unleash_gitops.model.variables import SECRET_VARIABLE
from unleash_gitops.model.workspace import NAME_PATTERN

__all__ = ["NAME_LINE", "AddonMetadata", "AddonSpec", "FromEnv", "split_name"]

NAME_LINE = "unleash-gitops name: "
"""What the line of a description that holds the integration's name begins with."""


class AddonMetadata(AuditedMetadata, TransferableMetadata):
    """The identity of an integration."""

    name: str = Field(pattern=NAME_PATTERN, description="Identity of the integration.", examples=["audit-hook"])
    id: str | None = Field(
        default=None,
        pattern=r"^[1-9][0-9]{0,9}$",
        description="The number of an existing integration to take over, which is to stay here.",
        examples=["3"],
    )


def _reject_name_line(description: str | None) -> str | None:
    if split_name(description)[1] is not None:
        hint = "leave that line out: the tool writes it, and it is never compared"
        raise PydanticCustomError("mark", "ends with the line that says the integration's name", {"hint": hint})
    return description


class FromEnv(Model):
    """Where a secret is: in the environment of `apply`."""

    fromEnv: str = Field(
        pattern=f"^{SECRET_VARIABLE}$",
        description="The environment variable that holds the secret.",
        examples=["UNLEASH_SECRET_HOOK_URL"],
    )


_Name = Annotated[str, Field(min_length=1)]


def _empty_if_all(names: list[str]) -> list[str]:
    """Return names as a set; every project, or environment, is an empty list."""
    return [] if "*" in names else sorted(set(names))


_NamesOrAll = Annotated[list[_Name], Rule(normalise=_empty_if_all)]


_PARAMETERS_RULE = Rule(
    live_type=dict[str, Any],
    separate_keys=tuple(dict.fromkeys(name for parameters in PARAMETERS.values() for name in parameters)),
)


class AddonSpec(Model):
    """The fields of an integration."""

    provider: Literal["webhook", "slack", "slack-app", "teams", "teamsworkflow", "datadog", "new-relic"] = Field(
        description="The service. slack and teams are deprecated: existing ones can be taken over, but not created."
    )
    enabled: bool = Field(default=True, description="Whether it is on.", examples=[False])
    description: Annotated[Description, AfterValidator(_reject_name_line)] = None
    events: Annotated[list[_Name], UNIQUE] = Field(
        default_factory=list,
        min_length=1,
        description="What it is told of; an integration that is created needs some.",
        examples=[["feature-created"]],
    )
    projects: _NamesOrAll = Field(
        default_factory=list, description="Of which projects; none: of all.", examples=[["shop"]]
    )
    environments: _NamesOrAll = Field(
        default_factory=list, description="Of which environments; none: of all.", examples=[["production"]]
    )
    parameters: Annotated[dict[str, str | FromEnv | None], _PARAMETERS_RULE] = Field(
        default_factory=dict,
        description="What the service needs. Secrets are {fromEnv: UNLEASH_SECRET_NAME}; null: not set; left out: not "
        "managed.",
        examples=[{"url": {"fromEnv": "UNLEASH_SECRET_HOOK_URL"}, "contentType": "application/json"}],
    )

    @field_validator("parameters", mode="before")
    @classmethod
    def _fit_provider(cls, parameters: Any, info: ValidationInfo) -> Any:
        if not isinstance(parameters, dict):
            raise _hidden([((), "expected a mapping of the service's parameters")])
        provider = info.data.get("provider")
        checked = ((name, parameter_problem(provider, name, value)) for name, value in parameters.items())
        problems = [((name,), problem) for name, problem in checked if problem is not None]
        if problems:
            raise _hidden(problems)
        return parameters


def _hidden(problems: Sequence[tuple[tuple[str, ...], str]]) -> ValidationError:
    """Return an error whose lines are not shown: there may be a secret on them."""
    lines = [
        InitErrorDetails(
            type=PydanticCustomError("value_error", "{error}", {"error": problem_text}), loc=path, input=None
        )
        for path, problem_text in problems
    ]
    return ValidationError.from_exception_data("parameters", lines)


def split_name(description: str | None) -> tuple[str | None, str | None]:
    """Return a description without the line that says the name, and that name; no name when there is no such line."""
    text, _, last = (description or "").rpartition("\n")
    return (text or None, last.removeprefix(NAME_LINE)) if last.startswith(NAME_LINE) else (description or None, None)
