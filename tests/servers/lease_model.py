"""Runs of the lease's protocol against leases in memory, one step at a time, in every order that a test wants.

A schedule is a list of choices. The run takes the first option where the list has ended, and returns what it could have
chosen instead, so that `explore` visits all schedules with a bounded number of deviations.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

from unleash_gitops.engine.lease import Lease
from unleash_gitops.engine.lease_store import LeaseStore
from unleash_gitops.model.errors import LeaseHeld
from unleash_gitops.model.lease_record import LeaseRecord

START = datetime(2026, 1, 1, tzinfo=UTC)
PATIENCE = 600.0
JUMPS = (13.0, 41.0)
"""Seconds that pass at once: longer than a claim may go unconfirmed, and longer than a lease lasts."""
SUSPENSION = 50.0
MOST_STEPS = 3000


class Killed(BaseException):
    """Ends the thread of a taker where it is, as `kill -9` does."""


@dataclass
class World:
    """The server: its clock in seconds, and its objects. A request takes `latency` seconds.

    `owner` is the taker that was allowed to write last.
    """

    seconds: float = 0.0
    latency: float = 0.0
    records: dict[str, LeaseRecord] = field(default_factory=dict)
    owner: int | None = None
    problems: list[str] = field(default_factory=list)

    def now(self) -> datetime:
        """Return the time as an answer has it: in whole seconds."""
        return START + timedelta(seconds=int(self.seconds))


class Taker(LeaseStore):
    """One run: it takes the lease, writes a few times, and frees it. Every request waits until it is let go on."""

    def __init__(self, number: int, world: World, clock_error: float, writes: int) -> None:
        self.number = number
        self.world = world
        self.wakes = 0.0
        self.suspended = 0.0
        self.is_killed = False
        self.has_ended = False
        self.outcome = ""
        self._writes = writes
        self._go, self._paused = threading.Semaphore(0), threading.Semaphore(0)
        self._lease = Lease(
            self,
            "shop",
            f"taker {number}",
            self._sleep,
            lambda: world.seconds - self.suspended,
            lambda: world.seconds + clock_error,
        )
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._paused.acquire()

    def step(self) -> None:
        """Let the taker do one request, and what it does until the next one."""
        self._go.release()
        self._paused.acquire()

    def _run(self) -> None:
        with suppress(Killed):
            self._pause()
            self.outcome = self._apply()
        self.has_ended = True
        self._paused.release()

    def _pause(self) -> None:
        if not self.is_killed:
            self.wakes = max(self.wakes, self.world.seconds + self.world.latency)
            self._paused.release()
            self._go.acquire()
        if self.is_killed:
            raise Killed

    def _apply(self) -> str:
        try:
            self._lease.take(PATIENCE)
        except LeaseHeld:
            return "not taken"
        self.world.owner = self.number
        try:
            for _ in range(self._writes):
                self._lease.renew()
                if self._lease.find_loss() is not None:
                    return "lost"
                if self.world.owner != self.number:
                    self.world.problems.append(f"taker {self.number} writes although {self.world.owner} has the lease")
                self._pause()
        finally:
            self._lease.free()
        return "applied"

    def _sleep(self, seconds: float) -> bool:
        self.wakes = self.world.seconds + seconds
        self._pause()
        return False

    def list(self) -> Sequence[LeaseRecord]:
        self._pause()
        return list(self.world.records.values())

    def create(self, record: LeaseRecord) -> None:
        self._pause()
        self.world.records[record.name] = record

    def update(self, record: LeaseRecord) -> None:
        self._pause()
        if record.name in self.world.records:
            self.world.records[record.name] = record

    def delete(self, name: str) -> None:
        self._pause()
        self.world.records.pop(name, None)

    def now(self) -> datetime:
        return self.world.now()


Option = tuple[str, int]
"""What happens next: a taker goes on, is killed or suspended, or time passes."""


@dataclass
class Schedule:
    """One run: the number of options at each choice, what was chosen, how the takers ended, and what is left."""

    options: list[int]
    chosen: list[int]
    world: World
    takers: Sequence[Taker]


def run_schedule(
    choose: Callable[[int, int], int],
    takers: int,
    *,
    deviations: int,
    writes: int = 2,
    kills: int = 1,
    latency: float = 0.0,
) -> Schedule:
    """Run takers until all have ended. `choose` gets the number of the choice and of its options; 0 is usual."""
    world = World(latency=latency)
    all_takers = [Taker(number, world, (-600.0, 600.0, 0.0)[number % 3], writes) for number in range(takers)]
    schedule = Schedule([], [], world, all_takers)
    for taker in all_takers:
        taker.start()
    current, steps = 0, 0
    while alive := [taker for taker in all_takers if not taker.has_ended]:
        steps += 1
        assert steps < MOST_STEPS * takers, f"the takers do not end: {schedule.chosen}"
        ready = [taker.number for taker in alive if taker.wakes <= world.seconds]
        if not ready:
            world.seconds = min(taker.wakes for taker in alive)
            continue
        current = current if current in ready else ready[0]
        options: list[Option] = [("run", current)]
        if deviations:
            options += [("run", number) for number in ready if number != current]
            options += [("jump", place) for place in range(len(JUMPS))]
            options += [("suspend", current)]
            options += [("kill", current)] if kills else []
        place = choose(len(schedule.chosen), len(options)) if len(options) > 1 else 0
        if len(options) > 1:
            schedule.options.append(len(options))
            schedule.chosen.append(place)
        deviations -= bool(place)
        action, number = options[place]
        if action == "run":
            current = number
            all_takers[number].step()
        elif action == "jump":
            world.seconds += JUMPS[number]
        elif action == "suspend":
            world.seconds += SUSPENSION
            all_takers[number].suspended += SUSPENSION
        else:
            kills -= 1
            all_takers[number].is_killed = True
            all_takers[number].step()
    return schedule


def explore(takers: int, *, deviations: int) -> Iterator[Schedule]:
    """Yield the run of every schedule with at most so many deviations from one taker after the other."""
    prefix: list[int] = []
    while True:
        schedule = run_schedule(partial(_follow, prefix), takers, deviations=deviations)
        yield schedule
        prefix = schedule.chosen
        while prefix and prefix[-1] + 1 == schedule.options[len(prefix) - 1]:
            prefix = prefix[:-1]
        if not prefix:
            return
        prefix = [*prefix[:-1], prefix[-1] + 1]


def _follow(prefix: Sequence[int], place: int, _options: int) -> int:
    return prefix[place] if place < len(prefix) else 0


def find_problems(schedule: Schedule) -> list[str]:
    """Return what must never happen: two holders, a taker that never gets the lease, an object left behind."""
    world = schedule.world
    killed = {f"taker {taker.number}" for taker in schedule.takers if taker.is_killed}
    unserved = [taker for taker in schedule.takers if not taker.is_killed and taker.outcome not in {"applied", "lost"}]
    problems = [*world.problems, *(f"taker {taker.number} ended with {taker.outcome!r}" for taker in unserved)]
    for record in world.records.values():
        if record.holder not in killed:
            problems.append(f"{record.holder} left {record.name}")
        if not record.has_expired(world.now() + timedelta(seconds=JUMPS[-1])):
            problems.append(f"{record.name} does not expire in time")
    return problems
