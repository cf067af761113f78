"""The workspace of a saved plan in the checkout at hand. It decides which token goes where; a plan file does not."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from unleash_gitops.documents.loader import find_repository, load_workspace_file
from unleash_gitops.model.errors import PlanFileError, UsageError
from unleash_gitops.model.workspace import WORKSPACE_FILE

if TYPE_CHECKING:
    from unleash_gitops.model.plan import Plan
    from unleash_gitops.model.workspace import Workspace

__all__ = ["find_plan_workspace"]


def find_plan_workspace(plan: Plan, directory: Path, *, has_url: bool) -> Workspace | None:
    """Return the plan's workspace in the checkout that contains `directory`, None when it is not there.

    It is the workspace of the plan's name at the plan's `root`. Nothing outside the checkout is read, and no directory
    behind a symlink. `has_url` tells whether the user named the instance. Raises PlanFileError when only the plan
    names it, and UsageError when the workspace file is not valid.
    """
    workspace, reason = _find(plan, directory)
    if has_url or (workspace is not None and workspace.spec.url is not None):
        return workspace
    raise PlanFileError(
        f"no server URL is set for workspace {plan.workspace}: {reason}, and no token is sent to the URL in a plan",
        (
            "to name the instance, use --url URL or set UNLEASH_URL",
            f"to use spec.url, run the command in the checkout with the {WORKSPACE_FILE} of the workspace",
        ),
    )


def _find(plan: Plan, directory: Path) -> tuple[Workspace | None, str]:
    """Return the plan's workspace, else None; and why there is none, or none with a URL."""
    if plan.root is None:
        return None, "the plan was made outside a Git repository"
    repository = find_repository(directory)
    if repository is None:
        return None, "the working directory is not in a Git repository"
    root = _resolve_root(repository, plan.root)
    if root is None:
        return None, f'"{plan.root}" is not a directory of this checkout'
    path = f"{plan.root}/{WORKSPACE_FILE}".lstrip("/")
    if not os.path.lexists(root / WORKSPACE_FILE):
        return None, f"there is no {path} in this checkout"
    workspace, problems = load_workspace_file(root)
    if workspace is None or problems:
        reason = problems[0].message if problems else "it has no workspace"
        raise UsageError(f"{path} is not valid: {reason}", f"run: unleash-gitops validate {root}")
    if workspace.name != plan.workspace:
        return None, f'{path} is of the workspace "{workspace.name}"'
    return workspace, f"{path} has no spec.url"


def _resolve_root(repository: Path, root: str) -> Path | None:
    """Return the directory at `root`, a path in a plan file; None when it is not one of `repository` itself."""
    parts = PurePosixPath(root).parts
    is_plain = "/".join(parts) == root and ".." not in parts and "\0" not in root
    path = repository.joinpath(*parts) if is_plain else repository.parent
    is_real = path.is_relative_to(repository) and os.path.realpath(path) == str(path) and os.path.isdir(path)  # noqa: PTH112 - Path.is_dir raises for a name that is too long
    return path if is_real and find_repository(path) == repository else None
