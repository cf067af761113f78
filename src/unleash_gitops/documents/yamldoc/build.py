"""Build plain data from parser events in one pass, without a node tree.

Does not use PyYAML's composer. That one recurses in C until the interpreter crashes, and keeps the last of two equal
keys.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

import yaml

from unleash_gitops.documents.yamldoc.document import Document, PositionTree
from unleash_gitops.documents.yamldoc.quoting import escape_unprintable, quote, shorten
from unleash_gitops.documents.yamldoc.scalars import Scalar, UnreadableNumber, resolve_plain

if TYPE_CHECKING:
    from unleash_gitops.documents.yamldoc.source import Source, SourceMark
    from unleash_gitops.model.diagnostics import Diagnostic

__all__ = ["MAX_DEPTH", "MAX_EXPANDED", "MAX_VALUES", "TOO_DEEP", "BuildError", "Builder"]

MAX_DEPTH = 100  # levels of nesting, with aliases expanded
TOO_DEEP = f"nested more than {MAX_DEPTH} levels deep"
MAX_EXPANDED = 10_000  # values that aliases may add to the written ones
MAX_VALUES = 100_000  # values written in one document

Event = Any  # an event of PyYAML, whose stubs leave out most attributes

_SURROGATE = re.compile("[\ud800-\udfff]")
_CORE = "tag:yaml.org,2002:"
_TYPES_BY_TAG: dict[str, tuple[str, tuple[type, ...]]] = {
    _CORE + "null": ("null", (type(None),)),
    _CORE + "bool": ("true or false", (bool,)),
    _CORE + "int": ("a whole number", (int,)),
    _CORE + "float": ("a number", (float, int)),
}
_COLLECTION_TAGS = {
    yaml.MappingStartEvent: (None, "!", _CORE + "map"),
    yaml.SequenceStartEvent: (None, "!", _CORE + "seq"),
}


class BuildError(Exception):
    """The document exceeds a limit or has an alias that cannot be resolved. The rest of the file is not read."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


