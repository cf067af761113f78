"""What pydantic found, in the words of the house: each problem with its code, its place and a way out.

None of pydantic's own words come through. Texts of validators (PydanticCustomError, ValueError) do: they are ours.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from pydantic_core.core_schema import ErrorType

from unleash_gitops.documents.loader.schema_lookup import choices_at, keys_at
from unleash_gitops.documents.yamldoc import Document, printable, quote, shorten
from unleash_gitops.model.diagnostics import Diagnostic
from unleash_gitops.model.ownership import ULID_PATTERN
from unleash_gitops.model.workspace import NAME_PATTERN

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

__all__ = ["describe_value", "suggest_nearest", "to_diagnostics"]

_TYPES = {
    "string_type": "a string",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "none_required": "null",
}
_PATTERNS = {
    NAME_PATTERN: "a name: 1 to 100 lower-case letters, digits, dots, dashes and underscores, a letter or digit at "
    "either end",
    ULID_PATTERN: "a ULID: 26 digits and letters other than I, L, O and U, the first a digit up to 7",
}
_BOUNDS = {
    "greater_than": ("gt", "must be more than {}"),
    "greater_than_equal": ("ge", "must be {} or more"),
    "less_than": ("lt", "must be less than {}"),
    "less_than_equal": ("le", "must be {} or less"),
    "multiple_of": ("multiple_of", "must be a multiple of {}"),
    "string_too_long": ("max_length", "must have {} characters at most"),
    "too_short": ("min_length", "must have {} entries at least"),
    "too_long": ("max_length", "must have {} entries at most"),
}
_BUILT_IN = frozenset(get_args(ErrorType))  # all other errors are those that our validators raise
_YAML_1_1 = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_LONGEST_GUESS = 100  # characters; comparing takes time that grows with the square of the length


class _Words(NamedTuple):
    code: str
    message: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class _Failure:
    """What pydantic found: `path` is the place in the file, `value` what is there, `text` how it is written."""

    kind: str
    path: tuple[str | int, ...]
    value: Any
    text: str | None
    message: str
    context: Mapping[str, Any]
    model: type[BaseModel]
    at_key: bool

    @property
    def found(self) -> str:
        return describe_value(self.value, self.text)


def to_diagnostics(error: ValidationError, document: Document, model: type[BaseModel]) -> list[Diagnostic]:
    """Return a diagnostic for everything that keeps `document` from being a `model`."""
    failures = [
        _failure(details, document, model)
        for details in error.errors(include_url=False, include_input=False)
        if details["type"] != "missing" or document.complete  # a key that is wrong is not missing as well
    ]
    expected: dict[tuple[str | int, ...], list[str]] = {}
    for failure in failures:
        if failure.kind in _TYPES:  # a value of a union fails once for each of its types
            expected.setdefault(failure.path, []).append(_TYPES[failure.kind])
    return list(dict.fromkeys(_problem(failure, document, expected.get(failure.path, ())) for failure in failures))


def describe_value(value: Any, text: str | None = None) -> str:
    """Return what kind of thing `value` is, or itself when it is short; `text` is how it was written."""
    if isinstance(value, str):
        return quote(value)
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"the number {shorten(text or str(value))}"
    return "a list" if isinstance(value, list) else "a mapping"


def suggest_nearest(word: str, choices: Iterable[str]) -> str | None:
    """Return a hint when `word` is nearly one of `choices`."""
    if len(word) > _LONGEST_GUESS:
        return None
    lowered = {choice.lower(): choice for choice in choices}
    close = difflib.get_close_matches(word.lower(), lowered, n=1)
    return f'did you mean "{printable(lowered[close[0]])}"?' if close else None


def _failure(details: ErrorDetails, document: Document, model: type[BaseModel]) -> _Failure:
    context = details.get("ctx", {})
    path, value = _in_file(details["loc"], document.value, missing=details["type"] == "missing")
    if "at" in context:
        path = (*path, context["at"])
    at_key = details["type"] in {"missing", "extra_forbidden"} or details["loc"][-1:] == ("[key]",)
    return _Failure(details["type"], path, value, document.text_of(path), details["msg"], context, model, at_key)


def _problem(failure: _Failure, document: Document, expected: Sequence[str]) -> Diagnostic:
    """Return the diagnostic for a failure; `expected` are the types that the value could have."""
    words = _words(failure, expected)
    position = document.locate(failure.path, key=failure.at_key)
    # What a validator of ours refuses may be a secret, such as a password in an address: its line is not shown.
    excerpt = None if failure.kind == "value_error" else document.excerpt(position)
    hint = None if words.hint is None else printable(words.hint)
    return Diagnostic("error", words.code, printable(words.message), position, hint, excerpt)


def _in_file(loc: Sequence[str | int], value: Any, *, missing: bool) -> tuple[tuple[str | int, ...], Any]:
    """Return `loc` without the steps that are pydantic's own (the branch of a union), and what is there."""
    path: list[str | int] = []
    for step in loc:
        choices = value if isinstance(value, dict) else dict(enumerate(value)) if isinstance(value, list) else {}
        if step in choices:
            value = choices[step]
            path.append(step)
    return (*path, *loc[-1:]) if missing else tuple(path), value


