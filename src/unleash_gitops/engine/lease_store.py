"""The leases of a workspace on a server: tag types, read and written through the Admin API."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NotRequired, Protocol
from urllib.parse import quote

from typing_extensions import TypedDict, override

from unleash_gitops.api.answers import check_answer
from unleash_gitops.model.errors import ApiError, GitopsError, MissingRoute
from unleash_gitops.model.lease_record import LeaseRecord, parse_lease, workspace_prefix

if TYPE_CHECKING:
    from unleash_gitops.api.client import Client

__all__ = ["PERMISSIONS", "LeaseStore", "ServerLeases", "refuse_token", "refuse_unlock"]

PERMISSIONS = ("CREATE_TAG_TYPE", "UPDATE_TAG_TYPE", "DELETE_TAG_TYPE")
"""The permissions that a lease needs, those of tag types, which are of the whole instance. Tried on Unleash 8.2.0."""
NO_LOCK_HINT = "to apply without a lease, when no other apply of the workspace runs, use --no-lock"
_PERMISSION_HINT = f"use a token with the permissions {', '.join(PERMISSIONS)} (the role Editor has them)"
_PATH = "/api/admin/tag-types"


class LeaseStore(Protocol):
    """The leases of one workspace on a server. Every method may raise GitopsError."""

    def list(self) -> Sequence[LeaseRecord]:
        """Return all leases and claims of the workspace."""

    def create(self, record: LeaseRecord) -> None:
        """Create the object of `record`."""

    def update(self, record: LeaseRecord) -> None:
        """Replace the object of `record`. Nothing happens when there is none."""

    def delete(self, name: str) -> None:
        """Delete an object. Nothing happens when there is none."""

    def now(self) -> datetime:
        """Return the server's present time, as of its newest answer. Raises GitopsError when no answer has a date."""


class _TagType(TypedDict):
    name: str
    description: NotRequired[str | None]


class _TagTypes(TypedDict):
    tagTypes: list[_TagType]


class ServerLeases(LeaseStore):
    """The leases of `workspace` on the server of `client`."""

    def __init__(self, client: Client, workspace: str) -> None:
        self._client = client
        self._workspace = workspace
        self._prefix = workspace_prefix(workspace)

    @override
    def list(self) -> Sequence[LeaseRecord]:
        try:
            answer = self._client.get(_PATH)
        except MissingRoute as error:
            raise GitopsError(
                f"the server has no tag types, which the lease of workspace {self._workspace} needs ({error})",
                NO_LOCK_HINT,
            ) from None
        listed = check_answer(_TagTypes, answer, _PATH)["tagTypes"]
        return [
            parse_lease(entry["name"], entry.get("description"))
            for entry in listed
            if entry["name"].startswith(self._prefix)
        ]

    @override
    def create(self, record: LeaseRecord) -> None:
        body = {"name": record.name, "description": record.to_description(self._workspace)}
        try:
            self._write("POST", _PATH, body)
        except ApiError as error:
            if error.status != 409:  # the answer to an earlier attempt was lost: no other run has this name
                raise

    @override
    def update(self, record: LeaseRecord) -> None:
        body = {"description": record.to_description(self._workspace)}
        self._write("PUT", f"{_PATH}/{quote(record.name, safe='')}", body)

    @override
    def delete(self, name: str) -> None:
        try:
            self._client.send("DELETE", f"{_PATH}/{quote(name, safe='')}", repeatable=True)
        except MissingRoute:
            raise
        except ApiError as error:
            if error.status != 404:
                raise

    @override
    def now(self) -> datetime:
        time = self._client.server_time()
        if time is None:
            raise GitopsError(
                f"cannot take the lease of workspace {self._workspace}: the answers of the server have no usable "
                "header Date, so its clock is unknown",
                ("let the proxy before the server pass the header Date", NO_LOCK_HINT),
            )
        return time

    def _write(self, method: str, path: str, body: dict[str, str]) -> None:
        try:
            self._client.send(method, path, body, repeatable=True)
        except ApiError as error:
            if error.status != 403:
                raise
            raise refuse_token(self._workspace, error.message) from None


def refuse_token(workspace: str, reason: str) -> GitopsError:
    """Return the error for a token that may not write leases. `reason` names the missing permission."""
    return GitopsError(
        f"the token may not take the lease of workspace {workspace}: {reason}", (_PERMISSION_HINT, NO_LOCK_HINT)
    )


def refuse_unlock(workspace: str, reason: str) -> GitopsError:
    """Return the error for a token that may not delete leases. `reason` names the missing permission."""
    return GitopsError(f"the token may not end the lease of workspace {workspace}: {reason}", _PERMISSION_HINT)
