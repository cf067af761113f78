"""The deletes of a plan, counted against the limits of its workspace. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Sequence

from unleash_gitops.model.delete_limits import DeleteLimits
from unleash_gitops.model.plan import Change, Plan
from unleash_gitops.model.workspace import WorkspaceSpec, covers_object

__all__ = ["limit_deletes", "limit_saved_deletes"]


def limit_deletes(
    changes: Sequence[Change], spec: WorkspaceSpec, owned: int, remaining: int, allowed: int | None = None
) -> DeleteLimits:
    """Return the limits of a workspace on the deletes among `changes`, and the numbers that they apply to.

    `owned` and `remaining` are how many objects it owns before and after the plan. `allowed` is the number of deletes
    that the user allows in this run.
    """
    deletes = [change for change in changes if change.action == "delete"]
    exempt = [
        change.address
        for change in deletes
        if any(covers_object(entry, change.address, change.id) for entry in spec.allow_deletes)
    ]
    return DeleteLimits(
        max_deletes=spec.max_deletes,
        max_percent=spec.max_delete_percent,
        owned=owned,
        remaining=remaining,
        counted=len(deletes) - len(exempt),
        exempt=tuple(exempt),
        allowed=allowed,
    )


def limit_saved_deletes(plan: Plan, spec: WorkspaceSpec | None) -> Plan:
    """Return a saved plan with the limits of the workspace's files, whatever the plan says that was allowed.

    Without the files (None), the limits are the defaults, or those of the plan where these are stricter.
    """
    saved = plan.delete_limits
    if spec is None:
        usual = WorkspaceSpec()
        strictest = {
            "max_deletes": min(usual.max_deletes, saved.max_deletes),
            "max_delete_percent": min(usual.max_delete_percent, saved.max_percent),
        }
        spec = usual.model_copy(update=strictest)
    limits = limit_deletes(plan.changes, spec, saved.owned, saved.remaining)
    return plan.model_copy(update={"delete_limits": limits})
