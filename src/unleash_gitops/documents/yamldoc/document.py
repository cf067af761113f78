"""One YAML document: plain data, with the place of every value and key kept beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from unleash_gitops.model.diagnostics import Diagnostic, Position

if TYPE_CHECKING:
    from unleash_gitops.documents.yamldoc.source import Mark, Source

__all__ = ["Document", "Place"]


class Place:
    """Where a value begins, and the places inside it: by key (then `keys` has those of the keys) or by index.

    `text` is how a scalar that is no string was written.
    """

    __slots__ = ("inside", "keys", "start", "text")

    def __init__(
        self,
        start: Mark,
        inside: dict[str, Place] | list[Place] | None = None,
        keys: dict[str, Mark] | None = None,
        text: str | None = None,
    ) -> None:
        self.start = start
        self.inside = inside
        self.keys = keys
        self.text = text

    def moved(self, start: Mark) -> Place:
        """Return the same as used by an alias at `start`."""
        return Place(start, self.inside, self.keys, self.text)


class Document:
    """One document of a file. `value` is plain data, and shared where the file uses aliases: do not change it.

    `position` is that of its first key. `complete` is False when an entry was left out because its key is wrong.
    """

    __slots__ = ("_root", "complete", "position", "source", "value")

    def __init__(self, value: Any, root: Place, source: Source, *, complete: bool) -> None:
        self.value = value
        self._root = root
        self.source = source
        self.complete = complete
        self.position = source.position(next(iter(root.keys.values())) if root.keys else root.start)

    def locate(self, path: Sequence[str | int], *, key: bool = False) -> Position:
        """Return where the value at `path` begins, or its key.

        Where the path leads nowhere, the same of the nearest parent that exists. What an alias stands for is where the
        alias is; what is inside of it, where it was written.
        """
        place = self._root
        mark: Mark | None = None
        for step in path:
            entry = _inside(place, step)
            if entry is None:
                break
            place, mark = entry
        if key:
            return self.position if mark is None else self.source.position(mark)
        return self.position if place is self._root else self.source.position(place.start)

    def text_of(self, path: Sequence[str | int]) -> str | None:
        """Return how the scalar at `path` was written; None for a string, and for what is no scalar."""
        place = self._root
        for step in path:
            entry = _inside(place, step)
            if entry is None:
                return None
            place, _ = entry
        return place.text

    def excerpt(self, position: Position) -> str | None:
        """Return the source line of `position`."""
        return self.source.excerpt(position)

    def error(self, code: str, message: str, position: Position, hint: str | None = None) -> Diagnostic:
        """Return an error at `position` with its source line."""
        return self.source.error(code, message, position, hint)


def _inside(place: Place, step: str | int) -> tuple[Place, Mark] | None:
    """Return the place one step inside of `place`, with the mark of its key, or of itself in a list."""
    inside = place.inside
    if isinstance(inside, dict) and isinstance(step, str) and step in inside and place.keys is not None:
        return inside[step], place.keys[step]
    if isinstance(inside, list) and isinstance(step, int) and 0 <= step < len(inside):
        return inside[step], inside[step].start
    return None
