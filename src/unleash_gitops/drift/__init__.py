"""What somebody else changed on the server: found out from the audit log, named, and treated as the policy says.

Nothing is asked when nothing differs. The plan is made first, as if nobody else wrote; what the log then tells makes it
another one only where something is to be left as it is, or is a reason to refuse.
"""

from __future__ import annotations

from unleash_gitops.drift.attribution import ABSENT, Unit, differing, value_at
from unleash_gitops.drift.resolve_policy import resolve_policy
from unleash_gitops.drift.stale_plan import last_changes

__all__ = ["ABSENT", "Unit", "differing", "last_changes", "resolve_policy", "value_at"]
