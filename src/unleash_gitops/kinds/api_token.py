"""ApiToken: what an application shows to read flags. Its secret is the server's, and is in nothing that is kept here.

Source: the OpenAPI document of Unleash 8.2.0 (`apiTokensSchema`, `createApiTokenSchema`), and what that server does: it
addresses tokens by their secrets, keeps everything but the end as it was created, and takes many of one name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from unleash_gitops.kinds.base import Reads
from unleash_gitops.kinds.shared.audited import Audited
from unleash_gitops.kinds.shared.models import OWNERSHIP_BY_MARK, AuditedMetadata, LiveModel, Model
from unleash_gitops.model.errors import ApiError
from unleash_gitops.model.ownership import Mark
from unleash_gitops.model.plan import Call, Lookup
from unleash_gitops.model.resource import Address, Area, Reference, Resource
from unleash_gitops.model.workspace import NAME_PATTERN

if TYPE_CHECKING:
    from unleash_gitops.api.client import ServerFacts

__all__ = ["KIND", "ApiTokenDocument"]

_PATH = "/api/admin/api-tokens"
_MARKED = re.compile(r"(.*) \[gitops:([^\]]*)\]", re.DOTALL)
_DEFAULTS: dict[str, Any] = {"projects": ["*"], "expiresAt": None}
_FIXED = ("type", "environment", "projects")


class ApiTokenMetadata(AuditedMetadata):
    """Which token it is."""

    name: str = Field(
        pattern=NAME_PATTERN,
        description="The token's name; on the server it ends with the workspace's mark.",
        examples=["checkout-backend"],
    )


def _instant(text: str | None) -> str | None:
    """Return a time as the server writes it: in UTC, with milliseconds."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            raise ValueError
        return found.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (ValueError, OverflowError):
        context = {"hint": "such as 2030-12-31T23:59:59Z"}
        raise PydanticCustomError("date-time", "is no time with its distance from UTC", context) from None


def _one_environment(environment: str) -> str:
    if environment == "*":
        raise PydanticCustomError("every-environment", "a token is for one environment, not for all")
    return environment


class ApiTokenSpec(Model):
    """What the token is good for. Only its end can be changed."""

    type: Literal["client", "frontend", "backend"] = Field(
        description="backend, which is the same as client: evaluates flags itself. frontend: asks for results."
    )
    environment: Annotated[str, Field(min_length=1), AfterValidator(_one_environment)] = Field(
        description="The environment that it reads.", examples=["production"]
    )
    projects: list[Annotated[str, Field(min_length=1)]] = Field(
        default=["*"], min_length=1, description='The projects that it reads; ["*"]: all.', examples=[["shop"]]
    )
    expiresAt: Annotated[str | None, AfterValidator(_instant)] = Field(  # noqa: N815
        default=None, description="When it ends; null: never.", examples=["2030-12-31T23:59:59Z"]
    )


class ApiTokenDocument(Model):
    """An API token of an application."""

    apiVersion: Literal["unleash-gitops/v1"]  # noqa: N815
    kind: Literal["ApiToken"]
    metadata: ApiTokenMetadata
    spec: ApiTokenSpec


class _Live(LiveModel):
    """What of a live token is read: never its secret, nor the alias, which is as good as one."""

    tokenName: str  # noqa: N815
    type: str
    environment: str | None = None
    projects: list[str] = Field(default_factory=list)
    expiresAt: str | None = None  # noqa: N815
    createdAt: str  # noqa: N815


