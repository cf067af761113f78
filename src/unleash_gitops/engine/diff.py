"""Two specs to the parts and fields that differ. Only this module uses deepdiff, imported when lists differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from unleash_gitops.engine.parts import ABSENT, PartPath, find_differing_parts, value_at
from unleash_gitops.model.paths import format_path
from unleash_gitops.model.plan import FieldChange

__all__ = ["PartChange", "diff_fields", "diff_parts", "list_fields"]


@dataclass(frozen=True, slots=True)
class PartChange:
    """One part that differs, and the fields in it that differ."""

    path: PartPath
    fields: tuple[FieldChange, ...]


def diff_parts(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[PartChange, ...]:
    """Return the parts in which `after` differs from `before`, none when they are equal."""
    return tuple(
        PartChange(path, _diff_values(path, value_at(before, path), value_at(after, path)))
        for path in find_differing_parts(before, after)
    )


def diff_fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[FieldChange, ...]:
    """Return the fields in which `after` differs from `before`, by path; none when they are equal."""
    return list_fields(diff_parts(before, after))


def list_fields(parts: Iterable[PartChange]) -> tuple[FieldChange, ...]:
    """Return the fields of all `parts`, by path."""
    return tuple(sorted((field for part in parts for field in part.fields), key=lambda field: field.path))


def _diff_values(path: PartPath, before: Any, after: Any) -> tuple[FieldChange, ...]:
    if not (isinstance(before, (list, tuple)) and isinstance(after, type(before))):
        return (FieldChange(path=format_path(path), before=_to_field(before), after=_to_field(after)),)
    from deepdiff import DeepDiff

    # Without the threshold, a mapping with other keys is one changed value; without the other option, keys that begin
    # with two underscores are not compared.
    tree = DeepDiff(before, after, threshold_to_diff_deeper=0, ignore_private_variables=False, view="tree")
    return tuple(
        FieldChange(
            path=format_path((*path, *level.path(output_format="list"))),
            before=_to_field(level.t1),
            after=_to_field(level.t2),
        )
        for levels in tree.values()
        for level in levels
    )


def _to_field(value: Any) -> Any:
    """Return a side of a field: None where it lacks the field."""
    return None if value is ABSENT or type(value).__name__ == "NotPresent" else value
