"""Whatever is in the files and whatever is live: plan, apply, and the plan is empty; what is not ours is untouched."""

from __future__ import annotations

import copy
import random
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from document_samples import document, parse_resource, parse_workspace
from properties import examples
from servers.fake_unleash import TOKEN, FakeUnleash
from unleash_gitops.api.client import Client
from unleash_gitops.documents.loader import LoadedWorkspace
from unleash_gitops.engine.diff import diff_fields
from unleash_gitops.kinds import kinds
from unleash_gitops.model.ownership import computed_id
from unleash_gitops.model.plan import Plan, parse_plan
from unleash_gitops.model.resource import Resource, ResourceSet
from unleash_gitops.model.workspace import Workspace
from unleash_gitops.render.json import render_plan_json
from unleash_gitops.workflow.apply import apply_plan, check_plan
from unleash_gitops.workflow.plan import make_plan

KIND = kinds()["ImpactMetric"]
FLAGS = {"default": ["checkout-v2", "search-ranking"], "shop": ["cart"]}
SCOPES = [None, ("default", "checkout-v2"), ("default", "search-ranking"), ("shop", "cart")]
NAMES = ["a", "b", "c"]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unleash_gitops.api.retries.RETRY_BUDGET", 0.05)
    monkeypatch.setattr("unleash_gitops.api.retries.CONNECT_RETRY_BUDGET", 0.05)
    monkeypatch.setattr("unleash_gitops.api.retries.LONGEST_BACKOFF", 0.001)


labels = st.dictionaries(
    st.sampled_from(["environment", "appName", "x.y[0]"]),
    st.lists(st.sampled_from(["p", "d", "*"]), max_size=3),
    max_size=2,
)
titles = st.one_of(st.none(), st.sampled_from(["", "One", "Two", "\x1b[31m*@all*\n<img>"]))
configs = st.fixed_dictionaries(
    {
        "metricName": st.sampled_from(["m", "n"]),
        "timeRange": st.sampled_from(["hour", "day", "week", "month"]),
        "aggregationMode": st.sampled_from(["avg", "sum", "p95"]),
        "yAxisMin": st.sampled_from(["auto", "zero"]),
        "labelSelectors": labels,
    },
    optional={
        "title": titles.filter(lambda title: title is not None),
        "source": st.sampled_from(["internal", "external"]),
    },
)
specs = st.fixed_dictionaries(
    {
        "metricName": st.sampled_from(["m", "n"]),
        "timeRange": st.sampled_from(["hour", "day", "week", "month"]),
        "aggregationMode": st.sampled_from(["avg", "sum", "p95"]),
    },
    optional={
        "yAxisMin": st.sampled_from(["auto", "zero"]),
        "labelSelectors": labels.map(lambda found: {name: values for name, values in found.items() if values}),
        "title": titles,
        "source": st.just("internal"),
    },
)
places = st.tuples(st.sampled_from(SCOPES), st.sampled_from(NAMES))


@st.composite
def worlds(draw: st.DrawFn) -> tuple[FakeUnleash, LoadedWorkspace, Workspace]:
    """Return a server, what the files say, and a workspace: ours, others' and nobody's charts, some protected."""
    fake = FakeUnleash(flags=copy.deepcopy(FLAGS), style=draw(st.sampled_from(["new", "7.5"])))
    for (scope, name), (owner, config) in draw(
        st.dictionaries(places, st.tuples(st.sampled_from(["w", "other", None]), configs), max_size=8)
    ).items():
        project, feature = scope or (None, None)
        number = SCOPES.index(scope) * 10 + NAMES.index(name)
        unmarked = f"01ARZ3NDEKTSV4RRFFQ69G5F{number:02d}"
        chart = unmarked if owner is None else computed_id(owner, KIND.name, project, feature, name)
        fake.charts[chart] = (scope, config)
        if draw(st.integers(0, 9)) == 0:
            fake.safeguarded.add(chart)
    resources = [
        _resource(scope, name, spec) for (scope, name), spec in draw(st.dictionaries(places, specs, max_size=8)).items()
    ]
    exclusive = draw(st.sampled_from([[], [{"kind": KIND.name}], [{"kind": KIND.name, "project": "default"}]]))
    policy = {"prune": draw(st.sampled_from(["owned", "none"])), "exclusive": exclusive}
    return fake, _loaded(resources), parse_workspace(**policy)


def _resource(scope: tuple[str, str] | None, name: str, spec: dict[str, Any]) -> Resource:
    place = {} if scope is None else {"project": scope[0], "feature": scope[1]}
    return parse_resource(document(KIND.name, name, place, **spec))


def _loaded(resources: list[Resource]) -> LoadedWorkspace:
    state = ResourceSet({resource.key: resource for resource in resources})
    return LoadedWorkspace(Path(), None, state, (), (), len(resources))


def _client(fake: FakeUnleash) -> Client:
    return Client("http://fake", TOKEN, transport=fake.transport())