def _words(failure: _Failure, expected: Sequence[str]) -> _Words:
    name = _format_path(failure.path)
    if failure.kind == "missing":
        choices = choices_at(failure.model, failure.path)
        return _Words(
            "missing", f"{name} is required", f"one of {_list_choices(choices)}" if len(choices) > 1 else None
        )
    if failure.kind == "extra_forbidden":
        return _unknown_key(failure, name)
    if failure.kind == "literal_error":
        return _not_a_choice(failure, name)
    if failure.kind in _TYPES:
        message = f"{name}: expected {' or '.join(dict.fromkeys(expected))}, found {failure.found}"
        return _Words("type", message, _type_hint(failure) if len(expected) == 1 else None)
    if failure.kind not in _BUILT_IN:
        return _Words(failure.kind, f"{name}: {failure.message}", failure.context.get("hint"))
    return _Words("value", f"{name}: {_value_words(failure)}")


def _unknown_key(failure: _Failure, name: str) -> _Words:
    keys = keys_at(failure.model, failure.path[:-1])
    hint = suggest_nearest(str(failure.path[-1]), keys) or (f"the keys here are: {', '.join(keys)}" if keys else None)
    return _Words("unknown-key", f"{name}: unknown key", hint)


def _not_a_choice(failure: _Failure, name: str) -> _Words:
    choices = choices_at(failure.model, failure.path)
    hint = suggest_nearest(failure.value, map(str, choices)) if isinstance(failure.value, str) else None
    relation = "is not one of" if len(choices) > 1 else "is not"
    return _Words("value", f"{name}: {failure.found} {relation} {_list_choices(choices)}", hint)


def _value_words(failure: _Failure) -> str:
    if failure.kind == "value_error":
        return str(failure.context["error"])
    if failure.kind == "string_pattern_mismatch":
        pattern = failure.context["pattern"]
        return f"{failure.found} is not {_PATTERNS.get(pattern) or f'of the form {pattern}'}"
    if failure.kind == "string_too_short":
        least = failure.context["min_length"]
        return "must not be empty" if least == 1 else f"must have {least} characters at least"
    if failure.kind in _BOUNDS:
        bound, words = _BOUNDS[failure.kind]
        return f"{words.format(failure.context[bound])}, found {_size(failure)}"
    return f"{failure.found} is not allowed here"


def _size(failure: _Failure) -> str:
    return str(len(failure.value)) if isinstance(failure.value, str | list | dict) else failure.found


def _type_hint(failure: _Failure) -> str | None:
    value, text = failure.value, failure.text
    if failure.kind == "string_type" and text and value is not None:
        return f'put it in quotes: "{shorten(text)}"'
    if failure.kind == "bool_type" and isinstance(value, str) and value.lower() in _YAML_1_1:
        return f"YAML 1.2 knows only true and false: write {_YAML_1_1[value.lower()]}"
    if failure.kind in {"int_type", "float_type"} and isinstance(value, str) and value.isdecimal():
        return "write it without quotes"
    if failure.kind in {"list_type", "tuple_type"} and isinstance(value, str):
        return f"write a list of one: [{shorten(value)}]"
    return "give it a value, or leave the key out" if value is None else None


def _list_choices(choices: Iterable[Any]) -> str:
    return ", ".join(map(str, choices))


def _format_path(path: Sequence[str | int]) -> str:
    """Return a path as people write it: `spec.exclusive[0].kind`."""
    name = ""
    for step in path:
        if isinstance(step, int):
            name += f"[{step}]"
        elif _KEY.fullmatch(step) and len(step) <= _LONGEST_GUESS:
            name += f".{step}" if name else step
        else:
            name += f"[{quote(step)}]"
    return name or "the document"
