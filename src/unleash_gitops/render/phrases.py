"""The phrases that text, Markdown and workflow commands share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from unleash_gitops.model.plan import Action, Change, Changed, FieldChange
from unleash_gitops.render.escape import format_value

if TYPE_CHECKING:
    from unleash_gitops.model.plan import Origin, Plan, Summary, Unmanaged
    from unleash_gitops.model.plan_set import PlanSet

__all__ = [
    "ACTION_COLOURS",
    "ACTION_SIGNS",
    "KEPT_TITLE",
    "MARK_ACTIONS",
    "MAX_UNMANAGED",
    "UNKNOWN_OWNER",
    "UNMANAGED_TITLE",
    "annotate_fields",
    "count_actions",
    "count_drift",
    "count_marks_only",
    "count_released",
    "describe_absent_owners",
    "describe_marks_only",
    "describe_object_origin",
    "describe_origin",
    "describe_refusal",
    "describe_refusals",
    "flatten_object",
    "format_address",
    "format_title",
    "is_mark_only",
    "name_edition",
    "pluralize",
]

ACTION_COLOURS: dict[Action, str] = {
    "create": "green",
    "update": "yellow",
    "adopt": "cyan",
    "transfer": "cyan",
    "release": "cyan",
    "delete": "bold red",
    "blocked": "magenta",
}
ACTION_SIGNS: dict[Action, str] = {
    "create": "+",
    "update": "~",
    "adopt": "*",
    "transfer": ">",
    "release": "<",
    "delete": "-",
    "blocked": "!",
}
"""The sign of each action, so that the meaning does not depend on colours."""

MARK_ACTIONS: frozenset[Action] = frozenset({"adopt", "transfer", "release"})
"""The actions that write or remove a mark. Without fields, no value changes."""

MAX_UNMANAGED = 20
"""How many unmanaged objects are listed."""

UNMANAGED_TITLE = "Not managed: on the server, in no file"

UNKNOWN_OWNER = "a workspace without a known name"

KEPT_TITLE = "Kept: changed on the server by other users, and not overwritten"

_AGE_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))
"""Seconds, and the unit of that length."""


def pluralize(count: int, noun: str) -> str:
    """Return `1 object`, `2 objects`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def count_actions(summary: Summary) -> list[tuple[Action, int, str]]:
    """Return each action with its number of changes, and a phrase for both."""
    return [
        ("create", summary.create, f"{summary.create} to create"),
        ("update", summary.update, f"{summary.update} to update"),
        *_count_claims(summary),
        ("delete", summary.delete, f"{summary.delete} to delete"),
        ("blocked", summary.blocked, f"{summary.blocked} blocked"),
    ]


def _count_claims(summary: Summary) -> list[tuple[Action, int, str]]:
    """Return the actions on marks that the plan has; unlike the others, they are not named where there are none."""
    counts: list[tuple[Action, int]] = [
        ("adopt", summary.adopt),
        ("transfer", summary.transfer),
        ("release", summary.release),
    ]
    return [(action, number, f"{number} to {action}") for action, number in counts if number]


def is_mark_only(change: Change) -> bool:
    """Tell whether a change writes a mark and nothing that a reader should look at."""
    return change.action == "adopt" and not (change.fields or change.reason or change.drifted)


def count_marks_only(changes: Iterable[Change]) -> Counter[str]:
    """Return the number of changes that only write a mark, by kind, sorted by kind."""
    return Counter(sorted(change.kind for change in changes if is_mark_only(change)))


def describe_marks_only(count: int) -> str:
    """Return a heading for changes that only write a mark."""
    return f"{pluralize(count, 'object')} to adopt: {'mark' if count == 1 else 'marks'} only, no values change"


def count_drift(summary: Summary) -> list[str]:
    """Return phrases for the numbers of objects that other users changed; empty when there are none."""
    drifted = [f"{summary.drifted} changed by other users"] if summary.drifted else []
    return drifted + ([f"{summary.kept} kept"] if summary.kept else [])


def count_released(summary: Summary) -> list[str]:
    """Return a phrase for the number of objects that are released and whose marks stay; empty when there are none."""
    return [f"{summary.released} released"] if summary.released else []


def describe_refusals(plans: PlanSet) -> str | None:
    """Return how many of several plans are refused, None when none is."""
    refused = sum(plan.refusal is not None for plan in plans.plans)
    return f"{refused} of {pluralize(len(plans.workspaces), 'workspace')} will not be applied" if refused else None


