"""The boundary for what a server answers: an answer of another form becomes an UnexpectedAnswer, with its place.

Code that read an answer through these functions can rely on its form: any other error is a bug of this package.
"""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from unleash_gitops.model.errors import UnexpectedAnswer
from unleash_gitops.model.paths import describe_mismatches

__all__ = ["check_answer", "parse_answer", "read_entries", "to_unexpected_answer"]

_Shape = TypeVar("_Shape")
_Model = TypeVar("_Model", bound=BaseModel)


class _Mismatches(Exception):
    """Every place where an answer is not of the form that this version knows, without the values, such as secrets."""


def to_unexpected_answer(error: ValidationError, path: str) -> UnexpectedAnswer:
    """Return the error for the answer to a GET of `path`; its cause has all mismatches."""
    mismatches = describe_mismatches(error)
    message = f"the answer is not of the form that this version knows: {mismatches[0]}"
    unexpected = UnexpectedAnswer("GET", path.partition("?")[0], message)
    unexpected.__cause__ = _Mismatches("\n".join(mismatches)).with_traceback(error.__traceback__)
    return unexpected


def check_answer(shape: type[_Shape], answer: Any, path: str) -> _Shape:
    """Return the answer to a request of `path` as it is, when it has the keys and types of `shape`, a TypedDict.

    Raises UnexpectedAnswer.
    """
    try:
        _adapter_of(shape).validate_python(answer, strict=True)
    except ValidationError as error:
        raise to_unexpected_answer(error, path)  # noqa: B904 - it has its cause
    checked: _Shape = answer
    return checked


def parse_answer(model: type[_Model], answer: Any, path: str) -> _Model:
    """Return the answer to a request of `path` as a `model`. Raises UnexpectedAnswer."""
    try:
        return model.model_validate(answer)
    except ValidationError as error:
        raise to_unexpected_answer(error, path)  # noqa: B904 - it has its cause


def read_entries(answer: Any, key: str | None, path: str) -> list[Any]:
    """Return the list at `key` of the answer to a request of `path`, or the answer when `key` is None.

    Raises UnexpectedAnswer when there is no list.
    """
    entries = answer if key is None else answer.get(key) if isinstance(answer, dict) else None
    if not isinstance(entries, list):
        place = "is not a list" if key is None else f"has no list {key}"
        raise UnexpectedAnswer("GET", path.partition("?")[0], f"the answer {place}")
    return entries


_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}
"""Adapters by shape: each takes long to make."""


def _adapter_of(shape: Any) -> TypeAdapter[Any]:
    adapter = _ADAPTERS.get(shape)
    if adapter is None:
        adapter = _ADAPTERS[shape] = TypeAdapter(shape)
    return adapter
