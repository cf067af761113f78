"""Whatever we apply and somebody else edits, in whatever order: nothing of theirs is lost that is not named before."""

from __future__ import annotations

import copy
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from document_samples import document, parse_resource, parse_workspace
from properties import examples, server_examples
from servers.actors import make_token, wait_until_archived
from servers.fake_audit import FakeAudit
from servers.fake_unleash import TOKEN, FakeUnleash
from servers.instance import Instance
from unleash_gitops.api.client import Client
from unleash_gitops.documents.loader import LoadedWorkspace
from unleash_gitops.model.errors import DriftRefused
from unleash_gitops.model.ownership import split_mark
from unleash_gitops.model.plan import Change, OnDrift, Plan
from unleash_gitops.model.resource import Resource, ResourceSet
from unleash_gitops.workflow.apply import apply_plan, check_drift
from unleash_gitops.workflow.plan import make_plan

OTHER = "*:*.another-token"
FLAGS = ["one", "two"]
P = "/api/admin/projects/default/features"
CHART = {"metricName", "timeRange", "aggregationMode", "yAxisMin", "title", "labelSelectors"}

Unit = tuple[str, ...]
Edit = tuple[str, str, Any]

enabled = st.booleans()
rollouts = st.lists(st.sampled_from([10, 50, 90]), max_size=2)
places = st.fixed_dictionaries({}, optional={"enabled": enabled, "strategies": rollouts})


@st.composite
def flag_specs(draw: st.DrawFn) -> dict[str, Any]:
    """Draw what a document says of a flag."""
    spec: dict[str, Any] = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "description": st.sampled_from(["a", "b"]),
                "stale": st.booleans(),
                "tags": st.lists(st.sampled_from(["simple:aa", "simple:bb"]), unique=True),
            },
        )
    )
    spec["environments"] = {}
    for name in ("development", "production"):
        place = draw(places)
        if "strategies" in place:
            if not place["strategies"]:
                place["enabled"] = False  # nothing can be on by nothing
            place["strategies"] = [
                {"name": "flexibleRollout", "parameters": {"rollout": one}} for one in place["strategies"]
            ]
        elif place.get("enabled"):
            del place["enabled"]  # the server would add a strategy of its own
        if place:
            spec["environments"][name] = place
    return spec


segment_specs = st.fixed_dictionaries(
    {},
    optional={
        "description": st.sampled_from(["a", "b"]),
        "constraints": st.sampled_from(
            [[], [{"contextName": "userId", "operator": "IN", "values": ["1"]}]],
        ),
    },
)
chart_specs = st.fixed_dictionaries(
    {"metricName": st.just("m"), "timeRange": st.sampled_from(["day", "week"]), "aggregationMode": st.just("avg")},
    optional={
        "title": st.sampled_from(["A", "B"]),
        "labelSelectors": st.dictionaries(st.sampled_from(["x", "y"]), st.just(["*"]), max_size=2),
    },
)
documents = st.fixed_dictionaries(
    {},
    optional={
        **{("FeatureFlag", name): flag_specs() for name in FLAGS},
        ("Segment", "seg"): segment_specs,
        ("ImpactMetric", "chart"): chart_specs,
    },
)
edits = st.one_of(
    st.tuples(st.just("switch"), st.sampled_from(FLAGS), st.sampled_from(["development", "production"])),
    st.tuples(st.just("rollout"), st.sampled_from(FLAGS), st.sampled_from([33, 50, 90])),
    st.tuples(st.just("add"), st.sampled_from(FLAGS), st.sampled_from([33, 50])),
    st.tuples(st.just("remove"), st.sampled_from(FLAGS), st.none()),
    st.tuples(st.just("describe"), st.sampled_from([*FLAGS, "seg"]), st.sampled_from(["a", "mine"])),
    st.tuples(st.just("tag"), st.sampled_from(FLAGS), st.sampled_from(["aa", "cc"])),
    st.tuples(st.just("archive"), st.sampled_from(FLAGS), st.none()),
    st.tuples(st.just("revive"), st.sampled_from(FLAGS), st.none()),
    st.tuples(st.just("delete"), st.sampled_from([*FLAGS, "seg", "chart"]), st.none()),
    st.tuples(st.just("create"), st.sampled_from(FLAGS), st.none()),
    st.tuples(st.just("range"), st.just("chart"), st.sampled_from(["day", "month"])),
)
steps = st.lists(edits | documents, min_size=2, max_size=9)


class InMemory:
    """A server in memory that two write to, and a look at it past the tool."""

    suffix = ""

    def __init__(self) -> None:
        self.fake = FakeUnleash(flags={"default": []}, audit=FakeAudit({TOKEN: "ours", OTHER: "somebody"}))

    def client(self, *, ours: bool) -> Client:
        return Client("http://fake", TOKEN if ours else OTHER, transport=self.fake.transport())

    def flags(self) -> dict[str, dict[str, Any]]:
        """Return the active flags, environments by name."""
        return {name: self.fake.about_flags.flag(name) for name in self.fake.flags["default"]}

    def archived(self) -> dict[str, dict[str, Any]]:
        return {name: self.fake.about_flags.flag(name) for name in self.fake.about_flags.archived}

    def wait_until_archived(self, flag: str) -> None:
        """Do nothing: it archives at once."""

    def segments(self) -> dict[str, dict[str, Any]]:
        return self.fake.named["segments"]

    def charts(self) -> dict[str, dict[str, Any]]:
        return {key: {**config, "id": key} for key, (_, config) in self.fake.charts.items()}


