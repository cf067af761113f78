"""The lease of a workspace on the server: at most one apply of a workspace runs at a time.

A lease is a tag type (`model/lease_record.py`). The server does not make "who creates first wins" safe: several of
simultaneous creates succeed, and an update of a missing tag type succeeds too. So each run creates its own object,
and then lists all of them:

1. List. If another run holds the lease, wait.
2. Create an own object with a short expiry: a claim.
3. List. If any other object of the workspace has not expired, delete the own one and wait a random time, up to twice
   as long after each such claim. Of two runs that claim, at least the one that lists last sees the other, so that both
   never go on.
4. Delete the expired objects of other runs. From here on, their holders cannot renew them.
5. Renew: list, and check that the own object is there, has not expired, and that no other run holds the lease; update
   the expiry; list and check again, because the update may have come too late. The claim is a lease now.

A holder renews from a thread until it frees the lease. Before each request of the run it also looks whether its object
is still there, at most once a second for all threads. All expiries are compared with the server's clock. The age of the
last check is the larger one of two local clocks: the monotonic one stands still while a machine is suspended.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from unleash_gitops.engine.lease_store import LeaseStore
from unleash_gitops.model.errors import GitopsError, LeaseHeld
from unleash_gitops.model.lease_record import LeaseRecord, new_lease_name

__all__ = ["Lease"]

LEASE_SECONDS = 40.0
"""The expiry of a lease: shorter than the default wait for it, long enough for a server that restarts."""
_CLAIM_SECONDS = 15.0
_MARGIN = 5.0
"""Seconds before the expiry at which a holder gives up: dates of answers have whole seconds, and requests take time."""
_RENEW_SECONDS = 10.0
_MOST_AGE = 1.0
"""The age of the last check, in seconds, at which the holder checks again before it sends anything."""
_SHORTEST_WAIT = 0.5
_LONGEST_WAIT = (1.5, 24.0)
"""Seconds between two looks of a run that waits: up to the first, doubled by each lost claim, up to the second."""


class Lease:
    """The lease of one run; safe to use from many threads. `store` and `workspace` are of one workspace.

    `holder` is who others are told. `wait` waits for some seconds and returns True when the user interrupted it.
    `monotonic` and `wall` are clocks of this machine, in seconds; the second may jump.
    """

    def __init__(
        self,
        store: LeaseStore,
        workspace: str,
        holder: str,
        wait: Callable[[float], bool],
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._workspace = workspace
        self._holder = holder
        self._wait = wait
        self._monotonic = monotonic
        self._wall = wall
        self._lock = threading.RLock()
        self._own: LeaseRecord | None = None
        self._checked = (0.0, 0.0)
        """When the last check began that found everything in order, on both clocks."""
        self._renewed = (0.0, 0.0)
        """When the last renewal began, on both clocks."""
        self._lost: str | None = None
        self._ended = threading.Event()

    @property
    def record(self) -> LeaseRecord | None:
        """The own object on the server, None when there is none."""
        return self._own

    def take(
        self, timeout: float, on_wait: Callable[[LeaseRecord, float], None] = lambda _record, _waited: None
    ) -> None:
        """Take the lease, and wait for it for up to `timeout` seconds.

        `on_wait` gets the lease that is waited for, and for how many seconds by now. Raises LeaseHeld, and GitopsError
        when the user interrupts the wait, the token may not write leases, or the server's clock is unknown. Nothing is
        left on the server then, if that can be reached.
        """
        began, longest_wait = self._monotonic(), _LONGEST_WAIT[0]
        while True:
            obstacle = self._look()[0]
            if obstacle is None:
                obstacle = self._claim()
                if obstacle is None:
                    return
                longest_wait = min(2 * longest_wait, _LONGEST_WAIT[1])
            waited = self._monotonic() - began
            if waited >= timeout:
                raise LeaseHeld(self._workspace, str(obstacle), waited)
            on_wait(obstacle, waited)
            pause = random.uniform(_SHORTEST_WAIT, longest_wait)  # noqa: S311 - no secret
            if self._wait(min(pause, max(0.05, timeout - waited))):
                raise GitopsError(f"interrupted while waiting for the lease of workspace {self._workspace}")

    def _look(self) -> tuple[LeaseRecord | None, list[LeaseRecord]]:
        """Return a lease or claim of another run that has not expired, rather a lease, and what has expired."""
        others = [record for record in self._store.list() if self._own is None or record.name != self._own.name]
        now = self._store.now()
        alive = [record for record in others if not record.has_expired(now)]
        expired = [record for record in others if record.has_expired(now)]
        return max(alive, key=lambda record: record.is_held, default=None), expired

    def _claim(self) -> LeaseRecord | None:
        """Try to take a lease that seems free. Return what is in the way, None when the lease is taken."""
        now = self._store.now()
        expires = now + timedelta(seconds=_CLAIM_SECONDS)
        own = LeaseRecord(new_lease_name(self._workspace), self._holder, now, expires, is_held=False)
        self._own, self._lost = own, None
        try:
            self._store.create(own)
            obstacle, expired = self._look()
            if obstacle is None:
                for record in expired:
                    self._store.delete(record.name)
                self.renew()
                if self._lost is None:
                    return None
                obstacle = self._look()[0] or own  # this run was too slow
        except BaseException:
            self._discard()
            raise
        self._discard()
        return obstacle

    def renew(self) -> None:
        """Set a new expiry, unless the lease is lost. Raises GitopsError; the lease may still be valid then."""
        with self._lock:
            began = self._read_clocks()
            limit = self._check()
            if limit is None or self._own is None:
                return
            expires = self._store.now() + timedelta(seconds=LEASE_SECONDS)
            renewed = replace(self._own, expires=expires, is_held=True)
            self._store.update(renewed)
            stored = self._check(limit)
            if stored is not None and stored != expires:
                self._lost = "the server did not store its new expiry"
            if self._lost is None:
                self._own, self._checked, self._renewed = renewed, began, began

    def _check(self, limit: datetime | None = None) -> datetime | None:
        """Return until when this run has the lease; None when it lost it, and remember why.

        `limit` is the expiry that an update has replaced: it must have come before that.
        """
        if self._own is None or self._lost is not None:
            return None
        records = self._store.list()
        now = self._store.now()
        own = next((record for record in records if record.name == self._own.name), None)
        rivals = [
            record
            for record in records
            if record.name != self._own.name and record.is_held and not record.has_expired(now)
        ]
        if own is None or own.expires is None:
            self._lost = "another run or user removed it"
        elif rivals:
            self._lost = f"the workspace is {rivals[0]}"
        elif now + timedelta(seconds=_MARGIN) >= (limit or own.expires):
            self._lost = "it expired before this run renewed it"
        return None if self._lost is not None or own is None else own.expires

    def find_loss(self, *, is_end: bool = False) -> str | None:
        """Return why nothing more may be sent, None while the lease is held.

        Asks the server when the last check is older than a second, or for `is_end`, at the end of the run. Threads that
        wait for one check share its result.
        """
        asked = self._monotonic()
        with self._lock:
            if self._lost is None and (is_end or not self._is_fresh(asked)):
                try:
                    self._confirm()
                except GitopsError as error:
                    if self._age(self._renewed) >= LEASE_SECONDS - _MARGIN:
                        self._lost = f"it could not be renewed ({error})"
            return None if self._lost is None else f"the lease of workspace {self._workspace} was lost: {self._lost}"

    def _is_fresh(self, asked: float) -> bool:
        """Tell whether the last check is as good as one now, for a caller who asked at a monotonic time."""
        age = self._age(self._checked)
        return age < _MOST_AGE or (self._checked[0] >= asked and age < _MARGIN)

    def _confirm(self) -> None:
        """Check the lease at the server; renew it when that is overdue."""
        if self._age(self._renewed) >= 2 * _RENEW_SECONDS:
            self.renew()
            return
        began = self._read_clocks()
        if self._check() is not None:
            self._checked = began

    def _read_clocks(self) -> tuple[float, float]:
        return self._monotonic(), self._wall()

    def _age(self, then: tuple[float, float]) -> float:
        """Return the seconds since `then` by whichever clock says more; a clock that was set counts as well."""
        monotonic, wall = then
        return max(self._monotonic() - monotonic, abs(self._wall() - wall))

    def keep_renewing(self) -> None:
        """Renew the lease from a thread, until it is freed."""
        threading.Thread(target=self._renew_until_end, name="unleash-gitops-lease", daemon=True).start()

    def _renew_until_end(self) -> None:
        while not self._ended.wait(_RENEW_SECONDS) and self._lost is None:
            with suppress(GitopsError):  # `find_loss` tries again, and knows how long that can wait
                self.renew()

    def free(self) -> None:
        """Free the lease. Raises ServerError when its object is left to its expiry."""
        self._ended.set()
        with self._lock:
            own, self._own = self._own, None
            if own is not None:
                self._store.delete(own.name)

    def _discard(self) -> None:
        """Delete the own object, if the server can be reached."""
        with suppress(GitopsError):
            own, self._own = self._own, None
            if own is not None:
                self._store.delete(own.name)
