"""Others' changes on the server: attributed by the audit log, named, and treated as the drift policy says.

The steps are `read_history`, `attribute`, `attribute_side_effects`, `resolve_policy`. Nothing is read when nothing
differs.
"""

from __future__ import annotations

from unleash_gitops.drift.attribution import attribute, find_orphan_drift
from unleash_gitops.drift.concurrent_changes import ConcurrentEvents, find_concurrent_events, read_log_position
from unleash_gitops.drift.history import read_history
from unleash_gitops.drift.renames import Rename, describe_renames, find_renames, follow_renames, note_renames
from unleash_gitops.drift.resolve_policy import Policy, resolve_policy
from unleash_gitops.drift.side_effects import attribute_side_effects
from unleash_gitops.drift.stale_plan import find_last_changes

__all__ = [
    "ConcurrentEvents",
    "Policy",
    "Rename",
    "attribute",
    "attribute_side_effects",
    "describe_renames",
    "find_concurrent_events",
    "find_last_changes",
    "find_orphan_drift",
    "find_renames",
    "follow_renames",
    "note_renames",
    "read_history",
    "read_log_position",
    "resolve_policy",
]
