"""How the work for a plan grows with its changes: nothing here may grow faster than they do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from unleash_gitops.model.delete_limits import DeleteLimits
from unleash_gitops.model.plan import Plan

SIZES = (500, 1_000, 2_000)
CONNECTIONS = 4


def bench_changes() -> None:
    """Compare the largest plan with the smallest: what grows with its changes takes as many times as long."""
    steps: dict[str, Callable[[int], Callable[[], object]]] = {
        "plan creates": _plan_creates,
        "block deletes": _block_deletes,
        "check a saved plan": _check_saved_plan,
        "apply": _apply,
    }
    for name, prepare in steps.items():
        runs = [[_cpu_seconds(prepare(size)) for size in SIZES] for _ in range(5)]
        times = [min(seconds) for seconds in zip(*runs, strict=True)]
        shown = ", ".join(f"{seconds:.3f}" for seconds in times)
        print(
            f"changes   {name}: {times[-1] / times[0]:.1f} times as long for {SIZES[-1] // SIZES[0]} times the changes"
        )
        print(f"changes   {name}: {shown} s of CPU for {', '.join(map(str, SIZES))} changes")


def _cpu_seconds(work: Callable[[], object]) -> float:
    """Return the CPU time of `work`: what else the machine does hardly matters to it."""
    began = time.process_time()
    work()
    return time.process_time() - began


def _plan_creates(size: int) -> Callable[[], object]:
    """Half flags, half charts in them, so that every second change waits for another one."""
    from unleash_gitops.api.client import ServerFacts
    from unleash_gitops.engine.classify import classify
    from unleash_gitops.engine.plan_context import PlanContext
    from unleash_gitops.engine.planner import plan_changes
    from unleash_gitops.kinds import kinds
    from unleash_gitops.model.resource import ResourceSet
    from unleash_gitops.model.workspace import Workspace, WorkspaceSpec

    resources = []
    for number in range(size // 2):
        flag = {"metadata": {"name": f"f{number}", "project": "default"}, "spec": {}, "kind": "FeatureFlag"}
        chart = {
            "metadata": {"name": "c", "project": "default", "feature": f"f{number}"},
            "spec": {"metricName": "m", "timeRange": "day", "aggregationMode": "avg"},
            "kind": "ImpactMetric",
        }
        for document in (flag, chart):
            kind = kinds()[str(document["kind"])]
            model = kind.document.model_validate({"apiVersion": "unleash-gitops/v1", **document})
            resources.append(kind.resource_from_document(model, "w"))
    desired = ResourceSet({resource.key: resource for resource in resources})
    facts = ServerFacts("8.2.0", enterprise=False, instance_id=None, maintenance=False)
    workspace = Workspace(name="w", spec=WorkspaceSpec())
    context = PlanContext(workspace, facts)
    return lambda: plan_changes(classify(desired, ResourceSet(), context), context)


def _block_deletes(size: int) -> Callable[[], object]:
    """A chain in which each object is used by the next, and the last by an object that stays."""
    from unleash_gitops.engine.classify import Classification, Difference
    from unleash_gitops.engine.dependencies import find_delete_blockers
    from unleash_gitops.model.resource import Address, Resource, ResourceSet

    names = [f"s{number:05}" for number in range(size)]
    resources = [
        Resource(Address("Segment", name), name, {}, users=(f"Segment/{user}",), ownership="owned")
        for name, user in zip(names, [*names[1:], "stays"], strict=True)
    ]
    live = ResourceSet({resource.key: resource for resource in resources})
    deletes = tuple(Difference("delete", None, resource, {}, None) for resource in resources)
    classification = Classification(ResourceSet(), live, deletes, frozenset(), (), (), 0)
    return lambda: find_delete_blockers(classification)


def _check_saved_plan(size: int) -> Callable[[], object]:
    from unleash_gitops.engine.stale_changes import find_stale_changes
    from unleash_gitops.model.resource import Address, Resource, ResourceSet

    plan = _saved_plan(size)
    resources = [Resource(Address("Segment", change.name), change.id, {"a": 1}) for change in plan.changes]
    live = ResourceSet({resource.key: resource for resource in resources})
    return lambda: find_stale_changes(plan, live)


def _apply(size: int) -> Callable[[], object]:
    """Every second change waits for the one before it. The server is in memory, and answers at once."""
    from unleash_gitops.api.client import Client
    from unleash_gitops.engine.applier import apply_changes

    plan = _saved_plan(size)
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={}))

    def apply() -> None:
        with Client("http://memory", "token", concurrency=CONNECTIONS, transport=transport) as client:
            assert apply_changes(plan, client, threading.Event()).complete

    return apply


def _saved_plan(size: int) -> Plan:
    from unleash_gitops.model.call import Call
    from unleash_gitops.model.plan import Change, Instance, Plan, Summary

    changes = tuple(
        Change(
            action="update", kind="Segment", name=f"s{number:05}", project=None, feature=None, id=f"s{number:05}",
            source=None, before={"a": 1}, after={"a": 2},
            depends_on=(f"Segment/s{number - 1:05}",) if number % 2 else (),
        ).with_calls([Call(method="PUT", path=f"/api/admin/segments/{number}", body={})])
        for number in range(size)
    )  # fmt: skip
    instance = Instance(url="http://memory", id=None, version="8.2.0", edition="oss")
    return Plan(
        tool_version="0", created_at="", workspace="w", instance=instance, summary=Summary(), changes=changes,
        unmanaged=(), delete_limits=DeleteLimits(max_deletes=0),
    )  # fmt: skip
