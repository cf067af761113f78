"""Hide what diagnostics would quote of files that may hold secrets.

A secret can be anywhere in a file whose YAML is broken or whose keys are misspelt: on a line of its own, in a comment,
below an anchor. So a whole file is hidden as soon as it may hold a document of a kind with secrets. Of its values, only
words of the documents' schemas are shown; of its keys, also those that resemble such a word.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import Any

from unleash_gitops.documents.loader.document_checks import WORKSPACE_KIND
from unleash_gitops.documents.loader.schema_lookup import list_words
from unleash_gitops.documents.yamldoc import parse_documents
from unleash_gitops.kinds import kinds
from unleash_gitops.model.diagnostics import Diagnostic
from unleash_gitops.model.suggestions import find_nearest
from unleash_gitops.model.workspace import API_VERSION, WORKSPACE_FILE, WorkspaceDocument

__all__ = ["HIDDEN", "hide_values", "may_hold_secrets"]

HIDDEN = "***"
_KIND = re.compile(r"""\bkind\b["']?[ \t]*:[ \t]*["']?([^\s"',}#]*)""")
_ODD_KEY = re.compile(r"""(?:^|[\s{,[-])\?\s|"[^"\n]*\\|\*\S+\s*:""")
"""A key that is explicit (`? kind`), has an escape or is an alias."""
_KEY = re.compile(r"(?P<indent>[ \t]*(?:- +)*)(?P<key>[\w.-]+)(?P<colon>[ \t]*:)(?P<value>[ \t].*)?")
_QUOTED = re.compile(r'"([^"\\]*)"')
_UNQUOTED = re.compile(r"(?<=\bthe number )\S+|(?<=\bmust be a string, not ).*|(?<=\bwrite a list: ).*", re.DOTALL)
_TYPE = re.compile(
    r'(?:kind|apiVersion): "[\w./-]{1,40}" is not '
)  # what a document of another tool has, and no secret
_PASSWORD_IN_URL = re.compile(r"://[^/\s\"'@]*:[^/\s\"'@]*@")
_USUAL_KEYS = {"apiKey", "api_key", "authToken", "passwd", "password", "secret", "token"}
"""Keys of no document, with which a secret is written where none belongs."""
_PATH = re.compile(r"[\w.\[\]*-]+(?=:? )")


def may_hold_secrets(content: bytes, path: str) -> bool:
    """Tell whether a file may hold a document of a kind with secrets.

    That is any file with such a kind, with no kind or an unknown one, with a key that only such kinds have, or that
    usually has a secret, or with a password in a URL.
    """
    text = content.decode("utf-8", "replace")
    documents, problems = parse_documents(content, path)
    if (problems or not all(document.complete for document in documents)) and _ODD_KEY.search(text):
        return True  # a key that only YAML can read may be a kind
    names = [_read_kind(document.value) for document in documents]
    if path != WORKSPACE_FILE:  # whose spec names kinds
        names += _KIND.findall(text)
    elif not names:
        names = re.findall(r"^kind:[ \t]*(\w+)", text, re.MULTILINE)
    has_telling_part = _telling_keys().search(text) is not None or _PASSWORD_IN_URL.search(text) is not None
    return has_telling_part or any(_has_secrets(name) for name in names)


def _read_kind(document: Any) -> str:
    """Return the kind of a document, "" when it has none."""
    kind = document.get("kind") if isinstance(document, dict) else None
    return kind if isinstance(kind, str) else ""


def hide_values(problem: Diagnostic) -> Diagnostic:
    """Return a diagnostic of a file with secrets without anything that may be one."""
    is_plain = problem.code == "syntax" or _TYPE.match(problem.message) is not None
    message = problem.message if is_plain else _hide_quotations(problem.message)
    hint = problem.hint if problem.hint is None or problem.code == "syntax" else _hide_quotations(problem.hint)
    excerpt = None if problem.excerpt is None else _hide_line(problem.excerpt)
    return replace(problem, message=message, hint=hint, excerpt=excerpt)


def _hide_line(line: str) -> str:
    match = _KEY.fullmatch(line)
    if match is None or not _is_known_key(match["key"]):
        indent = line[: len(line) - len(line.lstrip())]
        return indent + HIDDEN if line.strip() else indent
    value = match["value"] or ""
    return match["indent"] + match["key"] + match["colon"] + (f" {HIDDEN}" if value.strip() else "")


def _hide_quotations(text: str) -> str:
    """Return a message with known words, and its own, but without any other word that it quotes."""
    path = _PATH.match(text)
    if path is not None and re.search(r"[.\[]|: ", text[: path.end() + 2]):
        words = re.sub(r"[\w*-]+", lambda word: word[0] if _is_known_key(word[0]) else HIDDEN, path[0])
        text = words + text[path.end() :]
    text = _UNQUOTED.sub(lambda match: match[0] if _is_schema_word(match[0]) else HIDDEN, text)
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        if not _is_schema_word(match[1]):
            return match[0]
        kept.append(match[0])
        return "\0"

    text = _QUOTED.sub(keep, text)
    # A quotation may hold quotes: hide from the first to the last.
    text = re.sub(r'".*"', f'"{HIDDEN}"', text, flags=re.DOTALL)
    return re.sub("\0", lambda _: kept.pop(0), text)


def _has_secrets(name: str) -> bool:
    """Tell whether a kind has secrets: the one of that name, or the one that a misspelt name resembles."""
    known = {*kinds(), WORKSPACE_KIND}
    nearest = name if name in known else find_nearest(name, known)
    return nearest is None or (nearest in kinds() and bool(kinds()[nearest].secret_keys))


@cache
def _telling_keys() -> re.Pattern[str]:
    """Return what finds a key that stands only in documents of kinds with secrets."""
    others = {word for kind in kinds().values() if not kind.secret_keys for word in list_words(kind.document)}
    telling = {key for kind in kinds().values() for key in kind.secret_keys} | _USUAL_KEYS
    telling -= others | list_words(WorkspaceDocument)
    return re.compile(rf"""\b(?:{"|".join(sorted(map(re.escape, telling)))})\b["']?[ \t]*:""")


@cache
def _known_words() -> frozenset[str]:
    words = {word for kind in kinds().values() for word in (*list_words(kind.document), *kind.secret_keys)}
    words |= list_words(WorkspaceDocument)
    return frozenset({*words, *kinds(), WORKSPACE_KIND, API_VERSION, "true", "false", "null"})


def _is_schema_word(word: str) -> bool:
    """Tell whether a word is in a schema, or is none."""
    return word in _known_words() or not re.search(r"\w", word) or (word.isdecimal() and len(word) < 4)


@cache
def _is_known_key(word: str) -> bool:
    """Tell whether a key is in a schema, is no word, or resembles one of a schema."""
    if _is_schema_word(word):
        return True
    return re.fullmatch(r"[A-Za-z_.-]{1,40}", word) is not None and find_nearest(word, _known_words()) is not None
