"""Answers with a part of another form than any server sends, for properties of what reads them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import Any

SIMPLE = (
    None, True, False, 0, -1, 1, 7, 10**30, -(10**400), 0.5, 1e300, "", "1", "x", "²", "a:b", "\x00", "http://[", "😀",
    "2026-01-31T12:00:00Z", [], {}, [[]], [None], [{}], {"id": [{}]}, {"name": None}, {"message": {}, "details": [1]},
)  # fmt: skip
NOT_JSON = (b"", b"<html>", b"\xff\xfe", b"NaN", b'"\\ud800"', b"[1e999]", b"[" * 5000, b"1" * 5000)


def list_places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of each part of a value, the whole first."""
    yield place
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from list_places(part, (*place, key))


def replace_part(value: Any, place: tuple[Any, ...], part: Any) -> Any:
    """Return `value` with `part` at `place`."""
    if not place:
        return part
    key, *rest = place
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[key] = replace_part(value[key], tuple(rest), part)
    return copy


def remove_part(value: Any, place: tuple[Any, ...]) -> Any:
    """Return `value` without the key or the entry at `place`."""
    parent = value
    for key in place[:-1]:
        parent = parent[key]
    rest: Any
    if isinstance(parent, dict):
        rest = {key: part for key, part in parent.items() if key != place[-1]}
    else:
        rest = [part for key, part in enumerate(parent) if key != place[-1]]
    return replace_part(value, place[:-1], rest)


def make_odd(body: bytes, random: Random) -> bytes:
    """Return the body of an answer with one part that is another value, or is missing; or a body that is not JSON."""
    if random.random() < 0.1:
        return random.choice(NOT_JSON)
    content = json.loads(body) if body else None
    place = random.choice(list(list_places(content)))
    if place and random.random() < 0.2:
        return json.dumps(remove_part(content, place)).encode()
    part = random.choice(SIMPLE)
    if random.random() < 0.1:
        part = [part, {"id": part}]
    return json.dumps(replace_part(content, place, part)).encode()