class OnTheRealServer:
    """The same of the real server."""

    def __init__(self, instance: Instance, other: str) -> None:
        self.instance = instance
        self.other = other
        self.suffix = f"-{uuid.uuid4().hex[:8]}"  # names of flags stay taken
        self.names = [name + self.suffix for name in FLAGS]

    def client(self, *, ours: bool) -> Client:
        return Client(self.instance.url, self.instance.token if ours else self.other)

    def flags(self) -> dict[str, dict[str, Any]]:
        found = {name: self.instance.flag(name) for name in self.names}
        active = {name: flag for name, flag in found.items() if flag is not None}
        for flag in active.values():
            flag["tags"] = [dict(zip(("type", "value"), tag.split(":"), strict=True)) for tag in flag["tags"]]
        return active

    def archived(self) -> dict[str, dict[str, Any]]:
        """Return the archived flags, of which no more than that is looked at: their names are taken."""
        active = self.flags()
        taken = {
            name: self.instance.http.post("/api/admin/features/validate", json={"name": name}).status_code == 409
            for name in self.names
            if name not in active
        }
        return {name: {} for name, so in taken.items() if so}

    def wait_until_archived(self, flag: str) -> None:
        wait_until_archived(flag)

    def segments(self) -> dict[str, dict[str, Any]]:
        return self.instance.named("segments")

    def charts(self) -> dict[str, dict[str, Any]]:
        return {
            key: {name: value for name, value in chart.items() if name in CHART} | {"id": key}
            for key, chart in self.instance.charts().items()
        }


class World:
    """A server with two writers, and a shadow of it: `base` is what each part was after we last changed it."""

    def __init__(self, policy: OnDrift, server: InMemory | OnTheRealServer) -> None:
        self.server = server
        self.workspace = parse_workspace("ws", drift=policy)
        self.policy = policy
        self.base: dict[Unit, Any] = {}

    def units(self) -> dict[Unit, Any]:
        """Return every part of every object, read past the tool."""
        found: dict[Unit, Any] = {}
        archived = self.server.archived()
        for name, flag in {**self.server.flags(), **archived}.items():
            at = ("FeatureFlag", name)
            found[at] = True
            found[(*at, "archived")] = name in archived
            if flag:
                found[(*at, "description")] = flag["description"] or None
                found[(*at, "stale")] = flag["stale"]
                found[(*at, "tags")] = sorted(tag["value"] for tag in flag["tags"] if tag["type"] != "gitops")
            for environment, place in flag.get("in", {}).items():
                found[(*at, "environments", environment, "enabled")] = place["enabled"]
                strategies = [(one["name"], one["parameters"].get("rollout")) for one in place["strategies"]]
                found[(*at, "environments", environment, "strategies")] = strategies
        for name, segment in self.server.segments().items():
            found[("Segment", name)] = True
            found[("Segment", name, "description")] = split_mark(segment["description"])[0]
            found[("Segment", name, "constraints")] = [
                {key: one[key] for key in ("contextName", "operator", "values")} for one in segment["constraints"]
            ]
        for config in self.server.charts().values():
            found[("ImpactMetric", "chart")] = True
            for key in ("timeRange", "title"):
                found[("ImpactMetric", "chart", key)] = config.get(key)
            for key, values in config["labelSelectors"].items():
                found[("ImpactMetric", "chart", "labelSelectors", key)] = values
        return copy.deepcopy(found)

    def foreign(self) -> set[Unit]:
        """Return the parts that are not as we left them."""
        now = self.units()
        return {unit for unit, value in self.base.items() if now.get(unit) != value}

    def edit(self, what: str, which: str, how: Any) -> None:
        """Do what somebody else does, as far as the server lets them."""
        if which in FLAGS:
            which += self.server.suffix
        with self.server.client(ours=False) as client:

            def send(method: str, path: str, body: Any = None) -> None:
                client.send(method, path, body, repeatable=False)

            self._edit(send, what, which, how)

    def _edit(self, send: Callable[..., None], what: str, which: str, how: Any) -> None:  # noqa: C901 - a table
        flag = self.server.flags().get(which)
        archived = self.server.archived()
        place = f"{P}/{which}/environments/{how if what == 'switch' else 'production'}"
        if which == "seg":
            segment = self.server.segments().get("seg")
            path = f"/api/admin/segments/{(segment or {}).get('id')}"
            if segment is not None and what == "delete":
                send("DELETE", path)
            elif segment is not None:
                mark = segment["description"].rpartition("\n")[2]
                send(
                    "PUT", path, {"name": "seg", "constraints": segment["constraints"], "description": f"{how}\n{mark}"}
                )
        elif which == "chart":
            for key, config in self.server.charts().items():
                if what == "delete":
                    send("DELETE", f"/api/admin/impact-metrics/config/{key}")
                else:
                    send("POST", "/api/admin/impact-metrics/config", {**config, "timeRange": how})
        elif what == "create" and flag is None and which not in archived:
            send("POST", P, {"name": which, "description": "theirs"})
        elif what in {"revive", "delete"} and which in archived:
            if what == "revive":
                send("POST", f"/api/admin/archive/revive/{which}")
            else:
                self.server.wait_until_archived(which)
                send("DELETE", f"/api/admin/archive/{which}")
        elif flag is None:
            return
        elif what == "switch":
            send("POST", f"{place}/{'off' if flag['in'][how]['enabled'] else 'on'}", {})
        elif what == "describe":
            send("PUT", f"{P}/{which}", {**{key: flag[key] for key in ("type", "stale")}, "description": how})
        elif what == "tag":
            tag = {"type": "simple", "value": how}
            added = tag not in flag["tags"]
            body = {"addedTags": [tag] if added else [], "removedTags": [] if added else [tag]}
            send("PUT", f"/api/admin/features/{which}/tags", body)
        elif what == "archive":
            send("DELETE", f"{P}/{which}")
        elif what == "add":
            send("POST", f"{place}/strategies", {"name": "flexibleRollout", "parameters": {"rollout": str(how)}})
        else:
            for strategy in flag["in"]["production"]["strategies"][:1]:
                body = {**strategy, "parameters": {**strategy["parameters"], "rollout": str(how)}}
                send("DELETE" if what == "remove" else "PUT", f"{place}/strategies/{strategy['id']}", body)

    def apply(self, said: dict[tuple[str, str], dict[str, Any]]) -> None:
        """Plan and apply what the files say, and check what became of what others did."""
        before, foreign = self.units(), self.foreign()
        resources = [
            _resource(kind, name + self.server.suffix if kind == "FeatureFlag" else name, spec)
            for (kind, name), spec in said.items()
        ]
        state = ResourceSet({one.key: one for one in resources})
        loaded = LoadedWorkspace(Path(), None, state, (), (), len(resources))
        with self.server.client(ours=True) as client:
            plan = make_plan(loaded, self.workspace, client)
            assert plan.audit_error is None
            try:
                check_drift(plan)
            except DriftRefused:
                assert self.policy == "fail"
            else:
                apply_plan(plan, client, threading.Event())
        after = self.units()
        for unit in foreign:
            if before.get(unit) != after.get(unit):
                assert self.policy == "overwrite", (unit, before.get(unit), after.get(unit))
                assert _names(plan, unit), unit
        for unit in {*before, *after}:
            at = (*unit[:2], "archived")
            gone = not before.get(at) and bool(
                after.get(at)
            )  # what is archived is lost as a whole, and was named as such
            if gone or before.get(unit) != after.get(unit):
                if unit in after:
                    self.base[unit] = after[unit]
                else:
                    self.base.pop(unit, None)


