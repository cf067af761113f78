"""An activation strategy of a flag in an environment: as a document says it, as it is compared, as it is sent.

Source: the OpenAPI document of Unleash 8.2.0 (`featureStrategySchema`, `createStrategyVariantSchema`), and what a
server of that version refuses, fills in and rewrites.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from unleash_gitops.kinds.shared.constraint import CODES as CONSTRAINT_CODES
from unleash_gitops.kinds.shared.constraint import Constraint, constraints_body, normalise_constraints
from unleash_gitops.kinds.shared.models import Model
from unleash_gitops.kinds.shared.named import URL_FRIENDLY
from unleash_gitops.model.resource import Reference

__all__ = [
    "CODES",
    "Strategy",
    "merge_strategy",
    "normalise_live_strategy",
    "normalise_strategy",
    "reject_duplicates",
    "strategy_after_create",
    "strategy_body",
    "strategy_references",
    "strategy_to_document",
]

CODES = {
    **CONSTRAINT_CODES,
    "parameter": "a strategy's parameter has a value that means nothing",
    "twice": "a list names one thing twice",
    "weights": "the variants' weights leave the server nothing to share out",
}
_WHOLE = 1000
_STICK_TO_NOTHING = {"default", "random"}
_EMPTY: dict[str, Any] = {
    "name": "",
    "title": None,
    "disabled": False,
    "parameters": {},
    "constraints": [],
    "segments": [],
    "variants": [],
}


def reject_duplicates(values: list[Any]) -> list[Any]:
    """Return `values`. Raises when one of them (or its name) is there twice."""
    seen: set[Any] = set()
    for value in values:
        name = getattr(value, "name", value)
        if name in seen:
            raise PydanticCustomError("twice", 'names "{name}" twice', {"name": name})
        seen.add(name)
    return values


class Payload(Model):
    """What a variant carries to the application."""

    type: Literal["string", "number", "json", "csv"] = Field(description="What the value is.")
    value: str = Field(min_length=1, description="The value, as text.", examples=["blue"])


class Variant(Model):
    """One of the variants that users of a strategy are spread over."""

    name: str = Field(pattern=URL_FRIENDLY, min_length=1, max_length=100, description="Its name.", examples=["blue"])
    weight: int = Field(
        default=0,
        ge=0,
        le=_WHOLE,
        description="For weightType fix: thousandths of the users. The others share the rest equally.",
        examples=[500],
    )
    weightType: Literal["variable", "fix"] = Field(
        default="variable", description="fix: as weight says. variable: an equal share of the rest."
    )
    stickiness: str = Field(default="default", min_length=1, description="What it sticks to.", examples=["userId"])
    payload: Payload | None = Field(
        default=None, description="What it carries; null: nothing.", examples=[{"type": "string", "value": "b"}]
    )


Segments = Annotated[list[Annotated[str, Field(min_length=1)]], AfterValidator(reject_duplicates)]
Value = str | int | float | bool


class Strategy(Model):
    """Who gets the flag. What is left out stays as it is on the server."""

    name: str = Field(min_length=1, description="The strategy's type.", examples=["flexibleRollout"])
    title: str | None = Field(default=None, description="What people call it; null: nothing.", examples=["A quarter"])
    disabled: bool = Field(default=False, description="Whether it is left out of the evaluation.", examples=[True])
    parameters: dict[str, Value] = Field(
        default_factory=dict,
        description="What the type of strategy asks for.",
        examples=[{"rollout": 25, "stickiness": "userId"}],
    )
    constraints: list[Constraint] = Field(
        default_factory=list,
        description="All of them must hold.",
        examples=[[{"contextName": "country", "operator": "IN", "values": ["NO"]}]],
    )
    segments: Segments = Field(
        default_factory=list, description="The names of segments; all of them must hold.", examples=[["beta-users"]]
    )
    variants: Annotated[list[Variant], AfterValidator(reject_duplicates)] = Field(
        default_factory=list, description="What the users are spread over.", examples=[[{"name": "blue"}]]
    )

    @field_validator("variants")
    @classmethod
    def _shares(cls, variants: list[Variant]) -> list[Variant]:
        fixed = sum(one.weight for one in variants if one.weightType == "fix")
        if variants and all(one.weightType == "fix" for one in variants):
            raise PydanticCustomError("weights", "needs a variant that is variable, to take the rest")
        if fixed > _WHOLE:
            raise PydanticCustomError("weights", "has fixed weights of {sum}, more than 1000", {"sum": fixed})
        return variants

    @model_validator(mode="after")
    def _means_something(self) -> Self:
        for name, value in self.parameters.items():
            problem = _parameter_problem(self.name, name, _text(value))
            if problem is not None:
                raise PydanticCustomError(
                    "parameter", "parameters.{name}: {problem}", {"name": name, "problem": problem}
                )
        return self


def _parameter_problem(strategy: str, name: str, value: str) -> str | None:
    """Return what the server takes and no SDK can do anything with."""
    if (
        strategy == "flexibleRollout"
        and name == "rollout"
        and not (value.isascii() and value.isdigit() and int(value) <= 100)
    ):
        return f'"{value}" is not a percentage: use a whole number from 0 to 100'
    if strategy == "flexibleRollout" and name in {"stickiness", "groupId"} and not value:
        return "must not be empty"
    return None


def normalise_strategy(strategy: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a document says of a strategy as it is compared. A server keeps variants in an order of its own."""
    found = dict(strategy)
    if "title" in found:
        found["title"] = found["title"] or None
    if "parameters" in found:
        found["parameters"] = {name: _text(value) for name, value in sorted(found["parameters"].items())}
    if "constraints" in found:
        found["constraints"] = normalise_constraints(found["constraints"])
    if "segments" in found:
        found["segments"] = sorted(found["segments"])
    if "variants" in found:
        found["variants"] = sorted(map(_variant, found["variants"]), key=lambda one: str(one["name"]))
    return found


