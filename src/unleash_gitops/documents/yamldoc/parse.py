"""Parse the bytes of a file into documents, and explain its syntax errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import yaml

from unleash_gitops.documents.yamldoc.build import TOO_DEEP, Builder, BuildError
from unleash_gitops.documents.yamldoc.document import Document
from unleash_gitops.documents.yamldoc.quoting import quote
from unleash_gitops.documents.yamldoc.source import Source, read_source
from unleash_gitops.model.diagnostics import Diagnostic, Position

__all__ = ["parse_documents", "read_documents"]

# libyaml is nine times as fast as the parser in Python, which is used where PyYAML was built without libyaml.
_PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

MAX_DOCUMENTS = 100_000  # in one file, empty ones included


class _Explanation(NamedTuple):
    """The message and hint for a syntax error. `fragment` is a part of the parser's own message."""

    fragment: str
    message: str
    hint: str | None


_CONTEXT = re.compile(r"while (?:parsing|scanning) an? (.+)")
_NOT_CLOSED = "the quotes are not closed"
_CLOSE_QUOTES = "add the closing quote"
_NO_COLON = "a key without a colon"
_NO_TABS = "indent YAML with spaces, not with tabs"
# The parser's message is shown unchanged when no fragment matches.
_EXPLANATIONS = [
    _Explanation(
        "mapping values are not allowed",
        '": " is not allowed here',
        'put quotes around text that contains ": ", and check the indentation',
    ),
    _Explanation(
        "did not find expected key", "expected a key", "check the indentation, and the quotes on the line above"
    ),
    _Explanation("could not find expected ':'", _NO_COLON, "add a colon and a space after the key"),
    _Explanation(
        "did not find expected ',' or ']'", 'expected "," or "]"', "close the bracket, or put a comma between the items"
    ),
    _Explanation(
        "did not find expected ',' or '}'", 'expected "," or "}"', "close the brace, or put a comma between the entries"
    ),
    _Explanation("did not find expected node content", "expected a value", "add the value, or close the bracket"),
    _Explanation(
        "did not find expected <document start>",
        "expected --- or the end of the file",
        "start every document after the first with ---",
    ),
    _Explanation("found unexpected end of stream", _NOT_CLOSED, _CLOSE_QUOTES),
    _Explanation("found unexpected document", _NOT_CLOSED, _CLOSE_QUOTES),
    _Explanation("violates indentation", "a tab in the indentation", _NO_TABS),
    _Explanation(
        "did not find expected alphabetic or numeric",
        "expected the name of an anchor or alias",
        "put quotes around text that starts with * or &",
    ),
    _Explanation(
        "found unknown escape character",
        "unknown escape sequence in double quotes",
        "write \\\\ for a backslash, or use single quotes",
    ),
]


def parse_documents(content: bytes, path: str) -> tuple[list[Document], list[Diagnostic]]:
    """Return the documents of a file and all errors in its YAML. Null documents are left out."""
    documents: list[Document] = []
    diagnostics: list[Diagnostic] = []
    for result in read_documents(content, path):
        if isinstance(result, Document):
            documents.append(result)
        else:
            diagnostics.append(result)
    return documents, diagnostics


def read_documents(content: bytes, path: str) -> Iterator[Document | Diagnostic]:
    """Yield the results of `parse_documents` as they are read. The errors of a document come before the document."""
    source = read_source(content, path)
    if isinstance(source, Diagnostic):
        yield source
        return
    is_empty = True
    for result in _build_documents(source):
        if isinstance(result, Diagnostic) or result.value is not None:
            is_empty = False
            yield result
    if is_empty:
        hint = "add a document, or remove the file"
        yield Diagnostic("warning", "empty-file", "the file contains no document", Position(path), hint)


def _build_documents(source: Source) -> Iterator[Document | Diagnostic]:
    """Yield every document of `source`, null ones included, and every error."""
    position, count = Position(source.path), 0
    try:
        parser = _PARSER(source.text)
        while True:
            event_type = parser.get_event().__class__
            if event_type is yaml.StreamEndEvent:
                return
            if event_type is yaml.DocumentStartEvent:
                count += 1
                if count > MAX_DOCUMENTS:
                    message = f"the file has more than {MAX_DOCUMENTS:,} documents"
                    yield source.build_error("too-large", message, position, "split it into several files")
                    return
                builder = Builder(source, parser.get_event)
                try:
                    document = builder.build()
                finally:
                    yield from builder.problems
                position = document.position
                yield document
    except BuildError as error:
        yield error.diagnostic
    except yaml.YAMLError as error:
        yield _explain_syntax_error(error, source)


def _explain_syntax_error(error: yaml.YAMLError, source: Source) -> Diagnostic:
    """Return the error that stopped the parser, with its position and, where known, a hint."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem is None:
        return source.build_error("syntax", "the file is not valid YAML", Position(source.path))
    problem = error.problem
    if "maximum nesting depth" in problem and error.problem_mark is not None:  # libyaml has a limit of its own
        return source.build_error("too-deep", TOO_DEEP, source.locate(error.problem_mark))
    explanation = next((known for known in _EXPLANATIONS if known.fragment in problem), None)
    message, hint = (explanation.message, explanation.hint) if explanation else (problem, None)
    context_start = None if error.context_mark is None else source.locate(error.context_mark)
    position = context_start or Position(source.path)
    if error.problem_mark is not None and message not in {_NOT_CLOSED, _NO_COLON}:
        position = source.locate(error.problem_mark)
    character = (source.extract_line(position) or "")[position.column - 1 : position.column]
    if "cannot start any token" in problem and character:
        message, hint = (
            f"a value cannot start with {quote(character)}",
            f"put quotes around text with {character} in it",
        )
    context = _CONTEXT.match(error.context or "")
    if context and context_start and context_start.line != position.line:
        message += f", in the {context[1]} that starts on line {context_start.line}"
    if character == "\t" or "tab" in message:
        hint = _NO_TABS
    return source.build_error("syntax", message, position, hint)
