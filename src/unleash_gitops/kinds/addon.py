"""Addon: an integration, which tells another service what happens. Its secrets stay in the environment.

Source: the OpenAPI document of Unleash 8.2.0 (`addonsSchema`, `addonCreateUpdateSchema`), and what that server answers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from unleash_gitops.kinds.addon_providers import PARAMETERS, parameter_problem
from unleash_gitops.kinds.base import Reads
from unleash_gitops.kinds.shared.audited import Audited
from unleash_gitops.kinds.shared.models import OWNERSHIP_BY_MARK, AuditedMetadata, LiveModel, Model
from unleash_gitops.kinds.shared.named import Description, NamedKind
from unleash_gitops.model.errors import UsageError
from unleash_gitops.model.ownership import append_mark, mark_line, split_mark, workspace_mark
from unleash_gitops.model.plan import Call, Lookup
from unleash_gitops.model.resource import Address, Area, Resource, Unknown
from unleash_gitops.model.workspace import NAME_PATTERN

if TYPE_CHECKING:
    from unleash_gitops.api.client import ServerFacts

__all__ = ["KIND", "AddonDocument"]

_PATH = "/api/admin/addons"
_NAME_LINE = "unleash-gitops name: "
_MASK = "*****"
"""What the server answers in place of a secret, and takes for: keep what there is."""
_DEPRECATED = {"slack": "slack-app", "teams": "teamsworkflow"}
"""Providers that no new object may have, and what came after them."""
_DEFAULTS: dict[str, Any] = {
    "enabled": True,
    "description": None,
    "events": [],
    "projects": [],
    "environments": [],
    "parameters": {},
}


class AddonMetadata(AuditedMetadata):
    """Which integration it is."""

    name: str = Field(pattern=NAME_PATTERN, description="Identity of the integration.", examples=["audit-hook"])
    id: str | None = Field(
        default=None,
        pattern=r"^[1-9][0-9]{0,9}$",
        description="The number of an existing integration to take over, which is to stay here.",
        examples=["3"],
    )


def _without_name(description: str | None) -> str | None:
    if _named(description)[1] is not None:
        hint = "leave that line out: the tool writes it, and it is never compared"
        raise PydanticCustomError("mark", "ends with the line that says the integration's name", {"hint": hint})
    return description


class FromEnv(Model):
    """Where a secret is: in the environment of `apply`."""

    fromEnv: str = Field(description="The environment variable that holds the secret.", examples=["HOOK_URL"])  # noqa: N815


_Names = list[Annotated[str, Field(min_length=1)]]


class AddonSpec(Model):
    """What the integration is told, and where it passes it on."""

    provider: Literal["webhook", "slack", "slack-app", "teams", "teamsworkflow", "datadog", "new-relic"] = Field(
        description="The service. slack and teams are deprecated: existing ones can be taken over, but not created."
    )
    enabled: bool = Field(default=True, description="Whether it is on.", examples=[False])
    description: Annotated[Description, AfterValidator(_without_name)] = None
    events: _Names = Field(
        default_factory=list,
        min_length=1,
        description="What it is told of; an integration that is created needs some.",
        examples=[["feature-created"]],
    )
    projects: _Names = Field(default_factory=list, description="Of which projects; none: of all.", examples=[["shop"]])
    environments: _Names = Field(
        default_factory=list, description="Of which environments; none: of all.", examples=[["production"]]
    )
    parameters: dict[str, str | FromEnv | None] = Field(
        default_factory=dict,
        description="What the service needs. Secrets are {fromEnv: NAME}; null: not set; left out: not managed.",
        examples=[{"url": {"fromEnv": "HOOK_URL"}, "contentType": "application/json"}],
    )

    @field_validator("parameters", mode="before")
    @classmethod
    def _fit_provider(cls, parameters: Any, info: ValidationInfo) -> Any:
        if not isinstance(parameters, dict):
            raise _hidden([((), "expected a mapping of the service's parameters")])
        provider = info.data.get("provider")
        found = ((name, parameter_problem(provider, name, value)) for name, value in parameters.items())
        problems = [((name,), problem) for name, problem in found if problem is not None]
        if problems:
            raise _hidden(problems)
        return parameters


class AddonDocument(Model):
    """An integration."""

    apiVersion: Literal["unleash-gitops/v1"]  # noqa: N815
    kind: Literal["Addon"]
    metadata: AddonMetadata
    spec: AddonSpec

    @model_validator(mode="after")
    def _can_be_created(self) -> AddonDocument:
        if self.metadata.id is not None:
            return self
        needed = [("parameters", name) for name, (required, _) in PARAMETERS[self.spec.provider].items() if required]
        missing: list[tuple[str, ...]] = [path for path in needed if self.spec.parameters.get(path[1]) is None]
        missing += [] if self.spec.events else [("events",)]
        problems = [InitErrorDetails(type="missing", loc=("spec", *path), input=None) for path in missing]
        if self.spec.provider in _DEPRECATED:
            hint = f"use {_DEPRECATED[self.spec.provider]}, or give the metadata.id of an existing one"
            said = PydanticCustomError("deprecated-provider", "is deprecated, and not created any more", {"hint": hint})
            problems = [InitErrorDetails(type=said, loc=("spec", "provider"), input=None)]
        if problems:
            raise ValidationError.from_exception_data("Addon", problems)
        return self


class _Live(LiveModel):
    id: int
    provider: str
    enabled: bool
    description: str | None = None
    events: list[str]
    projects: list[str] = Field(default_factory=list)
    environments: list[str] = Field(default_factory=list)
    parameters: dict[str, Any]


class _Parameter(LiveModel):
    name: str
    sensitive: bool = False


class _Provider(LiveModel):
    name: str
    parameters: list[_Parameter] = Field(default_factory=list)
    events: list[str] = Field(default_factory=list)

    @property
    def secrets(self) -> set[str]:
        return {one.name for one in self.parameters if one.sensitive}


class Addon(Audited):
    """Integrations: read by one GET, changed by number. A line of the description has their name, the last the mark.

    One that was taken over by its number is known by it ever after, and has no line with a name.
    """

    name = "Addon"
    folder = "addons"
    document = AddonDocument
    events = ("addon-config-created", "addon-config-updated", "addon-config-deleted")
    marked = True
    codes: ClassVar[Mapping[str, str]] = {
        **NamedKind.codes,
        "deprecated-provider": "an integration is of a service that Unleash creates no more integrations with",
    }

    def resource_from_document(self, document: AddonDocument, workspace: str) -> Resource:
        """See `Kind.desired`. The id is `metadata.id`, else it is made of the name."""
        meta = document.metadata
        spec = _normal(document.spec.model_dump(exclude_unset=True))
        mark = mark_line(workspace) if meta.id else f"{_NAME_LINE}{meta.name}\n{mark_line(workspace)}"
        return Resource(Address(self.name, meta.name), meta.id or _id(workspace, meta.name), spec, mark=mark)

    def areas(self, reads: Reads) -> Iterable[Area]:  # noqa: ARG002
        """See `Kind.areas`: one for all."""
        yield Area(self.name)

    def read(self, reads: Reads, area: Area) -> Iterable[Resource]:
        """See `Kind.read`. Raises UsageError when this server's services do not take what a document says."""
        answer = reads.get_cached(_PATH)
        providers = {one["name"]: _Provider.model_validate(one) for one in answer["providers"]}
        found: dict[str, Resource] = {}
        for entry in sorted(map(_Live.model_validate, answer["addons"]), key=lambda one: one.id):
            one = self._live(entry, providers.get(entry.provider), reads.workspace, found)
            found[one.id] = one
        for object_id, spec in reads.scope.within(area).items():
            _check(object_id, spec, providers, found.get(object_id))
        return found.values()

    def _live(
        self, entry: _Live, provider: _Provider | None, workspace: str, found: Mapping[str, Resource]
    ) -> Resource:
        secrets = set(entry.parameters) if provider is None else provider.secrets
        description, mark = split_mark(entry.description, workspace)
        text, name = _named(description) if mark != "none" else (description, None)
        object_id = str(entry.id)
        if mark == "ours" and name is not None and _id(workspace, name) not in found:  # a second one goes by number
            object_id = _id(workspace, name)
        spec = entry.model_dump(exclude={"id"})
        spec["description"] = text
        spec["parameters"] = {key: _MASK if key in secrets else _text(one) for key, one in entry.parameters.items()}
        return Resource(
            Address(self.name, name if object_id != str(entry.id) else None),
            object_id,
            _normal(spec),
            ownership=OWNERSHIP_BY_MARK[mark],
            title=(text or entry.provider).partition("\n")[0],
            server_id=str(entry.id),
        )

    def told(self, payload: Any, workspace: str) -> Resource:
        """See `Traced.told`: of its parameters, some of which are secrets, events tell nothing."""
        found = self._live(_Live.model_validate({**payload, "parameters": {}}), None, workspace, {})
        return replace(found, spec={**found.spec, "parameters": Unknown()})

    def spec_after_create(self, desired: Resource) -> dict[str, Any]:
        """See `Kind.created`."""
        after = {"provider": desired.spec["provider"], **_DEFAULTS, **desired.spec}
        return {**after, "parameters": _given(after["parameters"])}

    def spec_after_update(self, desired: Resource, live: Resource) -> dict[str, Any]:
        """See `Kind.merged`. A secret is no difference, but is sent with any other: what it is cannot be read."""
        same = desired.spec["provider"] == live.spec["provider"]
        kept = live.spec["parameters"] if same else {}
        parameters = _given({**kept, **desired.spec.get("parameters", {})})
        after = {**live.spec, **desired.spec, "parameters": parameters}
        seen = {
            name: _MASK if isinstance(value, dict) and kept.get(name) == _MASK else value
            for name, value in parameters.items()
        }
        return dict(live.spec) if {**after, "parameters": seen} == live.spec else after

    def server_refusal(
        self,
        desired: Resource,
        live: Resource | None,
        after: Mapping[str, Any],
        server: ServerFacts,  # noqa: ARG002
    ) -> str | None:
        """See `Kind.refusal`."""
        if live is None and desired.id.isdecimal():
            return f"there is no integration {desired.id} to take over; without metadata.id it is created anew"
        missing = [name for name, (required, _) in PARAMETERS[after["provider"]].items() if required]
        missing = [name for name in missing if name not in after["parameters"]]
        return f"{after['provider']} needs {', '.join(missing)}" if missing else None

    def create(self, desired: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:
        """See `Kind.create`: one POST, and one looks before repeating it, since a second would make a second."""
        body = _body(desired, after)
        look = Lookup(path=_PATH, list_key="addons", match={"description": body["description"]})
        return (Call(method="POST", path=_PATH, body=body, verify=look),)

    def update(self, desired: Resource, live: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:
        """See `Kind.update`: one PUT with everything, since the server drops what is left out."""
        return (Call(method="PUT", path=f"{_PATH}/{live.server_id}", body=_body(desired, after)),)

    def delete(self, live: Resource) -> tuple[Call, ...]:
        """See `Kind.delete`."""
        return (Call(method="DELETE", path=f"{_PATH}/{live.server_id}"),)

    def to_document(self, unit: Sequence[str], value: Any, one: Resource, said: Any) -> Any:
        """See `Kind.to_document`: of a secret the server does not tell what it is, so what is said of it stays."""
        return said if value == _MASK else super().to_document(unit, value, one, said)

    def to_pulled_document(self, live: Resource) -> tuple[dict[str, Any], str]:
        """See `Kind.pulled`. A secret is left out, or stands as a variable where a document may not be without it."""
        spec = {key: value for key, value in live.spec.items() if key not in _DEFAULTS or value != _DEFAULTS[key]}
        known = PARAMETERS.get(spec["provider"], {})
        own = live.address.name
        parameters: dict[str, Any] = {}
        for name, value in spec.pop("parameters", {}).items():
            if value != _MASK and name in known:
                parameters[name] = value
            elif own is not None and known.get(name, (False,))[0]:
                parameters[name] = {"fromEnv": f"{own}_{name}".upper().translate(str.maketrans(".-", "__"))}
        if parameters:
            spec["parameters"] = parameters
        return {"metadata": {} if own is not None else {"id": live.id}, "spec": spec}, live.title or live.id


def _hidden(problems: Sequence[tuple[tuple[str, ...], str]]) -> ValidationError:
    """Return an error whose lines are not shown: there may be a secret on them."""
    lines = [
        InitErrorDetails(type=PydanticCustomError("value_error", "{error}", {"error": said}), loc=path, input=None)
        for path, said in problems
    ]
    return ValidationError.from_exception_data("parameters", lines)


def _id(workspace: str, name: str) -> str:
    return f"{workspace_mark(workspace)}/{name}"


def _named(description: str | None) -> tuple[str | None, str | None]:
    """Return a description without the line that says the name, and that name; no name when there is no such line."""
    text, _, last = (description or "").rpartition("\n")
    return (text or None, last.removeprefix(_NAME_LINE)) if last.startswith(_NAME_LINE) else (description or None, None)


def _normal(spec: dict[str, Any]) -> dict[str, Any]:
    """Return a spec with its lists as sets; every project, or environment, is said in one way only."""
    found = {**spec, "description": spec["description"] or None} if "description" in spec else dict(spec)
    for key in ("events", "projects", "environments"):
        if key in found:
            every = key != "events" and "*" in found[key]
            found[key] = [] if every else sorted(set(found[key]))
    return found


def _text(value: Any) -> str:
    """Return a live parameter as text: the server takes numbers and booleans too."""
    return value if isinstance(value, str) else json.dumps(value)


def _given(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if value is not None}


def _body(desired: Resource, after: Mapping[str, Any]) -> dict[str, Any]:
    return {**after, "description": append_mark(after["description"], desired.mark or "")}


def _check(object_id: str, spec: Mapping[str, Any], providers: Mapping[str, _Provider], live: Resource | None) -> None:
    """Raise UsageError when the service that a document names does not take what it says, by what the server tells."""
    provider = providers.get(spec["provider"])
    if provider is None:
        raise UsageError(f"Addon {object_id}: this server knows no service {spec['provider']}")
    known = {*provider.events, *(live.spec["events"] if live else ())}
    unknown = [event for event in spec.get("events", ()) if event not in known]
    if unknown:
        raise UsageError(
            f"Addon {object_id}: {provider.name} is never told of {unknown[0]}", f"it knows: {', '.join(known)}"
        )
    for name, value in spec.get("parameters", {}).items():
        if isinstance(value, str) and value != _MASK and name in provider.secrets:
            raise UsageError(f"Addon {object_id}: {name} is a secret on this server", "write {fromEnv: NAME}")


KIND = Addon()
