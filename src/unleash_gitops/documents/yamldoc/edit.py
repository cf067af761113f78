"""Edit the documents of a YAML file in place. Bytes that no edit concerns stay as they are.

The result is parsed again. When it does not have the expected values, the edit is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from unleash_gitops.documents.yamldoc.aliases import write_out_aliases
from unleash_gitops.documents.yamldoc.document import Document
from unleash_gitops.documents.yamldoc.edit_document import REMOVED, are_equal, edit_document
from unleash_gitops.documents.yamldoc.node_text import LOADER, EditError
from unleash_gitops.documents.yamldoc.parse import parse_documents

__all__ = ["Edit", "apply_edits"]

_BYTE_ORDER_MARK = "\ufeff"
_CHANGED_SINCE = "the file has changed since it was read"
_UNEXPECTED = "the edited file would not have the expected values"


@dataclass(frozen=True)
class Edit:
    """The new value at a path of keys in a document. REMOVED removes the last key."""

    path: tuple[str, ...]
    value: Any


Edits = Mapping[int, Sequence[Edit] | None]
"""The edits of each document, by the line (from 1) of its first key. None removes the document.

The caller makes sure that the file is the one that the lines were read from.
"""


def apply_edits(content: bytes, path: str, edits: Edits) -> bytes:
    """Return the content of a file with `edits`; empty when no document is left. Adds missing mappings.

    An edit changes the value at its path only: an alias that shares the value is written out.

    `path` names the file in errors. Raises EditError when the text cannot be edited, or has changed since `edits` were
    made.
    """
    expected = _edit_values(content, path, edits)
    if not expected:
        return b""
    text = content.decode("utf-8")
    is_crlf = "\r\n" in text and "\n" not in text.replace("\r\n", "")
    result = _edit_text(text.replace("\r\n", "\n") if is_crlf else text, path, edits)
    edited_content = (result.replace("\n", "\r\n") if is_crlf else result).encode("utf-8")
    documents, problems = parse_documents(edited_content, path)
    values = [document.value for document in documents]
    if problems or not are_equal(values, expected):
        raise EditError(path, _find_unexpected_line(edits, values, expected), _UNEXPECTED)
    return edited_content


def _find_unexpected_line(edits: Edits, values: Sequence[Any], expected: Sequence[Any]) -> int:
    """Return the line of the first edited document that differs from what is expected, or of the first edited one."""
    lines = [line for line in sorted(edits) if edits[line] is not None] or sorted(edits)
    if len(values) == len(expected) == len(lines):
        for line, value, wanted in zip(lines, values, expected, strict=True):
            if not are_equal(value, wanted):
                return line
    return lines[0]


def _edit_values(content: bytes, path: str, edits: Edits) -> list[Any]:
    """Return the expected values of the documents. Raises EditError when a document is missing."""
    documents, problems = parse_documents(content, path)
    by_line = {document.position.line: document for document in documents}
    for line in edits:
        if problems or line not in by_line:
            raise EditError(path, line, _CHANGED_SINCE)
    return [
        _edit_value(document, document_edits) if document_edits else document.value
        for line, document in by_line.items()
        if (document_edits := edits.get(line, ())) is not None
    ]


def _edit_value(document: Document, edits: Sequence[Edit]) -> Any:
    """Return the value of a document with edits. Raises EditError when it is not a mapping."""
    value = _copy_unshared(document.value)
    if not isinstance(value, dict):
        raise EditError(document.position.path, document.position.line, "the document is not a mapping")
    for edit in edits:
        _set_value(value, edit)
    return value


def _set_value(value: dict[str, Any], edit: Edit) -> None:
    """Make an edit in the value of a document, of which no two places are one object."""
    parent, is_removal = value, edit.value is REMOVED
    for key in edit.path[:-1]:
        if not isinstance(parent.get(key), dict):
            if is_removal:
                return
            parent[key] = {}
        parent = parent[key]
    if is_removal:
        parent.pop(edit.path[-1], None)
    else:
        parent[edit.path[-1]] = _copy_unshared(edit.value)


def _copy_unshared(value: Any) -> Any:
    """Return a copy in which each alias has a value of its own; `copy.deepcopy` keeps such values shared."""
    if isinstance(value, Mapping):
        return {key: _copy_unshared(item) for key, item in value.items()}
    return [_copy_unshared(item) for item in value] if isinstance(value, list | tuple) else value


def _edit_text(text: str, path: str, edits: Edits) -> str:
    """Return the text of a file with `edits`."""
    prefix = _BYTE_ORDER_MARK if text.startswith(_BYTE_ORDER_MARK) else ""
    text = text.removeprefix(_BYTE_ORDER_MARK)
    segments = _split_documents(text, path)
    parts = [prefix, text[: segments[0][0]] if segments else text]
    for start, end, line in segments:
        document_edits = edits.get(line, ())
        if document_edits is None:
            continue
        part = text[start:end]
        for edit in document_edits:
            part = _edit_part(part, path, line, edit)
        parts.append(part)
    return "".join(parts)


def _edit_part(text: str, path: str, line: int, edit: Edit) -> str:
    """Return the text of a document with an edit, with aliases written out only where the edit needs it."""
    if "*" not in text:
        return edit_document(text, path, line, edit.path, edit.value)
    documents, _ = parse_documents(text.encode(), path)
    expected = [_edit_value(document, [edit]) for document in documents]
    for writes_out in (False, True):
        try:
            written = write_out_aliases(text, path, line, edit.path) if writes_out else text
            result = edit_document(written, path, line, edit.path, edit.value)
        except EditError:
            continue
        edited, problems = parse_documents(result.encode(), path)
        if not problems and are_equal([document.value for document in edited], expected):
            return result
    # A new value is written beside its siblings, whose aliases do not tell where they end.
    return edit_document(write_out_aliases(text, path, line, edit.path[:-1]), path, line, edit.path, edit.value)


def _split_documents(text: str, path: str) -> list[tuple[int, int, int]]:
    """Return the start and end offset of each document, and the line of its first key, 0 when it has none."""
    starts: list[int] = []
    lines: list[int] = []
    previous: Any = None
    event: Any
    try:
        for event in yaml.parse(text, Loader=LOADER):
            if isinstance(event, yaml.DocumentStartEvent):
                start: Any = event.start_mark  # PyYAML's stubs say that a mark may be None
                starts.append(start.index)
                lines.append(0)
            elif isinstance(previous, yaml.MappingStartEvent) and lines[-1] == 0:
                lines[-1] = event.start_mark.line + 1
            previous = event
    except yaml.YAMLError:
        raise EditError(path, 1, _CHANGED_SINCE) from None
    return list(zip(starts, [*starts[1:], len(text)], lines, strict=True))
