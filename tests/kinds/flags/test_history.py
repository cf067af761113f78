"""A flag taken back event by event: what each event of the audit log undoes, and what nobody tells."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from kinds.named import Answers
from unleash_gitops.api.audit_log import Actor, Event
from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.flags.strategy import normalise_live_strategy
from unleash_gitops.kinds.interfaces import HasHistory
from unleash_gitops.model.resource import Address, Reference, Resource, UnknownValue

KIND = kinds()["FeatureFlag"]
A = {"id": "s1", "name": "default", "parameters": {}}
B = {"id": "s2", "name": "flexibleRollout", "parameters": {"rollout": "5"}}
C = {"id": "s3", "name": "flexibleRollout", "parameters": {"rollout": "9"}}


@dataclass
class Log:
    """Events of one flag, oldest first."""

    events: list[Event] = field(default_factory=list)

    def tell(self, kind: str, data: Any = None, before: Any = None, environment: str | None = None) -> Log:
        """Add what happened next."""
        number = len(self.events) + 1
        at = f"2026-01-01T00:00:{number:02}Z"
        told = Event(number, f"feature-{kind}", Actor(-42, "us"), at, data, before, "f", "p", environment)
        self.events.append(told)
        return self

    def strategy(self, kind: str, data: Any = None, before: Any = None) -> Log:
        """Add what happened next to the strategies in production."""
        return self.tell(f"strategy-{kind}", data, before, "production")

    def order(self, data: list[str], before: list[str]) -> Log:
        """Add a new order of the strategies in production."""
        self.strategy("order", {"strategyIds": data}, {"strategyIds": before})
        self.events[-1] = replace(self.events[-1], type="strategy-order-changed")
        return self

    def history_states(self, live: Resource | None) -> list[Any]:
        """Return what the flag was before each event, oldest first."""
        newest_first = self.events[::-1]
        steps = KIND.history_states(live, "f", newest_first, Answers(segments={"segments": []}))  # type: ignore[arg-type]
        return [before for before, _ in steps][::-1]


def live(*strategies: dict[str, Any], enabled: bool = False, **spec: Any) -> Resource:
    """Return a flag with strategies in production."""
    normal = [normalise_live_strategy(one, {}) for one in strategies]
    whole = {
        "description": "now", "stale": False, "tags": ["simple:aa"], "links": [], "dependencies": [], **spec,
        "environments": {"production": {"enabled": enabled, "strategies": normal}},
    }  # fmt: skip
    handles = {"strategies": {"production": [one["id"] for one in strategies]}}
    return Resource(Address("FeatureFlag", "f", "p"), "f", whole, handles=handles)


def production(spec: Any) -> Any:
    return spec["environments"]["production"]


def names(spec: Any) -> Any:
    """Return the strategies' rollouts in production."""
    found = production(spec)["strategies"]
    return found if isinstance(found, UnknownValue) else [one["parameters"].get("rollout") for one in found]


def test_metadata() -> None:
    log = Log().tell("metadata-updated", {"description": "now"}, {"description": "then", "stale": True})
    assert [(one["description"], one["stale"]) for one in log.history_states(live())] == [("then", True)]
    (before,) = Log().tell("metadata-updated", {"description": "now"}).history_states(live())
    assert isinstance(before["description"], UnknownValue)


def test_stale_has_events_of_its_own() -> None:
    log = Log().tell("stale-on").tell("stale-off")
    assert [one["stale"] for one in log.history_states(live())] == [False, True]


def test_tags_and_our_mark_is_none_of_them() -> None:
    log = Log().tell("untagged", before={"type": "simple", "value": "bb"})
    log.tell("tagged", {"type": "simple", "value": "aa"})
    log.tell("untagged", before={"type": "gitops", "value": "w"})
    assert [one["tags"] for one in log.history_states(live())] == [["simple:bb"], [], ["simple:aa"]]


def test_links() -> None:
    one, other = {"url": "https://a.example", "title": "A"}, {"url": "https://b.example", "title": None}
    log = Log().tell("link-added", {**one, "title": None}).tell("link-updated", one, {**one, "title": None})
    log.tell("link-removed", before=one).tell("link-added", other)
    titles = [[link["title"] for link in found["links"]] for found in log.history_states(live(links=[other]))]
    assert titles == [[], [None], ["A"], []]


def test_switches() -> None:
    log = Log().tell("environment-enabled", environment="production")
    log.tell("environment-disabled", environment="production")
    assert [production(one)["enabled"] for one in log.history_states(live())] == [False, True]


def test_strategies_are_added_changed_moved_and_removed() -> None:
    log = Log().strategy("add", {**A, "sortOrder": 0}).strategy("add", {**B, "sortOrder": 1})
    log.order(["s2", "s1"], ["s1", "s2"]).strategy("update", {**B, "parameters": {"rollout": "7"}}, B)
    log.strategy("remove", before={**A, "sortOrder": 1})
    found = log.history_states(live({**B, "parameters": {"rollout": "7"}}))
    assert [names(one) for one in found] == [[], [None], [None, "5"], ["5", None], ["7", None]]


@pytest.mark.parametrize("kind", ["update", "order"])
def test_what_does_not_fit_makes_the_rest_unknown(kind: str) -> None:
    log = Log().strategy("update", C, C) if kind == "update" else Log().order(["s3", "s1"], ["s1", "s3"])
    assert isinstance(names(log.history_states(live(A))[0]), UnknownValue)


def test_what_a_release_plan_had_is_not_the_flags_own() -> None:
    log = Log().strategy("remove", before={**C, "milestoneId": "m"})
    assert names(log.history_states(live(A))[0]) == [None]


