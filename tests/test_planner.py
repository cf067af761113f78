"""What a plan decides that the charts alone cannot show: other kinds, references, order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from unleash_gitops.diagnostics import Position
from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.impact_metric import ImpactMetricDocument
from unleash_gitops.plan import Call
from unleash_gitops.planner import missing_references, plan_changes
from unleash_gitops.resource import Address, Area, Kind, Reads, Reference, Resource, State
from unleash_gitops.workspace import Workspace, WorkspaceSpec


class Flag(Kind):
    """A second kind, as small as can be."""

    name = "FeatureFlag"
    folder = "flags"
    document = ImpactMetricDocument

    def desired(self, document: Any, workspace: str) -> Resource:
        raise AssertionError

    def areas(self, reads: Reads) -> Iterable[Area]:
        return []

    def read(self, reads: Reads, area: Area) -> Iterable[Resource]:
        return []

    def created(self, desired: Resource) -> dict[str, Any]:
        return dict(desired.spec)

    def create(self, desired: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:
        return (Call(method="POST", path=f"/api/admin/{desired.id}", body=dict(after)),)

    def update(self, desired: Resource, live: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:
        return (Call(method="PUT", path=f"/api/admin/{desired.id}", body=dict(after)),)

    def delete(self, live: Resource) -> tuple[Call, ...]:
        return (Call(method="DELETE", path=f"/api/admin/{live.id}"),)

    def pulled(self, live: Resource) -> tuple[dict[str, Any], str]:
        raise AssertionError


WORKSPACE = Workspace(name="w", spec=WorkspaceSpec())
SPEC = {"metricName": "m", "timeRange": "day", "aggregationMode": "avg"}
PLACE = Position("a.yaml", 4, 12)
TO_FLAG = (Reference("FeatureFlag", "p", "f", position=PLACE),)


@pytest.fixture(autouse=True)
def _two_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    both = {"FeatureFlag": Flag(), **kinds()}
    monkeypatch.setattr("unleash_gitops.planner.kinds", lambda: both)


def flag(**more: Any) -> Resource:
    return Resource(Address("FeatureFlag", "f", "p"), "f", {"type": "release"}, **more)


def chart(**more: Any) -> Resource:
    return Resource(Address("ImpactMetric", "a", "p", "f"), "01A", SPEC, references=TO_FLAG, **more)


def state(*resources: Resource, known: Iterable[Reference] = ()) -> State:
    return State({resource.key: resource for resource in resources}, frozenset(known))


def test_what_is_created_waits_for_what_it_refers_to() -> None:
    done = plan_changes(state(chart(position=PLACE), flag(position=PLACE)), state(), WORKSPACE)
    assert [(change.address, change.depends_on) for change in done.changes] == [
        ("FeatureFlag/p/f", ()),
        ("ImpactMetric/p/f/a", ("FeatureFlag/p/f",)),
    ]


def test_what_refers_is_deleted_before_what_it_refers_to() -> None:
    live = state(flag(ownership="owned"), chart(ownership="owned"))
    done = plan_changes(state(), live, WORKSPACE)
    assert [(change.action, change.address, change.depends_on) for change in done.changes] == [
        ("delete", "ImpactMetric/p/f/a", ()),
        ("delete", "FeatureFlag/p/f", ("ImpactMetric/p/f/a",)),
    ]


def test_deletes_come_after_everything_else_and_the_rest_goes_by_address() -> None:
    others = [Resource(Address("ImpactMetric", name, None), name, SPEC, position=PLACE) for name in ("z", "b")]
    gone = Resource(Address("ImpactMetric", None, None), "0", SPEC, ownership="owned")
    done = plan_changes(state(*others), state(gone), WORKSPACE)
    assert [change.address for change in done.changes] == ["ImpactMetric/b", "ImpactMetric/z", "ImpactMetric/0"]


def test_a_reference_may_be_on_the_server_or_in_the_workspace() -> None:
    there = Reference("FeatureFlag", "p", "f")
    assert missing_references(state(chart(), flag()), state()) == []
    assert missing_references(state(chart()), state(known=[there])) == []
    (found,) = missing_references(state(chart()), state(known=[Reference("FeatureFlag", "other", "f")]))
    assert (found.code, found.position) == ("missing-reference", PLACE)
    assert found.message == 'there is no feature flag "f" in project "p", neither on the server nor in the workspace'


def test_a_reference_outside_the_targets_is_not_looked_at() -> None:
    assert missing_references(state(chart()), state(), [("FeatureFlag",)]) == []
