"""Who changed the objects of a saved plan since it was made."""

from __future__ import annotations

from collections.abc import Sequence

from unleash_gitops.drift.history import History, read_history
from unleash_gitops.engine.parts import find_differing_parts
from unleash_gitops.engine.stale_changes import to_planned
from unleash_gitops.kinds.reads import Reads
from unleash_gitops.model.errors import ServerError
from unleash_gitops.model.plan import Change, Changed
from unleash_gitops.model.resource import Key, Resource, ResourceSet

__all__ = ["find_last_changes"]


def find_last_changes(reads: Reads, stale: Sequence[Change], live: ResourceSet) -> list[Changed | None]:
    """Return for each change whose object is no longer as planned who changed it last, None where that is unknown."""
    objects = [live.resources.get(Key(change.kind, change.id)) or to_planned(change, change.id) for change in stale]
    try:
        history = read_history(reads, objects)
        pairs = zip(stale, objects, strict=True)
        return [_find_last_change(change, resource, history, reads, live) for change, resource in pairs]
    except ServerError:
        return [None] * len(stale)  # the refusal matters more than who caused it


def _find_last_change(
    change: Change, resource: Resource, history: History, reads: Reads, live: ResourceSet
) -> Changed | None:
    present = live.resources.get(resource.key)
    log = history.of_object(resource, present, reads)
    if log is None:
        return None
    if change.before is None or present is None:
        return log.find_last_change([()])
    return log.find_last_change(find_differing_parts(change.before, present.spec))
