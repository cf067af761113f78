"""The lease of a workspace: never two holders, never none for good, whatever the order of requests and the clocks."""

from __future__ import annotations

import random
from collections import Counter

from servers.lease_model import explore, find_problems, run_schedule


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
