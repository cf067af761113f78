"""Who moved what a saved plan touches."""

from __future__ import annotations

from collections.abc import Sequence

from unleash_gitops.drift.attribution import differing
from unleash_gitops.drift.history import read_history
from unleash_gitops.kinds.base import Reads
from unleash_gitops.model.errors import ServerError
from unleash_gitops.model.plan import Change, Changed
from unleash_gitops.model.resource import Address, Key, Resource, State

__all__ = ["last_changes"]


def last_changes(reads: Reads, moved: Sequence[Change], live: State) -> list[Changed | None]:
    """Return for each change of a plan whose object has moved who changed it last; None where nobody tells."""
    objects = [live.resources.get(Key(change.kind, change.id)) or _stand_in(change) for change in moved]
    try:
        history = read_history(reads, objects)
        found = []
        for change, one in zip(moved, objects, strict=True):
            present = live.resources.get(one.key)
            past = history.past(one, present, reads)
            both = change.before is not None and present is not None
            units = differing(change.before, present.spec) if both and present is not None else [()]
            found.append(None if past is None else past.last(units))
        return found
    except ServerError:
        return [None] * len(moved)  # that it moved is what matters


def _stand_in(change: Change) -> Resource:
    """Return what stands for an object that is gone."""
    return Resource(Address(change.kind, change.name, change.project, change.feature), change.id, change.before or {})
