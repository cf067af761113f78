"""The lease of a workspace: never two holders, never none for good, whatever the order of requests and the clocks."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from servers.lease_model import START, explore, find_problems, run_schedule
from unleash_gitops.engine.lease import Lease
from unleash_gitops.engine.lease_store import LeaseStore
from unleash_gitops.model.errors import ServerError
from unleash_gitops.model.lease_record import LeaseRecord


def check_all(takers: int, deviations: int) -> Counter[str]:
    """Check every schedule; return how the takers ended, and how many schedules there were."""
    outcomes: Counter[str] = Counter()
    for schedule in explore(takers, deviations=deviations):
        assert find_problems(schedule) == [], schedule.chosen
        outcomes.update(taker.outcome or "killed" for taker in schedule.takers)
        outcomes["schedules"] += 1
    return outcomes


def check_random(takers: int, schedules: int, seed: int) -> Counter[str]:
    """Check random schedules with many deviations."""
    outcomes: Counter[str] = Counter()
    for number in range(schedules):
        random.seed(seed + number)
        choice = random.Random(seed + number)

        def choose(_place: int, options: int, choice: random.Random = choice) -> int:
            return choice.randrange(options) if choice.random() < 0.3 else 0

        schedule = run_schedule(choose, takers, deviations=12, writes=4)
        assert find_problems(schedule) == [], (seed + number, schedule.chosen)
        outcomes.update(taker.outcome or "killed" for taker in schedule.takers)
    return outcomes


def test_two_takers_in_every_order_never_both_hold_the_lease() -> None:
    outcomes = check_all(2, deviations=1)
    assert outcomes["applied"] > outcomes["killed"] > 0
    assert outcomes["lost"] > 0


def test_three_takers_in_random_orders_never_hold_the_lease_together() -> None:
    outcomes = check_random(3, 150, seed=0)
    assert min(outcomes[outcome] for outcome in ("applied", "lost", "killed")) > 0


@pytest.mark.parametrize("seed", range(3))
def test_twenty_takers_over_a_slow_link_all_get_the_lease(seed: int) -> None:
    """The takers begin together, and a request takes half a second."""
    random.seed(seed)
    schedule = run_schedule(lambda _place, _options: 0, 20, deviations=0, latency=0.5)
    assert [taker.outcome for taker in schedule.takers] == ["applied"] * 20


class Alone(LeaseStore):
    """A store with two clocks of a test. `lists` counts the looks, `is_down` refuses everything."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.records: dict[str, LeaseRecord] = {}
        self.lists = 0
        self.is_down = False

    def clock(self) -> float:
        return self.seconds

    def list(self) -> Sequence[LeaseRecord]:
        self.lists += 1
        if self.is_down:
            raise ServerError("GET", "/", "down")
        return list(self.records.values())

    def create(self, record: LeaseRecord) -> None:
        self.records[record.name] = record

    update = create

    def delete(self, name: str) -> None:
        self.records.pop(name, None)

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)


def take_alone() -> tuple[Alone, Lease]:
    store = Alone()
    lease = Lease(store, "shop", "ann", lambda _seconds: False, store.clock, store.clock)
    lease.take(0)
    store.lists = 0
    return store, lease


def test_a_holder_asks_the_server_at_most_once_a_second() -> None:
    store, lease = take_alone()
    for _ in range(50):
        store.seconds += 0.1
        assert lease.find_loss() is None
    assert 3 <= store.lists <= 5


def test_a_removed_lease_is_noticed_after_a_second_and_at_the_end_at_once() -> None:
    for seconds, is_end, is_noticed in ((0.5, False, False), (0.5, True, True), (1.0, False, True)):
        store, lease = take_alone()
        store.records.clear()
        store.seconds += seconds
        assert (lease.find_loss(is_end=is_end) is not None) is is_noticed


def test_a_lease_that_cannot_be_checked_is_lost_before_it_expires() -> None:
    store, lease = take_alone()
    store.is_down = True
    store.seconds += 34
    assert lease.find_loss() is None
    store.seconds += 1
    reason = lease.find_loss()
    assert reason is not None
    assert "it could not be renewed" in reason


def test_checks_do_not_replace_renewals() -> None:
    store, lease = take_alone()
    for _ in range(100):
        store.seconds += 1
        assert lease.find_loss() is None
    (record,) = store.records.values()
    assert record.expires is not None
    assert not record.has_expired(store.now() + timedelta(seconds=15))
