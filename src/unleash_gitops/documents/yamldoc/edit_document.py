"""Set and remove values in the text of one document. Every other character stays as it is.

Each change is small: the text is parsed again before the next one.
"""

from __future__ import annotations

import json
from difflib import SequenceMatcher
from typing import Any

import yaml

from unleash_gitops.documents.yamldoc.dump import dump_entry, dump_flow, dump_scalar
from unleash_gitops.documents.yamldoc.node_text import NodeText, Path, split_entry
from unleash_gitops.documents.yamldoc.parse import parse_documents

__all__ = ["REMOVED", "are_equal", "edit_document"]


class _Removed:
    """The type of REMOVED."""


REMOVED = _Removed()
"""The new value of a key to be removed."""


def edit_document(text: str, file_path: str, line: int, path: Path, value: Any) -> str:
    """Return the text of a document with `value` at `path`. Adds missing mappings; REMOVED removes the last key.

    `line` is where the document starts in the file at `file_path`, for errors. Raises EditError.
    """
    editor = _Editor(NodeText(text, file_path, line))
    editor.set(path, value)
    return editor.nodes.text


def are_equal(left: Any, right: Any) -> bool:
    """Return whether two values are equal. Unlike in Python, true and 1 are not."""
    return _canonicalize(left) == _canonicalize(right)


