"""Edit the documents of a YAML file in place. Bytes that no edit concerns stay as they are.

The result is parsed again. When it does not have the expected values, the edit is refused.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from unleash_gitops.documents.yamldoc.document import Document
from unleash_gitops.documents.yamldoc.edit_document import REMOVED, are_equal, edit_document
from unleash_gitops.documents.yamldoc.node_text import LOADER, EditError
from unleash_gitops.documents.yamldoc.parse import parse_documents

__all__ = ["Edit", "apply_edits"]

_BYTE_ORDER_MARK = "\ufeff"
_CHANGED_SINCE = "the file has changed since it was read"


@dataclass(frozen=True)
class Edit:
    """The new value at a path of keys in a document. REMOVED removes the last key."""

    path: tuple[str, ...]
    value: Any


Edits = Mapping[int, Sequence[Edit] | None]
"""The edits of each document, by the line (from 1) of its first key. None removes the document."""


def apply_edits(content: bytes, path: str, edits: Edits) -> bytes:
    """Return the content of a file with `edits`; empty when no document is left. Adds missing mappings.

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
    if problems or not are_equal([document.value for document in documents], expected):
        raise EditError(path, min(edits), "the edited file would not have the expected values")
    return edited_content


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
    value = copy.deepcopy(document.value)
    if not isinstance(value, dict):
        raise EditError(document.position.path, document.position.line, "the document is not a mapping")
    for edit in edits:
        parent, is_removal = value, edit.value is REMOVED
        for key in edit.path[:-1]:
            if not isinstance(parent.get(key), dict):
                if is_removal:
                    break
                parent[key] = {}
            parent = parent[key]
        else:
            if is_removal:
                parent.pop(edit.path[-1], None)
            else:
                parent[edit.path[-1]] = copy.deepcopy(edit.value)
    return value


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
            part = edit_document(part, path, line, edit.path, edit.value)
        parts.append(part)
    return "".join(parts)


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
