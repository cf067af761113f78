"""Deletes of objects that applications still use: blocked or noted, as the workspace says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from unleash_gitops.engine.classify import Classification, Difference
from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.interfaces import HasUsage
from unleash_gitops.kinds.reads import Reads
from unleash_gitops.model.workspace import covers

__all__ = ["check_use"]


def check_use(classification: Classification, reads: Reads, allowed: Sequence[str], now: datetime) -> Classification:
    """Return the classification with each delete of an object in use blocked, or with a note.

    `allowed` are addresses or their beginnings whose deletes go through, beside those of `spec.allowInUse`. `now` is
    the end of the time that `spec.inUse` covers. Raises ServerError.
    """
    deletes = [difference for difference in classification.differences if difference.action == "delete"]
    checked = reads.map_concurrently(lambda delete: _check(delete, reads, allowed, now), deletes)
    by_key = {difference.key: difference for difference in checked}
    differences = tuple(by_key.get(difference.key, difference) for difference in classification.differences)
    return replace(classification, differences=differences)


def _check(delete: Difference, reads: Reads, allowed: Sequence[str], now: datetime) -> Difference:
    kind, live = kinds()[delete.key.kind], delete.live
    if not isinstance(kind, HasUsage) or live is None:
        return delete
    action, within = reads.policy.in_use_policy
    use = kind.find_use(live, reads, now - within)
    if use is None:
        return delete
    address = str(live)
    is_allowed = any(covers(entry, address) for entry in (*reads.policy.allow_in_use, *allowed))
    if use.blocks and action == "block" and not is_allowed:
        reason = f"in use: {use.text}; to delete it all the same, set spec.allowInUse: [{address}]"
        return replace(delete, action="blocked", reason=reason)
    return replace(delete, reason=f"{delete.reason}; {use.text}" if delete.reason else use.text)
