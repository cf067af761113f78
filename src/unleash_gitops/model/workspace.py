"""The model of `unleash-gitops.yaml`: the workspace's name, its instance and its policies."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from unleash_gitops.model.diagnostics import Position
from unleash_gitops.model.ownership import is_computed_for
from unleash_gitops.model.plan import OnDrift
from unleash_gitops.model.variables import SECRET_PREFIX, TOKEN_VARIABLE_PATTERN

if TYPE_CHECKING:
    from unleash_gitops.model.resource import Resource

__all__ = [
    "API_VERSION",
    "NAME_PATTERN",
    "WORKSPACE_FILE",
    "WORKSPACE_NAME_PATTERN",
    "Exclusive",
    "Workspace",
    "WorkspaceDocument",
    "canonical_url",
    "covers",
    "covers_object",
    "normalize_url",
]

API_VERSION = "unleash-gitops/v1"
WORKSPACE_FILE = "unleash-gitops.yaml"
NAME_PATTERN = r"^[a-z0-9]([a-z0-9._-]{0,98}[a-z0-9])?$"
WORKSPACE_NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,48}[a-z0-9]$"
"""A workspace's name is the value of a tag, which has 2 to 50 characters."""


def normalize_url(url: str) -> str:
    """Return `url` without a trailing slash.

    Raises ValueError when it is not an http(s) address, or contains a user name or password.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError("not an absolute http:// or https:// address") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("not an absolute http:// or https:// address")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user name or password; the token comes from UNLEASH_AUTH_TOKEN")
    if parts.query or parts.fragment:
        raise ValueError("must not have a query or fragment; give only the address of the instance and its base path")
    try:
        _ = parts.port
    except ValueError:
        raise ValueError("the port must be a number up to 65535") from None
    return url.rstrip("/")


def canonical_url(url: str | None) -> str | None:
    """Return a form of a URL that is equal for spellings of one address: of the host, the port, and this machine."""
    if url is None:
        return None
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    host = "localhost" if host == "::1" or host.startswith("127.") else host
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"{host}:{port}{parts.path.rstrip('/')}"


def check_variable_name(name: str) -> str:
    """Return `name`. Raises ValueError when it is not the name of a variable for a token, but for example a token."""
    if not re.fullmatch(TOKEN_VARIABLE_PATTERN, name):
        raise ValueError(
            "must be the name of the environment variable that holds the token, not the token itself; "
            f"it begins with UNLEASH_ but not with {SECRET_PREFIX}, and has only A-Z, 0-9 and _"
        )
    return name


def _to_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


_Names = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_to_tuple)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Exclusive(_Model):
    """A set of objects that only this workspace writes."""

    kind: str = Field(description="The kind of the objects.", examples=["ImpactMetric"])
    project: str | None = Field(
        default=None,
        min_length=1,
        description="The project of the objects. Without it: the objects of the instance itself.",
        examples=["shop"],
    )


class InUse(_Model):
    """How to treat deletes of objects that applications use, and for how long use counts."""

    action: Literal["block", "warn"] = Field(default="block", description="block: not done. warn: named in the plan.")
    within: str = Field(
        default="7d", pattern=r"^[1-9][0-9]{0,3}d$", description="Days for which use counts.", examples=["30d"]
    )


class WorkspaceMetadata(_Model):
    """The workspace's name."""

    name: str = Field(
        pattern=WORKSPACE_NAME_PATTERN,
        description="Marks every object that this workspace creates. Changing it orphans the objects created before.",
        examples=["payments"],
    )
    renamed_from: str | None = Field(
        default=None,
        alias="renamedFrom",
        pattern=NAME_PATTERN,
        description="The workspace's name so far. What that owns and a document here describes is taken over.",
        examples=["checkout"],
    )


