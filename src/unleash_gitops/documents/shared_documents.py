"""Objects that the files of two workspaces of one instance describe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from unleash_gitops.documents.loader import LoadedWorkspace
from unleash_gitops.kinds import kinds
from unleash_gitops.model.diagnostics import Diagnostic, Position
from unleash_gitops.model.resource import Key, Resource
from unleash_gitops.model.workspace import canonical_url

__all__ = ["find_shared_documents"]


def find_shared_documents(workspaces: Sequence[tuple[LoadedWorkspace, str]]) -> list[Diagnostic]:
    """Return an error for each object that an earlier workspace of the same instance describes, too.

    Each workspace comes with the prefix of its paths. Where a kind's identity includes the workspace, documents of one
    name describe two objects. Two workspaces of one name are refused elsewhere.
    """
    firsts: dict[tuple[str | None, Key], tuple[str, Position]] = {}
    problems = []
    for loaded, prefix in workspaces:
        if loaded.workspace is None:
            continue
        for key, resource in loaded.desired.resources.items():
            if resource.position is None or not kinds()[key.kind].shares_ids:
                continue
            path = f"{prefix.rstrip('/')}/{resource.position.path}" if prefix else resource.position.path
            position = replace(resource.position, path=path)
            first = firsts.setdefault(
                (canonical_url(loaded.workspace.spec.url), key), (loaded.workspace.name, position)
            )
            if first[0] != loaded.workspace.name:
                problems.append(_build_error(resource, position, first[1]))
    return problems


def _build_error(resource: Resource, position: Position, first: Position) -> Diagnostic:
    message = f"{resource} is already described in another workspace, in {first}"
    return Diagnostic("error", "two-workspaces", message, position, "remove one of the two documents")