def _resource(kind: str, name: str, spec: dict[str, Any]) -> Resource:
    project = {"project": "default"} if kind == "FeatureFlag" else {}
    return parse_resource(document(kind, name, project, **spec), "ws")


def _names(plan: Plan, unit: Unit) -> bool:
    """Tell whether a plan says that somebody else changed a part, and who."""
    for change in plan.changes:
        name = change.name or ("chart" if change.kind == "ImpactMetric" else change.id)
        if (change.kind, name) == unit[:2] and _tells(change, unit):
            return True
    return False


def _tells(change: Change, unit: Unit) -> bool:
    drifted = {"drift", "conflict"}
    if change.origin in drifted and change.changed is not None:
        return True
    path = ".".join(unit[2:])
    return any(
        one.origin in drifted
        and one.changed is not None
        and one.changed.by == "somebody"
        and (not path or one.path == path or one.path.startswith((f"{path}.", f"{path}[", "archived")))
        for one in change.fields
    )


def check(world: World, first: dict[tuple[str, str], dict[str, Any]], then: list[Any]) -> None:
    world.apply(first)
    for step in then:
        if isinstance(step, tuple):
            world.edit(*step)
        else:
            world.apply(step)


@pytest.mark.parametrize("policy", ["keep", "fail", "overwrite"])
@given(first=documents, then=steps)
@examples(2.5)
def test_no_edit_of_theirs_is_lost_unnamed(
    policy: OnDrift, first: dict[tuple[str, str], dict[str, Any]], then: list[Any]
) -> None:
    check(World(policy, InMemory()), first, then)


@pytest.fixture(scope="module")
def other(real_server: Instance) -> str:
    return make_token("somebody")


@pytest.mark.sandbox
@pytest.mark.parametrize("policy", ["keep", "fail", "overwrite"])
@given(first=documents, then=steps)
@server_examples(0.08)
def test_nor_on_the_real_server(
    real: Instance, other: str, policy: OnDrift, first: dict[tuple[str, str], dict[str, Any]], then: list[Any]
) -> None:
    real.reset()
    check(World(policy, OnTheRealServer(real, other)), first, then)
