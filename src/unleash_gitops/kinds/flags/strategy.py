"""An activation strategy of a flag in an environment: its document, compared form, body and references.

Source: the OpenAPI document of Unleash 8.2.0 (`featureStrategySchema`, `createStrategyVariantSchema`), and what a
server of that version refuses, fills in and rewrites.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from unleash_gitops.kinds.shared.constraint import CONSTRAINT_CODES, Constraints, constraints_body
from unleash_gitops.kinds.shared.fields import EMPTY_IS_NONE, Rule, defaults, live_model, normalise, to_document
from unleash_gitops.kinds.shared.models import Model
from unleash_gitops.kinds.shared.named import URL_FRIENDLY
from unleash_gitops.model.call import Fill
from unleash_gitops.model.resource import Reference

__all__ = [
    "STRATEGY_CODES",
    "FlagStrategy",
    "merge_strategy",
    "normalise_live_strategy",
    "reject_duplicates",
    "strategy_after_create",
    "strategy_body",
    "strategy_fills",
    "strategy_references",
    "strategy_to_document",
]

STRATEGY_CODES = {
    **CONSTRAINT_CODES,
    "parameter": "a strategy's parameter has a value that means nothing",
    "twice": "a list names one thing twice",
    "weights": "the variants' weights leave the server nothing to share out",
}
_TOTAL_WEIGHT = 1000
_MAX_DIGITS = 15  # editors and other readers of YAML keep so many digits of a number
_BUILT_IN_STICKINESS = {"default", "random"}


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

    normal_form = "filled"

    name: str = Field(pattern=URL_FRIENDLY, min_length=1, max_length=100, description="Its name.", examples=["blue"])
    weight: int = Field(
        default=0,
        ge=0,
        le=_TOTAL_WEIGHT,
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


class _SegmentNumber(TypedDict):
    id: int


Segments = Annotated[
    list[Annotated[str, Field(min_length=1)]],
    AfterValidator(reject_duplicates),
    Rule(normalise=sorted, live_type=list[int | _SegmentNumber]),
]
Value = str | int | float | bool


def _normalise_parameters(parameters: Mapping[str, Value]) -> dict[str, str]:
    """Return the parameters as the server keeps them: texts, by name."""
    return {name: _text(value) for name, value in sorted(parameters.items())}


def _normalise_variants(variants: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the variants by name: the server keeps them in an order of its own.

    The weight of a variable variant is the server's, and no payload is left out.
    """
    return [
        {
            field: value
            for field, value in variant.items()
            if not (field == "weight" and variant["weightType"] != "fix") and not (field == "payload" and value is None)
        }
        for variant in sorted(variants, key=lambda variant: str(variant["name"]))
    ]


_PARAMETERS_RULE = Rule(
    normalise=_normalise_parameters,
    write=lambda parameters: {name: _to_number(value) for name, value in parameters.items()},
    live_type=dict[str, Any],
    separate_keys=("groupId", "rollout", "stickiness"),
)


class FlagStrategy(Model):
    """A strategy of a flag in an environment. What is left out keeps its live value."""

    normal_form = "partial"

    name: str = Field(min_length=1, description="The strategy's type.", examples=["flexibleRollout"])
    title: Annotated[str | None, EMPTY_IS_NONE] = Field(
        default=None, description="The title that the UI shows; null: none.", examples=["A quarter"]
    )
    disabled: bool = Field(default=False, description="Whether it is left out of the evaluation.", examples=[True])
    parameters: Annotated[dict[str, Value], _PARAMETERS_RULE] = Field(
        default_factory=dict,
        description="What the type of strategy asks for.",
        examples=[{"rollout": 25, "stickiness": "userId"}],
    )
    constraints: Constraints = Field(
        default_factory=list,
        description="All of them must hold.",
        examples=[[{"contextName": "country", "operator": "IN", "values": ["NO"]}]],
    )
    segments: Segments = Field(
        default_factory=list, description="The names of segments; all of them must hold.", examples=[["beta-users"]]
    )
    variants: Annotated[list[Variant], AfterValidator(reject_duplicates), Rule(normalise=_normalise_variants)] = Field(
        default_factory=list, description="What the users are spread over.", examples=[[{"name": "blue"}]]
    )

    @field_validator("variants")
    @classmethod
    def _check_weights(cls, variants: list[Variant]) -> list[Variant]:
        fixed = sum(variant.weight for variant in variants if variant.weightType == "fix")
        if variants and all(variant.weightType == "fix" for variant in variants):
            raise PydanticCustomError("weights", "needs a variant that is variable, to take the rest")
        if fixed > _TOTAL_WEIGHT:
            raise PydanticCustomError("weights", "has fixed weights of {sum}, more than 1000", {"sum": fixed})
        return variants

    @model_validator(mode="after")
    def _check_parameters(self) -> Self:
        for name, value in self.parameters.items():
            problem = _parameter_problem(self.name, name, _text(value))
            if problem is not None:
                raise PydanticCustomError(
                    "parameter", "parameters.{name}: {problem}", {"name": name, "problem": problem}
                )
        return self


