"""How a spec's fields are compared, sent and written back, declared once on the pydantic field.

A document's spec model is the only description of a kind's fields. From it come the model of a live object, the
defaults, the compared ("normal") form, the request body and the document that `pull` and `accept` write. A field's name
is its name in the Admin API.
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, Union, cast, get_args, get_origin

from pydantic import BaseModel, ValidationError, create_model
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from unleash_gitops.kinds.shared.models import LiveModel, Model

__all__ = [
    "EMPTY_IS_NONE",
    "SORTED",
    "UNIQUE",
    "Rule",
    "SpecField",
    "defaults",
    "live_model",
    "normalise",
    "rewrite",
    "spec_fields",
    "to_body",
    "to_document",
    "unwritable_defaults",
]

_Value = TypeVar("_Value")


def _unchanged(value: _Value) -> _Value:
    return value


@dataclass(frozen=True, slots=True)
class Rule:
    """How one field is treated, beside its type and default.

    `normalise` turns a document's or a server's value into the compared one; twice is the same as once. `send` turns a
    compared value into the one in a request body, `write` into the one in a document. With `omit_none` a body leaves
    the field out where it is None; without `in_body` a body never has it. `live_type` is the field's type in a server's
    answer, where that is not the document's. `separate_keys` marks a mapping whose keys are managed one by one, and has
    the usual keys.
    """

    normalise: Callable[[Any], Any] = _unchanged
    send: Callable[[Any], Any] = _unchanged
    write: Callable[[Any], Any] = _unchanged
    omit_none: bool = False
    in_body: bool = True
    live_type: Any = None
    separate_keys: tuple[str, ...] | None = None


def _none_if_empty(text: str | None) -> str | None:
    return text or None


EMPTY_IS_NONE = Rule(normalise=_none_if_empty)
"""A text whose empty form means that there is none."""
SORTED = Rule(normalise=sorted)
"""A list whose order means nothing."""
UNIQUE = Rule(normalise=lambda values: sorted(set(values)))
"""A list whose order and repetitions mean nothing."""


def normalise(model: type[BaseModel], spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the compared form of `spec`, which may lack fields: what is not there is not added.

    A server's null for a field that has another default stands for that default.
    """
    fields = spec_fields(model)
    return {name: fields[name].normalise(value) for name, value in spec.items()}


def defaults(model: type[BaseModel]) -> dict[str, Any]:
    """Return the compared defaults of the fields that have one, in the order of declaration."""
    return {name: field.default() for name, field in spec_fields(model).items() if not field.required}


