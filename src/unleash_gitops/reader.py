"""Server to live state: which areas to look at, all of them at once, through the kinds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from pydantic import ValidationError

from unleash_gitops.errors import ApiError, MissingRoute, NotUnleash, UsageError
from unleash_gitops.kinds import kinds
from unleash_gitops.resource import Area, Reference, Resource, State

if TYPE_CHECKING:
    from unleash_gitops.client import Client

__all__ = ["Reader"]

_In = TypeVar("_In")
_Out = TypeVar("_Out")


class Reader:
    """Reads one instance for one workspace. It remembers projects and flags for as long as it lives: one command.

    `projects` is where to look, None for every project the instance lists. `needed` are the kinds that the server has
    to have; of others it may lack the routes. It is what kinds see as `Reads`.
    """

    def __init__(
        self, client: Client, workspace: str, projects: Sequence[str] | None, needed: Collection[str] | None = None
    ) -> None:
        self.workspace = workspace
        self._needed = kinds() if needed is None else needed
        self._client = client
        self._projects = None if projects is None else tuple(projects)
        self._flags: dict[str, tuple[str, ...]] = {}
        self._lock = threading.Lock()

    def get(self, path: str) -> Any:
        """See `Reads.get`."""
        return self._client.get(path)

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
        """See `Reads.projects`."""
        if self._projects is None:
            path = "/api/admin/projects"
            self._projects = tuple(project["id"] for project in _listed(self.get(path), "projects", path))
        return self._projects

    def flags(self, project: str) -> tuple[str, ...]:
        """See `Reads.flags`. Raises UsageError for a project that does not exist.

        The list of flags of a project that does not exist is empty, so that an empty one is looked at again.
        """
        if project not in self._flags:
            path = f"/api/admin/projects/{quote(project, safe='')}"
            answer = self.get_or_none(f"{path}/features")
            found = () if answer is None else tuple(flag["name"] for flag in _listed(answer, "features", path))
            if not found and self.get_or_none(f"{path}/overview") is None:
                raise UsageError(f'there is no project "{project}" on the server', "correct spec.projects")
            with self._lock:
                self._flags[project] = found
        return self._flags[project]

    def read(
        self,
        targets: Sequence[tuple[str, ...]] = (),
        progress: Callable[[int, int], None] | None = None,
        also: Collection[str] = (),
    ) -> State:
        """Return everything live that the workspace looks at, or what may be within `targets` of it.

        `also` are kinds that are read whatever the targets are, because what is within them refers to such objects.
        `progress` is told how many areas are read and how many there are. Raises ServerError.
        """
        self._at_once(self.flags, self.projects())
        areas = [area for kind in kinds().values() for area in kind.areas(self)]
        if targets:
            areas = [area for area in areas if area.kind in also or area.meets(targets)]
        known = (Reference("FeatureFlag", project, flag) for project in self._flags for flag in self._flags[project])
        return State(self._resources(areas, progress), frozenset(known))

    def read_areas(self, areas: Iterable[Area]) -> State:
        """Return everything live in `areas`, and nothing else. Raises ServerError."""
        return State(self._resources(list(areas), None))

    def _resources(self, areas: Sequence[Area], progress: Callable[[int, int], None] | None) -> dict[Any, Resource]:
        found: dict[Any, Resource] = {}
        for done, resources in enumerate(self._at_once(self._read_area, areas), start=1):
            found.update((resource.key, resource) for resource in resources)
            if progress is not None:
                progress(done, len(areas))
        return found

    def _read_area(self, area: Area) -> list[Resource]:
        try:
            return list(kinds()[area.kind].read(self, area))
        except (ApiError, NotUnleash) as error:
            missing = isinstance(error, NotUnleash) or error.status == 404
            if not missing or area.kind in self._needed:
                raise
            return []  # an edition without such objects, or a proxy that lets through only what it knows
        except (ValidationError, KeyError, TypeError) as error:
            where = "/".join(part for part in (area.kind, area.project, area.feature) if part)
            raise NotUnleash(
                "GET", where, f"the answer is not of the form this version knows: {_first(error)}"
            ) from None

    def _at_once(self, read: Callable[[_In], _Out], over: Sequence[_In]) -> Iterable[_Out]:
        """Return `read` of each of `over`, in their order, as many at once as the client has connections."""
        pool = ThreadPoolExecutor(max_workers=self._client.concurrency)
        try:
            return list(pool.map(read, over))
        except BaseException:
            self._client.stop.set()  # the others need not try any longer
            raise
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _listed(answer: Any, field: str, path: str) -> Any:
    try:
        return answer[field]
    except (KeyError, TypeError):
        raise NotUnleash("GET", path, f"the answer has no {field}") from None


def _first(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    return f"no {error}"
