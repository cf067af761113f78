"""Answers with a part of another form than any server sends, for properties of what reads them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

odd_values = st.recursive(
    st.none()
    | st.booleans()
    | st.sampled_from(
        [0, -1, 1, 7, 10**30, -(10**400), 0.5, 1e300, "", "1", "x", "²", "a:b", "\x00", "http://[", "😀"]
    ),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["id", "name", "message", "total", "", "²"]), inner, max_size=2)
    ),
    max_leaves=4,
)
"""Any JSON value, small."""
not_json = st.sampled_from([b"", b"<html>", b"\xff\xfe", b"NaN", b'"\\ud800"', b"[1e999]", b"[" * 5000, b"1" * 5000])


def _places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of each part of a value, the whole first."""
    yield place
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from _places(part, (*place, key))


def _replace(value: Any, place: tuple[Any, ...], part: Any) -> Any:
    if not place:
        return part
    key, *rest = place
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[key] = _replace(value[key], tuple(rest), part)
    return copy


@st.composite
def odd_bodies(draw: st.DrawFn, body: bytes) -> bytes:
    """Draw the body of an answer in which one part is another value, or is missing, or which is not JSON at all."""
    if draw(st.integers(0, 9)) == 0:
        return draw(not_json)
    content = json.loads(body) if body else None
    places = list(_places(content))
    place = draw(st.sampled_from(places))
    if place and isinstance(place[-1], str) and draw(st.booleans()):
        parent = content
        for key in place[:-1]:
            parent = parent[key]
        without = {key: value for key, value in parent.items() if key != place[-1]}
        return json.dumps(_replace(content, place[:-1], without)).encode()
    return json.dumps(_replace(content, place, draw(odd_values))).encode()