class Builder:
    """Builds one document from the events that `advance` returns. `problems` are the errors that do not stop it."""

    def __init__(self, source: Source, advance: Callable[[], Event]) -> None:
        self.problems: list[Diagnostic] = []
        self._source = source
        self._advance = advance
        self._anchors: dict[str, tuple[Any, PositionTree] | None] = {}  # None while the anchored value is incomplete
        self._expandable = MAX_EXPANDED
        self._value_count = 0
        self._complete = True

    def build(self) -> Document:
        """Return the next document. Raises BuildError, YAMLError."""
        value, tree = self._build_value(self._advance(), 0)
        return Document(value, tree, self._source, complete=self._complete)

    def _build_value(self, event: Event, depth: int) -> tuple[Any, PositionTree]:
        self._value_count += 1
        if self._value_count > MAX_VALUES:
            message = f"the document has more than {MAX_VALUES:,} values"
            self._stop("too-large", message, event.start_mark, "split it into several documents")
        event_type: type = event.__class__
        if event_type is yaml.ScalarEvent:
            value, tree = self._build_scalar(event)
        elif event_type is yaml.AliasEvent:
            return self._resolve_alias(event, depth)
        else:
            value, tree = self._build_collection(event, depth + 1)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, tree)
        return value, tree

    def _build_scalar(self, event: Event) -> tuple[Scalar, PositionTree]:
        text: str = event.value
        if not text.isascii() and _SURROGATE.search(text):  # only the parser in Python accepts it
            self._report("character", "an unpaired surrogate is not a character", event.start_mark)
            text = event.value = _SURROGATE.sub("\ufffd", text)
        if event.tag is None and not event.implicit[0]:
            return text, PositionTree(event.start_mark)
        try:
            value = resolve_plain(text) if event.tag is None else self._resolve_tagged(event)
        except UnreadableNumber as error:
            self._report("value", str(error), event.start_mark, "put it in quotes if it is text")
            value = text
        return value, PositionTree(event.start_mark, literal=None if value.__class__ is str else text)

    def _resolve_tagged(self, event: Event) -> Scalar:
        """Return the value of a scalar with a tag. Reports other tags than those of the core schema."""
        text: str = event.value
        if event.tag in {"!", _CORE + "str"}:
            return text
        value = resolve_plain(text) if not event.style else text
        if event.tag not in _TYPES_BY_TAG:
            self._report_tag(event)
            return value
        noun, types = _TYPES_BY_TAG[event.tag]
        value = resolve_plain(text)
        if value.__class__ not in types:
            message = f"{quote(text)} is not {noun}, which its tag requires"
            self._report("tag", message, event.start_mark, "correct the value, or remove the tag")
            return value
        return float(value) if isinstance(value, int) and float in types else value

    def _build_collection(self, event: Event, depth: int) -> tuple[Any, PositionTree]:
        if depth > MAX_DEPTH:
            self._stop("too-deep", TOO_DEEP, event.start_mark)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        if event.tag not in _COLLECTION_TAGS[event.__class__]:
            self._report_tag(event)
        event_type: type = event.__class__
        if event_type is yaml.MappingStartEvent:
            return self._build_mapping(event.start_mark, depth)
        return self._build_sequence(event.start_mark, depth)

    def _build_sequence(self, start: SourceMark, depth: int) -> tuple[list[Any], PositionTree]:
        values: list[Any] = []
        trees: list[PositionTree] = []
        while (event := self._advance()).__class__ is not yaml.SequenceEndEvent:
            value, tree = self._build_value(event, depth)
            values.append(value)
            trees.append(tree)
        return values, PositionTree(start, trees)

    def _build_mapping(self, start: SourceMark, depth: int) -> tuple[dict[str, Any], PositionTree]:
        values: dict[str, Any] = {}
        key_marks: dict[str, SourceMark] = {}
        trees: dict[str, PositionTree] = {}
        while (event := self._advance()).__class__ is not yaml.MappingEndEvent:
            key = self._build_key(event, depth)
            value, tree = self._build_value(self._advance(), depth)
            if key is None:
                self._complete = False
            elif key in values:
                message = f"duplicate key {quote(key)}, first on line {key_marks[key].line + 1}"
                self._report("duplicate-key", message, event.start_mark, "remove one of the two")
            else:
                values[key] = value
                key_marks[key] = event.start_mark
                trees[key] = tree
        return values, PositionTree(start, trees, key_marks)

    def _build_key(self, event: Event, depth: int) -> str | None:
        """Return a key. Return None and report a problem when the value is not a valid key."""
        event_type: type = event.__class__
        if event_type is yaml.ScalarEvent and event.value == "<<" and event.implicit[0]:
            hint = "write the keys out, or use an alias for a whole value"
            self._report("merge-key", "YAML 1.2 has no merge key <<", event.start_mark, hint)
            return None
        value, tree = self._build_value(event, depth)
        if isinstance(value, str):
            return value
        if isinstance(value, dict | list):
            self._report("key", "a key must be a string, not a mapping or list", event.start_mark)
        elif not tree.literal:
            self._report("key", "a key must not be empty", event.start_mark)
        else:
            text = escape_unprintable(shorten(tree.literal))
            hint = f'put it in quotes: "{text}"'
            self._report("key", f"a key must be a string, not {text}", event.start_mark, hint)
        return None

    def _resolve_alias(self, event: Event, depth: int) -> tuple[Any, PositionTree]:
        """Return the value of the anchor, with a tree that starts at the alias."""
        alias = f"alias {quote(event.anchor)}"
        if event.anchor not in self._anchors:
            self._stop(
                "alias", f"{alias} has no anchor before it", event.start_mark, "define the anchor before its use"
            )
        target = self._anchors[event.anchor]
        if target is None:
            message = f"{alias} refers to a value that contains the alias"
            self._stop("alias", message, event.start_mark, "write the value out")
        value, tree = target
        size, height = _measure(tree, self._expandable)
        self._expandable -= size
        if self._expandable < 0:
            message = f"aliases add more than {MAX_EXPANDED:,} values to this document"
            self._stop("alias", message, event.start_mark, "use fewer aliases, or split the document")
        if depth + height > MAX_DEPTH:
            self._stop("too-deep", TOO_DEEP, event.start_mark)
        return value, tree.move_to(event.start_mark)

    def _report(self, code: str, message: str, mark: SourceMark, hint: str | None = None) -> None:
        self.problems.append(self._source.build_error(code, message, self._source.locate(mark), hint))

    def _report_tag(self, event: Event) -> None:
        tag = event.tag.replace(_CORE, "!!", 1)
        self._report("tag", f"the tag {quote(tag)} is not allowed", event.start_mark, "write plain data without tags")

    def _stop(self, code: str, message: str, mark: SourceMark, hint: str | None = None) -> NoReturn:
        raise BuildError(self._source.build_error(code, message, self._source.locate(mark), hint))


def _measure(tree: PositionTree, limit: int) -> tuple[int, int]:
    """Return the number of values in `tree`, itself included, and its depth.

    Stops counting soon after `limit` values.
    """
    children = tree.children.values() if isinstance(tree.children, dict) else tree.children
    if children is None:
        return 1, 0
    size, height = 1, 0
    for child in children:
        child_size, child_height = _measure(child, limit - size)
        size += child_size
        height = max(height, child_height)
        if size > limit:
            break
    return size, height + 1