def describe_absent_owners(plans: PlanSet, format_name: Callable[[str], str]) -> str | None:
    """Return which workspaces have objects on the instances and are not in the run, None when all are in it."""
    counts = ", ".join(f"{format_name(name)} {count}" for name, count in plans.absent_owners.items())
    return f"Workspaces with objects here that are not in this run: {counts}" if counts else None


def describe_refusal(plan: Plan) -> str | None:
    """Return why the plan is refused, as its first line; None when it is not."""
    if plan.refusal is None:
        return None
    return f"This plan is refused, and nothing of it will be applied: {plan.refusal}"


def name_edition(plan: Plan) -> str:
    """Return the name of the server's edition."""
    return "Enterprise" if plan.instance.edition == "enterprise" else "open source"


def format_address(unmanaged: Unmanaged) -> str:
    """Return the address of an unmanaged object, with its id if its name is unknown."""
    parts = (unmanaged.kind, unmanaged.project, unmanaged.feature, unmanaged.name or unmanaged.id)
    return "/".join(part for part in parts if part)


def format_title(live_object: Change | Unmanaged) -> str:
    """Return the escaped title of a live object, empty if it has none."""
    title: Any = (live_object.before or {}).get("title") if isinstance(live_object, Change) else live_object.title
    return format_value(title) if isinstance(title, str) and title else ""


def flatten_object(change: Change) -> dict[str, Any]:
    """Return the fields of the whole object of a change, after it, or before it for a delete.

    A deeply nested field becomes several fields with paths such as `environments.production.enabled`, without the
    empty ones among them.
    """
    values: dict[str, Any] = {}
    for name, content in ((change.before if change.after is None else change.after) or {}).items():
        _flatten(name, content, values)
    return values


def _flatten(path: str, content: Any, values: dict[str, Any]) -> None:
    if not _is_deep(content):
        values[path] = content
        return
    inner = content.items() if isinstance(content, dict) else enumerate(content)
    for key, item in inner:
        if item not in (None, [], {}):
            _flatten(f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}", item, values)


def _is_deep(content: Any) -> bool:
    """Tell whether `content` has mappings within mappings."""
    if isinstance(content, dict):
        return any(
            isinstance(item, dict) or (isinstance(item, list) and any(map(_is_mapping, item)))
            for item in content.values()
        )
    return isinstance(content, list) and any(_is_mapping(item) and _is_deep(item) for item in content)


def _is_mapping(content: Any) -> bool:
    return isinstance(content, dict)


def describe_object_origin(change: Change, now: str) -> str | None:
    """Return who created or deleted the object of a change, None when there is nothing to say.

    `now` is the time for the age of the event, ISO 8601.
    """
    if change.origin == "unknown" and change.changed is None:
        return None
    if change.action == "adopt" and change.changed is not None:
        changed = change.changed
        return f"mark removed by {changed.by}, {_format_age(changed.at, now)} (event {changed.event})"
    file_change = "removed from the files" if change.after is None else "changed in the file"
    return describe_origin(change.origin, change.changed, now, file_change)


def describe_origin(
    origin: Origin | None, changed: Changed | None, now: str, file_change: str = "changed in the file"
) -> str | None:
    """Return who changed something, None when only its file changed.

    `now` is the time for the age of the event, ISO 8601. `file_change` is what happened in the files, in a conflict.
    """
    author = None if changed is None else f"by {changed.by}, {_format_age(changed.at, now)} (event {changed.event})"
    if origin == "drift":
        return f"drift: {author}" if author else "drift"
    if origin == "conflict":
        return f"conflict: {file_change}, and changed on the server{f' {author}' if author else ''}"
    if origin == "unknown":
        return f"origin unknown; last changed {author}" if author else "origin unknown"
    return None


def annotate_fields(change: Change, now: str) -> Iterator[tuple[FieldChange, str | None]]:
    """Yield each field that differs, with its origin to show below it.

    Adjacent fields with the same origin have it only on the last of them. `now` is as in `describe_origin`.
    """
    annotated = [(field, describe_origin(field.origin, field.changed, now)) for field in change.fields]
    for index, (field, note) in enumerate(annotated):
        is_last = index + 1 == len(annotated) or annotated[index + 1][1] != note
        yield field, note if is_last else None


def _format_age(at: str, now: str) -> str:
    """Return how long before `now` the time `at` was, both ISO 8601; the time itself when either is invalid."""
    try:
        seconds = (datetime.fromisoformat(now) - datetime.fromisoformat(at)).total_seconds()
    except (ValueError, TypeError):
        return f"at {at}"
    for length, unit in _AGE_UNITS:
        if seconds >= length:
            return f"{pluralize(int(seconds // length), unit)} ago"
    return "just now"
