"""While a plan is applied, no change of another user is overwritten that the run could see."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from properties import examples
from unleash_gitops.engine.parts import find_differing_parts, value_at
from unleash_gitops.engine.stale_changes import is_within_parts, overwritten_parts
from unleash_gitops.model.report import Report
from unleash_gitops.model.resource import Resource
from workflow.rivals import FLAG, MARK, Rivals, Spec, in_production, rollout

STALE = "changed since planned: "
SEGMENT = {"description": "one", "constraints": []}
CONSTRAINT = {"contextName": "userId", "operator": "IN", "values": ["1"]}


def only_result(report: Report) -> tuple[str, str | None]:
    (result,) = report.results
    return result.status, result.error


def test_a_change_of_what_would_be_overwritten_fails_with_who_and_when() -> None:
    rivals = Rivals("FeatureFlag", in_production(rollout(10)))
    plan = rivals.plan(in_production(rollout(50)))
    rivals.roll_out(0)
    writes = len(rivals.fake.writes())
    report = rivals.apply(plan)
    event = rivals.fake.audit.events[-1]
    who = f"by somebody at {event['createdAt']} (event {event['id']})"
    place = "environments.production.strategies[0].parameters.rollout"
    assert only_result(report) == ("failed", f"{STALE}{place}, {who} (plan again)")
    assert len(rivals.fake.writes()) == writes
    assert rivals.strategies()[0]["parameters"]["rollout"] == "0"


def test_a_change_elsewhere_in_a_flag_is_no_failure_and_stays() -> None:
    rivals = Rivals("FeatureFlag", in_production(rollout(10), description="ours"))
    plan = rivals.plan(in_production(rollout(50), description="ours"))
    rivals.send("POST", f"{FLAG}/environments/production/off", {})
    rivals.send("PUT", FLAG, {"name": "f", "type": "release", "description": "theirs"})
    assert rivals.apply(plan).complete
    live = rivals.live()
    assert live is not None
    production = live.spec["environments"]["production"]
    assert (live.spec["description"], production["enabled"]) == ("theirs", False)
    assert production["strategies"][0]["parameters"]["rollout"] == "50"


def test_the_flags_own_body_carries_all_its_fields() -> None:
    rivals = Rivals("FeatureFlag", {"description": "one"})
    plan = rivals.plan({"description": "two"})
    rivals.send("PUT", FLAG, {"name": "f", "type": "kill-switch", "description": "one"})
    status, error = only_result(rivals.apply(plan))
    assert (status, str(error).split(",")[0]) == ("failed", f"{STALE}type")


def test_a_switch_counts_where_the_last_strategy_goes() -> None:
    """The server switches an environment off that loses its last strategy."""
    rivals = Rivals("FeatureFlag", in_production(rollout(10), enabled=False))
    plan = rivals.plan(in_production(enabled=False))
    rivals.send("POST", f"{FLAG}/environments/production/on", {})
    status, error = only_result(rivals.apply(plan))
    assert (status, str(error).split(",")[0]) == ("failed", f"{STALE}environments.production.enabled")


def test_a_strategy_that_was_deprecated_stays_so_when_its_title_changes() -> None:
    rivals = Rivals("Strategy", {"title": "one"})
    plan, both = rivals.plan({"title": "two"}), rivals.plan({"title": "two", "deprecated": True})
    rivals.send("POST", "/api/admin/strategies/thing/deprecate", {})
    status, error = only_result(rivals.apply(both))
    assert (status, str(error).split(",")[0]) == ("failed", f"{STALE}deprecated")
    assert rivals.apply(plan).complete
    live = rivals.live()
    assert live is not None
    assert (live.spec["title"], live.spec["deprecated"]) == ("two", True)


def test_any_change_of_an_object_to_delete_counts() -> None:
    segment, flag = Rivals("Segment", SEGMENT), Rivals("FeatureFlag", in_production(rollout(10)))
    plans = [rivals.plan() for rivals in (segment, flag)]
    segment.update(description="theirs")
    flag.roll_out(0)
    results = [only_result(rivals.apply(plan)) for rivals, plan in zip((segment, flag), plans, strict=True)]
    places = ["description", "environments.production.strategies[0].parameters.rollout"]
    assert [str(error).split(",")[0] for _, error in results] == [f"{STALE}{place}" for place in places]


def test_a_strategy_that_was_replaced_by_an_equal_one_has_changed() -> None:
    rivals = Rivals("FeatureFlag", in_production(rollout(10), rollout(20)))
    plan = rivals.plan(in_production(rollout(50), rollout(20)))
    first, second = rivals.strategies()
    rivals.send("DELETE", f"{FLAG}/environments/production/strategies/{first['id']}")
    body = {key: first[key] for key in ("name", "parameters", "constraints", "segments")}
    rivals.send("POST", f"{FLAG}/environments/production/strategies", body)
    new = rivals.strategies()[-1]["id"]
    order = [{"id": new, "sortOrder": 0}, {"id": second["id"], "sortOrder": 1}]
    rivals.send("POST", f"{FLAG}/environments/production/strategies/set-sort-order", order)
    status, error = only_result(rivals.apply(plan))
    assert status == "failed"
    assert error is not None
    assert error.startswith(f"{STALE}environments.production.strategies")


def test_a_lost_mark_counts_whatever_changes() -> None:
    rivals = Rivals("FeatureFlag", in_production(rollout(10)))
    plan = rivals.plan(in_production(rollout(50)))
    tag = {"type": "gitops", "value": "payments"}
    rivals.send("PUT", "/api/admin/features/f/tags", {"addedTags": [], "removedTags": [tag]})
    status, error = only_result(rivals.apply(plan))
    assert (status, str(error).split(",")[0]) == ("failed", f"{STALE}bears no mark now (plan again)")


def test_an_object_that_is_gone_is_not_updated_and_counts_as_deleted() -> None:
    rivals = Rivals("Segment", SEGMENT)
    update, delete = rivals.plan({**SEGMENT, "description": "two"}), rivals.plan()
    number = rivals.send("GET", "/api/admin/segments")["segments"][0]["id"]
    rivals.send("DELETE", f"/api/admin/segments/{number}")
    status, error = only_result(rivals.apply(update))
    assert status == "failed"
    assert error is not None
    assert error.startswith(f"{STALE}no longer exists, by somebody at ")
    assert rivals.apply(delete).complete


def test_an_archived_flag_that_another_user_restored_is_not_restored_again() -> None:
    rivals = Rivals("FeatureFlag", {"description": "one"})
    rivals.send("DELETE", FLAG)
    plan = rivals.plan({"description": "two"})
    rivals.send("POST", "/api/admin/archive/revive/f")
    status, error = only_result(rivals.apply(plan))
    assert (status, str(error).split(",")[0]) == ("failed", f"{STALE}archived")
    assert rivals.apply(rivals.plan({"description": "two"})).complete


def test_an_archived_flag_is_restored_without_a_search() -> None:
    rivals = Rivals("FeatureFlag", {"description": "one"})
    rivals.send("DELETE", FLAG)
    plan = rivals.plan({"description": "two"})
    rivals.fake.requests.clear()
    assert rivals.apply(plan).complete
    assert ("GET", "/api/admin/search/features") not in rivals.fake.requests


@pytest.mark.parametrize("is_attached", [True, False])
def test_an_environment_that_the_project_got_or_lost_changes_no_flag(is_attached: bool) -> None:
    """The plan itself may attach or detach it first."""
    path = "/api/admin/projects/default/environments"
    rivals = Rivals("FeatureFlag", {"environments": {"development": {"strategies": [rollout(10)]}}})
    if is_attached:
        rivals.send("DELETE", f"{path}/production")
    plan = rivals.plan()
    if is_attached:
        rivals.send("POST", path, {"environment": "production"})
    else:
        rivals.send("DELETE", f"{path}/production")
    assert rivals.apply(plan).complete


def test_the_check_of_a_delete_reads_the_object_only() -> None:
    """A server answers 15 searches for archived flags, which may use the object, a minute."""
    rivals = Rivals("Segment", SEGMENT)
    plan = rivals.plan()
    rivals.fake.requests.clear()
    assert rivals.apply(plan).complete
    written = next(place for place, (method, _) in enumerate(rivals.fake.requests) if method == "DELETE")
    assert rivals.fake.requests[written - 1] == ("GET", "/api/admin/segments")
    assert ("GET", "/api/admin/search/features") not in rivals.fake.requests


def test_the_other_changes_go_on() -> None:
    rivals = Rivals("Segment", SEGMENT)
    plan = rivals.plan({**SEGMENT, "description": "two"})
    chart = Rivals("ImpactMetric", {"title": "one"}).plan({"title": "two"}).changes[0]
    rivals.update(description="theirs")
    with rivals.client() as client:
        client.send("POST", "/api/admin/impact-metrics/config", {**chart.before, "id": chart.id}, repeatable=True)
    report = rivals.apply(plan.model_copy(update={"changes": (*plan.changes, chart)}))
    assert [result.status for result in report.results] == ["failed", "applied"]


# Any update of any part, and any edit by another user in between.

CONSTRAINTS = st.sampled_from([[], [CONSTRAINT]])
TEXTS = st.sampled_from(["one", "two"])
PLACES = st.fixed_dictionaries(
    {},
    optional={
        "enabled": st.booleans(),
        "strategies": st.lists(st.sampled_from([10, 50]).map(rollout), min_size=1, max_size=2),
    },
).filter(lambda place: not (place.get("enabled") and "strategies" not in place))
SPECS: dict[str, st.SearchStrategy[Spec]] = {
    "FeatureFlag": st.fixed_dictionaries(
        {},
        optional={
            "description": TEXTS,
            "stale": st.booleans(),
            "tags": st.lists(st.sampled_from(["simple:aa", "simple:bb"]), unique=True),
            "links": st.lists(st.sampled_from([{"url": f"https://{name}.example/"} for name in "ab"]), max_size=1),
            "environments": st.dictionaries(st.sampled_from(["development", "production"]), PLACES, min_size=1),
        },
    ),
    "Segment": st.fixed_dictionaries({}, optional={"description": TEXTS, "constraints": CONSTRAINTS}),
    "ContextField": st.fixed_dictionaries(
        {},
        optional={
            "description": TEXTS,
            "stickiness": st.booleans(),
            "legalValues": st.sampled_from([[], [{"value": "a"}]]),
        },
    ),
    "TagType": st.fixed_dictionaries({}, optional={"description": TEXTS, "icon": st.sampled_from(["A", "B"])}),
    "Strategy": st.fixed_dictionaries({}, optional={"description": TEXTS, "title": TEXTS, "deprecated": st.booleans()}),
    "ImpactMetric": st.fixed_dictionaries({}, optional={"title": TEXTS, "timeRange": st.sampled_from(["day", "week"])}),
}
FLAG_EDITS = st.one_of(
    st.tuples(st.just("switch"), st.sampled_from(["development", "production"])),
    st.tuples(st.just("roll out"), st.sampled_from(["development", "production"])),
    st.tuples(st.just("add"), st.sampled_from(["development", "production"])),
    st.tuples(st.sampled_from(["describe", "change type", "tag", "link", "archive", "unmark"]), st.none()),
)
EDITS: dict[str, st.SearchStrategy[Any]] = {
    "FeatureFlag": FLAG_EDITS,
    "Segment": st.sampled_from([{"description": "theirs"}, {"constraints": [{**CONSTRAINT, "values": ["9"]}]}]),
    "ContextField": st.sampled_from([{"description": "theirs"}, {"legalValues": [{"value": "z"}]}]),
    "TagType": st.sampled_from([{"description": "theirs"}, {"icon": "Z"}]),
    "Strategy": st.sampled_from([{"description": "theirs"}, {"title": "theirs"}, "deprecate", "reactivate"]),
    "ImpactMetric": st.sampled_from([{"title": "theirs"}, {"timeRange": "month"}]),
}


def edit(rivals: Rivals, how: Any) -> None:
    """Edit the object as another user, as far as the server lets them."""
    if rivals.kind == "FeatureFlag":
        edit_flag(rivals, *how)
    elif isinstance(how, str):
        rivals.send("POST", f"/api/admin/strategies/thing/{how}", {})
    else:
        rivals.update(**how)


def edit_flag(rivals: Rivals, what: str, environment: str | None) -> None:
    place, tags = f"{FLAG}/environments/{environment}", "/api/admin/features/f/tags"
    flag = rivals.fake.about_flags.flag("f")
    if what == "roll out" and environment is not None:
        if rivals.strategies(environment):
            rivals.roll_out(7, environment)
        return
    switched = "off" if environment is not None and flag["in"][environment]["enabled"] else "on"
    metadata = {key: flag[key] for key in ("name", "type", "description", "stale")}
    mark = {"type": "gitops", "value": "payments"}
    requests: dict[str, tuple[str, str, Any]] = {
        "switch": ("POST", f"{place}/{switched}", {}),
        "add": ("POST", f"{place}/strategies", {"name": "flexibleRollout", "parameters": {"rollout": "7"}}),
        "describe": ("PUT", FLAG, {**metadata, "description": "theirs"}),
        "change type": ("PUT", FLAG, {**metadata, "type": "experiment"}),
        "tag": ("PUT", tags, {"addedTags": [{"type": "simple", "value": "zz"}], "removedTags": []}),
        "unmark": ("PUT", tags, {"addedTags": [], "removedTags": [mark]}),
        "link": ("POST", f"{FLAG}/link", {"url": "https://theirs.example/", "title": ""}),
        "archive": ("DELETE", FLAG, None),
    }
    rivals.send(*requests[what])


@st.composite
def races(draw: st.DrawFn) -> tuple[str, Spec, list[Spec], Any]:
    """Draw an object as it was, as it is to be (none: deleted), and what another user does in between."""
    kind = draw(st.sampled_from([*sorted(SPECS), *["FeatureFlag"] * 5]))  # half of them: a flag has most requests
    after = draw(st.lists(SPECS[kind], min_size=1, max_size=1) if draw(st.integers(0, 4)) else st.just([]))
    return kind, draw(SPECS[kind]), after, draw(EDITS[kind])


def as_spec(live: Resource | None) -> dict[str, Any]:
    return {} if live is None else {**live.spec, "owners": live.owners}


@given(races())
@examples(0.4)
def test_what_would_be_lost_fails_and_nothing_else_does(race: tuple[str, Spec, list[Spec], Any]) -> None:
    """The same race without the check tells what would be lost."""
    kind, first, then, how = race
    unguarded, guarded = Rivals(kind, first), Rivals(kind, first)
    plans = [rivals.plan(*then) for rivals in (unguarded, guarded)]
    assume(plans[1].changes)
    before = as_spec(guarded.live())
    for rivals in (unguarded, guarded):
        edit(rivals, how)
    edited = as_spec(guarded.live())
    parts = set(find_differing_parts(before, edited))
    assume(parts)

    unguarded.apply_unguarded(plans[0])
    would_be = as_spec(unguarded.live())
    lost = any(value_at(would_be, part) != value_at(edited, part) for part in parts)

    status, error = only_result(guarded.apply(plans[1]))
    after = as_spec(guarded.live())
    is_refused = status == "failed" and error is not None and error.startswith(STALE)
    if lost:
        assert is_refused, (lost, error)
    if is_refused:
        assert after == edited
        declared = (("owners",), *overwritten_parts(plans[1].changes[0]))
        assert any(is_within_parts(part, declared) for part in parts) or not edited
    else:
        assert all(value_at(after, part) == value_at(edited, part) for part in parts)


@pytest.mark.parametrize("kind", sorted(SPECS))
def test_an_object_that_nobody_changed_is_changed(kind: str) -> None:
    values = {"FeatureFlag": {"description": "two"}, "ImpactMetric": {"title": "two"}}
    rivals = Rivals(kind, {})
    assert rivals.apply(rivals.plan(values.get(kind, {"description": "two"}))).complete
    assert MARK not in str(as_spec(rivals.live()))
    assert rivals.apply(rivals.plan()).complete
    assert rivals.live() is None
