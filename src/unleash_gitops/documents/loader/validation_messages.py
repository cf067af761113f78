"""Turn the errors of pydantic into diagnostics: each with a code, a position and a hint.

No text of pydantic is shown. The texts of our own validators (PydanticCustomError, ValueError) are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from pydantic_core.core_schema import ErrorType

from unleash_gitops.documents.loader.schema_lookup import find_choices, find_keys
from unleash_gitops.documents.yamldoc import Document, escape_unprintable, quote, shorten
from unleash_gitops.model.diagnostics import Diagnostic
from unleash_gitops.model.ownership import ULID_PATTERN
from unleash_gitops.model.paths import format_path
from unleash_gitops.model.suggestions import (
    MAX_ALTERNATIVES,
    list_alternatives,
    suggest_alternatives,
    suggest_nearest,
)
from unleash_gitops.model.workspace import NAME_PATTERN, WORKSPACE_NAME_PATTERN

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

__all__ = ["convert_errors", "describe_value"]

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
    NAME_PATTERN: "is not a name: use 1 to 100 lower-case letters, digits, dots, dashes and underscores, with a letter "
    "or digit first and last",
    WORKSPACE_NAME_PATTERN: "is not a workspace's name: use 2 to 50 lower-case letters, digits, dots, dashes and "
    "underscores, with a letter or digit first and last",
    ULID_PATTERN: "is not a ULID: use 26 digits and letters other than I, L, O and U, with a digit up to 7 first",
}
_BOUNDS = {
    "greater_than": ("gt", "must be more than {}"),
    "greater_than_equal": ("ge", "must be {} or more"),
    "less_than": ("lt", "must be less than {}"),
    "less_than_equal": ("le", "must be {} or less"),
    "multiple_of": ("multiple_of", "must be a multiple of {}"),
    "string_too_short": ("min_length", "must have at least {} characters"),
    "string_too_long": ("max_length", "must have at most {} characters"),
    "too_short": ("min_length", "must have at least {} entries"),
    "too_long": ("max_length", "must have at most {} entries"),
}
_BUILT_IN = frozenset(get_args(ErrorType))  # our validators raise all other error types
_YAML_1_1_BOOLEANS = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


class _Explanation(NamedTuple):
    code: str
    message: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class _Failure:
    """One error of pydantic. `path` leads to `value` in the document; `literal` is the text of a non-string scalar."""

    error_type: str
    path: tuple[str | int, ...]
    value: Any
    literal: str | None
    message: str
    context: Mapping[str, Any]
    model: type[BaseModel]
    is_about_key: bool

    @property
    def description(self) -> str:
        """The value in words, see `describe_value`."""
        return describe_value(self.value, self.literal)


def convert_errors(error: ValidationError, document: Document, model: type[BaseModel]) -> list[Diagnostic]:
    """Return a diagnostic for each reason why `document` is not a valid `model`."""
    failures = [
        _build_failure(details, document, model)
        for details in error.errors(include_url=False, include_input=False)
        if details["type"] != "missing" or document.complete  # the key may be there, but invalid
    ]
    expected: dict[tuple[str | int, ...], list[str]] = {}
    for failure in failures:
        if failure.error_type in _TYPES:  # pydantic reports one error for each type of a union
            expected.setdefault(failure.path, []).append(_TYPES[failure.error_type])
    return list(dict.fromkeys(_convert(failure, document, expected.get(failure.path, ())) for failure in failures))


def describe_value(value: Any, literal: str | None = None) -> str:
    """Return a scalar, shortened, or the type of a list or mapping. `literal` is the text of a number."""
    if isinstance(value, str):
        return quote(value)
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"the number {shorten(literal or str(value))}"
    return "a list" if isinstance(value, list) else "a mapping"


def _build_failure(details: ErrorDetails, document: Document, model: type[BaseModel]) -> _Failure:
    context = details.get("ctx", {})
    path, value = _find_path(details["loc"], document.value, is_missing=details["type"] == "missing")
    if "at" in context:
        path = (*path, context["at"])
    literal = document.find_literal(path)
    is_about_key = details["type"] in {"missing", "extra_forbidden"} or details["loc"][-1:] == ("[key]",)
    return _Failure(details["type"], path, value, literal, details["msg"], context, model, is_about_key)


def _convert(failure: _Failure, document: Document, expected: Sequence[str]) -> Diagnostic:
    """Return the diagnostic for a failure. `expected` are the types that the value may have."""
    code, message, hint = _explain(failure, expected)
    position = document.locate(failure.path, key=failure.is_about_key)
    # A value that our validators refuse may contain a secret, such as a password in a URL. Do not show its line.
    excerpt = None if failure.error_type == "value_error" else document.extract_line(position)
    hint = None if hint is None else escape_unprintable(hint)
    return Diagnostic("error", code, escape_unprintable(message), position, hint, excerpt)


def _find_path(loc: Sequence[str | int], value: Any, *, is_missing: bool) -> tuple[tuple[str | int, ...], Any]:
    """Return the path in the document for pydantic's `loc`, and the value there.

    Leaves out the steps that are not in the document, such as the branch of a union.
    """
    path: list[str | int] = []
    for step in loc:
        children = value if isinstance(value, dict) else dict(enumerate(value)) if isinstance(value, list) else {}
        if step in children:
            value = children[step]
            path.append(step)
    return (*path, *loc[-1:]) if is_missing else tuple(path), value


def _explain(failure: _Failure, expected: Sequence[str]) -> _Explanation:
    name = format_path(failure.path, quote) or "the document"
    if failure.error_type == "missing":
        choices = list(map(str, find_choices(failure.model, failure.path)))
        hint = f"one of {list_alternatives(choices)}" if len(choices) > 1 else None
        return _Explanation("missing", f"{name} is required", hint)
    if failure.error_type == "extra_forbidden":
        keys = find_keys(failure.model, failure.path[:-1])
        hint = suggest_alternatives(str(failure.path[-1]), keys, "the valid keys are")
        return _Explanation("unknown-key", f"{name}: unknown key", hint)
    if failure.error_type == "literal_error":
        return _explain_choice(failure, name)
    if failure.error_type in _TYPES:
        message = f"{name}: expected {' or '.join(dict.fromkeys(expected))}, found {failure.description}"
        return _Explanation("type", message, _suggest_type(failure) if len(expected) == 1 else None)
    if failure.error_type not in _BUILT_IN:
        return _Explanation(failure.error_type, f"{name}: {failure.message}", failure.context.get("hint"))
    return _Explanation("value", f"{name}: {_explain_value(failure)}")


def _explain_choice(failure: _Failure, name: str) -> _Explanation:
    """Explain that the value is not in a closed set. A short set is listed in the order of its declaration."""
    choices = list(map(str, find_choices(failure.model, failure.path)))
    word = failure.value if isinstance(failure.value, str) else None
    hint = None if word is None else suggest_nearest(word, choices)
    listed = list_alternatives(choices, word if len(choices) > MAX_ALTERNATIVES else None)
    relation = "is not one of" if len(choices) > 1 else "is not"
    return _Explanation("value", f"{name}: {failure.description} {relation} {listed}", hint)


def _explain_value(failure: _Failure) -> str:
    if failure.error_type == "value_error":
        return str(failure.context["error"])
    if failure.error_type == "string_pattern_mismatch":
        pattern = failure.context["pattern"]
        return f"{failure.description} {_PATTERNS.get(pattern) or f'does not match the pattern {pattern}'}"
    if failure.error_type in {"string_too_short", "too_short"} and failure.context["min_length"] == 1:
        return "must not be empty"
    if failure.error_type in _BOUNDS:
        bound, template = _BOUNDS[failure.error_type]
        return f"{template.format(failure.context[bound])}, found {_describe_size(failure)}"
    return f"{failure.description} is not allowed here"


def _describe_size(failure: _Failure) -> str:
    """Return the length of a string, list or mapping, or else the value."""
    return str(len(failure.value)) if isinstance(failure.value, str | list | dict) else failure.description


def _suggest_type(failure: _Failure) -> str | None:
    """Return how to write the value with the expected type, if that is known."""
    value, literal = failure.value, failure.literal
    if failure.error_type == "string_type" and literal and value is not None:
        return f'put it in quotes: "{shorten(literal)}"'
    if failure.error_type == "bool_type" and isinstance(value, str) and value.lower() in _YAML_1_1_BOOLEANS:
        return f"write {_YAML_1_1_BOOLEANS[value.lower()]}: YAML 1.2 only accepts true and false"
    if failure.error_type in {"int_type", "float_type"} and isinstance(value, str) and value.isdecimal():
        return "write it without quotes"
    if failure.error_type in {"list_type", "tuple_type"} and isinstance(value, str):
        return f"write a list: [{shorten(value)}]"
    return "give it a value, or remove the key" if value is None else None
