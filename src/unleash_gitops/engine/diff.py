"""Two specs to the fields that differ. The only room that knows deepdiff, which is imported when something differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from unleash_gitops.model.plan import FieldChange

__all__ = ["diff_fields", "format_path"]


def diff_fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[FieldChange, ...]:
    """Return the fields in which `after` differs from `before`, by path; none when they are equal."""
    if before == after:
        return ()
    from deepdiff import DeepDiff

    # The threshold keeps a mapping with other keys from being reported as one changed value.
    tree = DeepDiff(*_unequal(before, after), threshold_to_diff_deeper=0, view="tree")
    found = (
        FieldChange(path=format_path(level.path(output_format="list")), before=_side(level.t1), after=_side(level.t2))
        for levels in tree.values()
        for level in levels
    )
    return tuple(sorted(found, key=lambda change: change.path))


def _unequal(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return both without what is equal: deepdiff takes much longer than a comparison to find that out."""
    left = {key: value for key, value in before.items() if key not in after or after[key] != value}
    right = {key: value for key, value in after.items() if key not in before or before[key] != value}
    for key in left.keys() & right.keys():
        if isinstance(left[key], Mapping) and isinstance(right[key], Mapping):
            left[key], right[key] = _unequal(left[key], right[key])
    return left, right


def _side(value: Any) -> Any:
    """Return `value`, None where deepdiff says that this side has nothing there."""
    return None if type(value).__name__ == "NotPresent" else value


def format_path(parts: Sequence[str | int]) -> str:
    """Return `labelSelectors.environment[0]` for its pieces; a key with a dot or bracket in it is quoted."""
    path = ""
    for part in parts:
        if isinstance(part, int):
            path += f"[{part}]"
        elif any(sign in part for sign in ".[]\"'") or not part:
            path += f'["{part}"]'
        else:
            path += f".{part}" if path else part
    return path