class WorkspaceSpec(_Model):
    """The instance that the workspace manages, and the policies for it."""

    url: Annotated[str, AfterValidator(normalize_url)] | None = Field(
        default=None,
        description="The address of the instance, with its base path. UNLEASH_URL and --url take precedence.",
        examples=["https://unleash.example.com"],
    )
    token_env: Annotated[str, AfterValidator(check_variable_name)] | None = Field(
        default=None,
        alias="tokenEnv",
        json_schema_extra={"pattern": f"^{TOKEN_VARIABLE_PATTERN}$"},
        description="The environment variable that holds the token of this instance; its name begins with UNLEASH_. "
        "Default: UNLEASH_AUTH_TOKEN.",
        examples=["UNLEASH_TOKEN_STAGING"],
    )
    projects: Annotated[tuple[Annotated[str, Field(min_length=1)], ...] | None, BeforeValidator(_to_tuple)] = Field(
        default=None,
        description="The projects whose flags and flag-level objects are read. Default: all projects.",
        examples=[["shop"]],
    )
    prune: Literal["owned", "none"] = Field(
        default="owned",
        description="The objects without a document to delete. owned: those that this workspace owns. none: none.",
    )
    exclusive: Annotated[tuple[Exclusive, ...], BeforeValidator(_to_tuple)] = Field(
        default=(),
        description="Where this workspace is the only writer. There, live objects without a document are deleted, "
        "except those owned by another workspace.",
        examples=[[{"kind": "ImpactMetric", "project": "shop"}]],
    )
    deletion: Literal["archive", "delete"] = Field(
        default="archive",
        description="How a flag without a document is removed. archive: it can be restored. delete: it cannot.",
    )
    reads: Literal["plain", "export"] = Field(
        default="plain",
        description="How flags are read. export: faster for thousands of flags; the audit log records each export.",
    )
    drift: OnDrift | None = Field(
        default=None,
        description="How to treat changes made outside this workspace. overwrite: the files win. keep: the change "
        "stays, and every plan lists it. fail: nothing is applied. Default: fail for `enabled` and `strategies` of "
        "flags in environments of type production, overwrite for everything else.",
        examples=["keep"],
    )
    applied_by: _Names = Field(
        default=(),
        alias="appliedBy",
        description="Other tokens and accounts that apply these files, by their names in the server's audit log. "
        "Their changes are not drift.",
        examples=[["gitops-2026"]],
    )
    max_deletes: int = Field(
        default=10,
        ge=0,
        alias="maxDeletes",
        description="The most objects that a plan may delete. A plan that deletes more is refused.",
        examples=[10],
    )
    max_delete_percent: int = Field(
        default=30,
        ge=0,
        le=100,
        alias="maxDeletePercent",
        description="The largest share of the owned objects that a plan may delete, where the workspace owns 10 or "
        "more. A plan that deletes more is refused. 100: any.",
        examples=[30],
    )
    allow_deletes: _Names = Field(
        default=(),
        alias="allowDeletes",
        description="Deletes that do not count for the limits, as addresses or their beginnings.",
        examples=[["FeatureFlag/shop/old-banner"]],
    )

    release: _Names = Field(
        default=(),
        description="Objects to stop managing, as addresses or their beginnings; `*`: all. They stay, and their marks "
        "go. As long as an object is listed, it is never deleted.",
        examples=[["FeatureFlag/shop/old-banner"]],
    )

    in_use: Literal["block", "warn"] | InUse = Field(
        default="block",
        alias="inUse",
        description="How to treat deletes of flags that are on in an environment of type production and were evaluated "
        "there in the last 7 days, and of tokens used since then. block: they are not done. warn: the plan names them.",
        examples=[{"action": "block", "within": "30d"}],
    )
    allow_in_use: _Names = Field(
        default=(),
        alias="allowInUse",
        description="Objects to delete although they are in use, as addresses or their beginnings.",
        examples=[["FeatureFlag/shop/old-banner"]],
    )
    not_read: _Names = Field(
        default=(),
        alias="notRead",
        description="Kinds that the token may not read, and that are not planned because of that.",
        examples=[["ApiToken"]],
    )

    @property
    def in_use_policy(self) -> tuple[Literal["block", "warn"], timedelta]:
        """Return what a delete of an object in use is, and for how long use counts."""
        in_use = InUse(action=self.in_use) if isinstance(self.in_use, str) else self.in_use
        return in_use.action, timedelta(days=int(in_use.within.removesuffix("d")))

    def releases(self, live: Resource) -> bool:
        """Tell whether an entry of `release` covers a live object."""
        return any(covers_object(entry, str(live), live.id) for entry in self.release)

    def reason_to_delete(self, live: Resource) -> str | None:
        """Return why an object without a document must be deleted, None when it must not."""
        if self.prune == "none" or self.releases(live):
            return None
        if live.ownership == "owned":
            return "owned by this workspace; no document describes it"
        kind, project = live.address.kind, live.address.project
        is_exclusive = any(area.kind == kind and area.project == project for area in self.exclusive)
        if live.ownership == "unmanaged" and is_exclusive:
            return "no document describes it, and this workspace is the only writer here (spec.exclusive)"
        return None


def covers(entry: str, address: str) -> bool:
    """Tell whether an entry, an address or its beginning, covers an address. `*` covers every address."""
    return entry == "*" or f"{address}/".startswith(f"{entry.rstrip('/')}/")


def covers_object(entry: str, address: str, object_id: str) -> bool:
    """Tell whether an entry covers a live object. The address of a live chart has its id in place of its name."""
    return covers(entry, address) or (address.endswith(f"/{object_id}") and is_computed_for(object_id, entry))


class WorkspaceDocument(_Model):
    """`unleash-gitops.yaml`: the root of a workspace."""

    api_version: Literal["unleash-gitops/v1"] = Field(alias="apiVersion")
    kind: Literal["Workspace"]
    metadata: WorkspaceMetadata
    spec: WorkspaceSpec = WorkspaceSpec()


class Workspace(_Model):
    """A loaded workspace: its name, its policies, and their position in the file."""

    name: str
    spec: WorkspaceSpec
    renamed_from: str | None = None
    position: Position = Position(WORKSPACE_FILE)

    @classmethod
    def of(cls, document: WorkspaceDocument) -> Workspace:
        """Return the workspace that `document` describes."""
        return cls(name=document.metadata.name, spec=document.spec, renamed_from=document.metadata.renamed_from)
