"""The other workspaces of an instance: those of the same run, and those of the same Git repository, loaded offline."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from unleash_gitops.documents.loader import LoadedWorkspace, find_repository, find_workspaces, load
from unleash_gitops.engine.plan_context import Neighbour
from unleash_gitops.model.diagnostics import Diagnostic
from unleash_gitops.model.workspace import canonical_url

__all__ = ["Neighbourhood", "PlannedWorkspace"]


@dataclass(frozen=True)
class PlannedWorkspace:
    """A workspace of the run or of the repository: its files, its directory as the user names it, and its instance.

    `name` is the directory where the workspace file is not valid. `instance_id` is that of the server, None where it
    is not known.
    """

    loaded: LoadedWorkspace
    name: str
    path: str
    url: str | None
    instance_id: str | None = None


class Neighbourhood:
    """Finds the neighbours of the workspaces of one run. Reads each repository once; safe to use from several threads.

    A workspace without `spec.url` may be of any instance, and so counts as a neighbour.
    """

    def __init__(self, planned: Sequence[PlannedWorkspace]) -> None:
        self._planned = planned
        self._offline: dict[Path, list[PlannedWorkspace]] = {}
        self._lock = threading.Lock()

    def of_workspace(self, loaded: LoadedWorkspace, url: str, instance_id: str | None) -> tuple[Neighbour, ...]:
        """Return the neighbours of a workspace whose instance has that URL and id.

        Where the URL is not that of the files, it takes precedence over the URLs of all workspaces.
        """
        configured = None if loaded.workspace is None else loaded.workspace.spec.url
        takes_precedence = canonical_url(configured) != canonical_url(url)
        urls = {None, canonical_url(url)}
        return tuple(
            Neighbour(
                entry.name,
                entry.path,
                entry.loaded.desired,
                is_planned,
                is_complete=not any(_hides_documents(problem) for problem in entry.loaded.diagnostics),
            )
            for entries, is_planned in ((self._planned, True), (self._load_offline(loaded.root), False))
            for entry in entries
            if entry.loaded.root != loaded.root
            and (
                canonical_url(entry.url) in urls
                or (takes_precedence and not is_planned)
                or (instance_id is not None and entry.instance_id == instance_id)
            )
        )

    def _load_offline(self, root: Path) -> list[PlannedWorkspace]:
        """Return the other workspaces of a root's repository. Raises UsageError when a directory cannot be read."""
        repository = find_repository(root)
        if repository is None:
            return []
        with self._lock:
            if repository not in self._offline:
                self._offline[repository] = self._load_all(repository)
            return self._offline[repository]

    def _load_all(self, repository: Path) -> list[PlannedWorkspace]:
        planned = {entry.loaded.root.resolve() for entry in self._planned}
        loaded = [load(root) for root in find_workspaces(repository) if root not in planned]
        return [_to_offline(entry) for entry in loaded]


def _hides_documents(problem: Diagnostic) -> bool:
    """Tell whether files with that problem may have documents that were not read."""
    return problem.severity == "error" or problem.code == "name-in-capitals"


def _to_offline(loaded: LoadedWorkspace) -> PlannedWorkspace:
    path = loaded.path_in_repository or "."
    workspace = loaded.workspace
    name, url = (path, None) if workspace is None else (workspace.name, workspace.spec.url)
    return PlannedWorkspace(loaded, name, path, url)
