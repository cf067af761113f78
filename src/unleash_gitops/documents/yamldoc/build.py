"""Parser events to data: one pass, no node tree, nothing constructed that is not plain data.

Not the composer of PyYAML: that one recurses in C until the interpreter dies, and keeps the last of two equal keys.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

import yaml

from unleash_gitops.documents.yamldoc.document import Document, Place
from unleash_gitops.documents.yamldoc.quoting import printable, quote, shorten
from unleash_gitops.documents.yamldoc.scalars import Scalar, UnreadableNumber, resolve_plain

if TYPE_CHECKING:
    from unleash_gitops.documents.yamldoc.source import Mark, Source
    from unleash_gitops.model.diagnostics import Diagnostic

__all__ = ["DEEPEST", "MOST_EXPANDED", "MOST_VALUES", "TOO_DEEP", "Builder", "Unbuildable"]

DEEPEST = 100  # levels of nesting, what aliases stand for included
TOO_DEEP = f"nested more than {DEEPEST} levels deep"
MOST_EXPANDED = 10_000  # values that aliases may add to those written
MOST_VALUES = 100_000  # values written in one document

Event = Any  # PyYAML's; its stubs leave out most attributes

_SURROGATE = re.compile("[\ud800-\udfff]")
_CORE = "tag:yaml.org,2002:"
_TAGGED: dict[str, tuple[str, tuple[type, ...]]] = {
    _CORE + "null": ("null", (type(None),)),
    _CORE + "bool": ("true or false", (bool,)),
    _CORE + "int": ("a whole number", (int,)),
    _CORE + "float": ("a number", (float, int)),
}
_COLLECTIONS = {
    yaml.MappingStartEvent: (None, "!", _CORE + "map"),
    yaml.SequenceStartEvent: (None, "!", _CORE + "seq"),
}


class Unbuildable(Exception):
    """The document breaks a bound, or cannot be followed; the rest of the file is not read."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


