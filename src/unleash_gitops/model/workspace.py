"""The model of `unleash-gitops.yaml`: what the workspace is called, where it looks, what it may delete."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from unleash_gitops.model.diagnostics import Position
from unleash_gitops.model.plan import OnDrift

__all__ = [
    "API_VERSION",
    "NAME_PATTERN",
    "WORKSPACE_FILE",
    "Exclusive",
    "Workspace",
    "WorkspaceDocument",
    "checked_url",
]

API_VERSION = "unleash-gitops/v1"
WORKSPACE_FILE = "unleash-gitops.yaml"
NAME_PATTERN = r"^[a-z0-9]([a-z0-9._-]{0,98}[a-z0-9])?$"


def checked_url(url: str) -> str:
    """Return `url` without a trailing slash. Raises ValueError when it is no http(s) address, or holds a secret."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError("not an absolute http:// or https:// address") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("not an absolute http:// or https:// address")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user name or password; the token comes from UNLEASH_AUTH_TOKEN")
    if parts.query or parts.fragment:
        raise ValueError("must not have a query or fragment; give the address of the instance and its base path only")
    try:
        _ = parts.port
    except ValueError:
        raise ValueError("the port is not a number up to 65535") from None
    return url.rstrip("/")


def checked_variable(name: str) -> str:
    """Return `name`. Raises ValueError when it can be no variable's, a token itself for instance."""
    if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name):
        raise ValueError("must be the name of an environment variable that holds the token, never the token itself")
    return name


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Exclusive(_Model):
    """A part of the instance where this workspace is the only writer."""

    kind: str = Field(description="The kind of object that only this workspace writes.", examples=["ImpactMetric"])
    project: str | None = Field(
        default=None,
        min_length=1,
        description="Every flag of this project; left out: the instance level.",
        examples=["shop"],
    )


class WorkspaceMetadata(_Model):
    """The workspace's name."""

    name: str = Field(
        pattern=NAME_PATTERN,
        description="Signs everything this workspace creates. Changing it orphans what was created before.",
        examples=["payments"],
    )


class WorkspaceSpec(_Model):
    """Where the workspace looks and what it may do."""

    url: Annotated[str, AfterValidator(checked_url)] | None = Field(
        default=None,
        description="The instance's address, base path included. UNLEASH_URL and --url win over it.",
        examples=["https://unleash.example.com"],
    )
    token_env: Annotated[str, AfterValidator(checked_variable)] | None = Field(
        default=None,
        alias="tokenEnv",
        description="The environment variable that holds this instance's token; left out: UNLEASH_AUTH_TOKEN.",
        examples=["UNLEASH_TOKEN_STAGING"],
    )
    projects: Annotated[tuple[Annotated[str, Field(min_length=1)], ...] | None, BeforeValidator(_as_tuple)] = Field(
        default=None, description="Where to look for flag-level objects; left out: every project.", examples=[["shop"]]
    )
    prune: Literal["owned", "none"] = Field(
        default="owned", description="owned: delete what this workspace made and no file has any more. none: never."
    )
    exclusive: Annotated[tuple[Exclusive, ...], BeforeValidator(_as_tuple)] = Field(
        default=(),
        description="Where whatever is live and not in the files is deleted, another workspace's apart.",
        examples=[[{"kind": "ImpactMetric", "project": "shop"}]],
    )
    deletion: Literal["archive", "delete"] = Field(
        default="archive",
        description="What becomes of a flag that is deleted here. archive: it can be revived. delete: it is gone.",
    )
    reads: Literal["plain", "export"] = Field(
        default="plain",
        description="export: read thousands of flags quicker, by exports, each of which the audit log keeps.",
    )
    drift: OnDrift | None = Field(
        default=None,
        description="What becomes of what somebody else changed on the server. overwrite: the files win. keep: it "
        "stays, and every plan reminds of it. fail: nothing is applied. Left out: fail for where a flag is on and for "
        "whom in environments of type production, overwrite for everything else.",
        examples=["keep"],
    )
    applied_by: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_as_tuple)] = Field(
        default=(),
        alias="appliedBy",
        description="Who else applies these files, by the names that the server's audit log has: other tokens and "
        "accounts whose changes are not drift.",
        examples=[["gitops-2026"]],
    )
    max_deletes: int = Field(
        default=10,
        ge=0,
        alias="maxDeletes",
        description="apply refuses a plan that deletes more than this.",
        examples=[10],
    )

    def reason_to_delete(self, ownership: str | None, kind: str, project: str | None) -> str | None:
        """Return why an object of that ownership that no document has is to be deleted, None when it is not.

        `project` is that of the object, None when it is of the instance itself.
        """
        if self.prune == "none":
            return None
        if ownership == "owned":
            return "owned by this workspace; no document describes it"
        if ownership == "unmanaged" and any(area.kind == kind and area.project == project for area in self.exclusive):
            return "no document describes it, and this workspace is the only writer here (spec.exclusive)"
        return None


class WorkspaceDocument(_Model):
    """`unleash-gitops.yaml`: the root of a workspace."""

    api_version: Literal["unleash-gitops/v1"] = Field(alias="apiVersion")
    kind: Literal["Workspace"]
    metadata: WorkspaceMetadata
    spec: WorkspaceSpec = WorkspaceSpec()


class Workspace(_Model):
    """A loaded workspace: its policy, and where the policy was written."""

    name: str
    spec: WorkspaceSpec
    position: Position = Position(WORKSPACE_FILE)

    @classmethod
    def of(cls, document: WorkspaceDocument) -> Workspace:
        """Take the policy out of the document."""
        return cls(name=document.metadata.name, spec=document.spec)
