"""Write out aliases in the text of one document, so that an edit of one value changes no other value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from unleash_gitops.documents.yamldoc.dump import dump_entry, dump_flow
from unleash_gitops.documents.yamldoc.node_text import LOADER, NodeText, Path
from unleash_gitops.documents.yamldoc.parse import parse_documents

__all__ = ["write_out_aliases"]


@dataclass(frozen=True)
class _Alias:
    """An alias at `path`, for the value that has its anchor at `anchor_path`. `event` is the parser's.

    `key` is the event of the alias's key in a block mapping, None in a list and in brackets.
    """

    path: Path
    anchor_path: Path
    event: Any
    key: Any
    in_brackets: bool

    def concerns(self, path: Path) -> bool:
        """Tell whether an edit at `path` can reach the alias or the value that it stands for."""
        return any(_overlap(path, other) for other in (self.path, self.anchor_path))


def write_out_aliases(text: str, file_path: str, line: int, path: Path) -> str:
    """Return the text of a document in which no alias shares a value with `path`. Its values stay the same.

    `line` is where the document starts in the file at `file_path`, for errors. Raises EditError.
    """
    nodes = NodeText(text, file_path, line)
    documents, problems = parse_documents(text.encode(), file_path)
    if problems or len(documents) != 1:
        raise nodes.reject()
    aliases = [alias for alias in _Walk(text).find_aliases() if alias.concerns(path)]
    for alias in reversed(aliases):  # from the end, so that earlier offsets stay valid
        _write_out(nodes, alias, _read_value(documents[0].value, alias.path))
    return nodes.text


def _overlap(left: Path, right: Path) -> bool:
    """Tell whether one path leads to the other, or both are equal."""
    common = min(len(left), len(right))
    return left[:common] == right[:common]


def _read_value(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def _write_out(nodes: NodeText, alias: _Alias, value: Any) -> None:
    start, end = alias.event.start_mark.index, alias.event.end_mark.index
    if alias.in_brackets or not isinstance(value, (dict, list)) or not value:
        nodes.splice(start, end, dump_flow(value))
        return
    key = alias.key
    mark = nodes.find_dash(alias.event) if key is None else nodes.text.index(":", key.end_mark.index)
    column = nodes.find_column(mark) if key is None else key.start_mark.column
    entry = dump_entry("-" if key is None else ":", value, column)
    nodes.splice_value(mark + 1, end, entry[1:])


class _Walk:
    """A walk through the events of one document, which finds the aliases and the path of each."""

    def __init__(self, text: str) -> None:
        self._events = iter(yaml.parse(text, Loader=LOADER))
        self._anchor_paths: dict[str, Path] = {}
        self._scalars: dict[str, str] = {}

    def find_aliases(self) -> list[_Alias]:
        """Return the aliases in the order of the text."""
        event = next(self._events)
        while isinstance(event, (yaml.StreamStartEvent, yaml.DocumentStartEvent)):
            event = next(self._events)
        return list(self._visit(event, (), None, in_brackets=False))

    def _visit(self, event: Any, path: Path, key: Any, *, in_brackets: bool) -> Iterator[_Alias]:
        if isinstance(event, yaml.AliasEvent):
            yield _Alias(path, self._anchor_paths[str(event.anchor)], event, key, in_brackets)
            return
        self._remember(event, path)
        if isinstance(event, yaml.CollectionStartEvent):
            inner = in_brackets or bool(event.flow_style)
            is_mapping = isinstance(event, yaml.MappingStartEvent)
            yield from self._visit_mapping(path, inner) if is_mapping else self._visit_list(path, inner)

    def _visit_mapping(self, path: Path, in_brackets: bool) -> Iterator[_Alias]:
        key: Any
        while not isinstance(key := next(self._events), yaml.MappingEndEvent):
            if isinstance(key, yaml.AliasEvent):
                step = self._scalars.get(str(key.anchor), "")
            else:
                step = getattr(key, "value", "")
                self._remember(key, (*path, step))
            yield from self._visit(next(self._events), (*path, step), key, in_brackets=in_brackets)

    def _visit_list(self, path: Path, in_brackets: bool) -> Iterator[_Alias]:
        index = 0
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            yield from self._visit(event, (*path, index), None, in_brackets=in_brackets)
            index += 1

    def _remember(self, event: Any, path: Path) -> None:
        """Note where an anchor is, if the event has one."""
        if event.anchor is not None:
            self._anchor_paths[event.anchor] = path
            if isinstance(event, yaml.ScalarEvent):
                self._scalars[event.anchor] = event.value