class Builder:
    """Builds one document from the events that `advance` gives. `problems` are those that let it go on."""

    def __init__(self, source: Source, advance: Callable[[], Event]) -> None:
        self.problems: list[Diagnostic] = []
        self._source = source
        self._advance = advance
        self._anchors: dict[str, tuple[Any, Place] | None] = {}  # None: the anchored value is still open
        self._expandable = MOST_EXPANDED
        self._values = 0
        self._complete = True

    def build(self) -> Document:
        """Return the next document. Raises Unbuildable, YAMLError."""
        value, root = self._value(self._advance(), 0)
        return Document(value, root, self._source, complete=self._complete)

    def _value(self, event: Event, depth: int) -> tuple[Any, Place]:
        self._values += 1
        if self._values > MOST_VALUES:
            self._stop("too-large", f"a document may hold {MOST_VALUES:,} values at most", event.start_mark)
        kind: type = event.__class__
        if kind is yaml.ScalarEvent:
            value, place = self._scalar(event)
        elif kind is yaml.AliasEvent:
            return self._alias(event, depth)
        else:
            value, place = self._collection(event, depth + 1)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, place)
        return value, place

    def _scalar(self, event: Event) -> tuple[Scalar, Place]:
        text: str = event.value
        if not text.isascii() and _SURROGATE.search(text):  # only the parser in Python lets it pass
            self._report("character", "half a surrogate pair is no character", event.start_mark)
            text = event.value = _SURROGATE.sub("\ufffd", text)
        if event.tag is None and not event.implicit[0]:
            return text, Place(event.start_mark)
        try:
            value = resolve_plain(text) if event.tag is None else self._tagged(event)
        except UnreadableNumber as error:
            self._report("value", str(error), event.start_mark)
            value = text
        return value, Place(event.start_mark, text=None if value.__class__ is str else text)

    def _tagged(self, event: Event) -> Scalar:
        """Return a scalar with a tag: one of the core schema, or the value as if it had none and a problem."""
        text: str = event.value
        if event.tag in {"!", _CORE + "str"}:
            return text
        value = resolve_plain(text) if not event.style else text
        if event.tag not in _TAGGED:
            self._report_tag(event)
            return value
        noun, types = _TAGGED[event.tag]
        value = resolve_plain(text)
        if value.__class__ not in types:
            self._report("tag", f"{quote(text)} is not {noun}, as its tag says", event.start_mark)
            return value
        return float(value) if isinstance(value, int) and float in types else value

    def _collection(self, event: Event, depth: int) -> tuple[Any, Place]:
        if depth > DEEPEST:
            self._stop("too-deep", TOO_DEEP, event.start_mark)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        if event.tag not in _COLLECTIONS[event.__class__]:
            self._report_tag(event)
        kind: type = event.__class__
        if kind is yaml.MappingStartEvent:
            return self._mapping(event.start_mark, depth)
        return self._sequence(event.start_mark, depth)

    def _sequence(self, start: Mark, depth: int) -> tuple[list[Any], Place]:
        values: list[Any] = []
        places: list[Place] = []
        while (event := self._advance()).__class__ is not yaml.SequenceEndEvent:
            value, place = self._value(event, depth)
            values.append(value)
            places.append(place)
        return values, Place(start, places)

    def _mapping(self, start: Mark, depth: int) -> tuple[dict[str, Any], Place]:
        values: dict[str, Any] = {}
        keys: dict[str, Mark] = {}
        places: dict[str, Place] = {}
        while (event := self._advance()).__class__ is not yaml.MappingEndEvent:
            key = self._key(event, depth)
            value, place = self._value(self._advance(), depth)
            if key is None:
                self._complete = False
            elif key in values:
                line = keys[key].line + 1
                self._report("duplicate-key", f"duplicate key {quote(key)}, first on line {line}", event.start_mark)
            else:
                values[key] = value
                keys[key] = event.start_mark
                places[key] = place
        return values, Place(start, places, keys)

    def _key(self, event: Event, depth: int) -> str | None:
        """Return a key, or None and a problem when it cannot be one."""
        kind: type = event.__class__
        if kind is yaml.ScalarEvent and event.value == "<<" and event.implicit[0]:
            hint = "write the keys out, or use an alias for a whole value"
            self._report("merge-key", "YAML 1.2 has no merge key <<", event.start_mark, hint)
            return None
        value, place = self._value(event, depth)
        if isinstance(value, str):
            return value
        if isinstance(value, dict | list):
            self._report("key", "a key must be a string, not a mapping or list", event.start_mark)
        elif not place.text:
            self._report("key", "a key must not be empty", event.start_mark)
        else:
            text = printable(shorten(place.text))
            hint = f'put it in quotes: "{text}"'
            self._report("key", f"a key must be a string, not {text}", event.start_mark, hint)
        return None

    def _alias(self, event: Event, depth: int) -> tuple[Any, Place]:
        name = quote(event.anchor)
        if event.anchor not in self._anchors:
            self._stop("alias", f"the alias {name} is used before any anchor of that name", event.start_mark)
        target = self._anchors[event.anchor]
        if target is None:
            self._stop("alias", f"the alias {name} stands for a value that holds it", event.start_mark)
        value, place = target
        size, height = _measure(place, self._expandable)
        self._expandable -= size
        if self._expandable < 0:
            message = f"aliases add more than {MOST_EXPANDED:,} values to this document"
            self._stop("alias", message, event.start_mark)
        if depth + height > DEEPEST:
            self._stop("too-deep", TOO_DEEP, event.start_mark)
        return value, place.moved(event.start_mark)

    def _report(self, code: str, message: str, mark: Mark, hint: str | None = None) -> None:
        self.problems.append(self._source.error(code, message, self._source.position(mark), hint))

    def _report_tag(self, event: Event) -> None:
        tag = event.tag.replace(_CORE, "!!", 1)
        self._report("tag", f"the tag {quote(tag)} is not allowed", event.start_mark, "write plain data without tags")

    def _stop(self, code: str, message: str, mark: Mark) -> NoReturn:
        raise Unbuildable(self._source.error(code, message, self._source.position(mark)))


def _measure(place: Place, most: int) -> tuple[int, int]:
    """Return how many values `place` holds, itself included and at most a few more than `most`, and how deep."""
    inside = place.inside.values() if isinstance(place.inside, dict) else place.inside
    if inside is None:
        return 1, 0
    size, height = 1, 0
    for child in inside:
        more, below = _measure(child, most - size)
        size += more
        height = max(height, below)
        if size > most:
            break
    return size, height + 1
