"""The model of `unleash-gitops.yaml`: the workspace's name, its instance and its policies."""

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
    "WORKSPACE_NAME_PATTERN",
    "Exclusive",
    "Workspace",
    "WorkspaceDocument",
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


def check_variable_name(name: str) -> str:
    """Return `name`. Raises ValueError when it is not the name of a variable, but for example a token."""
    if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name):
        raise ValueError("must be the name of the environment variable that holds the token, not the token itself")
    return name


def _to_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


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


class WorkspaceMetadata(_Model):
    """The workspace's name."""

    name: str = Field(
        pattern=WORKSPACE_NAME_PATTERN,
        description="Marks every object that this workspace creates. Changing it orphans the objects created before.",
        examples=["payments"],
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
        description="The environment variable that holds the token of this instance. Default: UNLEASH_AUTH_TOKEN.",
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
    applied_by: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_to_tuple)] = Field(
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
        description="The most objects that a plan may delete. apply refuses a plan that deletes more.",
        examples=[10],
    )

    def reason_to_delete(self, ownership: str | None, kind: str, project: str | None) -> str | None:
        """Return why an object without a document must be deleted, None when it must not.

        `project` is the object's project, None for an object of the instance itself.
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
    """A loaded workspace: its name, its policies, and their position in the file."""

    name: str
    spec: WorkspaceSpec
    position: Position = Position(WORKSPACE_FILE)

    @classmethod
    def of(cls, document: WorkspaceDocument) -> Workspace:
        """Return the workspace that `document` describes."""
        return cls(name=document.metadata.name, spec=document.spec)
