"""What holds of every kind: its fields are declared once, and what is derived from them agrees."""

from __future__ import annotations

import copy
import types
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

import pytest
from hypothesis import HealthCheck, assume, given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from document_samples import document
from properties import examples
from unleash_gitops.api.client import Client
from unleash_gitops.engine.call_sender import Sender
from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.addon_providers import PARAMETERS
from unleash_gitops.kinds.base import Kind
from unleash_gitops.kinds.flags.strategy import FlagStrategy
from unleash_gitops.kinds.interfaces import Pullable
from unleash_gitops.kinds.shared.fields import defaults, unwritable_defaults
from unleash_gitops.kinds.shared.named import NamedKind
from unleash_gitops.model.call import Call
from unleash_gitops.model.resource import Resource

KINDS = sorted(kinds())
NAMED = [name for name, kind in kinds().items() if isinstance(kind, NamedKind)]
PULLABLE = [name for name, kind in kinds().items() if isinstance(kind, Pullable)]
TEXTS = st.sampled_from(["", "a", "B", "a b", "NO", "1.2.0", "*", "x\ny", "fromEnv", "$id"])
KEYS = st.sampled_from(["production", "rollout", "url", "region", "fromEnv", "$id"])


def values_of(annotation: Any) -> st.SearchStrategy[Any]:
    """Return values of a type as a document could hold them; the model says which are valid."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return values_of(arguments[0])
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in {Union, types.UnionType}:
        return st.one_of(*map(values_of, arguments))
    if origin is list:
        return st.lists(values_of(arguments[0]), max_size=3)
    if origin is dict:
        return st.dictionaries(KEYS, values_of(arguments[1]), max_size=2)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return specs_of(annotation)
    simple = {bool: st.booleans(), int: st.integers(0, 1000), float: st.sampled_from([0.5]), type(None): st.none()}
    return simple.get(annotation, TEXTS)


def field_values(info: FieldInfo) -> st.SearchStrategy[Any]:
    examples = st.sampled_from(info.examples) if info.examples else st.nothing()
    return examples | values_of(info.annotation)


def specs_of(model: type[BaseModel]) -> st.SearchStrategy[dict[str, Any]]:
    """Return mappings with the fields of a model, those that may be left out sometimes left out."""
    required = {name: field_values(info) for name, info in model.model_fields.items() if info.is_required()}
    optional = {name: field_values(info) for name, info in model.model_fields.items() if not info.is_required()}
    return st.fixed_dictionaries(required, optional=optional)


def specs_of_kind(kind: Kind) -> st.SearchStrategy[dict[str, Any]]:
    """Return specs, of which many are valid; for an integration, with parameters that its provider takes."""
    return specs_of(kind.spec).flatmap(_with_parameters) if kind.name == "Addon" else specs_of(kind.spec)


def _with_parameters(spec: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    values: dict[tuple[str, bool], st.SearchStrategy[Any]] = {
        (name, required): st.just({"fromEnv": f"UNLEASH_SECRET_{name.upper()}"}) if secret else TEXTS.filter(bool)
        for name, (required, secret) in PARAMETERS[spec["provider"]].items()
    }
    return st.fixed_dictionaries(
        {name: value for (name, required), value in values.items() if required},
        optional={name: st.none() | value for (name, required), value in values.items() if not required},
    ).map(lambda parameters: {**spec, "parameters": parameters})


def document_of(kind: Kind, spec: dict[str, Any]) -> dict[str, Any]:
    metadata = kind.document.model_fields["metadata"].annotation
    assert metadata is not None
    fields = {name: info.examples[0] for name, info in metadata.model_fields.items() if info.is_required()}
    return document(kind.name, fields.pop("name"), fields, **spec)


def desired(kind: Kind, spec: dict[str, Any]) -> Resource:
    """Return the resource of a document; a document that is not valid is no example."""
    try:
        document = kind.document.model_validate(document_of(kind, spec))
    except ValidationError:
        assume(False)
    return kind.resource_from_document(document, "w")


def draw_live(kind: Kind, data: st.DataObject) -> Resource:
    """Return what the server has once an object is created; a flag's environments have their list of strategies."""
    resource = desired(kind, data.draw(specs_of_kind(kind)))
    spec = kind.spec_after_create(resource)
    for environment in spec["environments"].values() if kind.name == "FeatureFlag" else ():
        environment.setdefault("strategies", [])
    return Resource(resource.address, resource.id, spec, ownership="owned", title="title")


ADDON_SECRETS = ("Addon", "parameters")
"""What the server does not return whole: `pull` leaves secrets out, and `accept` keeps what the document has."""


def every_example(function: Any) -> Any:
    return examples(0.6, HealthCheck.filter_too_much)(given(data=st.data())(function))


@pytest.mark.parametrize("name", KINDS)
@every_example
def test_normalising_twice_is_normalising_once(name: str, data: st.DataObject) -> None:
    kind = kinds()[name]
    spec = desired(kind, data.draw(specs_of_kind(kind))).spec
    assert kind.normalise(spec) == spec


@pytest.mark.parametrize("name", KINDS)
def test_the_defaults_are_in_their_compared_form(name: str) -> None:
    usual = defaults(kinds()[name].spec)
    assert kinds()[name].normalise(usual) == usual


