"""Server to live state: which areas to look at, all of them at once, through the kinds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NotRequired, TypeVar
from urllib.parse import quote

from pydantic import ValidationError
from typing_extensions import TypedDict

from unleash_gitops.api.answers import check_answer, to_unexpected_answer
from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.interfaces import HasReferences
from unleash_gitops.model.errors import ApiError, MissingRoute, UsageError
from unleash_gitops.model.resource import Area, ReadScope, Resource, ResourceSet

if TYPE_CHECKING:
    from unleash_gitops.api.client import Client, ServerFacts
    from unleash_gitops.model.workspace import WorkspaceSpec

__all__ = ["Reader"]

_In = TypeVar("_In")
_Out = TypeVar("_Out")


class _Project(TypedDict):
    id: str


class _Projects(TypedDict):
    projects: list[_Project]


class _Tag(TypedDict):
    type: str
    value: str


class _Feature(TypedDict):
    name: str
    tags: NotRequired[list[_Tag] | None]


class _Features(TypedDict):
    features: list[_Feature]


class Reader:
    """Reads one instance for one workspace. It remembers what it was told once for as long as it lives: one command.

    `policy` says where to look, `scope` what matters there. `needed` are the kinds that the server has to have; of
    others it may lack the routes. It is what kinds see as `Reads`.
    """

    def __init__(
        self,
        client: Client,
        workspace: str,
        policy: WorkspaceSpec,
        scope: ReadScope,
        needed: Collection[str] | None = None,
    ) -> None:
        self.workspace = workspace
        self.policy = policy
        self.scope = scope
        self._needed = kinds() if needed is None else needed
        self._client = client
        self._answers: dict[str, Future[Any]] = {}
        self._features: dict[str, tuple[Mapping[str, Any], ...]] = {}
        self._lock = threading.Lock()
        self.denied: dict[str, str] = {}
        """The kinds that the token may not read, each with the server's refusal."""

    @property
    def server(self) -> ServerFacts:
        """Implement `Reads`."""
        return self._client.facts()

    def get(self, path: str) -> Any:
        """Implement `Reads`."""
        return self._client.get(path)

    def get_cached(self, path: str) -> Any:
        """See `Reads.get_cached`. A second thread waits for the answer to the first. A failure is not kept."""
        with self._lock:
            answer = self._answers.get(path)
            is_first = answer is None
            if answer is None:
                answer = self._answers[path] = Future()
        if is_first:
            try:
                answer.set_result(self.get(path))
            except BaseException as error:
                with self._lock:
                    del self._answers[path]
                answer.set_exception(error)
                raise
        return answer.result()

    def post_query(self, path: str, body: Any) -> Any:
        """Implement `Reads`."""
        return self._client.send("POST", path, body, repeatable=True)

    def get_or_none(self, path: str) -> Any:
        """See `Reads.get_or_none`. A route the server lacks is an error all the same."""
        try:
            return self._client.get(path)
        except MissingRoute:
            raise
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def projects(self) -> tuple[str, ...]:
        """Implement `Reads`."""
        return self.all_projects() if self.policy.projects is None else self.policy.projects

    def all_projects(self) -> tuple[str, ...]:
        """Implement `Reads`."""
        path = "/api/admin/projects"
        return tuple(project["id"] for project in check_answer(_Projects, self.get_cached(path), path)["projects"])

    def features(self, project: str) -> tuple[Mapping[str, Any], ...]:
        """See `Reads.features`. Raises UsageError for a project that does not exist.

        The list of flags of a project that does not exist is empty, so that an empty one is looked at again.
        """
        if project in self._features:
            return self._features[project]
        path = f"/api/admin/projects/{quote(project, safe='')}"
        try:
            answer = check_answer(_Features, self.get_cached(f"{path}/features"), f"{path}/features")
            features: Sequence[Any] = answer["features"]
        except ApiError as error:
            if error.status != 404 or isinstance(error, MissingRoute):
                raise
            features = ()
        if not features and self.get_or_none(f"{path}/overview") is None:
            raise UsageError(f'there is no project "{project}" on the server', "correct spec.projects")
        self._features[project] = tuple(features)
        return self._features[project]

    def flags(self, project: str) -> tuple[str, ...]:
        """Implement `Reads`."""
        return tuple(flag["name"] for flag in self.features(project))

    def read(
        self,
        targets: Sequence[tuple[str, ...]] = (),
        progress: Callable[[int, int], None] | None = None,
        also: Collection[str] = (),
    ) -> ResourceSet:
        """Return everything live that the workspace looks at, or what may be within `targets` of it.

        `also` are kinds that are read whatever the targets are, because what is within them refers to such objects.
        `progress` is told how many areas are read and how many there are. Raises ServerError.
        """
        self.map_concurrently(self.features, self.projects())
        areas = [area for kind in kinds().values() for area in kind.areas(self)]
        if targets:
            areas = [area for area in areas if area.kind in also or area.overlaps(targets)]
        namers = [kind for kind in kinds().values() if isinstance(kind, HasReferences)]
        known = frozenset(reference for kind in namers for reference in kind.known_references(self))
        return ResourceSet(self._resources(areas, progress), known)

    def read_areas(self, areas: Iterable[Area]) -> ResourceSet:
        """Return everything live in `areas`, and nothing else. Raises ServerError."""
        return ResourceSet(self._resources(list(areas), None))

    def read_again(self, planned: Resource) -> Resource | None:
        """Return one object as it is now, None when it no longer exists. Raises ServerError.

        `planned` is the object as a plan has it. What was read before by this reader may be used again.
        """
        try:
            return kinds()[planned.address.kind].read_again(self, planned)
        except ValidationError as error:
            raise to_unexpected_answer(error, str(planned))  # noqa: B904 - it has its cause

    def _resources(self, areas: Sequence[Area], progress: Callable[[int, int], None] | None) -> dict[Any, Resource]:
        resources_by_key: dict[Any, Resource] = {}
        for done, resources in enumerate(self.map_concurrently(self._read_area, areas), start=1):
            for resource in resources:
                other = resources_by_key.get(resource.key)
                resources_by_key[resource.key] = resource if other is None else _merge_copies(other, resource)
            if progress is not None:
                progress(done, len(areas))
        return resources_by_key

    def _read_area(self, area: Area) -> list[Resource]:
        try:
            return list(kinds()[area.kind].read(self, area))
        except ApiError as error:
            if error.status == 403:
                with self._lock:
                    self.denied.setdefault(area.kind, str(error))
                return []
            if error.status != 404 or area.kind in self._needed:
                raise
            return []  # an edition without such objects
        except ValidationError as error:  # what a kind parses as its model
            where = "/".join(part for part in (area.kind, area.project, area.feature) if part)
            raise to_unexpected_answer(error, where)  # noqa: B904 - it has its cause

    def map_concurrently(self, read: Callable[[_In], _Out], over: Sequence[_In]) -> list[_Out]:
        """Implement `Reads`."""
        return self._client.map_concurrently(read, over)


def _merge_copies(first: Resource, second: Resource) -> Resource:
    """Return an object that the server has more than once, as one that may not be changed until a user chose a copy."""
    copies = first.copies + second.copies
    reason = f"the server has {copies} objects of this name: delete all but one of them in Unleash's UI"
    return replace(first, copies=copies, protected=reason)
