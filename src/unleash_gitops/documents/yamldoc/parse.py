"""A file's bytes to its documents. Wording of what the parser found is made here."""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from unleash_gitops.documents.yamldoc.build import TOO_DEEP, Builder, Unbuildable
from unleash_gitops.documents.yamldoc.document import Document
from unleash_gitops.documents.yamldoc.quoting import quote
from unleash_gitops.documents.yamldoc.source import Source, read_source
from unleash_gitops.model.diagnostics import Diagnostic, Position

__all__ = ["parse_documents", "read_documents"]

# The parser in C where PyYAML was built with libyaml, nine times as fast; the one in Python where it was not.
_PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

MOST_DOCUMENTS = 100_000  # of one file, empty ones included

_CONTEXT = re.compile(r"while (?:parsing|scanning) an? (.+)")
_NOT_CLOSED = "the text is in quotes that are not closed"
_NO_COLON = "a key without a colon"
# What the parser says, by a part of it, in words for people, with a way out. What is not here is shown as it is.
_SAYINGS: list[tuple[str, str, str | None]] = [
    (
        "mapping values are not allowed",
        '": " is not allowed here',
        'put quotes around a text that holds ": ", and check the indentation',
    ),
    ("did not find expected key", "expected a key", "check the indentation, and the quotes of the line above"),
    ("could not find expected ':'", _NO_COLON, "a key is followed by a colon and a space"),
    ("did not find expected ',' or ']'", 'expected "," or "]"', "close the bracket, or separate what is in it"),
    ("did not find expected ',' or '}'", 'expected "," or "}"', "close the brace, or separate what is in it"),
    ("did not find expected node content", "expected a value", "a value is missing, or a bracket is not closed"),
    (
        "did not find expected <document start>",
        "expected --- or the end of the file",
        "every document but the first begins with ---",
    ),
    ("found unexpected end of stream", _NOT_CLOSED, None),
    ("found unexpected document", _NOT_CLOSED, None),
    ("violates indentation", "a tab in the indentation", None),
    (
        "did not find expected alphabetic or numeric",
        "expected the name of an anchor or alias",
        "put quotes around a text that begins with * or &",
    ),
    (
        "found unknown escape character",
        "an unknown escape in double quotes",
        "write \\\\ for a backslash, or use single quotes",
    ),
]


def parse_documents(content: bytes, path: str) -> tuple[list[Document], list[Diagnostic]]:
    """Return the documents of a file and everything that is wrong with its YAML; a null document is left out."""
    documents: list[Document] = []
    diagnostics: list[Diagnostic] = []
    for parsed in read_documents(content, path):
        if isinstance(parsed, Document):
            documents.append(parsed)
        else:
            diagnostics.append(parsed)
    return documents, diagnostics


def read_documents(content: bytes, path: str) -> Iterator[Document | Diagnostic]:
    """Yield what `parse_documents` returns, one by one: the problems of a document come before it."""
    source = read_source(content, path)
    if isinstance(source, Diagnostic):
        yield source
        return
    empty = True
    for parsed in _documents(source):
        if isinstance(parsed, Diagnostic) or parsed.value is not None:
            empty = False
            yield parsed
    if empty:
        hint = "write a document into it, or remove it"
        yield Diagnostic("error", "empty-file", "the file holds no document", Position(path), hint)


def _documents(source: Source) -> Iterator[Document | Diagnostic]:
    position, count = Position(source.path), 0
    try:
        parser = _PARSER(source.text)
        while True:
            kind = parser.get_event().__class__
            if kind is yaml.StreamEndEvent:
                return
            if kind is yaml.DocumentStartEvent:
                count += 1
                if count > MOST_DOCUMENTS:
                    message = f"a file may hold {MOST_DOCUMENTS:,} documents at most"
                    yield source.error("too-large", message, position)
                    return
                builder = Builder(source, parser.get_event)
                try:
                    document = builder.build()
                finally:
                    yield from builder.problems
                position = document.position
                yield document
    except Unbuildable as error:
        yield error.diagnostic
    except yaml.YAMLError as error:
        yield _syntax(error, source)


def _syntax(error: yaml.YAMLError, source: Source) -> Diagnostic:
    """Return what stopped the parser, in our words where we have some, with its place."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem is None:
        return source.error("syntax", "this is not YAML", Position(source.path))
    problem = error.problem
    if (
        "maximum nesting depth" in problem and error.problem_mark is not None
    ):  # libyaml looks ahead, and has a bound too
        return source.error("too-deep", TOO_DEEP, source.position(error.problem_mark))
    message, hint = next((saying[1:] for saying in _SAYINGS if saying[0] in problem), (problem, None))
    begin = None if error.context_mark is None else source.position(error.context_mark)
    position = begin or Position(source.path)
    if error.problem_mark is not None and message not in {_NOT_CLOSED, _NO_COLON}:
        position = source.position(error.problem_mark)
    character = (source.excerpt(position) or "")[position.column - 1 : position.column]
    if "cannot start any token" in problem and character:
        message, hint = f"nothing can begin with {quote(character)}", f"put quotes around a text that holds {character}"
    context = _CONTEXT.match(error.context or "")
    if context and begin and begin.line != position.line:
        message += f", in the {context[1]} that begins on line {begin.line}"
    if character == "\t" or "tab" in message:
        hint = "YAML is indented with spaces, not with tabs"
    return source.error("syntax", message, position, hint)
