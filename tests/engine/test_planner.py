"""What a plan decides that the charts alone cannot show: other kinds, references, order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from kinds.named import FACTS
from unleash_gitops.api.client import ServerFacts
from unleash_gitops.documents.reference_checks import find_missing_references
from unleash_gitops.engine.classify import classify
from unleash_gitops.engine.plan_context import PlanContext
from unleash_gitops.engine.planner import PlanBody, plan_changes
from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.base import Kind
from unleash_gitops.kinds.feature_flag import KIND as REAL_FLAG
from unleash_gitops.kinds.reads import Reads
from unleash_gitops.model.call import Call
from unleash_gitops.model.diagnostics import Position
from unleash_gitops.model.resource import Address, Area, Reference, Resource, ResourceSet
from unleash_gitops.model.workspace import Workspace, WorkspaceSpec


class Flag(Kind):
    """A second kind, as small as can be."""

    name = "FeatureFlag"
    folder = "flags"
    spec = REAL_FLAG.spec
    document = REAL_FLAG.document

    def resource_from_document(self, document: Any, workspace: str) -> Resource:
        raise AssertionError

    def areas(self, reads: Reads) -> Iterable[Area]:
        return []

    def read(self, reads: Reads, area: Area) -> Iterable[Resource]:
        return []

    def spec_after_create(self, desired: Resource) -> dict[str, Any]:
        return dict(desired.spec)

    def create(self, desired: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:
        return (Call(method="POST", path=f"/api/admin/{desired.id}", body=dict(after)),)

    def update(self, desired: Resource, live: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:
        return (Call(method="PUT", path=f"/api/admin/{desired.id}", body=dict(after)),)

    def delete(self, live: Resource) -> tuple[Call, ...]:
        return (Call(method="DELETE", path=f"/api/admin/{live.id}"),)

    def to_pulled_document(self, live: Resource, *, minimal: bool = False) -> tuple[dict[str, Any], str]:
        raise AssertionError


WORKSPACE = Workspace(name="w", spec=WorkspaceSpec())
SPEC = {"metricName": "m", "timeRange": "day", "aggregationMode": "avg"}
PLACE = Position("a.yaml", 4, 12)
TO_FLAG = (Reference("FeatureFlag", "p", "f", owned_by_target=True, position=PLACE),)


@pytest.fixture(autouse=True)
def _two_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    both = {**kinds(), "FeatureFlag": Flag()}
    for module in ("engine.classify", "engine.change_calls", "engine.planner", "engine.dependencies"):
        monkeypatch.setattr(f"unleash_gitops.{module}.kinds", lambda: both)


def flag(**more: Any) -> Resource:
    return Resource(Address("FeatureFlag", "f", "p"), "f", {"type": "release"}, **more)


def chart(**more: Any) -> Resource:
    return Resource(Address("ImpactMetric", "a", "p", "f"), "01A", SPEC, references=TO_FLAG, **more)


def state(*resources: Resource, known: Iterable[Reference] = ()) -> ResourceSet:
    return ResourceSet({resource.key: resource for resource in resources}, frozenset(known))


def plan_of(desired: ResourceSet, live: ResourceSet, workspace: Workspace, server: ServerFacts) -> PlanBody:
    context = PlanContext(workspace, server)
    return plan_changes(classify(desired, live, context), context)


def test_what_is_created_waits_for_what_it_refers_to() -> None:
    done = plan_of(state(chart(position=PLACE), flag(position=PLACE)), state(), WORKSPACE, FACTS)
    assert [(change.address, change.depends_on) for change in done.changes] == [
        ("FeatureFlag/p/f", ()),
        ("ImpactMetric/p/f/a", ("FeatureFlag/p/f",)),
    ]


def test_what_refers_is_deleted_before_what_it_refers_to() -> None:
    live = state(flag(ownership="owned"), chart(ownership="owned"))
    done = plan_of(state(), live, WORKSPACE, FACTS)
    assert [(change.action, change.address, change.depends_on) for change in done.changes] == [
        ("delete", "ImpactMetric/p/f/a", ()),
        ("delete", "FeatureFlag/p/f", ("ImpactMetric/p/f/a",)),
    ]


def test_deletes_come_after_everything_else_and_the_rest_goes_by_address() -> None:
    others = [Resource(Address("ImpactMetric", name, None), name, SPEC, position=PLACE) for name in ("z", "b")]
    gone = Resource(Address("ImpactMetric", None, None), "0", SPEC, ownership="owned")
    done = plan_of(state(*others), state(gone), WORKSPACE, FACTS)
    assert [change.address for change in done.changes] == ["ImpactMetric/b", "ImpactMetric/z", "ImpactMetric/0"]


def test_a_reference_may_be_on_the_server_or_in_the_workspace() -> None:
    there = Reference("FeatureFlag", "p", "f")
    assert find_missing_references([chart()], state(chart(), flag()), state()) == []
    assert find_missing_references([chart()], state(chart()), state(known=[there])) == []
    (found,) = find_missing_references([chart()], state(chart()), state(known=[Reference("FeatureFlag", "other", "f")]))
    assert (found.code, found.position) == ("missing-reference", PLACE)
    assert found.message == 'there is no feature flag "f" in project "p", neither on the server nor in the workspace'


def test_a_delete_waits_for_who_lets_go_and_is_in_the_way_of_who_does_not() -> None:
    segment = Resource(Address("Segment", "s"), "s", {"constraints": []}, ownership="owned", users=("FeatureFlag/p/f",))
    blocked = plan_of(state(), state(segment), WORKSPACE, FACTS).changes
    assert [(one.action, one.reason) for one in blocked] == [("blocked", "cannot be deleted: used by FeatureFlag/p/f")]
    both = plan_of(state(), state(segment, flag(ownership="owned")), WORKSPACE, FACTS).changes
    assert [(one.address, one.depends_on) for one in both] == [
        ("FeatureFlag/p/f", ()),
        ("Segment/s", ("FeatureFlag/p/f",)),
    ]


def test_who_is_updated_and_does_not_let_go_is_in_the_way() -> None:
    strategy = Resource(Address("Strategy", "s"), "s", {}, ownership="owned", users=("FeatureFlag/p/f",))
    live = state(strategy, flag(ownership="owned"))
    changed = Resource(Address("FeatureFlag", "f", "p"), "f", {"type": "experiment"}, position=PLACE)
    update, kept = plan_of(state(changed), live, WORKSPACE, FACTS).changes
    assert (update.action, kept.action) == ("update", "blocked")
    assert kept.reason == "cannot be deleted: used by FeatureFlag/p/f"


def test_what_a_delete_would_leave_hanging_is_named_by_the_documents() -> None:
    live = state(flag(ownership="owned"), chart(ownership="owned"))
    (found,) = plan_of(state(chart(position=PLACE)), live, WORKSPACE, FACTS).changes
    assert (found.action, found.reason) == ("blocked", "cannot be deleted: used by ImpactMetric/p/f/a")


def test_what_is_more_than_the_server_allows_is_blocked() -> None:
    facts = ServerFacts("8.2.0", enterprise=False, instance_id=None, maintenance=False, limits={"segments": 2})
    there = Resource(Address("Segment", "old"), "old", {"constraints": []}, ownership="unmanaged")
    new = [Resource(Address("Segment", name), name, {"constraints": []}, mark="m", position=PLACE) for name in "ab"]
    found = plan_of(state(*new), state(there), WORKSPACE, facts)
    assert [(one.action, one.reason) for one in found.changes] == [
        ("create", None),
        ("blocked", "it would be segment number 3, more than the 2 that this server allows"),
    ]
    assert (found.summary.create, found.summary.blocked) == (1, 1)
