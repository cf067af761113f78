"""The words that text and Markdown share."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from unleash_gitops.model.plan import Action, Change, Changed, FieldChange
from unleash_gitops.render.escape import value

if TYPE_CHECKING:
    from unleash_gitops.model.plan import Origin, Plan, Summary, Unmanaged

__all__ = [
    "KEPT",
    "MARKS",
    "MOST_UNMANAGED",
    "UNMANAGED",
    "address_of",
    "deletes_warning",
    "drift_phrases",
    "edition",
    "notes",
    "object_note",
    "origin_note",
    "phrases",
    "plural",
    "title_of",
    "whole",
]

MARKS: dict[Action, str] = {"create": "+", "update": "~", "delete": "-", "blocked": "!"}
"""The sign of each action: it carries the meaning where there is no colour."""

MOST_UNMANAGED = 20
"""How many unmanaged objects are listed."""

UNMANAGED = "Unmanaged: live, in no file, left alone"


KEPT = "Kept: changed on the server by others, and left so until the files agree"

_SPANS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))


def plural(count: int, noun: str) -> str:
    """Return `1 object`, `2 objects`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def phrases(counts: Summary) -> list[tuple[Action, int, str]]:
    """Return each action, how often a plan has it, and how one says that."""
    return [
        ("create", counts.create, f"{counts.create} to create"),
        ("update", counts.update, f"{counts.update} to update"),
        ("delete", counts.delete, f"{counts.delete} to delete"),
        ("blocked", counts.blocked, f"{counts.blocked} blocked"),
    ]


def deletes_warning(plan: Plan) -> str | None:
    """Return what to know about a plan that deletes more than its workspace allows, else None."""
    deletes = plan.summary.delete
    if deletes <= plan.max_deletes:
        return None
    return (
        f"{plural(deletes, 'delete')}, more than the limit of {plan.max_deletes}: "
        f"apply refuses this without --max-deletes {deletes}"
    )


def edition(plan: Plan) -> str:
    """Return the edition of the plan's server as a reader knows it."""
    return "Enterprise" if plan.instance.edition == "enterprise" else "open source"


def address_of(entry: Unmanaged) -> str:
    """Return an unmanaged object's address, its id standing in for a name that is not known."""
    return "/".join(part for part in (entry.kind, entry.project, entry.feature, entry.name or entry.id) if part)


def title_of(shown: Change | Unmanaged) -> str:
    """Return the title that people know a live object by, ready to be shown; empty where it has none."""
    title: Any = (shown.before or {}).get("title") if isinstance(shown, Change) else shown.title
    return value(title) if isinstance(title, str) and title else ""


def whole(change: Change) -> dict[str, Any]:
    """Return the object that a change without differences is about: as it will be, or as it was.

    What is nested deep is taken apart, so that each line tells one thing; nothing is said of what is empty in there.
    """
    values: dict[str, Any] = {}
    for name, content in ((change.before if change.after is None else change.after) or {}).items():
        _unfold(name, content, values)
    return values


def _unfold(path: str, content: Any, values: dict[str, Any]) -> None:
    if not _is_deep(content):
        values[path] = content
        return
    inner = content.items() if isinstance(content, dict) else enumerate(content)
    for key, item in inner:
        if item not in (None, [], {}):
            _unfold(f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}", item, values)


def _is_deep(content: Any) -> bool:
    """Tell whether there are mappings in the mappings of `content`."""
    if isinstance(content, dict):
        return any(
            isinstance(item, dict) or (isinstance(item, list) and any(map(_is_mapping, item)))
            for item in content.values()
        )
    return isinstance(content, list) and any(_is_mapping(item) and _is_deep(item) for item in content)


def _is_mapping(content: Any) -> bool:
    return isinstance(content, dict)


def drift_phrases(counts: Summary) -> list[str]:
    """Return how one says how much others changed."""
    parts = [f"{counts.drifted} changed by others"] if counts.drifted else []
    return parts + ([f"{counts.kept} kept"] if counts.kept else [])


def object_note(change: Change, since: str) -> str | None:
    """Return who changed an object as such, as seen at the time `since`; None when there is nothing to say."""
    if change.origin == "unknown" and change.changed is None:
        return None  # that it comes or goes is said anyway
    return origin_note(change.origin, change.changed, since, "is gone" if change.after is None else "changed")


def origin_note(origin: Origin | None, changed: Changed | None, since: str, file: str = "changed") -> str | None:
    """Return who changed something, as seen at the time `since`; None when there is nothing to say.

    What the file alone changed needs no note.
    """
    who = None if changed is None else f"by {changed.by}, {_age(changed.at, since)} (event {changed.event})"
    if origin == "drift":
        return f"drift: {who}" if who else "drift"
    if origin == "conflict":
        return f"conflict: the file {file}, and the server changed{f' {who}' if who else ''}"
    if origin == "unknown":
        return f"origin unknown; last changed {who}" if who else "origin unknown"
    return None


def notes(change: Change, since: str) -> Iterator[tuple[FieldChange, str | None]]:
    """Yield each field that differs, with the note that stands below it: once below those that share it."""
    annotated = [(field, origin_note(field.origin, field.changed, since)) for field in change.fields]
    for place, (field, note) in enumerate(annotated):
        last = place + 1 == len(annotated) or annotated[place + 1][1] != note
        yield field, note if last else None


def _age(at: str, since: str) -> str:
    """Return how long ago one time is from another, both ISO 8601, in words; the time itself when it is none."""
    try:
        seconds = (datetime.fromisoformat(since) - datetime.fromisoformat(at)).total_seconds()
    except (ValueError, TypeError):
        return f"at {at}"
    for length, name in _SPANS:
        if seconds >= length:
            return f"{plural(int(seconds // length), name)} ago"
    return "just now"
