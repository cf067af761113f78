"""Flags that a delete for good has archived and not deleted: its second request was never sent, or failed."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from unleash_gitops.api.audit_log import is_lasting_failure, search_events
from unleash_gitops.kinds.flags.event_payloads import read_tag
from unleash_gitops.kinds.flags.read import read_tags
from unleash_gitops.kinds.reads import Reads
from unleash_gitops.model.errors import ApiError, NotUnleash
from unleash_gitops.model.ownership import OWNER_TAG

if TYPE_CHECKING:
    from unleash_gitops.api.audit_log import Event

__all__ = ["read_half_deleted"]

_EVENTS = "feature-archived,feature-deleted,feature-revived"
_PAGES = 1
"""Pages of the log that are read: a delete that was interrupted longer ago is not found."""


def read_half_deleted(reads: Reads, project: str, known: Collection[str]) -> list[tuple[str, list[str]]]:
    """Return the project's archived flags with the workspace's mark, each with its tags; none that is `known`.

    The log has the candidates of all projects in one request. A search for archived flags would find them too, but a
    server allows 15 a minute. Without the log there are none. Raises ServerError.
    """
    mark = f"{OWNER_TAG}:{reads.workspace}"
    names = [
        str(event.feature)
        for event in _read_newest_events(reads)
        if event.type == "feature-archived"
        and event.project == project
        and event.feature not in known
        and mark in event.tags
    ]
    tags = reads.map_concurrently(lambda name: read_tags(reads, name), names)
    own = {
        name: [text for tag in found if (text := read_tag(tag)) is not None]
        for name, found in zip(names, tags, strict=True)
        if found is not None
    }
    return [(name, tags) for name, tags in own.items() if mark in tags]


def _read_newest_events(reads: Reads) -> list[Event]:
    """Return the last event of each flag that was archived, revived or deleted."""
    try:
        events, _ = search_events(reads.get_cached, f"type=IS_ANY_OF:{_EVENTS}", _PAGES)
    except (ApiError, NotUnleash) as error:
        if not is_lasting_failure(error):
            raise
        return []
    newest: dict[str | None, Event] = {}
    for event in events:
        newest.setdefault(event.feature, event)
    return list(newest.values())
