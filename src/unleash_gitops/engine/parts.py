"""The parts that an object is compared by, and their values in a spec. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from unleash_gitops.model.resource import UnknownValue

__all__ = ["ABSENT", "MARK", "PartPath", "find_differing_parts", "list_parts", "value_at", "with_value"]

PartPath = tuple[str, ...]
"""The keys that lead to a part. A mapping consists of parts; a list or a scalar is one part as a whole.

The empty path is the object itself: whether it exists.
"""

MARK: PartPath = ("*mark*",)
"""Stands for an object's mark, which is in no spec."""


class _Absent:
    """The value of a part that does not exist."""


ABSENT = _Absent()


def find_differing_parts(before: Any, after: Any, path: PartPath = ()) -> Iterator[PartPath]:
    """Yield the parts in which two specs differ."""
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        if before != after:
            yield path
        return
    for key in {**before, **after}:
        yield from find_differing_parts(before.get(key, ABSENT), after.get(key, ABSENT), (*path, key))


def list_parts(spec: Mapping[str, Any], path: PartPath = ()) -> Iterator[PartPath]:
    """Yield every part of a spec. An empty mapping is one part."""
    for key, value in spec.items():
        if isinstance(value, Mapping) and value:
            yield from list_parts(value, (*path, key))
        else:
            yield (*path, key)


def value_at(spec: Mapping[str, Any] | UnknownValue | None, path: PartPath) -> Any:
    """Return the value of a part, ABSENT when the spec lacks it. The empty path gives True, or ABSENT for no spec."""
    if not path:
        return ABSENT if spec is None else True
    value: Any = ABSENT if spec is None else spec
    for key in path:
        if isinstance(value, UnknownValue):
            return value
        value = value.get(key, ABSENT) if isinstance(value, Mapping) else ABSENT
    return value


def with_value(spec: Mapping[str, Any], path: PartPath, value: Any) -> dict[str, Any]:
    """Return `spec` with a part set, or removed for ABSENT."""
    key, rest = path[0], path[1:]
    if rest:
        inner = spec.get(key)
        value = with_value(inner if isinstance(inner, Mapping) else {}, rest, value)
    if value is ABSENT:
        return {name: kept for name, kept in spec.items() if name != key}
    return {**spec, key: value}
