"""Applied changes against what the server holds afterwards. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from unleash_gitops.engine.diff import diff_parts, list_fields
from unleash_gitops.engine.parts import MARK, PartPath
from unleash_gitops.engine.stale_changes import is_within_parts, overwritten_parts
from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.interfaces import Claimable, HasHistory, Marked
from unleash_gitops.model.naming import list_names
from unleash_gitops.model.ownership import mark_line
from unleash_gitops.model.plan import Change
from unleash_gitops.model.resource import Resource

__all__ = ["describe_not_stored"]

_ACCEPTED = "the server accepted the change but does not hold it"


def describe_not_stored(
    change: Change,
    live: Resource | None,
    workspace: str,
    is_excused: Callable[[PartPath], bool] = lambda _: False,
) -> str | None:
    """Return why an object is not as a change was to leave it, None when it is. `live` is the object afterwards.

    Only what the change wrote is compared; what the server never returns counts as held. `is_excused` tells of a part
    whether it does not count, because another user changed it later. The empty path is whether the object exists.
    """
    if change.action == "release":
        is_marked = live is not None and workspace in live.owners
        return f"{_ACCEPTED}: it still bears the mark" if is_marked and not is_excused(MARK) else None
    if change.action == "delete":
        is_gone = live is None or live.ownership == "builtin" or is_excused(())
        return None if is_gone else f"{_ACCEPTED}: the object still exists"
    if live is None:
        return None if is_excused(()) else f"{_ACCEPTED}: the object does not exist"
    paths = _find_fields_not_stored(change, live, is_excused)
    if paths:
        return f"{_ACCEPTED}: {list_names(paths)}"
    is_unmarked = _lacks_mark(change, live, workspace) and not is_excused(MARK)
    return f"{_ACCEPTED}: it bears no mark" if is_unmarked else None


def _find_fields_not_stored(change: Change, live: Resource, is_excused: Callable[[PartPath], bool]) -> list[str]:
    """Return the fields that another plan of the same values would change again, as far as the change wrote them."""
    kind = kinds()[change.kind]
    expected = kind.spec_after_update(replace(live, spec=change.after or {}), live)
    written = ((),) if change.before is None else overwritten_parts(change)
    differing = [
        part
        for part in diff_parts(expected, live.spec)
        if is_within_parts(part.path, written)
        and not is_excused(part.path)
        and not (isinstance(kind, HasHistory) and kind.is_write_only(part.path, live))
    ]
    return [field.path for field in list_fields(differing)]


def _lacks_mark(change: Change, live: Resource, workspace: str) -> bool:
    """Tell whether an object bears no mark that was to bear one. A description may have no room for it."""
    kind = kinds()[change.kind]
    if live.ownership != "unmanaged" or change.action == "update" or not isinstance(kind, Marked):
        return False
    marked = replace(live, mark=mark_line(workspace))
    return not isinstance(kind, Claimable) or kind.unmarkable_reason(marked, live) is None
