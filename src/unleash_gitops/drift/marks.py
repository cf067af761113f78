"""Ownership marks in the audit log: who removed this workspace's mark, and who took an object back.

The policies for drift do not apply to marks: a mark that another user removed is always written again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from unleash_gitops.drift.history import History
from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.interfaces import HasHistory, MarkChange
from unleash_gitops.kinds.reads import Reads
from unleash_gitops.model.ownership import EVERY_OWNER
from unleash_gitops.model.plan import Changed

if TYPE_CHECKING:
    from unleash_gitops.engine.classify import Difference

__all__ = ["find_lost_mark", "find_taken_back"]


def find_lost_mark(difference: Difference, history: History, reads: Reads) -> Changed | None:
    """Return who removed this workspace's mark from an object that is adopted, None when no other user did."""
    changes = _list_mark_changes(difference, history, reads)
    for place, change in enumerate(changes):
        if reads.workspace in change.gained:
            return None
        was_ours = reads.workspace in change.lost
        if change.lost == EVERY_OWNER:
            was_ours = any(reads.workspace in older.gained for older in changes[place:]) or any(
                event.type.endswith("-created") and history.is_ours(event)
                for event in history.events.get(difference.key, ())
            )
        if was_ours:
            return None if history.is_ours(change.event) else _to_changed(change)
    return None


def find_taken_back(difference: Difference, history: History, reads: Reads) -> Changed | None:
    """Return the event by which a workspace took an object back that this one had taken over from it, else None.

    Such a transfer would be repeated by both workspaces in turn. An event that the document accepts does not count.
    """
    source, desired = difference.taken_from, difference.desired
    if source is None or desired is None or desired.transfer_from != source:
        return None
    changes = _list_mark_changes(difference, history, reads)
    latest = next((place for place, change in enumerate(changes) if source in change.gained), None)
    if latest is None:
        return None
    earlier = changes[latest + 1 :]
    had_it_before = any(source in change.lost | change.gained for change in earlier)
    if not had_it_before or not any(reads.workspace in change.gained for change in earlier):
        return None
    event = changes[latest].event
    is_accepted = desired.accepted is not None and desired.accepted >= event.id
    return None if is_accepted else _to_changed(changes[latest])


def _list_mark_changes(difference: Difference, history: History, reads: Reads) -> Sequence[MarkChange]:
    kind = kinds()[difference.key.kind]
    events = history.events.get(difference.key, ())
    return list(kind.mark_changes(events, reads)) if isinstance(kind, HasHistory) and events else []


def _to_changed(change: MarkChange) -> Changed:
    event = change.event
    return Changed(by=event.actor.name, at=event.at, event=event.id)