def test_nothing_is_before_its_creation() -> None:
    assert Log().tell("created", {"description": "now"}).history_states(live(A)) == [None]


def test_nobody_tells_where_an_archived_flag_was_on() -> None:
    log = Log().tell("archived").tell("revived")
    before, archived = log.history_states(live(A))
    assert archived["archived"] is True
    assert "archived" not in before
    assert isinstance(production(before)["enabled"], UnknownValue)
    assert isinstance(before["dependencies"], UnknownValue)
    assert names(before) == [None]


def test_a_flag_that_was_deleted_had_what_its_events_tell() -> None:
    log = Log().tell("created", {"description": "made"}).strategy("add", {**A, "sortOrder": 0})
    log.strategy("add", {**B, "sortOrder": 0}).strategy("update", {**A, "parameters": {"rollout": "1"}}, A)
    log.order(["s1", "s2"], ["s2", "s1"]).strategy("remove", before={**B, "sortOrder": 1})
    log.tell("link-added", {"url": "https://a.example", "title": None})
    log.tell("archived").tell("deleted", before={"description": "made"}).tell("created", {"description": "now"})
    found = log.history_states(live(C))
    assert found[0] is None
    assert found[-1] is None
    assert [names(one) for one in found[1:-2]] == [[], [None], ["5", None], ["5", "1"], ["1", "5"], ["1"], ["1"]]
    assert found[-2]["description"] == "made"
    assert [one["url"] for one in found[-2]["links"]] == ["https://a.example"]
    assert found[-2]["archived"] is True


def test_a_deleted_flag_whose_creation_is_not_in_the_log_is_unknown() -> None:
    log = Log().strategy("add", {**A, "sortOrder": 0}).tell("deleted", before={"description": "made"})
    (_, deleted) = log.history_states(None)
    assert isinstance(deleted["links"], UnknownValue)
    assert "production" not in deleted["environments"]


def test_where_a_flag_is_on_and_for_whom_is_guarded_in_production_only() -> None:
    environments = [{"name": "production", "type": "production"}, {"name": "development", "type": "development"}]
    server = Answers({"environments/project/p": {"environments": environments}})
    one = live()
    requires_confirmation = {
        unit: KIND.requires_confirmation(unit, one, server)  # type: ignore[arg-type]
        for unit in [
            ("environments", "production", "enabled"),
            ("environments", "production", "strategies"),
            ("environments", "production"),
            ("environments", "development", "enabled"),
            ("description",),
            (),
        ]
    }
    assert [unit for unit, found in requires_confirmation.items() if found] == [
        ("environments", "production", "enabled"),
        ("environments", "production", "strategies"),
        ("environments", "production"),
    ]


def test_a_release_plans_strategy_is_nothing_that_is_missing() -> None:
    events = Log().strategy("add", {**C, "milestoneId": "m"}).events
    (step,) = KIND.history_states(live(A, B), "f", events, Answers(segments={"segments": []}))  # type: ignore[arg-type]
    assert [side["environments"] for side in step if side is not None] == [live(A, B).spec["environments"]] * 2


def in_log(kind: str, data: Any = None, before: Any = None, **place: Any) -> Event:
    return Event(1, kind, Actor(7, "admin"), "2026-01-01", data, before, **place)


ENABLED, STRATEGIES = ("environments", "production", "enabled"), ("environments", "production", "strategies")
RENAMED = in_log("segment-updated", {"id": 1, "name": "new"}, {"id": 1, "name": "old"})
DETACHED = in_log("project-environment-removed", project="p", environment="production")


@pytest.mark.parametrize(
    ("event", "unit", "is_explained"),
    [
        (in_log("tag-type-deleted", before={"name": "team"}), ("tags",), True),
        (in_log("tag-type-deleted", before={"name": "tea"}), ("tags",), False),
        (in_log("tag-type-deleted"), ("tags",), False),
        (in_log("tag-deleted", {"type": "team", "value": "aa"}), ("tags",), True),
        (in_log("tag-deleted", {"type": "team", "value": "bb"}), ("tags",), False),
        (in_log("tag-type-deleted", before={"name": "team"}), ("description",), False),
        (DETACHED, ENABLED, True),
        (DETACHED, ("environments", "production"), True),
        (DETACHED, STRATEGIES, False),
        (replace(DETACHED, project="q"), ENABLED, False),
        (replace(DETACHED, environment="development"), ENABLED, False),
        (RENAMED, STRATEGIES, True),
        (RENAMED, ENABLED, False),
        (replace(RENAMED, before={"id": 1, "name": "other"}), STRATEGIES, False),
        (replace(RENAMED, data={"id": 1, "name": "old", "description": "changed"}), STRATEGIES, False),
    ],
)
def test_events_of_other_objects_explain_what_the_server_changed(
    event: Event, unit: tuple[str, ...], *, is_explained: bool
) -> None:
    assert isinstance(KIND, HasHistory)
    present = live(A)
    document = replace(
        present,
        spec={**present.spec, "tags": ["simple:aa", "team:aa"]},
        references=(Reference("Segment", None, "old"),),
    )
    possible = KIND.possible_causes(unit, document, present)
    assert (event.type in possible and KIND.explains(event, unit, document, present)) is is_explained


def test_without_a_missing_part_no_other_event_is_read() -> None:
    assert isinstance(KIND, HasHistory)
    present = live(A, enabled=True)
    assert [KIND.possible_causes(unit, present, present) for unit in (("tags",), ENABLED, STRATEGIES)] == [()] * 3
