"""One YAML document: plain data, with the position of every value and key kept beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from unleash_gitops.model.diagnostics import Diagnostic, Position

if TYPE_CHECKING:
    from unleash_gitops.documents.yamldoc.source import Source, SourceMark

__all__ = ["Document", "PositionTree"]


class PositionTree:
    """Where a value starts, and the trees of the values inside it: by key in a mapping, by index in a list.

    `key_marks` has the places of a mapping's keys. `literal` is the text of a scalar that is not a string.
    """

    __slots__ = ("children", "key_marks", "literal", "start")

    def __init__(
        self,
        start: SourceMark,
        children: dict[str, PositionTree] | list[PositionTree] | None = None,
        key_marks: dict[str, SourceMark] | None = None,
        literal: str | None = None,
    ) -> None:
        self.start = start
        self.children = children
        self.key_marks = key_marks
        self.literal = literal

    def move_to(self, start: SourceMark) -> PositionTree:
        """Return the tree of an alias at `start` for this value. The values inside keep their places."""
        return PositionTree(start, self.children, self.key_marks, self.literal)


class Document:
    """One document of a file.

    `value` is plain data. Do not change it: parts that the file aliases are shared. `position` is the position of the
    first key. `complete` is False when an entry was left out because its key is invalid.
    """

    __slots__ = ("_tree", "complete", "position", "source", "value")

    def __init__(self, value: Any, tree: PositionTree, source: Source, *, complete: bool) -> None:
        self.value = value
        self._tree = tree
        self.source = source
        self.complete = complete
        self.position = source.locate(next(iter(tree.key_marks.values())) if tree.key_marks else tree.start)

    def locate(self, path: Sequence[str | int], *, key: bool = False) -> Position:
        """Return the position of the value at `path`, or of its key.

        When the path does not exist, return the position of the nearest parent that does. An aliased value is where
        the alias is; the values inside it are where they are written.
        """
        tree = self._tree
        key_mark: SourceMark | None = None
        for step in path:
            child = _find_child(tree, step)
            if child is None:
                break
            tree, key_mark = child
        if key:
            return self.position if key_mark is None else self.source.locate(key_mark)
        return self.position if tree is self._tree else self.source.locate(tree.start)

    def find_literal(self, path: Sequence[str | int]) -> str | None:
        """Return the text of the scalar at `path`; None for strings, mappings, lists, and when nothing is there."""
        tree = self._tree
        for step in path:
            child = _find_child(tree, step)
            if child is None:
                return None
            tree, _ = child
        return tree.literal

    def extract_line(self, position: Position) -> str | None:
        """Return the source line of `position`, see `Source.extract_line`."""
        return self.source.extract_line(position)

    def build_error(self, code: str, message: str, position: Position, hint: str | None = None) -> Diagnostic:
        """Return an error at `position` with its source line."""
        return self.source.build_error(code, message, position, hint)


def _find_child(tree: PositionTree, step: str | int) -> tuple[PositionTree, SourceMark] | None:
    """Return the tree one step inside `tree`, with the mark of its key, or of the item itself in a list."""
    children = tree.children
    if isinstance(children, dict) and isinstance(step, str) and step in children and tree.key_marks is not None:
        return children[step], tree.key_marks[step]
    if isinstance(children, list) and isinstance(step, int) and 0 <= step < len(children):
        return children[step], children[step].start
    return None
