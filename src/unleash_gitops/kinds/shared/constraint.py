"""A constraint: what segments and strategies ask of a context field.

Source: the OpenAPI document of Unleash 8.2.0 (`constraintSchema`), and what a server of that version refuses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from unleash_gitops.kinds.shared.fields import Rule
from unleash_gitops.kinds.shared.models import Model
from unleash_gitops.model.resource import Reference, ReferenceConflict, SpecLookup

__all__ = ["CONSTRAINT_CODES", "Constraint", "Constraints", "constraints_body", "find_illegal_values"]

CONSTRAINT_CODES = {"constraint": "a constraint's values do not fit its operator"}
_LISTS = {"IN", "NOT_IN", "STR_ENDS_WITH", "STR_STARTS_WITH", "STR_CONTAINS"}
_SEMVER = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    r"(-(0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(\.(0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?",
    re.ASCII,
)
_NOT_RE2 = re.compile(r"(?<!\\)\((\?<?[=!]|\?\(|\?>)|(?<!\\)\\[1-9]")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def _none_if_empty(values: list[str] | None) -> list[str] | None:
    return values or None


class Constraint(Model):
    """What has to hold of one context field: `values` for lists and texts, `value` for everything else."""

    contextName: str = Field(min_length=1, description="The context field.", examples=["country"])
    operator: Literal[
        "IN", "NOT_IN", "STR_ENDS_WITH", "STR_STARTS_WITH", "STR_CONTAINS", "NUM_EQ", "NUM_GT", "NUM_GTE", "NUM_LT",
        "NUM_LTE", "DATE_AFTER", "DATE_BEFORE", "SEMVER_EQ", "SEMVER_GT", "SEMVER_LT", "SEMVER_GTE", "SEMVER_LTE",
        "REGEX",
    ] = Field(description="How the field is compared.")  # fmt: skip
    values: Annotated[list[Annotated[str, Field(min_length=1)]] | None, Rule(normalise=_none_if_empty)] = Field(
        default=None, max_length=250, description="For IN, NOT_IN and STR_ operators.", examples=[["NO", "SE"]]
    )
    value: str | None = Field(default=None, description="For all other operators.", examples=["1.2.0"])
    inverted: bool = Field(default=False, description="Whether it must not hold.", examples=[True])
    caseInsensitive: bool = Field(
        default=False, description="For STR_ operators: upper and lower case are the same.", examples=[True]
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        problem = _problem(self)
        if problem is not None:
            raise PydanticCustomError("constraint", "{problem}", {"problem": problem})
        return self


def constraints_body(constraints: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return compared constraints as the API takes them: each with `values`."""
    return [{"values": [], **constraint} for constraint in constraints]


Constraints = Annotated[list[Constraint], Rule(send=constraints_body)]


def find_illegal_values(
    constraints: Iterable[Mapping[str, Any]], at: tuple[str | int, ...], spec_of: SpecLookup
) -> Iterator[ReferenceConflict]:
    """Yield each constraint with a value that its context field does not allow; `at` is the place of what has them."""
    for index, constraint in enumerate(constraints):
        field = Reference("ContextField", None, constraint["contextName"], (*at, "constraints", index, "contextName"))
        legal = {value["value"] for value in (spec_of(field) or {}).get("legalValues", ())}
        given = constraint.get("values") or [constraint["value"]]
        illegal = [value for value in given if value not in legal]
        if legal and illegal:
            yield (
                field,
                f'"{illegal[0]}" is not among the legal values of the context field {constraint["contextName"]}',
            )


def _problem(constraint: Constraint) -> str | None:
    """Return what the server refuses, or takes and can never match."""
    family = constraint.operator.split("_")[0]
    if constraint.operator in _LISTS:
        if constraint.value is not None:
            return f"{constraint.operator} takes values, a list, not value"
        return None if constraint.values else f"{constraint.operator} needs values"
    if constraint.values:
        return f"{constraint.operator} takes value, a single one, not values"
    if constraint.value is None or not constraint.value.strip():
        return f"{constraint.operator} needs a value"
    if constraint.operator == "REGEX" and constraint.inverted:
        return "REGEX cannot be inverted"
    fits = {"NUM": _is_number, "DATE": _is_date, "SEMVER": _is_semver, "REGEX": _is_regex}[family]
    kinds = {"NUM": "a number", "DATE": "a date such as 2026-01-31T12:00:00Z", "SEMVER": "a version such as 1.2.0"}
    return (
        None if fits(constraint.value) else f"{constraint.operator} needs {kinds.get(family, 'a regular expression')}"
    )


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None


def _is_semver(text: str) -> bool:
    return _SEMVER.fullmatch(text) is not None


def _is_date(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_regex(text: str) -> bool:
    """Tell whether Unleash, which reads RE2, could take it; what only RE2 has is left to the server."""
    if _NOT_RE2.search(text):
        return False
    try:
        re.compile(text)
    except re.error as error:
        return "bad escape" in str(error)
    return True
