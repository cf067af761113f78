"""Values into a YAML file at their places, every other byte as it was: by position, one small change after the other.

What comes out is read again and compared with what was wanted; a file in which that cannot be done is left alone.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

import yaml

from unleash_gitops.documents.yamldoc.document import Document
from unleash_gitops.documents.yamldoc.dump import dump_entry, dump_flow, dump_scalar
from unleash_gitops.documents.yamldoc.parse import parse_documents

__all__ = ["REMOVED", "Edit", "Unwritable", "apply_edits"]

_BOM = "\ufeff"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Gone:
    """Stands for a key that is to go."""


REMOVED = _Gone()
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Edit:
    """A value to be set at a path of keys inside a document, or REMOVED: the last key goes."""

    path: tuple[str, ...]
    value: Any


class Unwritable(Exception):
    """An edit that cannot be made by position: an alias is in the way, or a way of writing that is not understood."""

    def __init__(self, path: str, line: int, reason: str) -> None:
        super().__init__(f"{path}:{line}: {reason}")
        self.path = path
        self.line = line
        self.reason = reason


def apply_edits(content: bytes, path: str, edits: Mapping[int, Sequence[Edit] | None]) -> bytes:
    """Return a file with `edits`, by the line (from 1) of each document's first key; None removes the document.

    Missing mappings on the way are made. `path` names the file in errors. Raises Unwritable.
    """
    text = content.decode("utf-8")
    begin, text = (_BOM, text[1:]) if text.startswith(_BOM) else ("", text)
    crlf = "\r\n" in text and "\n" not in text.replace("\r\n", "")
    text = text.replace("\r\n", "\n") if crlf else text
    wanted = _apply_to_data(content, path, edits)
    segments = _segments(text, path)
    parts = [text[: segments[0][0]] if segments else text]
    for start, end, line in segments:
        part = text[start:end]
        if line not in edits:
            parts.append(part)
            continue
        wishes = edits[line]
        if wishes is not None:
            writer = _Writer(part, path, line)
            for edit in wishes:
                writer.set(edit.path, edit.value)
            parts.append(writer.text)
    if not wanted:
        return b""
    result = begin + "".join(parts)
    content_after = (result.replace("\n", "\r\n") if crlf else result).encode("utf-8")
    documents, problems = parse_documents(content_after, path)
    if problems or not _are_equal([document.value for document in documents], wanted):
        raise Unwritable(path, min(edits), "what would come out is not what is wanted")
    return content_after


def _apply_to_data(content: bytes, path: str, edits: Mapping[int, Sequence[Edit] | None]) -> list[Any]:
    """Return the values of the documents as they are to be. Raises Unwritable when one of them is not there."""
    documents, problems = parse_documents(content, path)
    lines = {document.position.line: document for document in documents}
    for line in edits:
        if problems or line not in lines:
            raise Unwritable(path, line, "the file is not what it was when it was read")
    return [
        _with_value(document, wishes) if wishes else document.value
        for line, document in lines.items()
        if (wishes := edits.get(line, ())) is not None
    ]


def _with_value(document: Document, edits: Sequence[Edit]) -> Any:
    """Return the value of a document with edits. Raises Unwritable when it is no mapping."""
    value = copy.deepcopy(document.value)
    if not isinstance(value, dict):
        raise Unwritable(document.position.path, document.position.line, "it is not a mapping")
    for edit in edits:
        at, is_removal = value, edit.value is REMOVED
        for key in edit.path[:-1]:
            if not isinstance(at.get(key), dict):
                if is_removal:
                    break
                at[key] = {}
            at = at[key]
        else:
            if is_removal:
                at.pop(edit.path[-1], None)
            else:
                at[edit.path[-1]] = copy.deepcopy(edit.value)
    return value


def _segments(text: str, path: str) -> list[tuple[int, int, int]]:
    """Return where each document begins and where the next does, and the line of its first key, 0 when it has none."""
    starts: list[int] = []
    lines: list[int] = []
    before: Any = None
    event: Any
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            if isinstance(event, yaml.DocumentStartEvent):
                starts.append(_index(event.start_mark))
                lines.append(0)
            elif isinstance(before, yaml.MappingStartEvent) and lines[-1] == 0:
                lines[-1] = event.start_mark.line + 1
            before = event
    except yaml.YAMLError:
        raise Unwritable(path, 1, "the file is not what it was when it was read") from None
    return list(zip(starts, [*starts[1:], len(text)], lines, strict=True))


def _index(mark: Any) -> int:
    return int(mark.index)


def _are_equal(left: Any, right: Any) -> bool:
    """Tell whether two values are the same, true and 1 told apart."""
    return _canonical(left) == _canonical(right)


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


class _Writer:
    """The text of one document, changed step by step; after each step it is taken apart anew."""

    def __init__(self, text: str, path: str, line: int) -> None:
        self.text = text
        self._path = path
        self._line = line

    def set(self, path: Path, value: Any) -> None:
        """Set, add or remove what is at `path`."""
        for depth in range(1, len(path)):
            if not isinstance(self._value(path[:depth]), (dict, list)):
                if value is not REMOVED:
                    self._put(path[:depth], _nest(path[depth:], value))
                return
        if value is REMOVED:
            if self._value(path) is not REMOVED:
                self._drop(path)
        else:
            self._put(path, value)

    def _put(self, path: Path, value: Any) -> None:
        old = self._value(path)
        if old is REMOVED:
            self._add(path[:-1], path[-1], value)
        elif _are_equal(old, value):
            return
        elif isinstance(old, dict) and isinstance(value, dict) and old and value:
            for key, item in value.items():
                self._put((*path, key), item)
            for key in old.keys() - value.keys():
                self._drop((*path, key))
        elif isinstance(old, list) and isinstance(value, list) and old and value and not self._flows(path):
            self._put_items(path, old, value)
        else:
            self._replace(path, value)

    def _put_items(self, path: Path, old: list[Any], new: list[Any]) -> None:
        """Turn one list into the other, from its end on, so that what is before keeps its place."""
        matcher = SequenceMatcher(None, [*map(_canonical, old)], [*map(_canonical, new)], autojunk=False)
        for tag, i1, i2, j1, j2 in reversed(matcher.get_opcodes()):
            if tag == "equal":
                continue
            common = min(i2 - i1, j2 - j1)
            for place in reversed(range(i1 + common, i2)):
                self._drop((*path, place))
            for item in reversed(new[j1 + common : j2]):
                self._insert(path, i1 + common, item)
            for offset in reversed(range(common)):
                self._put((*path, i1 + offset), new[j1 + offset])

    def _add(self, path: Path, key: Any, value: Any) -> None:
        node = self._node(path)
        if not isinstance(node, yaml.MappingNode) or not node.value:
            self._replace(path, {key: value})
            return
        begin = f"{_match_style(node.value[-1][0], key)}:"
        last = self._end(node.value[-1][1], node.value[-1][0])
        if self._flows(path):
            self._splice(last, last, f", {begin} {dump_flow(value)}")
            return
        column = node.value[0][0].start_mark.column
        self._splice_line_after(last, " " * column + dump_entry(begin, value, column))

    def _insert(self, path: Path, place: int, value: Any) -> None:
        node = self._node(path)
        column = self._column(self._dash(node.value[0]))
        line = " " * column + dump_entry("-", value, column)
        if place == len(node.value):
            self._splice_line_after(self._end(node.value[-1]), line)
            return
        dash = self._dash(node.value[place])
        start = self._line_start(dash)
        if self.text[start:dash].strip():
            self._splice(dash, dash, f"{line.lstrip()}\n{' ' * column}")
        else:
            self._splice(start, start, f"{line}\n")

    def _drop(self, path: Path) -> None:
        parent = self._node(path[:-1])
        entries = (
            [(key.start_mark.index, key, value) for key, value in parent.value]
            if isinstance(parent, yaml.MappingNode)
            else [(-1, None, value) for value in parent.value]
        )
        place = self._place(parent, path[-1])
        if len(entries) == 1:
            self._replace(path[:-1], {} if isinstance(parent, yaml.MappingNode) else [])
            return
        _, key, value = entries[place]
        flows = self._flows(path[:-1])
        start = key.start_mark.index if key is not None else value.start_mark.index if flows else self._dash(value)
        end = self._end(value, key)
        if flows and place == len(entries) - 1:
            self._splice(self._end(entries[place - 1][2], entries[place - 1][1]), end, "")
        elif flows or self.text[self._line_start(start) : start].strip():
            if place == len(entries) - 1:
                raise self._unwritable(value)
            following = entries[place + 1]
            after = (
                following[1].start_mark.index
                if following[1] is not None
                else (following[2].start_mark.index if flows else self._dash(following[2]))
            )
            self._splice(start, after, "")
        else:
            self._splice(self._line_start(start), min(self._line_end(end) + 1, len(self.text)), "")

    def _replace(self, path: Path, value: Any) -> None:
        """Write something else at a place."""
        node = self._node(path)
        if not path:
            raise self._unwritable(node)
        parent = self._node(path[:-1])
        key = parent.value[self._place(parent, path[-1])][0] if isinstance(parent, yaml.MappingNode) else None
        start, end = node.start_mark.index, self._end(node, key)
        plain = isinstance(node, yaml.ScalarNode) and node.style in {None, "'", '"'} and start < end
        multiline = isinstance(value, str) and "\n" in value
        if self._flows(path[:-1]):
            if start == end:
                raise self._unwritable(node)
            self._splice(start, end, _match_style(node, value))
        elif plain and not isinstance(value, (dict, list)) and not multiline:
            self._splice(start, end, dump_scalar(value, node.style))
        elif isinstance(node, yaml.CollectionNode) and node.flow_style and node.value and value and not multiline:
            self._splice(start, end, dump_flow(value))
        else:
            mark = self.text.index(":", key.end_mark.index) if key is not None else self._dash(node)
            column = key.start_mark.column if key is not None else self._column(mark)
            begin = "-" if key is None else ":"
            self._splice_block(mark + 1, max(end, mark + 1), dump_entry(begin, value, column)[1:])

    def _splice_block(self, start: int, end: int, text: str) -> None:
        """Replace what follows a colon or dash; a comment at its end stays on the first line."""
        first, newline, rest = text.partition("\n")
        if newline:
            line_end = self._line_end(end)
            first += self.text[end:line_end].rstrip()
            end = line_end
        self._splice(start, end, first + newline + rest)

    def _splice_line_after(self, end: int, line: str) -> None:
        """Add a line below the one that `end` is in."""
        at = self._line_end(end)
        self._splice(at, at, f"\n{line}" if at < len(self.text) else f"\n{line}\n")

    def _splice(self, start: int, end: int, text: str) -> None:
        self.text = self.text[:start] + text + self.text[end:]

    def _value(self, path: Path) -> Any:
        """Return the value at `path`, REMOVED when there is none."""
        documents, problems = parse_documents(self.text.encode(), self._path)
        if problems or len(documents) != 1:
            raise Unwritable(self._path, self._line, "it is written in a way that is not understood")
        current = documents[0].value
        for step in path:
            if isinstance(current, dict):
                current = current.get(step, REMOVED)
            elif isinstance(current, list) and isinstance(step, int):
                current = current[step]
            else:
                return REMOVED
        return current

    def _node(self, path: Path) -> Any:
        """Return the node at `path`, which must be where it is used: an alias stands for another place."""
        node: Any = yaml.compose(self.text, Loader=_LOADER)
        for step in path:
            entry = node.value[self._place(node, step)]
            key, inner = entry if isinstance(node, yaml.MappingNode) else (None, entry)
            begin = node.start_mark.index if key is None else key.end_mark.index
            if not begin <= inner.start_mark.index <= node.end_mark.index:
                raise self._unwritable(node)
            node = inner
        return node

    def _place(self, node: Any, step: Any) -> int:
        if isinstance(node, yaml.MappingNode):
            for place, (key, _) in enumerate(node.value):
                if key.value == str(step):
                    return place
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            return step
        raise self._unwritable(node)

    def _flows(self, path: Path) -> bool:
        """Tell whether the node at `path`, or one around it, is in brackets."""
        return any(
            isinstance(node := self._node(path[:depth]), yaml.CollectionNode) and bool(node.flow_style)
            for depth in range(len(path) + 1)
        )

    def _end(self, node: Any, key: Any = None) -> int:
        """Return where the text of a node ends, comments and space after it apart."""
        if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
            last = node.value[-1]
            return self._end(last[1], last[0]) if isinstance(last, tuple) else self._end(last)
        end = len(self.text[: node.end_mark.index].rstrip())
        start = node.start_mark.index
        if end > start:
            return end
        return self.text.index(":", key.end_mark.index) + 1 if key is not None else start

    def _dash(self, item: Any) -> int:
        before = self.text[: item.start_mark.index].rstrip()
        if not before.endswith("-"):
            raise self._unwritable(item)
        return len(before) - 1

    def _column(self, index: int) -> int:
        return index - self._line_start(index)

    def _line_start(self, index: int) -> int:
        return self.text.rfind("\n", 0, index) + 1

    def _line_end(self, index: int) -> int:
        end = self.text.find("\n", index)
        return len(self.text) if end < 0 else end

    def _unwritable(self, node: Any) -> Unwritable:
        root: Any = yaml.compose(self.text, Loader=_LOADER)
        line = self._line + int(node.start_mark.line) - int(root.start_mark.line)
        return Unwritable(self._path, line, "it is written in a way that is not understood")


def _match_style(node: Any, value: Any) -> str:
    """Return a value as it is written in brackets; a string in place of one in quotes, or beside it, is in quotes."""
    quoted = isinstance(value, str) and isinstance(node, yaml.ScalarNode) and node.style in {"'", '"'}
    return dump_scalar(value, node.style) if quoted else dump_flow(value)


def _nest(path: Path, value: Any) -> Any:
    for step in reversed(path):
        value = {step: value}
    return value
