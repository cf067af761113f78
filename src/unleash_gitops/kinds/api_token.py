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
from typing_extensions import TypedDict, override

from unleash_gitops.api.answers import AnswerTime, check_answer, parse_time
from unleash_gitops.kinds.base import Kind
from unleash_gitops.kinds.interfaces import DeleteProof, HasReferences, HasUsage, Marked, Pullable, Use
from unleash_gitops.kinds.reads import Reads
from unleash_gitops.kinds.shared.audited import Audited
from unleash_gitops.kinds.shared.fields import Rule, live_model
from unleash_gitops.kinds.shared.models import AuditedMetadata, Model, envelope
from unleash_gitops.model.call import Call, Lookup
from unleash_gitops.model.resource import Address, Area, Reference, Resource, ownership_of
from unleash_gitops.model.workspace import NAME_PATTERN

if TYPE_CHECKING:
    from unleash_gitops.api.audit_log import Event
    from unleash_gitops.api.client import ServerFacts

__all__ = ["KIND"]

_PATH = "/api/admin/api-tokens"
_MARKED = re.compile(r"(.*) \[gitops:([^\]]*)\]", re.DOTALL)
_FIXED = ("type", "environment", "projects")


class ApiTokenMetadata(AuditedMetadata):
    """The identity of a token."""

    name: str = Field(
        pattern=NAME_PATTERN,
        description="The token's name; on the server it ends with the workspace's mark.",
        examples=["checkout-backend"],
    )


def _to_server_time(text: str | None) -> str | None:
    """Return a time as the server writes it: in UTC, with milliseconds."""
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
        if time.tzinfo is None:
            raise ValueError
        return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (ValueError, OverflowError):
        context = {"hint": "such as 2030-12-31T23:59:59Z"}
        raise PydanticCustomError("date-time", "must be an ISO 8601 time with a UTC offset", context) from None


def _reject_all_environments(environment: str) -> str:
    if environment == "*":
        raise PydanticCustomError("every-environment", "a token is for one environment, not for all")
    return environment


def _server_type(sdk_type: str) -> str:
    """The server answers `client` for `backend`."""
    return "client" if sdk_type == "backend" else sdk_type


def _unique_or_all(projects: list[str]) -> list[str]:
    return ["*"] if "*" in projects else sorted(set(projects))


class ApiTokenSpec(Model):
    """The fields of a token. Only its expiry date can be changed."""

    type: Annotated[Literal["client", "frontend", "backend"], Rule(normalise=_server_type)] = Field(
        description="backend, which is the same as client: evaluates flags itself. frontend: asks for results."
    )
    environment: Annotated[
        str, Field(min_length=1), AfterValidator(_reject_all_environments), Rule(live_type=str | None)
    ] = Field(description="The environment that it reads.", examples=["production"])
    projects: Annotated[list[Annotated[str, Field(min_length=1)]], Rule(normalise=_unique_or_all)] = Field(
        default=["*"], min_length=1, description='The projects that it reads; ["*"]: all.', examples=[["shop"]]
    )
    expiresAt: Annotated[str | None, AfterValidator(_to_server_time), Rule(omit_none=True)] = Field(
        default=None, description="When it expires; null: never.", examples=["2030-12-31T23:59:59Z"]
    )


class _Token(TypedDict):
    type: str


class _Tokens(TypedDict):
    tokens: list[_Token]


