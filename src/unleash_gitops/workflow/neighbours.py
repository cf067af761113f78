"""The other workspaces of an instance: those of the same run, and those of the same Git repository, loaded offline."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from unleash_gitops.documents.loader import LoadedWorkspace, find_repository, find_workspaces, load
from unleash_gitops.engine.plan_context import Neighbour
from unleash_gitops.model.diagnostics import has_errors
from unleash_gitops.model.errors import UsageError
from unleash_gitops.model.workspace import Workspace

__all__ = ["Neighbourhood", "PlannedWorkspace"]


@dataclass(frozen=True)
class PlannedWorkspace:
    """A workspace of the run: its files, its directory as the user names it, and the URL of its instance."""

    loaded: LoadedWorkspace
    workspace: Workspace
    path: str
    url: str | None


class Neighbourhood:
    """Finds the neighbours of the workspaces of one run. Reads each repository once; safe to use from several threads.

    A workspace without `spec.url` may be of any instance, and so counts as a neighbour.
    """

    def __init__(self, planned: Sequence[PlannedWorkspace]) -> None:
        self._planned = planned
        self._offline: dict[Path, list[PlannedWorkspace]] = {}
        self._lock = threading.Lock()

    def of_workspace(self, loaded: LoadedWorkspace, url: str) -> tuple[Neighbour, ...]:
        """Return the neighbours of a workspace whose instance has that URL."""
        own = next((entry for entry in self._planned if entry.loaded is loaded), None)
        urls = {None, url, own.url if own is not None else None}
        return tuple(
            Neighbour(
                entry.workspace.name,
                entry.path,
                entry.loaded.desired,
                is_planned,
                is_complete=not has_errors([*entry.loaded.diagnostics]),
            )
            for entries, is_planned in ((self._planned, True), (self._load_offline(loaded.root), False))
            for entry in entries
            if entry.loaded.root != loaded.root and entry.url in urls
        )

    def _load_offline(self, root: Path) -> list[PlannedWorkspace]:
        """Return the other workspaces of a root's repository. One whose own file is not valid is left out."""
        repository = find_repository(root)
        if repository is None:
            return []
        with self._lock:
            if repository not in self._offline:
                self._offline[repository] = self._load_all(repository)
            return self._offline[repository]

    def _load_all(self, repository: Path) -> list[PlannedWorkspace]:
        try:
            roots = find_workspaces(repository)
        except UsageError:  # a directory that this user cannot read, or a workspace that was removed meanwhile
            return []
        planned = {entry.loaded.root.resolve() for entry in self._planned}
        loaded = [load(root) for root in roots if root not in planned]
        return [
            PlannedWorkspace(entry, entry.workspace, entry.path_in_repository or ".", entry.workspace.spec.url)
            for entry in loaded
            if entry.workspace is not None
        ]
