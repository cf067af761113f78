"""The text of one YAML document, and where its nodes are in it. Does not know how to change a value."""

from __future__ import annotations

from typing import Any

import yaml

__all__ = ["LOADER", "EditError", "NodeText", "Path", "split_entry"]

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Path = tuple[str | int, ...]
_UNSUPPORTED = "this way of writing YAML cannot be edited"


class EditError(Exception):
    """An edit that cannot be made in the text. `line` counts from 1 in the file at `path`."""

    def __init__(self, path: str, line: int, reason: str) -> None:
        super().__init__(f"{path}:{line}: {reason}")
        self.path = path
        self.line = line
        self.reason = reason


def split_entry(entry: Any) -> tuple[Any, Any]:
    """Return the key and value nodes of a mapping's entry, or None and the node of a list's item."""
    return entry if isinstance(entry, tuple) else (None, entry)


class NodeText:
    """The text of a document that starts at `line` of the file `file_path`.

    Offsets count characters of `text` from 0. An entry is a mapping's pair of nodes, or a list's item node. Nodes are
    composed anew for every call, so they are valid until the next change of the text.
    """

    def __init__(self, text: str, file_path: str, line: int) -> None:
        self.text = text
        self.file_path = file_path
        self.line = line

    def find_node(self, path: Path) -> Any:
        """Return the node at `path`. Raises EditError when it does not exist or an alias refers to it."""
        node = self._compose()
        for step in path:
            key, child = split_entry(node.value[self.find_index(node, step)])
            start = node.start_mark.index if key is None else key.end_mark.index
            if not start <= child.start_mark.index <= node.end_mark.index:
                raise self.reject(node)
            node = child
        return node

    def find_index(self, node: Any, step: Any) -> int:
        """Return the index of the entry at `step`, a key or an index. Raises EditError when there is none."""
        if isinstance(node, yaml.MappingNode):
            for index, (key, _) in enumerate(node.value):
                if key.value == str(step):
                    return index
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            return step
        raise self.reject(node)

    def is_in_brackets(self, path: Path) -> bool:
        """Return whether the node at `path`, or a node around it, is in flow style."""
        return any(
            isinstance(node := self.find_node(path[:depth]), yaml.CollectionNode) and bool(node.flow_style)
            for depth in range(len(path) + 1)
        )

    def find_start(self, entry: Any, *, in_brackets: bool) -> int:
        """Return the offset of an entry's key, of its dash in a block list, or of its value in brackets."""
        key, node = split_entry(entry)
        if key is not None:
            return int(key.start_mark.index)
        return int(node.start_mark.index) if in_brackets else self.find_dash(node)

    def find_end(self, entry: Any) -> int:
        """Return the offset after an entry's text, before any space and comment."""
        key, node = split_entry(entry)
        if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
            return self.find_end(node.value[-1])
        end = len(self.text[: node.end_mark.index].rstrip())
        start: int = node.start_mark.index
        if end > start:
            return end
        return self.text.index(":", key.end_mark.index) + 1 if key is not None else start

    def find_dash(self, item: Any) -> int:
        """Return the offset of the dash before an item of a block list. Raises EditError when there is none."""
        before = self.text[: item.start_mark.index].rstrip()
        if not before.endswith("-"):
            raise self.reject(item)
        return len(before) - 1

    def find_column(self, offset: int) -> int:
        """Return the column of `offset`, from 0."""
        return offset - self.find_line_start(offset)

    def find_line_start(self, offset: int) -> int:
        """Return the offset of the first character of the line of `offset`."""
        return self.text.rfind("\n", 0, offset) + 1

    def find_line_end(self, offset: int) -> int:
        """Return the offset of the line end after `offset`, or the length of the text."""
        end = self.text.find("\n", offset)
        return len(self.text) if end < 0 else end

    def is_first_on_line(self, offset: int) -> bool:
        """Return whether only spaces come before `offset` on its line."""
        return not self.text[self.find_line_start(offset) : offset].strip()

    def splice(self, start: int, end: int, text: str) -> None:
        """Replace the characters from `start` to `end` with `text`."""
        self.text = self.text[:start] + text + self.text[end:]

    def splice_value(self, start: int, end: int, text: str) -> None:
        """Replace a value after a colon or dash. A comment behind it stays on the first line of `text`."""
        first_line, newline, rest = text.partition("\n")
        if newline:
            line_end = self.find_line_end(end)
            first_line += self.text[end:line_end].rstrip()
            end = line_end
        self.splice(start, end, first_line + newline + rest)

    def insert_line_below(self, offset: int, line: str) -> None:
        """Insert `line` below the line of `offset`."""
        line_end = self.find_line_end(offset)
        self.splice(line_end, line_end, f"\n{line}" if line_end < len(self.text) else f"\n{line}\n")

    def reject(self, node: Any = None) -> EditError:
        """Return an error at the line of `node`, or of the document without one."""
        if node is None:
            return EditError(self.file_path, self.line, _UNSUPPORTED)
        root = self._compose()
        line = self.line + int(node.start_mark.line) - int(root.start_mark.line)
        return EditError(self.file_path, line, _UNSUPPORTED)

    def _compose(self) -> Any:
        """Return the root node. Raises EditError for what PyYAML's composer refuses, such as an anchor used twice."""
        try:
            return yaml.compose(self.text, Loader=LOADER)
        except yaml.YAMLError:
            raise self.reject() from None
