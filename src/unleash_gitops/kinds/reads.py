"""What a kind may ask of the server."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from unleash_gitops.model.resource import ReadScope

if TYPE_CHECKING:
    from unleash_gitops.api.client import ServerFacts
    from unleash_gitops.model.workspace import WorkspaceSpec

__all__ = ["Reads"]

_In = TypeVar("_In")
_Out = TypeVar("_Out")


class Reads(Protocol):
    """What a kind may ask of the server while it is read. Raises ServerError."""

    @property
    def workspace(self) -> str:
        """The workspace's name, which tells owned objects from those of other workspaces."""

    @property
    def server(self) -> ServerFacts:
        """What the server says of itself."""

    @property
    def policy(self) -> WorkspaceSpec:
        """What the workspace may do, and how."""

    @property
    def scope(self) -> ReadScope:
        """What matters of what is there."""

    def get(self, path: str) -> Any:
        """Return the JSON answer to a GET of `path`."""

    def get_cached(self, path: str) -> Any:
        """Return the JSON answer to a GET of `path`, which is sent once however many need it."""

    def get_or_none(self, path: str) -> Any:
        """Return the JSON answer to a GET of `path`, or None when the object does not exist (404)."""

    def post_query(self, path: str, body: Any) -> Any:
        """Return the JSON answer to a POST that changes nothing, and so can be repeated."""

    def map_concurrently(self, read: Callable[[_In], _Out], over: Sequence[_In]) -> list[_Out]:
        """Return `read` of each of `over`, in their order, as many at once as there are connections."""

    def projects(self) -> tuple[str, ...]:
        """Return the ids of the projects that the workspace looks at."""

    def all_projects(self) -> tuple[str, ...]:
        """Return the ids of all projects of the instance."""

    def flags(self, project: str) -> tuple[str, ...]:
        """Return the names of the project's active flags."""

    def features(self, project: str) -> tuple[Mapping[str, Any], ...]:
        """Return the project's active flags as `GET P/features` lists them."""
