"""Addon: an integration, which tells another service what happens. Its secrets stay in the environment.

Source: the OpenAPI document of Unleash 8.2.0 (`addonsSchema`, `addonCreateUpdateSchema`), and what that server answers.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from typing_extensions import TypedDict, override

from unleash_gitops.api.answers import check_answer
from unleash_gitops.kinds.addon_document import NAME_LINE, AddonMetadata, AddonSpec, split_name
from unleash_gitops.kinds.addon_providers import (
    MASK,
    PARAMETERS,
    Provider,
    check_against_server,
    check_creatable,
)
from unleash_gitops.kinds.base import Kind
from unleash_gitops.kinds.interfaces import Claimable, Pullable
from unleash_gitops.kinds.reads import Reads
from unleash_gitops.kinds.shared.audited import Audited
from unleash_gitops.kinds.shared.fields import live_model
from unleash_gitops.kinds.shared.models import envelope
from unleash_gitops.kinds.shared.named import NamedKind
from unleash_gitops.model.call import Call, Claim, Fill, Lookup
from unleash_gitops.model.ownership import append_mark, mark_line, split_mark, workspace_mark
from unleash_gitops.model.resource import Address, Area, Resource, Transition, UnknownValue, ownership_of
from unleash_gitops.model.variables import build_secret_variable

if TYPE_CHECKING:
    from unleash_gitops.api.audit_log import Event
    from unleash_gitops.api.client import ServerFacts

__all__ = ["KIND"]

_PATH = "/api/admin/addons"


class _Addons(TypedDict):
    providers: list[Any]
    addons: list[Any]


class Addon(Kind, Claimable, Pullable, Audited):
    """Integrations: read by one GET, changed by number. A line of the description has their name, the last the mark.

    One that was taken over by its number keeps it as its identity, and has no line with a name.
    """

    name = "Addon"
    folder = "addons"
    secret_keys = ("provider", "fromEnv", *sorted({name for parameters in PARAMETERS.values() for name in parameters}))
    spec = AddonSpec
    document = envelope("Addon", "An integration.", AddonMetadata, AddonSpec, check_creatable)
    events = ("addon-config-created", "addon-config-updated", "addon-config-deleted")
    codes: ClassVar[Mapping[str, str]] = {
        **NamedKind.codes,
        "deprecated-provider": "an integration is of a service that Unleash creates no more integrations with",
    }

    @override
    def identity(self, metadata: AddonMetadata, workspace: str) -> str:
        """Return `metadata.id`, else an id made of the names."""
        return metadata.id or _id(workspace, metadata.name)

    @override
    def has_identity(self, address: Address, object_id: str, workspace: str) -> bool:
        return object_id.isdecimal() or object_id == _id(workspace, str(address.name))

    @override
    def mark(self, address: Address, object_id: str, workspace: str) -> str:
        own_mark = mark_line(workspace)
        return own_mark if object_id.isdecimal() else f"{NAME_LINE}{address.name}\n{own_mark}"

    @override
    def areas(self, reads: Reads) -> Iterable[Area]:
        yield Area(self.name)

    @override
    def read(self, reads: Reads, area: Area) -> Iterable[Resource]:
        """Raises UsageError when this server's services do not take what a document holds."""
        answer = check_answer(_Addons, reads.get_cached(_PATH), _PATH)
        providers = {provider.name: provider for provider in map(Provider.model_validate, answer["providers"])}
        live: dict[str, Resource] = {}
        for entry in sorted(map(_parse, answer["addons"]), key=lambda parsed: int(parsed["id"])):
            resource = self._live(entry, providers.get(entry["provider"]), reads.workspace, live)
            live[resource.id] = resource
        for object_id, spec in reads.scope.within(area).items():
            check_against_server(object_id, spec, providers, live.get(object_id))
        return live.values()

    def _live(
        self, entry: Mapping[str, Any], provider: Provider | None, workspace: str, others: Mapping[str, Resource]
    ) -> Resource:
        secrets = set(entry["parameters"]) if provider is None else provider.secrets
        description, owners = split_mark(entry["description"])
        text, name = split_name(description) if owners else (description, None)
        object_id = number = str(entry["id"])
        owner = workspace if workspace in owners else next(iter(owners), None)
        if owner is not None and name is not None and _id(owner, name) not in others:  # a second one goes by number
            object_id = _id(owner, name)
        spec = {field: entry[field] for field in AddonSpec.model_fields}
        spec["description"] = text
        spec["parameters"] = {
            key: MASK if key in secrets else _text(value) for key, value in entry["parameters"].items()
        }
        return Resource(
            Address(self.name, name if object_id != number else None),
            object_id,
            self.normalise(spec),
            ownership=ownership_of(owners, workspace),
            owners=owners,
            title=(text or entry["provider"]).partition("\n")[0],
            server_id=number,
            handles={"stored": _mask(entry, secrets)},
        )

    @override
    def resource_from_event(self, payload: Any, workspace: str) -> Resource:
        """Events hold no parameters, some of which are secrets; an edit of nothing else leaves no event at all."""
        resource = self._live(_parse({**payload, "parameters": {}}), None, workspace, {})
        return replace(resource, spec={**resource.spec, "parameters": UnknownValue(ambiguous=True)})

    @override
    def history_states(
        self, live: Resource | None, object_id: str, events: Sequence[Event], reads: Reads
    ) -> Iterable[Transition]:
        """Any event may have changed the parameters."""
        for before, after in super().history_states(live, object_id, events, reads):
            if isinstance(before, Mapping) and isinstance(after, Mapping):
                yield before, {**after, "parameters": before["parameters"]}
            else:
                yield before, after

    @override
    def is_write_only(self, unit: Sequence[str], live: Resource) -> bool:
        """The server returns a mask in place of each stored secret."""
        return unit[0] == "parameters" and len(unit) == 2 and live.spec["parameters"].get(unit[1]) == MASK

    @override
    def spec_after_create(self, desired: Resource) -> dict[str, Any]:
        after = super().spec_after_create(desired)
        return {**after, "parameters": _without_unset(after["parameters"])}

    @override
    def spec_after_update(self, desired: Resource, live: Resource) -> dict[str, Any]:
        """A secret alone is no difference, but is sent with any other: the server does not return it."""
        same_provider = desired.spec["provider"] == live.spec["provider"]
        kept = live.spec["parameters"] if same_provider else {}
        parameters = _without_unset({**kept, **desired.spec.get("parameters", {})})
        after = {**live.spec, **desired.spec, "parameters": parameters}
        masked = {
            name: MASK if isinstance(value, dict) and kept.get(name) == MASK else value
            for name, value in parameters.items()
        }
        return dict(live.spec) if {**after, "parameters": masked} == live.spec else after

    @override
    def server_refusal(
        self, desired: Resource, live: Resource | None, after: Mapping[str, Any], server: ServerFacts
    ) -> str | None:
        if live is None and desired.id.isdecimal():
            return f"there is no integration {desired.id} to take over; without metadata.id it is created anew"
        needed = [name for name, (required, _) in PARAMETERS[after["provider"]].items() if required]
        missing = [name for name in needed if name not in after["parameters"]]
        return f"{after['provider']} needs {', '.join(missing)}" if missing else None

    @override
    def create(self, desired: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:
        """One POST; a retry looks first, since a second POST would make a second integration."""
        description = append_mark(after["description"], desired.mark or "")
        verify = Lookup(path=_PATH, list_key="addons", match={"description": description})
        return (self._save("POST", _PATH, after, description).model_copy(update={"verify": verify}),)

    @override
    def update(self, desired: Resource, live: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:
        """One PUT with everything, since the server drops what is left out."""
        description = append_mark(after["description"], desired.mark or "")
        return (self._save("PUT", f"{_PATH}/{live.server_id}", after, description),)

    def _save_mark(self, live: Resource, mark: str | None) -> Call:
        """Return the call that changes nothing but the mark of a live integration; None takes the mark away.

        The PUT repeats what the server answered. A mask in place of a secret keeps the stored one, so that no variable
        is needed.
        """
        text = live.spec["description"]
        description = (text or "") if mark is None else append_mark(text, mark)
        body = {**live.handles["stored"], "description": description}
        return Call(method="PUT", path=f"{_PATH}/{live.server_id}", body=body)

    def _save(self, method: Literal["POST", "PUT"], path: str, after: Mapping[str, Any], description: str) -> Call:
        """Return the call that saves an integration. Its body has null in place of each secret, which is a fill.

        Raises ValueError for a variable in a parameter that is no secret, which only a forged plan has: everyone could
        read its value there.
        """
        parameters = after["parameters"]
        secrets = {name: value["fromEnv"] for name, value in parameters.items() if isinstance(value, dict)}
        shown = [name for name in secrets if not PARAMETERS[after["provider"]][name][1]]
        if shown:
            raise ValueError(f"{shown[0]} is no secret")
        body = {**self.body(after), "description": description, "parameters": parameters | dict.fromkeys(secrets)}
        fills = tuple(Fill(path=("parameters", name), env=variable) for name, variable in secrets.items())
        return Call(method=method, path=path, body=body, fills=fills)

    @override
    def claim(self, desired: Resource, live: Resource, workspace: str) -> tuple[Call, ...]:
        """One PUT with every live value."""
        claim = Claim(path=f"{_PATH}/{live.server_id}", workspace=workspace, former=live.owners)
        return (self._save_mark(live, desired.mark).model_copy(update={"claim": claim}),)

    @override
    def release(self, live: Resource, workspace: str) -> tuple[Call, ...]:
        """The line with the name goes with the last mark."""
        others = [mark_line(owner) for owner in live.owners if owner != workspace]
        name = [f"{NAME_LINE}{live.address.name}"] if others and live.address.name is not None else []
        return (self._save_mark(live, "\n".join([*name, *others]) or None),)

    @override
    def former_id(self, desired: Resource, workspace: str) -> str:
        is_taken_over = desired.id.isdecimal()
        return desired.id if is_taken_over else _id(workspace, str(desired.address.name))

    @override
    def delete(self, live: Resource) -> tuple[Call, ...]:
        return (Call(method="DELETE", path=f"{_PATH}/{live.server_id}"),)

    @override
    def to_document(self, unit: Sequence[str], value: Any, resource: Resource, current: Any) -> Any:
        """The server does not return secrets, so what the document holds of one stays."""
        return current if value == MASK else super().to_document(unit, value, resource, current)

    @override
    def to_pulled_document(self, live: Resource, *, minimal: bool = False) -> tuple[dict[str, Any], str]:
        """A secret is left out, or is a variable where a document may not be without it."""
        document, name = super().to_pulled_document(live, minimal=minimal)
        spec, own_name = document["spec"], live.address.name
        known = PARAMETERS.get(spec["provider"], {})
        parameters: dict[str, Any] = {}
        if not minimal:  # null says that a parameter is not set
            parameters = {key: None for key, (required, _) in known.items() if not required}
            parameters = {key: value for key, value in parameters.items() if key not in live.spec["parameters"]}
        for parameter, value in spec.pop("parameters", {}).items():
            if value != MASK and parameter in known:
                parameters[parameter] = value
            elif own_name is not None and known.get(parameter, (False,))[0]:
                parameters[parameter] = {"fromEnv": build_secret_variable(f"{own_name}_{parameter}")}
        if parameters:
            spec["parameters"] = parameters
        return {"metadata": {} if own_name is not None else {"id": live.id}, "spec": spec}, live.title or name


def _id(workspace: str, name: str) -> str:
    return f"{workspace_mark(workspace)}/{name}"


def _text(value: Any) -> str:
    """Return a live parameter as text: the server takes numbers and booleans too."""
    return value if isinstance(value, str) else json.dumps(value)


def _parse(entry: Any) -> dict[str, Any]:
    """Return the fields of a live integration that count. Raises ValidationError."""
    parsed = live_model(AddonSpec, id=int).model_validate(entry).model_dump()
    return {**parsed, "parameters": parsed["parameters"] or {}}


def _mask(entry: Mapping[str, Any], secrets: Collection[str]) -> dict[str, Any]:
    """Return the fields of a live integration as the server answered them, with a mask in place of each secret."""
    parameters = {name: MASK if name in secrets else value for name, value in entry["parameters"].items()}
    return {**{field: entry[field] for field in AddonSpec.model_fields}, "parameters": parameters}


def _without_unset(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if value is not None}


KIND = Addon()
