"""Planned changes against reviewed ones: every change has to be one that was reviewed. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from unleash_gitops.engine.diff import diff_parts
from unleash_gitops.engine.parts import value_at
from unleash_gitops.model.plan import DRIFTED, Change, Changed, FieldChange, Plan
from unleash_gitops.render.escape import format_value

__all__ = ["find_unexpected", "list_already_applied"]

_FINISHED_BY_UPDATE = frozenset({"create", "adopt", "transfer"})
"""The actions that an interrupted apply leaves half done, and that an update finishes."""
_NOT_OURS = DRIFTED | {"unknown"}
"""The origins of a difference that no interrupted apply has left."""


def find_unexpected(plan: Plan, expected: Sequence[Plan], also: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield what no expected plan has, by address, in words."""
    reviewed: dict[tuple[str, str], list[Change]] = {}
    for change in (change for entry in expected for change in entry.changes):
        reviewed.setdefault((change.kind, change.id), []).append(change)
    for change in plan.changes:
        if change.action == "blocked" or change.kind in also:
            continue
        candidates = reviewed.get((change.kind, change.id), [])
        problems = [_find_problem(change, candidate) for candidate in candidates]
        if not problems:
            yield change.address, f"{change.action} is not in the expected plan"
        elif all(problem is not None for problem in problems):
            yield change.address, str(problems[0])


def list_already_applied(plan: Plan, expected: Sequence[Plan]) -> list[tuple[str, str]]:
    """Return what the expected plans change and this plan does not, since it no longer differs: address and words."""
    present = {(change.kind, change.id): change for change in plan.changes}
    applied: list[tuple[str, str]] = []
    for change in (change for reviewed in expected for change in reviewed.changes if change.action != "blocked"):
        left = present.get((change.kind, change.id))
        if left is None:
            applied.append((change.address, change.action))
        elif left.action == change.action:
            remaining = {entry.path for entry in left.fields}
            applied += [
                (change.address, _describe_field(entry)) for entry in change.fields if entry.path not in remaining
            ]
    return list(dict.fromkeys(applied))


def _find_problem(change: Change, expected: Change) -> str | None:
    """Return what a change does that an expected one does not, None when it does nothing else."""
    if change.action == "update" and expected.action in _FINISHED_BY_UPDATE:
        return _find_other_end(change, expected)
    if change.action != expected.action or change.taken_from != expected.taken_from:
        return f"{change.action}, and the expected plan has {expected.action}"
    if change.origin in DRIFTED and expected.origin not in DRIFTED:
        return f"{change.action} undoes {_name_author(change.changed)}, which the expected plan does not show"
    if change.action == "create":
        return None if change.after == expected.after else _describe_other(expected.after, change.after)
    if change.action == "delete":
        if change.archives != expected.archives:
            return "it would be deleted for good" if expected.archives else "it would be archived"
        return None if change.before == expected.before else _describe_other(expected.before, change.before)
    return _find_other_field(change, expected)


def _find_other_field(change: Change, expected: Change) -> str | None:
    """Return the first field that a change sets and an expected one does not, in words; None when there is none."""
    known = {entry.path: entry for entry in expected.fields}
    for entry in change.fields:
        reviewed = known.get(entry.path)
        if reviewed is None:
            return f"{_describe_field(entry)} is not in the expected plan"
        if (reviewed.before, reviewed.after) != (entry.before, entry.after):
            return f"{_describe_field(entry)}, and the expected plan has {_describe_values(reviewed)}"
        if entry.origin in DRIFTED and reviewed.origin not in DRIFTED:
            author = _name_author(entry.changed)
            return f"{_describe_field(entry)} undoes {author}, which the expected plan does not show"
    return None


def _name_author(changed: Changed | None) -> str:
    return "a change of another user" if changed is None else f"a change by {changed.by} at {changed.at}"


def _find_other_end(change: Change, expected: Change) -> str | None:
    """Return where an update that finishes an expected change does not reach what was expected, None when it does."""
    other = next((entry for entry in change.fields if entry.origin in _NOT_OURS), None)
    if other is not None:
        return f"{_describe_field(other)} undoes a change that was made after the expected {expected.action}"
    for part in diff_parts(change.before or {}, change.after or {}):
        if value_at(change.after, part.path) != value_at(expected.after, part.path):
            entry = part.fields[0]
            return f"{_describe_field(entry)} does not finish the expected {expected.action}"
    return None


def _describe_other(expected: object, actual: object) -> str:
    """Return the first field in which an object is another one than expected."""
    parts = diff_parts(expected, actual) if isinstance(expected, dict) and isinstance(actual, dict) else ()
    fields = [entry for part in parts for entry in part.fields]
    if not fields:
        return "another object than in the expected plan"
    entry = fields[0]
    return f"{entry.path} is {format_value(entry.after)}, and {format_value(entry.before)} in the expected plan"


def _describe_field(entry: FieldChange) -> str:
    return f"{entry.path}: {_describe_values(entry)}"


def _describe_values(entry: FieldChange) -> str:
    return f"{format_value(entry.before)} → {format_value(entry.after)}"