def to_body(model: type[BaseModel], spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a request body that makes an object as the compared `spec` says."""
    fields = {name: field for name, field in spec_fields(model).items() if name in spec}
    return {
        name: field.send(spec[name])
        for name, field in fields.items()
        if field.rule.in_body and not (field.rule.omit_none and spec[name] is None)
    }


def to_document(model: type[BaseModel], spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the compared `spec` as a document says it."""
    fields = spec_fields(model)
    return {name: fields[name].write(value) for name, value in spec.items()}


@cache
def unwritable_defaults(model: type[BaseModel]) -> frozenset[str]:
    """Return the fields whose default a document must not hold: only a document without the field means it."""
    written = to_document(model, defaults(model))
    try:
        model.model_validate(written)
    except ValidationError as error:
        return frozenset(str(details["loc"][0]) for details in error.errors() if details["loc"]) & written.keys()
    return frozenset()


def rewrite(model: type[BaseModel], unit: Sequence[str], value: Any, current: Any) -> Any:
    """Return the compared `value` of a part (`unit`, a path of keys) of a spec as a document says it.

    Items of a list that a document has already stay as they are written there (`current`). A list of strings whose
    order means nothing keeps the document's order.
    """
    field = spec_fields(model)[unit[0]]
    if len(unit) > 1 or not isinstance(value, list) or not isinstance(current, list):
        return field.write(value) if len(unit) == 1 else value
    written = {_key(normal): item for item in reversed(current) for normal in field.normalise([item])}
    items = [written[_key(item)] if _key(item) in written else field.write([item])[0] for item in value]
    if field.nested is not None:
        return items
    kept = [item for item in current if item in items]
    return kept + [item for item in items if item not in kept]


def _key(item: Any) -> str:
    return json.dumps(item, sort_keys=True)


@cache
def live_model(model: type[BaseModel], **identity: Any) -> type[LiveModel]:
    """Return the model of what a server answers for `model`: other fields are ignored, values are not judged.

    A field without a default has to be there; any other may be missing or null. `identity` are fields that
    are not of the spec, such as `name=str`; one whose type admits None may be missing.
    """
    fields: dict[str, Any] = {
        name: (field_type, None if type(None) in get_args(field_type) else ...) for name, field_type in identity.items()
    }
    for name, info in model.model_fields.items():
        live_type = spec_fields(model)[name].rule.live_type or _live_type(info.annotation)
        optional = not info.is_required() or type(None) in get_args(live_type)
        fields[name] = (live_type | None, None) if optional else (live_type, ...)
    return create_model(f"Live{model.__name__}", __base__=LiveModel, **fields)


class SpecField:
    """One field of a model with its rule; `nested` is the model of the objects in it, None where it holds none."""

    def __init__(self, info: FieldInfo) -> None:
        rules = [entry for entry in info.metadata if isinstance(entry, Rule)]
        self.rule = rules[-1] if rules else Rule()
        self.required = info.is_required()
        self.nested = _nested_model(info.annotation)
        self._info = info

    @property
    def is_mapping(self) -> bool:
        """Whether the field holds named objects."""
        return _origin(self._info.annotation) is dict

    @property
    def partial_model(self) -> type[Model] | None:
        """The model of the objects in the field, if what these leave out is not managed."""
        nested = self.nested
        if nested is None or not issubclass(nested, Model) or nested.normal_form != "partial":
            return None
        return nested

    def default(self) -> Any:
        """Return the compared default, a new object each time."""
        return self.normalise(self._raw_default())

    def normalise(self, value: Any) -> Any:
        """Return the compared form of a value."""
        if value is None and not self.required:
            value = self._raw_default()
        return self.rule.normalise(self._each(value, _normalise_nested))

    def send(self, value: Any) -> Any:
        """Return a compared value as a request body holds it."""
        return self.rule.send(self._each(value, to_body))

    def write(self, value: Any) -> Any:
        """Return a compared value as a document holds it."""
        return self.rule.write(self._each(value, _write_nested))

    def _raw_default(self) -> Any:
        factory = self._info.default_factory
        if factory is not None:  # `get_default` inspects its signature each time, which takes longer than all the rest
            return cast("Callable[[], Any]", factory)()
        value = self._info.get_default()
        return None if value is PydanticUndefined else value

    def _each(self, value: Any, convert: Callable[[type[BaseModel], Any], Any]) -> Any:
        """Return `value` with every object of the nested model converted."""
        if self.nested is None or value is None:
            return value
        if isinstance(value, Mapping):
            if not self.is_mapping:
                return convert(self.nested, value)
            return {name: self._convert(item, convert) for name, item in value.items()}
        return [self._convert(item, convert) for item in value]

    def _convert(self, item: Any, convert: Callable[[type[BaseModel], Any], Any]) -> Any:
        return convert(self.nested, item) if self.nested is not None and isinstance(item, Mapping) else item


@cache
def spec_fields(model: type[BaseModel]) -> Mapping[str, SpecField]:
    """Return the fields of a model by their names."""
    return {name: SpecField(info) for name, info in model.model_fields.items()}


def _normalise_nested(model: type[BaseModel], value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the compared form of an object inside a spec, its fields in the order of declaration."""
    form = model.normal_form if issubclass(model, Model) else "filled"
    fields = spec_fields(model)
    given = {name: fields[name].normalise(value[name]) for name in fields if name in value}
    if form == "partial":
        return given
    complete = {**{name: field.default() for name, field in fields.items() if not field.required}, **given}
    ordered = {name: complete[name] for name in fields if name in complete}
    if form == "filled":
        return ordered
    return {name: item for name, item in ordered.items() if fields[name].required or item != fields[name].default()}


def _write_nested(model: type[BaseModel], value: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object inside a spec as a document says it, without values that equal the default."""
    fields = spec_fields(model)
    usual = defaults(model)
    return {name: fields[name].write(item) for name, item in value.items() if name not in usual or item != usual[name]}


def _without_annotations(annotation: Any) -> Iterable[Any]:
    """Yield the members of a type that are not None, Annotated taken off."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _without_annotations(get_args(annotation)[0])
    elif origin in {Union, types.UnionType}:
        for member in get_args(annotation):
            yield from _without_annotations(member)
    elif annotation is not type(None):
        yield annotation


def _origin(annotation: Any) -> Any:
    return next((get_origin(member) for member in _without_annotations(annotation) if get_origin(member)), None)


def _nested_model(annotation: Any) -> type[BaseModel] | None:
    for member in _without_annotations(annotation):
        if isinstance(member, type) and issubclass(member, BaseModel):
            return member
        if get_origin(member) in {list, dict}:
            return _nested_model(get_args(member)[-1])
    return None


def _live_type(annotation: Any) -> Any:
    """Return the type without what a document must keep to: choices, bounds, patterns."""
    members = [_live_member(member) for member in _without_annotations(annotation)]
    members = list(dict.fromkeys(members))
    joined = members[0]
    for member in members[1:]:
        joined = joined | member
    return joined


def _live_member(member: Any) -> Any:
    origin, arguments = get_origin(member), get_args(member)
    if origin is Literal:
        return type(arguments[0])
    if origin is list:
        return types.GenericAlias(list, (_live_type(arguments[0]),))
    if origin is dict:
        return types.GenericAlias(dict, (str, _live_type(arguments[1])))
    if isinstance(member, type) and issubclass(member, BaseModel):
        return live_model(member)
    return member