class ApiToken(Kind, Marked, HasReferences, HasUsage, Pullable, Audited):
    """Tokens of applications: read by one GET, found by name and time of creation when they are changed."""

    name = "ApiToken"
    folder = "api-tokens"
    secret_keys = ("secret",)
    spec = ApiTokenSpec
    document = envelope("ApiToken", "An API token of an application.", ApiTokenMetadata, ApiTokenSpec)
    events = ("api-token-created", "api-token-updated", "api-token-deleted")
    limit = "apiTokens"
    shares_ids = False
    codes: ClassVar[Mapping[str, str]] = {
        "date-time": "a time is not an ISO 8601 time with a UTC offset",
        "every-environment": "a token is for every environment",
    }

    @override
    def mark(self, address: Address, object_id: str, workspace: str) -> str:
        """Return the end of the name on the server."""
        return f" [gitops:{workspace}]"

    @override
    def former_id(self, desired: Resource, workspace: str) -> None:
        """The name of a token cannot be changed, and holds the mark: another workspace's is another token."""

    @override
    def references(self, spec: Mapping[str, Any], project: str | None = None) -> Iterable[Reference]:
        if "environment" in spec:
            yield Reference("Environment", None, spec["environment"], ("spec", "environment"))

    @override
    def areas(self, reads: Reads) -> Iterable[Area]:
        yield Area(self.name)

    @override
    def read(self, reads: Reads, area: Area) -> Iterable[Resource]:
        """Tokens of the Admin API are left out."""
        entries = check_answer(_Tokens, reads.get_cached(_PATH), _PATH)["tokens"]
        tokens = [_parse(entry) for entry in entries if entry["type"] != "admin"]
        live: dict[str, Resource] = {}
        for token in sorted(tokens, key=lambda parsed: str(parsed["createdAt"])):
            resource = self._live(token, reads.workspace, live)
            live[resource.id] = resource
        return live.values()

    def _live(self, token: Mapping[str, Any], workspace: str, others: Mapping[str, Resource]) -> Resource:
        """Return a token as a resource. Its secret is not read, nor its alias, which is as good as one."""
        server_name, created_at = str(token["tokenName"]), token["createdAt"]
        marked = _MARKED.fullmatch(server_name)
        owners = () if marked is None else (marked[2],)
        own_name = marked[1] if marked is not None and marked[2] == workspace and marked[1] not in others else None
        match = {key: token[key] for key in ("tokenName", "type", "environment", "createdAt")}
        return Resource(
            Address(self.name, own_name),
            own_name or f"{server_name} of {created_at}",
            self.normalise({field: token[field] for field in (*_FIXED, "expiresAt")}),
            ownership=ownership_of(owners, workspace),
            owners=owners,
            title=server_name,
            handles={"match": match, "seenAt": token["seenAt"]},
        )

    @override
    def resource_from_event(self, payload: Any, workspace: str) -> Resource:
        return self._live(_parse(payload), workspace, {})

    @override
    def delete_proof(self, live: Resource) -> DeleteProof | None:
        """Any user may give a token a name that ends like the workspace's mark. The log knows who created it."""
        created = {key: live.handles["match"][key] for key in ("tokenName", "createdAt")}

        def matches(event: Event) -> bool:
            return isinstance(event.data, dict) and created.items() <= event.data.items()

        return DeleteProof("api-token-created", matches)

    @override
    def server_refusal(
        self, desired: Resource, live: Resource | None, after: Mapping[str, Any], server: ServerFacts
    ) -> str | None:
        if live is None:
            return None
        if any(after[field] != live.spec[field] for field in _FIXED):
            return (
                "its type, environment and projects cannot be changed: give the new token another name, and remove "
                "this one when nothing uses it any more"
            )
        if after["expiresAt"] is None:
            return "an expiry date cannot be removed: set a late one, or create a token with another name"
        return None

    @override
    def create(self, desired: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:
        """One POST; a retry looks first, since a second POST would make a second token."""
        body = {"tokenName": f"{desired.id}{desired.mark}", **self.body(after)}
        match = {key: body[key] for key in ("tokenName", "type", "environment")}
        verify = Lookup(path=_PATH, list_key="tokens", match=match, field="secret")
        return (Call(method="POST", path=_PATH, body=body, verify=verify, secret_field="secret"),)  # noqa: S106 - a field's name

    @override
    def update(self, desired: Resource, live: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:
        """Only the expiry date can be changed."""
        body = {"expiresAt": after["expiresAt"]}
        return (Call(method="PUT", path=f"{_PATH}/{{found}}", body=body, lookup=_lookup(live)),)

    @override
    def delete(self, live: Resource) -> tuple[Call, ...]:
        return (Call(method="DELETE", path=f"{_PATH}/{{found}}", lookup=_lookup(live)),)

    @override
    def find_use(self, live: Resource, reads: Reads, since: datetime) -> Use | None:
        seen_at = live.handles["seenAt"]
        if seen_at is None:
            return None
        return Use(parse_time(seen_at) >= since, f"used last at {seen_at}")

    @override
    def pull_exclusion(self, live: Resource) -> str | None:
        """No document can create another token with the same secret."""
        return None if live.address.name is not None else "a token that was made elsewhere cannot be taken over"


def _parse(entry: Any) -> dict[str, Any]:
    """Return the fields of a live token that count. Raises ValidationError."""
    return (
        live_model(ApiTokenSpec, tokenName=str, createdAt=str, seenAt=AnswerTime | None)
        .model_validate(entry)
        .model_dump()
    )


def _lookup(live: Resource) -> Lookup:
    """Return how to find the token that a call is about: the server knows it by its secret only."""
    return Lookup(path=_PATH, list_key="tokens", match=dict(live.handles["match"]), field="secret")


KIND = ApiToken()