class ApiToken(Audited):
    """Tokens of applications: read by one GET, found by name and time of creation when they are changed."""

    name = "ApiToken"
    folder = "api-tokens"
    document = ApiTokenDocument
    events = ("api-token-created", "api-token-updated", "api-token-deleted")
    marked = True
    limit = "apiTokens"
    codes: ClassVar[Mapping[str, str]] = {
        "date-time": "a time is not an ISO 8601 date and time with its distance from UTC",
        "every-environment": "a token is for every environment",
    }

    def resource_from_document(self, document: ApiTokenDocument, workspace: str) -> Resource:
        """See `Kind.desired`. The id is the name; the mark is what the name on the server ends with."""
        name = document.metadata.name
        spec = _normal(document.spec.model_dump(exclude_unset=True))
        references = tuple(self.references(spec))
        return Resource(Address(self.name, name), name, spec, references=references, mark=f" [gitops:{workspace}]")

    def references(self, spec: Mapping[str, Any], project: str | None = None) -> Iterable[Reference]:  # noqa: ARG002
        """See `Kind.references`: the environment."""
        if "environment" in spec:
            yield Reference("Environment", None, spec["environment"], ("spec", "environment"))

    def areas(self, reads: Reads) -> Iterable[Area]:  # noqa: ARG002
        """See `Kind.areas`: one for all."""
        yield Area(self.name)

    def read(self, reads: Reads, area: Area) -> Iterable[Resource]:
        """See `Kind.read`: all but tokens for the Admin API. Who may not read them has none, unless a document does."""
        try:
            entries = reads.get_cached(_PATH)["tokens"]
        except ApiError as error:
            if error.status != 403 or reads.scope.within(area):
                raise
            return []
        tokens = (_Live.model_validate(entry) for entry in entries if entry["type"] != "admin")
        found: dict[str, Resource] = {}
        for token in sorted(tokens, key=lambda one: one.createdAt):
            one = self._live(token, reads.workspace, found)
            found[one.id] = one
        return found.values()

    def _live(self, token: _Live, workspace: str, found: Mapping[str, Resource]) -> Resource:
        marked = _MARKED.fullmatch(token.tokenName)
        mark: Mark = "none" if marked is None else "ours" if marked[2] == workspace else "other"
        own = marked[1] if marked is not None and mark == "ours" and marked[1] not in found else None
        match = {key: getattr(token, key) for key in ("tokenName", "type", "environment", "createdAt")}
        return Resource(
            Address(self.name, own),
            own or f"{token.tokenName} of {token.createdAt}",
            _normal(token.model_dump(include={*_FIXED, "expiresAt"})),
            ownership=OWNERSHIP_BY_MARK[mark],
            title=token.tokenName,
            handles={"match": match},
        )

    def told(self, payload: Any, workspace: str) -> Resource:
        """See `Traced.told`: events have no secret either."""
        return self._live(_Live.model_validate(payload), workspace, {})

    def spec_after_create(self, desired: Resource) -> dict[str, Any]:
        """See `Kind.created`."""
        known = {**_DEFAULTS, **desired.spec}
        return {field: known[field] for field in ApiTokenSpec.model_fields}

    def server_refusal(
        self,
        desired: Resource,  # noqa: ARG002
        live: Resource | None,
        after: Mapping[str, Any],
        server: ServerFacts,  # noqa: ARG002
    ) -> str | None:
        """See `Kind.refusal`."""
        if live is None:
            return None
        if any(after[field] != live.spec[field] for field in _FIXED):
            return (
                "its type, environment and projects cannot be changed: give the new one another name, and remove this "
                "one when nothing uses it any more"
            )
        if after["expiresAt"] is None:
            return "Unleash does not take an end back: give it a late one, or make a token with another name"
        return None

    def create(self, desired: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:
        """See `Kind.create`: one POST, and one looks before repeating it, since a second would make a second."""
        same = {"tokenName": f"{desired.id}{desired.mark}", "type": after["type"], "environment": after["environment"]}
        body = {**same, **{field: after[field] for field in _DEFAULTS if after[field] is not None}}
        look = Lookup(path=_PATH, list_key="tokens", match=same, field="secret")
        return (Call(method="POST", path=_PATH, body=body, verify=look, secret_field="secret"),)  # noqa: S106 - a field's name

    def update(self, desired: Resource, live: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:  # noqa: ARG002
        """See `Kind.update`: the end is all that can be changed."""
        body = {"expiresAt": after["expiresAt"]}
        return (Call(method="PUT", path=f"{_PATH}/{{found}}", body=body, lookup=_found(live)),)

    def delete(self, live: Resource) -> tuple[Call, ...]:
        """See `Kind.delete`."""
        return (Call(method="DELETE", path=f"{_PATH}/{{found}}", lookup=_found(live)),)

    def pull_exclusion(self, live: Resource) -> str | None:
        """See `Kind.pull_exclusion`: nobody could make another token with the same secret."""
        return None if live.address.name is not None else "a token that was made elsewhere cannot be taken over"

    def to_pulled_document(self, live: Resource) -> tuple[dict[str, Any], str]:
        """See `Kind.pulled`. What is as it would be by default is left out."""
        spec = {
            field: value for field, value in live.spec.items() if field not in _DEFAULTS or value != _DEFAULTS[field]
        }
        return {"metadata": {}, "spec": spec}, live.id


def _normal(spec: dict[str, Any]) -> dict[str, Any]:
    """Return a spec as the server answers it, its projects as a set."""
    found = dict(spec)
    if "type" in found:
        found["type"] = "client" if found["type"] == "backend" else found["type"]
    if "projects" in found:
        found["projects"] = ["*"] if "*" in found["projects"] else sorted(set(found["projects"]))
    return found


def _found(live: Resource) -> Lookup:
    """Return how to find the token that a call is about: the server knows it by its secret only."""
    return Lookup(path=_PATH, list_key="tokens", match=dict(live.handles["match"]), field="secret")


KIND = ApiToken()
