"""The boundary for what a server answers: an answer of another form becomes an UnexpectedAnswer, with its place.

Code that read an answer through these functions can rely on its form: any other error is a bug of this package.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, TypeAdapter, ValidationError

from unleash_gitops.model.errors import UnexpectedAnswer
from unleash_gitops.model.paths import describe_mismatches

__all__ = [
    "AnswerTime",
    "check_answer",
    "parse_answer",
    "parse_time",
    "read_entries",
    "read_pages",
    "to_unexpected_answer",
]

_MOST_PAGES = 1000
_Shape = TypeVar("_Shape")
_Listed = TypeVar("_Listed")
_Model = TypeVar("_Model", bound=BaseModel)


def parse_time(text: str) -> datetime:
    """Return a time in ISO 8601 in UTC, which is also its zone when it names none. Raises ValueError."""
    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except OverflowError:
        raise ValueError("a time beyond the calendar") from None


def _check_time(text: str) -> str:
    parse_time(text)
    return text


AnswerTime = Annotated[str, AfterValidator(_check_time)]
"""The text of a time that `parse_time` can parse."""


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


def read_pages(
    read_page: Callable[[int], tuple[Sequence[_Listed], int]], page_size: int, path: str
) -> Iterator[_Listed]:
    """Yield the entries of a list that the server answers in pages of `page_size`.

    `read_page` takes an offset and returns the entries from there on and the number of all. Raises UnexpectedAnswer for
    a page without entries before the end, and for a list that does not end.
    """
    for page in range(_MOST_PAGES):
        entries, total = read_page(page * page_size)
        yield from entries
        if (page + 1) * page_size >= total:
            return
        if not entries:
            raise UnexpectedAnswer("GET", path, "the answer is empty, but the list goes on")
    raise UnexpectedAnswer("GET", path, f"the list has more than {_MOST_PAGES} pages")


_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}
"""Adapters by shape: each takes long to make."""


def _adapter_of(shape: Any) -> TypeAdapter[Any]:
    adapter = _ADAPTERS.get(shape)
    if adapter is None:
        adapter = _ADAPTERS[shape] = TypeAdapter(shape)
    return adapter