def normalise_live_strategy(answer: Mapping[str, Any], segments: Mapping[int, str]) -> dict[str, Any]:
    """Return what the server says of a strategy as it is compared. `segments` has their names by number."""
    numbers = [one["id"] if isinstance(one, dict) else one for one in answer.get("segments") or ()]
    return normalise_strategy(
        {
            "name": answer["name"],
            "title": answer.get("title"),
            "disabled": bool(answer.get("disabled")),
            "parameters": answer.get("parameters") or {},
            "constraints": answer.get("constraints") or (),
            "segments": [segments.get(number, f"number {number}") for number in numbers],
            "variants": answer.get("variants") or (),
        }
    )


def strategy_after_create(said: Mapping[str, Any], flag: str) -> dict[str, Any]:
    """Return the strategy that the server makes of what a document says."""
    parameters = _sorted({**_defaults(said["name"], flag), **said.get("parameters", {})})
    return {**_EMPTY, **said, "parameters": parameters}


def merge_strategy(said: Mapping[str, Any], live: Mapping[str, Any], flag: str) -> dict[str, Any]:
    """Return what `live` is after a document's word: the live value of what it does not mention."""
    same = said["name"] == live["name"]
    kept = live["parameters"] if same else _defaults(said["name"], flag)
    return {**live, **said, "parameters": _sorted({**kept, **said.get("parameters", {})})}


def strategy_body(strategy: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body that makes a strategy so: everything, since a server keeps some of what is left out.

    An empty title stands for none, and the variable variants' weights are as the server itself shares them out.
    """
    variable = sum(one["weightType"] == "variable" for one in strategy["variants"])
    rest = _WHOLE - sum(one.get("weight", 0) for one in strategy["variants"])
    share = {"weight": rest // variable} if variable else {}
    return {
        "name": strategy["name"],
        "title": strategy["title"] or "",
        "disabled": strategy["disabled"],
        "parameters": dict(strategy["parameters"]),
        "constraints": constraints_body(strategy["constraints"]),
        "segments": [{"$id": f"Segment/{name}"} for name in strategy["segments"]],
        "variants": [{**share, **one} for one in strategy["variants"]],
    }


def strategy_to_document(strategy: Mapping[str, Any], flag: str) -> dict[str, Any]:
    """Return a live strategy as a document says it, with nothing in it that goes without saying."""
    usual = _defaults(strategy["name"], flag)
    parameters = {name: value for name, value in strategy["parameters"].items() if usual.get(name) != value}
    found: dict[str, Any] = {"name": strategy["name"]}
    found |= {key: strategy[key] for key in ("title", "disabled") if strategy[key]}
    if parameters:
        found["parameters"] = parameters
    found |= {key: strategy[key] for key in ("constraints", "segments") if strategy[key]}
    if strategy["variants"]:
        usual_variant = {"weightType": "variable", "stickiness": "default"}
        found["variants"] = [
            {key: value for key, value in one.items() if usual_variant.get(key) != value}
            for one in strategy["variants"]
        ]
    return found


def strategy_references(strategy: Mapping[str, Any], at: tuple[str | int, ...]) -> Iterator[Reference]:
    """Yield what a normal strategy names; `at` is its place in the document."""
    yield Reference("Strategy", None, strategy["name"], (*at, "name"))
    for place, name in enumerate(strategy.get("segments", ())):
        yield Reference("Segment", None, name, (*at, "segments", place))
    for place, one in enumerate(strategy.get("constraints", ())):
        yield Reference("ContextField", None, one["contextName"], (*at, "constraints", place, "contextName"))
    sticky = strategy.get("parameters", {}).get("stickiness")
    if sticky is not None and strategy["name"] == "flexibleRollout":
        yield from _sticks(sticky, (*at, "parameters", "stickiness"))
    for place, one in enumerate(strategy.get("variants", ())):
        yield from _sticks(one["stickiness"], (*at, "variants", place))


def _sticks(field: str, at: tuple[str | int, ...]) -> Iterable[Reference]:
    return () if field in _STICK_TO_NOTHING else (Reference("ContextField", None, field, at),)


def _defaults(strategy: str, flag: str) -> dict[str, str]:
    """Return the parameters that the server fills in."""
    return {"groupId": flag, "rollout": "100", "stickiness": "default"} if strategy == "flexibleRollout" else {}


def _variant(one: Mapping[str, Any]) -> dict[str, Any]:
    """Return a variant as it is compared. What a variable one weighs is the server's business."""
    kind = one.get("weightType") or "variable"
    weight = {"weight": one.get("weight", 0)} if kind == "fix" else {}
    payload = {"payload": dict(one["payload"])} if one.get("payload") else {}
    return {
        "name": one["name"],
        "weightType": kind,
        **weight,
        "stickiness": one.get("stickiness") or "default",
        **payload,
    }


def _text(value: Value) -> str:
    """Return a parameter as the server keeps it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _sorted(parameters: Mapping[str, str]) -> dict[str, str]:
    return dict(sorted(parameters.items()))
