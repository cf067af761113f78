"""Kinds that the token may not read. A read that the server refuses is never treated as an empty list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from unleash_gitops.api.audit_log import read_events
from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.interfaces import HasHistory
from unleash_gitops.kinds.reads import Reads
from unleash_gitops.model.errors import ApiError, KindNotReadable, NotUnleash
from unleash_gitops.model.plan import NotRead
from unleash_gitops.model.resource import ResourceSet

__all__ = ["leave_out_kinds", "list_not_read"]


def list_not_read(denied: Mapping[str, str], desired: ResourceSet, reads: Reads) -> tuple[NotRead, ...]:
    """Return the kinds that could not be read, each with the server's refusal.

    `denied` has the refusals by kind. Raises KindNotReadable when documents are of such a kind, or the audit log shows
    that this workspace made objects of it, unless `spec.notRead` lists the kind.
    """
    for kind, reason in sorted(denied.items()):
        if kind in reads.policy.not_read:
            continue
        if kind in desired.kinds:
            raise KindNotReadable(kind, reason, "documents describe some")
        if _has_made_some(kind, reads):
            raise KindNotReadable(kind, reason, "the audit log shows that this workspace made some")
    return tuple(NotRead(kind=kind, reason=reason) for kind, reason in sorted(denied.items()))


def leave_out_kinds(resources: ResourceSet, not_read: tuple[NotRead, ...]) -> ResourceSet:
    """Return documents or live objects without those of kinds that could not be read, or only in part."""
    left_out = {entry.kind for entry in not_read}
    kept = {key: resource for key, resource in resources.resources.items() if key.kind not in left_out}
    return replace(resources, resources=kept)


def _has_made_some(name: str, reads: Reads) -> bool:
    """Tell whether the audit log has an object of the kind with this workspace's mark; not when it cannot be read."""
    kind = kinds()[name]
    if not isinstance(kind, HasHistory):
        return False
    try:
        events = read_events(reads.get_cached, kind.events)
    except (ApiError, NotUnleash):
        return False
    return any(reads.workspace in kind.owners_after(event, reads.workspace) for event in events)
