"""A plan blocks what does not fit the values that it leaves on the server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from document_samples import document, parse_resource, parse_workspace
from servers.fake_audit import FakeAudit
from servers.fake_unleash import TOKEN, FakeUnleash
from unleash_gitops.api.client import Client
from unleash_gitops.documents.loader import LoadedWorkspace
from unleash_gitops.model.plan import OnDrift, Plan
from unleash_gitops.model.resource import ResourceSet
from unleash_gitops.workflow.apply import apply_plan
from unleash_gitops.workflow.plan import make_plan

OTHER = "*:*.somebody"


class Vocabulary:
    """A context field with legal values, and a segment that uses one of them."""

    def __init__(self, policy: OnDrift) -> None:
        self.fake = FakeUnleash(flags={"default": []}, audit=FakeAudit({TOKEN: "ours", OTHER: "somebody"}))
        self.workspace = parse_workspace("w", drift=policy)

    def plan(self, value: str, **field: str) -> Plan:
        """Plan the documents; the segment asks for `value`."""
        constraint = {"contextName": "country", "operator": "IN", "values": [value]}
        documents = [
            document("ContextField", "country", legalValues=[{"value": "x"}, {"value": "y"}], **field),
            document("Segment", "seg", constraints=[constraint]),
        ]
        return self.plan_documents(*documents)

    def plan_documents(self, *documents: Any) -> Plan:
        resources = {resource.key: resource for resource in map(parse_resource, documents)}
        loaded = LoadedWorkspace(Path(), None, ResourceSet(resources), (), (), len(resources))
        with self.client() as client:
            return make_plan(loaded, self.workspace, client)

    def client(self) -> Client:
        return Client("http://fake", TOKEN, transport=self.fake.transport())

    def apply(self, plan: Plan) -> bool:
        import threading

        with self.client() as client:
            return apply_plan(plan, client, threading.Event()).complete

    def edit(self, mark: str = "\nmanaged by unleash-gitops: w") -> None:
        """Change the legal values as another user."""
        body = {"name": "country", "description": mark.strip(), "legalValues": [{"value": "x"}, {"value": "z"}]}
        path = "/api/admin/context/country"
        assert self.fake.answer("PUT", path, {"authorization": OTHER}, json.dumps(body).encode())[0] == 200


@pytest.fixture
def kept() -> Vocabulary:
    vocabulary = Vocabulary("keep")
    assert vocabulary.apply(vocabulary.plan("x"))
    vocabulary.edit()
    return vocabulary


def test_a_value_that_the_kept_legal_values_lack_is_blocked(kept: Vocabulary) -> None:
    plan = kept.plan("y")
    problem = '"y" is not among the legal values of the context field country'
    assert [(change.address, change.action, change.reason) for change in plan.changes] == [
        ("Segment/seg", "blocked", f"{problem}: this plan leaves ContextField/country as it is")
    ]
    assert [change.address for change in plan.kept] == ["ContextField/country"]


def test_other_fields_of_the_kept_object_change(kept: Vocabulary) -> None:
    plan = kept.plan("x", description="new")
    assert [(change.address, change.action) for change in plan.changes] == [("ContextField/country", "update")]
    assert kept.apply(plan)


def test_what_is_overwritten_blocks_nothing() -> None:
    vocabulary = Vocabulary("overwrite")
    assert vocabulary.apply(vocabulary.plan("x"))
    vocabulary.edit()
    plan = vocabulary.plan("y")
    assert [change.action for change in plan.changes] == ["update", "update"]
    assert vocabulary.apply(plan)


def test_the_values_of_an_object_that_is_blocked_count_too() -> None:
    vocabulary = Vocabulary("overwrite")
    assert vocabulary.apply(vocabulary.plan("x"))
    vocabulary.edit("\nmanaged by unleash-gitops: another")
    assert [(change.address, change.action) for change in vocabulary.plan("y").changes] == [
        ("ContextField/country", "blocked"),
        ("Segment/seg", "blocked"),
    ]


def test_what_is_blocked_blocks_what_refers_to_it() -> None:
    """The parent keeps its own dependency when its change is blocked, and only one level is possible."""
    vocabulary = Vocabulary("keep")
    project = {"project": "default"}

    def plan(value: str, parents: list[str], children: list[str]) -> Plan:
        constraint = {"contextName": "country", "operator": "IN", "values": [value]}
        strategy = {"name": "default", "constraints": [constraint]}
        production = {"production": {"enabled": False, "strategies": [strategy]}}
        parent = {"environments": production, "dependencies": [{"feature": name} for name in parents]}
        child = {"dependencies": [{"feature": name} for name in children]}
        return vocabulary.plan_documents(
            document("ContextField", "country", legalValues=[{"value": "x"}, {"value": "y"}]),
            document("FeatureFlag", "a-child", project, **child),
            document("FeatureFlag", "grandparent", project),
            document("FeatureFlag", "parent", project, **parent),
        )

    assert vocabulary.apply(plan("x", ["grandparent"], []))
    vocabulary.edit()
    kept = "this plan leaves ContextField/country as it is"
    value = f'"y" is not among the legal values of the context field country: {kept}'
    levels = '"parent" depends on another flag itself, and only one level is possible'
    assert {change.address: (change.action, change.reason) for change in plan("y", [], ["parent"]).changes} == {
        "FeatureFlag/default/parent": ("blocked", value),
        "FeatureFlag/default/a-child": ("blocked", f"{levels}: this plan leaves FeatureFlag/default/parent as it is"),
    }