def _parameter_problem(strategy: str, name: str, value: str) -> str | None:
    """Return why a value that the server takes means nothing to any SDK, None when it means something."""
    if strategy != "flexibleRollout":
        return None
    if name == "rollout" and not (value.isascii() and value.isdigit() and int(value) <= 100):
        return f'"{value}" is not a percentage: use a whole number from 0 to 100'
    if name in {"stickiness", "groupId"} and not value:
        return "must not be empty"
    return None


def normalise_live_strategy(answer: Any, segments: Mapping[int, str]) -> dict[str, Any]:
    """Return a strategy that the server answered in its compared form. `segments` has their names by number.

    Raises ValidationError for an answer of another form.
    """
    parsed = live_model(FlagStrategy).model_validate(answer).model_dump()
    numbers: list[Any] = [entry.get("id") if isinstance(entry, dict) else entry for entry in parsed["segments"] or ()]
    names = [segments.get(number, f"number {number}") for number in numbers]
    return normalise(FlagStrategy, {**parsed, "disabled": bool(parsed["disabled"]), "segments": names})


def strategy_after_create(desired: Mapping[str, Any], flag: str) -> dict[str, Any]:
    """Return the strategy that the server makes of a document's."""
    parameters = {**_default_parameters(desired["name"], flag), **desired.get("parameters", {})}
    return {"name": desired["name"], **defaults(FlagStrategy), **desired, "parameters": _sort_by_name(parameters)}


def merge_strategy(desired: Mapping[str, Any], live: Mapping[str, Any], flag: str) -> dict[str, Any]:
    """Return the live strategy after an update: what the document does not mention keeps its live value."""
    kept = live["parameters"] if desired["name"] == live["name"] else _default_parameters(desired["name"], flag)
    return {**live, **desired, "parameters": _sort_by_name({**kept, **desired.get("parameters", {})})}


def strategy_body(strategy: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body that makes a strategy so: everything, since a server keeps some of what is left out.

    An empty title stands for none. Variable variants get the weights that the server would give them. `strategy_fills`
    has the ids of the segments.
    """
    variable = sum(variant["weightType"] == "variable" for variant in strategy["variants"])
    rest = _TOTAL_WEIGHT - sum(variant.get("weight", 0) for variant in strategy["variants"])
    share = {"weight": rest // variable} if variable else {}
    return {
        "name": strategy["name"],
        "title": strategy["title"] or "",
        "disabled": strategy["disabled"],
        "parameters": dict(strategy["parameters"]),
        "constraints": constraints_body(strategy["constraints"]),
        "segments": [None] * len(strategy["segments"]),
        "variants": [{**share, **variant} for variant in strategy["variants"]],
    }


def strategy_fills(strategy: Mapping[str, Any]) -> tuple[Fill, ...]:
    """Return the fills of a strategy's body: the ids of its segments."""
    return tuple(
        Fill(path=("segments", index), id_of=f"Segment/{name}") for index, name in enumerate(strategy["segments"])
    )


def strategy_to_document(strategy: Mapping[str, Any], flag: str, *, minimal: bool = False) -> dict[str, Any]:
    """Return a live strategy as a document says it; with `minimal` without values that equal the default."""
    if not minimal:
        return to_document(FlagStrategy, strategy)
    usual = {**defaults(FlagStrategy), "parameters": _default_parameters(strategy["name"], flag)}
    changed = {field: value for field, value in strategy.items() if field not in usual or value != usual[field]}
    if "parameters" in changed:
        parameters = strategy["parameters"].items()
        changed["parameters"] = {name: value for name, value in parameters if usual["parameters"].get(name) != value}
        if not changed["parameters"]:
            del changed["parameters"]
    return to_document(FlagStrategy, changed)


def strategy_references(strategy: Mapping[str, Any], at: tuple[str | int, ...]) -> Iterator[Reference]:
    """Yield what a compared strategy names; `at` is its place in the document."""
    yield Reference("Strategy", None, strategy["name"], (*at, "name"))
    for index, segment in enumerate(strategy.get("segments", ())):
        yield Reference("Segment", None, segment, (*at, "segments", index))
    for index, constraint in enumerate(strategy.get("constraints", ())):
        yield Reference("ContextField", None, constraint["contextName"], (*at, "constraints", index, "contextName"))
    stickiness = strategy.get("parameters", {}).get("stickiness")
    if stickiness is not None and strategy["name"] == "flexibleRollout":
        yield from _stickiness_reference(stickiness, (*at, "parameters", "stickiness"))
    for index, variant in enumerate(strategy.get("variants", ())):
        yield from _stickiness_reference(variant["stickiness"], (*at, "variants", index))


def _stickiness_reference(field: str, at: tuple[str | int, ...]) -> Iterable[Reference]:
    return () if field in _BUILT_IN_STICKINESS else (Reference("ContextField", None, field, at),)


def _default_parameters(strategy: str, flag: str) -> dict[str, str]:
    """Return the parameters that the server fills in."""
    return {"groupId": flag, "rollout": "100", "stickiness": "default"} if strategy == "flexibleRollout" else {}


def _text(value: Value) -> str:
    """Return a parameter as the server keeps it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _to_number(value: str) -> str | int:
    """Return a parameter that is a whole number as a number, any other as it is."""
    is_number = value.isdecimal() and len(value) <= _MAX_DIGITS and str(int(value)) == value
    return int(value) if is_number else value


def _sort_by_name(parameters: Mapping[str, str]) -> dict[str, str]:
    return dict(sorted(parameters.items()))