def _canonicalize(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


class _Editor:
    """Applies changes to `nodes`."""

    def __init__(self, nodes: NodeText) -> None:
        self.nodes = nodes

    def set(self, path: Path, value: Any) -> None:
        """Set, add or remove the value at `path`."""
        for depth in range(1, len(path)):
            if not isinstance(self._read(path[:depth]), (dict, list)):
                if value is not REMOVED:
                    self._put(path[:depth], _nest(path[depth:], value))
                return
        if value is not REMOVED:
            self._put(path, value)
        elif self._read(path) is not REMOVED:
            self._remove(path)

    def _put(self, path: Path, value: Any) -> None:
        """Change the value at `path` with as few changes to the text as possible."""
        current = self._read(path)
        if current is REMOVED:
            self._add(path[:-1], path[-1], value)
        elif are_equal(current, value):
            return
        elif isinstance(current, dict) and isinstance(value, dict) and current and value:
            for key, item in value.items():
                self._put((*path, key), item)
            for key in current.keys() - value.keys():
                self._remove((*path, key))
        elif (
            isinstance(current, list)
            and isinstance(value, list)
            and current
            and value
            and not self.nodes.is_in_brackets(path)
        ):
            self._put_items(path, current, value)
        else:
            self._replace(path, value)

    def _put_items(self, path: Path, old: list[Any], new: list[Any]) -> None:
        """Turn the list `old` into `new`, from the end backwards, so that earlier indexes stay valid."""
        matcher = SequenceMatcher(None, [*map(_canonicalize, old)], [*map(_canonicalize, new)], autojunk=False)
        for tag, old_start, old_end, new_start, new_end in reversed(matcher.get_opcodes()):
            if tag == "equal":
                continue
            common = min(old_end - old_start, new_end - new_start)
            for index in reversed(range(old_start + common, old_end)):
                self._remove((*path, index))
            for item in reversed(new[new_start + common : new_end]):
                self._insert(path, old_start + common, item)
            for offset in reversed(range(common)):
                self._put((*path, old_start + offset), new[new_start + offset])

    def _add(self, path: Path, key: Any, value: Any) -> None:
        """Add a key at the end of the mapping at `path`."""
        nodes = self.nodes
        mapping = nodes.find_node(path)
        if not isinstance(mapping, yaml.MappingNode) or not mapping.value:
            self._replace(path, {key: value})
            return
        prefix = f"{_match_quotes(mapping.value[-1][0], key)}:"
        end = nodes.find_end(mapping.value[-1])
        if nodes.is_in_brackets(path):
            nodes.splice(end, end, f", {prefix} {dump_flow(value)}")
            return
        column = mapping.value[0][0].start_mark.column
        nodes.insert_line_below(end, " " * column + dump_entry(prefix, value, column))

    def _insert(self, path: Path, index: int, value: Any) -> None:
        """Insert an item before `index` of the block list at `path`."""
        nodes = self.nodes
        items = nodes.find_node(path).value
        column = nodes.find_column(nodes.find_dash(items[0]))
        line = " " * column + dump_entry("-", value, column)
        if index == len(items):
            nodes.insert_line_below(nodes.find_end(items[-1]), line)
            return
        dash = nodes.find_dash(items[index])
        if nodes.is_first_on_line(dash):
            start = nodes.find_line_start(dash)
            nodes.splice(start, start, f"{line}\n")
        else:
            nodes.splice(dash, dash, f"{line.lstrip()}\n{' ' * column}")

    def _remove(self, path: Path) -> None:
        """Remove a key or an item. The last one leaves empty brackets."""
        nodes = self.nodes
        parent = nodes.find_node(path[:-1])
        entries = parent.value
        index = nodes.find_index(parent, path[-1])
        if len(entries) == 1:
            self._replace(path[:-1], {} if isinstance(parent, yaml.MappingNode) else [])
            return
        in_brackets = nodes.is_in_brackets(path[:-1])
        start, end = nodes.find_start(entries[index], in_brackets=in_brackets), nodes.find_end(entries[index])
        is_last = index == len(entries) - 1
        if in_brackets and is_last:
            nodes.splice(nodes.find_end(entries[index - 1]), end, "")
        elif not in_brackets and nodes.is_first_on_line(start):
            nodes.splice(nodes.find_line_start(start), min(nodes.find_line_end(end) + 1, len(nodes.text)), "")
        elif is_last:
            raise nodes.reject(split_entry(entries[index])[1])
        else:
            nodes.splice(start, nodes.find_start(entries[index + 1], in_brackets=in_brackets), "")

    def _replace(self, path: Path, value: Any) -> None:
        """Replace the text of the value at `path`."""
        nodes = self.nodes
        node = nodes.find_node(path)
        if not path:
            raise nodes.reject(node)
        parent = nodes.find_node(path[:-1])
        key = parent.value[nodes.find_index(parent, path[-1])][0] if isinstance(parent, yaml.MappingNode) else None
        start, end = node.start_mark.index, nodes.find_end(node if key is None else (key, node))
        is_one_line = not isinstance(value, str) or "\n" not in value
        if nodes.is_in_brackets(path[:-1]):
            if start == end:
                raise nodes.reject(node)
            nodes.splice(start, end, _match_quotes(node, value))
        elif start < end and _is_plain_or_quoted(node) and not isinstance(value, (dict, list)) and is_one_line:
            nodes.splice(start, end, dump_scalar(value, node.style))
        elif isinstance(node, yaml.CollectionNode) and node.flow_style and node.value and value and is_one_line:
            nodes.splice(start, end, dump_flow(value))
        else:
            mark = nodes.text.index(":", key.end_mark.index) if key is not None else nodes.find_dash(node)
            column = key.start_mark.column if key is not None else nodes.find_column(mark)
            entry = dump_entry("-" if key is None else ":", value, column)
            nodes.splice_value(mark + 1, max(end, mark + 1), entry[1:])

    def _read(self, path: Path) -> Any:
        """Return the value at `path`, or REMOVED when there is none."""
        documents, problems = parse_documents(self.nodes.text.encode(), self.nodes.file_path)
        if problems or len(documents) != 1:
            raise self.nodes.reject()
        current = documents[0].value
        for step in path:
            if isinstance(current, dict):
                current = current.get(step, REMOVED)
            elif isinstance(current, list) and isinstance(step, int):
                current = current[step]
            else:
                return REMOVED
        return current


def _is_plain_or_quoted(node: Any) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.style in {None, "'", '"'}


def _match_quotes(node: Any, value: Any) -> str:
    """Return `value` in flow style. A string gets the quotes that the scalar `node` has."""
    is_quoted = isinstance(value, str) and isinstance(node, yaml.ScalarNode) and node.style in {"'", '"'}
    return dump_scalar(value, node.style) if is_quoted else dump_flow(value)


def _nest(path: Path, value: Any) -> Any:
    for step in reversed(path):
        value = {step: value}
    return value