def _plan(fake: FakeUnleash, loaded: LoadedWorkspace, workspace: Workspace) -> Plan:
    with _client(fake) as client:
        return make_plan(loaded, workspace, client)


def _apply(fake: FakeUnleash, plan: Plan) -> None:
    with _client(fake) as client:
        apply_plan(plan, client, threading.Event())


def _untouchable(fake: FakeUnleash, loaded: LoadedWorkspace, workspace: Workspace) -> dict[str, Any]:
    """Return the charts that no plan may touch: others', nobody's where we are not alone, and what safeguards use."""
    kept = {}
    for chart, (scope, config) in fake.charts.items():
        wanted = any(resource.id == chart for resource in loaded.desired.resources.values())
        other = chart.startswith(computed_id("other", "", None, None, "")[:16])
        is_unmarked = chart.startswith("01ARZ")
        place = (KIND.name, scope[0] if scope else None)
        alone = place in [(area.kind, area.project) for area in workspace.spec.exclusive]
        if chart in fake.safeguarded or (
            not wanted and (other or (is_unmarked and not alone) or workspace.spec.prune == "none")
        ):
            kept[chart] = (scope, config)
    return kept


@given(worlds())
@examples(3)
def test_after_apply_the_plan_is_empty_and_what_is_not_ours_is_untouched(world: Any) -> None:
    fake, loaded, workspace = world
    before = copy.deepcopy(_untouchable(fake, loaded, workspace))
    plan = _plan(fake, loaded, workspace)
    assert fake.writes() == []
    _apply(fake, plan)
    assert {chart: fake.charts.get(chart) for chart in before} == before
    again = _plan(fake, loaded, workspace)
    assert [change for change in again.changes if change.action != "blocked"] == []
    assert again.summary.blocked == plan.summary.blocked
    fake.requests.clear()
    _apply(fake, again)
    assert fake.writes() == []


@given(worlds(), st.integers())
@examples(1)
def test_the_order_of_the_servers_answers_means_nothing(world: Any, seed: int) -> None:
    fake, loaded, workspace = world
    first = _plan(fake, loaded, workspace)
    fake.shuffle = random.Random(seed)
    second = _plan(fake, loaded, workspace)
    assert second.model_copy(update={"created_at": first.created_at}) == first


@given(worlds(), st.sets(st.integers(0, 12)), st.booleans())
@examples(1.5)
def test_any_calls_may_fail_and_the_next_apply_converges(world: Any, failing: set[int], got_through: bool) -> None:
    fake, loaded, workspace = world
    before = copy.deepcopy(_untouchable(fake, loaded, workspace))
    plan = _plan(fake, loaded, workspace)
    seen = 0

    def hook(method: str, _path: str, go: Any) -> Any:
        nonlocal seen
        seen += method != "GET"
        if method == "GET" or seen - 1 not in failing:
            return go()
        if got_through:
            go()
        return 500, {}, b'{"name": "UnknownError", "message": "broken"}'

    fake.hook = hook
    _apply(fake, plan)
    fake.hook = lambda _method, _path, go: go()
    _apply(fake, _plan(fake, loaded, workspace))
    assert [change for change in _plan(fake, loaded, workspace).changes if change.action != "blocked"] == []
    assert {chart: fake.charts.get(chart) for chart in before} == before


@given(worlds())
@examples(1)
def test_a_saved_plan_is_the_plan(world: Any) -> None:
    fake, loaded, workspace = world
    plan = _plan(fake, loaded, workspace)
    with _client(fake) as client:
        assert check_plan(parse_plan(render_plan_json(plan), "plan.json"), client) == plan


@given(worlds())
@examples(1)
def test_what_no_file_mentions_keeps_its_value(world: Any) -> None:
    fake, loaded, workspace = world
    before = {chart: copy.deepcopy(config) for chart, (_, config) in fake.charts.items()}
    _apply(fake, _plan(fake, loaded, workspace))
    for resource in loaded.desired.resources.values():
        if resource.id not in before or resource.id not in fake.charts:
            continue
        after = fake.charts[resource.id][1]
        for name in {"yAxisMin", "title"} - set(resource.spec):
            assert (after.get(name) or None) == (before[resource.id].get(name) or None)
        if "source" not in resource.spec and fake.style == "new":
            assert after.get("source", "internal") == before[resource.id].get("source", "internal")


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from(["", "a", "b"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["a", "b", "c.d", ""]), inner, max_size=3)
    ),
    max_leaves=8,
)
objects = st.dictionaries(st.sampled_from(["a", "b", "c.d"]), json_values, max_size=3)


@given(objects, objects)
@examples(5)
def test_fields_differ_exactly_when_objects_do(before: dict[str, Any], after: dict[str, Any]) -> None:
    fields = diff_fields(before, after)
    assert (fields == ()) == (before == after)
    assert [field.path for field in fields] == sorted(field.path for field in fields)


@given(objects)
def test_an_object_does_not_differ_from_itself(value: dict[str, Any]) -> None:
    assert diff_fields(value, copy.deepcopy(value)) == ()
