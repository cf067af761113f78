"""Ownership marks, read before and after a call that writes one: of two workspaces that claim an object, one keeps it.

A description has one last line, so that the later call replaces the earlier mark. A flag can bear two tags: there the
workspace whose tag is older keeps the flag, and the other one takes its tag off again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from typing_extensions import TypedDict

from unleash_gitops.api.answers import check_answer
from unleash_gitops.api.audit_log import search_events
from unleash_gitops.model.change_errors import ClaimLost
from unleash_gitops.model.errors import ApiError, NotUnleash
from unleash_gitops.model.ownership import OWNER_TAG, owner_tag, read_owner_tags, split_mark

if TYPE_CHECKING:
    from unleash_gitops.model.call import Claim

__all__ = ["confirm_claim", "require_unclaimed"]

_Get = Callable[[str], Any]


class _Tag(TypedDict):
    type: str
    value: str


class _Tags(TypedDict):
    tags: list[_Tag]


def require_unclaimed(claim: Claim, get: _Get) -> None:
    """Raise ClaimLost when the object bears another mark than it did when it was planned. Raises as `get` does."""
    unexpected = _read_owners(claim, get) - {claim.workspace, *claim.former}
    if unexpected:
        raise _lost(claim, unexpected)


def confirm_claim(claim: Claim, get: _Get, withdraw: Callable[[], object]) -> None:
    """Raise ClaimLost when another workspace claimed the object at the same time. Raises as `get` does.

    `withdraw` takes this workspace's mark off: it is called where both marks stand and the other one is older.
    """
    owners = _read_owners(claim, get)
    rivals = owners - {claim.workspace}
    if claim.workspace not in owners:
        raise _lost(claim, rivals)
    if not rivals:
        return
    if claim.feature is None:
        raise _lost(claim, rivals)
    if _is_oldest(claim, claim.feature, rivals, get):
        return
    withdraw()
    raise _lost(claim, rivals)


def _read_owners(claim: Claim, get: _Get) -> set[str]:
    answer = get(claim.path)
    if claim.feature is not None:
        tags = check_answer(_Tags, answer, claim.path)["tags"]
        return set(read_owner_tags([f"{tag['type']}:{tag['value']}" for tag in tags]))
    entry = answer.get(claim.object_key) if claim.object_key and isinstance(answer, dict) else answer
    if not isinstance(entry, dict) or not isinstance(entry.get("description"), str | None):
        raise NotUnleash("GET", claim.path, "unexpected answer: no object with a description")
    return set(split_mark(entry.get("description"))[1])


def _is_oldest(claim: Claim, feature: str, rivals: set[str], get: _Get) -> bool:
    """Tell whether this workspace tagged the flag before all rivals. A rival without an event is still tagging it."""
    try:
        query = f"type=IS:feature-tagged&feature=IS:{quote(feature, safe='')}"
        events, _ = search_events(get, query, 1)
    except (ApiError, NotUnleash):
        return False  # without the log, the order is unknown: both give way
    newest: dict[str, int] = {}
    for event in events:
        if isinstance(event.data, dict) and event.data.get("type") == OWNER_TAG:
            newest.setdefault(f"{OWNER_TAG}:{event.data.get('value')}", event.id)
    own = newest.get(owner_tag(claim.workspace))
    return own is not None and all(own < newest.get(owner_tag(rival), own + 1) for rival in rivals)


def _lost(claim: Claim, rivals: set[str]) -> ClaimLost:
    return ClaimLost(claim.path, sorted(rivals))