@pytest.mark.parametrize("name", PULLABLE)
@every_example
def test_what_is_pulled_changes_nothing(name: str, data: st.DataObject) -> None:
    kind = kinds()[name]
    assert isinstance(kind, Pullable)
    live = draw_live(kind, data)
    for minimal in (False, True):
        document, _ = kind.to_pulled_document(live, minimal=minimal)
        again = desired(kind, document["spec"])
        assert kind.spec_after_update(again, live) == live.spec


@pytest.mark.parametrize("name", PULLABLE)
@every_example
def test_what_is_pulled_is_managed_in_full(name: str, data: st.DataObject) -> None:
    """A document of `pull` has every field, so that each change of a live value is a difference."""
    kind = kinds()[name]
    assert isinstance(kind, Pullable)
    live = draw_live(kind, data)
    document, _ = kind.to_pulled_document(live)
    lost = live.spec.keys() - document["spec"].keys()
    assert all(live.spec[field] == defaults(kind.spec)[field] for field in lost)
    assert lost <= unwritable_defaults(kind.spec)
    for environment in document["spec"]["environments"].values() if kind.name == "FeatureFlag" else ():
        for strategy in environment["strategies"]:
            assert strategy.keys() == FlagStrategy.model_fields.keys()


@pytest.mark.parametrize("name", PULLABLE)
@every_example
def test_pull_and_accept_write_a_value_in_the_same_way(name: str, data: st.DataObject) -> None:
    kind = kinds()[name]
    assert isinstance(kind, Pullable)
    live = draw_live(kind, data)
    spec = kind.to_pulled_document(live)[0]["spec"]
    parts = [(field,) for field in spec if (kind.name, field) not in {("FeatureFlag", "environments"), ADDON_SECRETS}]
    assert [kind.to_document(part, live.spec[part[0]], live, None) for part in parts] == [
        spec[field] for (field,) in parts
    ]
    for environment, state in spec["environments"].items() if kind.name == "FeatureFlag" else ():
        part = ("environments", environment)
        assert kind.to_document(part, live.spec["environments"][environment], live, None) == state


@pytest.mark.parametrize("name", NAMED)
@every_example
def test_what_is_sent_and_answered_is_what_was_planned(name: str, data: st.DataObject) -> None:
    kind = kinds()[name]
    assert isinstance(kind, NamedKind)
    resource = desired(kind, data.draw(specs_of_kind(kind)))
    after = kind.spec_after_create(resource)
    entry = {**after, **kind.marked_body(after, resource.mark or ""), kind.name_key: resource.id, "id": 7, "other": 1}
    live = kind.resource_from_entry(entry, "w")
    assert (live.spec, live.ownership) == (after, "owned")
    assert kind.spec_after_update(resource, live) == live.spec


class Bodies:
    """A client that keeps the bodies it is given, and returns an id for each."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.secrets: set[str] = set()

    def send(self, method: str, path: str, body: Any, *, repeatable: bool, before_attempt: object) -> Any:
        self.sent.append(copy.deepcopy(body))
        return {"id": len(self.sent)}

    def hide(self, secret: str) -> None:
        self.secrets.add(secret)


def leaves(content: Any, path: tuple[str | int, ...] = ()) -> dict[tuple[str | int, ...], Any]:
    """Return what stands at each place of JSON, empty lists and mappings included."""
    if not isinstance(content, dict | list) or not content:
        return {path: content}
    items = content.items() if isinstance(content, dict) else enumerate(content)
    return {at: value for key, inner in items for at, value in leaves(inner, (*path, key)).items()}


def calls_of(kind: Kind, resource: Resource) -> list[Call]:
    """Return the calls that create an object, and those that change every field of it that can change."""
    after = kind.spec_after_create(resource)
    calls = [*kind.create(resource, after)]
    if kind.name != "FeatureFlag":  # the calls of an update depend on what is read of it
        other = {field: [] if isinstance(value, list) else None for field, value in after.items()}
        handles = {"match": {"tokenName": "t"}}
        live = Resource(resource.address, resource.id, other, server_id="3", handles=handles)
        calls += kind.update(resource, live, after)
    return calls


@pytest.mark.parametrize("name", KINDS)
@every_example
def test_a_body_is_sent_as_it_is_but_for_its_fills(name: str, data: st.DataObject) -> None:
    kind = kinds()[name]
    calls = calls_of(kind, desired(kind, data.draw(specs_of_kind(kind))))
    environ = {variable: f"secret of {variable}" for call in calls for variable in call.required_variables}
    labels = sorted({fill.id_of for call in calls for fill in call.fills if fill.id_of is not None})
    first = [Call(method="POST", path="/api/admin/first", body={}, id_label=label) for label in labels]
    client = Bodies()
    sender = Sender(cast("Client", client), environ)
    for number, call in enumerate([*first, *calls]):
        sender.send(call.model_copy(update={"idempotent": False, "lookup": None}), f"K/{number}")
    values = dict(zip(labels, range(1, len(labels) + 1), strict=True))
    for call, sent in zip(calls, client.sent[len(first) :], strict=True):
        filled = {fill.path: values[fill.id_of] if fill.id_of else environ[str(fill.env)] for fill in call.fills}
        assert leaves(sent) == {**leaves(call.body), **filled}
    assert client.secrets == set(environ.values())


@pytest.mark.parametrize("name", NAMED)
def test_an_empty_description_is_none(name: str) -> None:
    kind = kinds()[name]
    assert isinstance(kind, NamedKind)
    resource = desired(kind, {"description": ""})
    live = kind.resource_from_entry({kind.name_key: resource.id, "id": 7, "description": resource.mark}, "w")
    assert kind.spec_after_update(resource, live) == live.spec
