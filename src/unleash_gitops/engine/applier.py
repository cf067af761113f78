"""A plan's calls to the server, and a report. It decides nothing and knows no kinds.

Changes that do not wait for each other are sent at the same time; deletes begin when everything else has ended. A
change that fails takes with it only what cannot be without it: what refers to an object that does not exist, and the
delete of an object that may still be used. Right before the first call that changes a live object, the caller checks
the object. A call that waits for the server is sent when no other call is left that could be sent first, so that all
such calls share one wait.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unleash_gitops.engine.call_sender import Sender
from unleash_gitops.model.change_errors import UnexpectedFailure
from unleash_gitops.model.errors import ServerError, Unreachable
from unleash_gitops.model.plan import Change, Plan
from unleash_gitops.model.report import Report, Result, Status

if TYPE_CHECKING:
    from unleash_gitops.api.client import Client

__all__ = ["apply_changes"]

_LONGEST_WAIT_FOR_SERVER = 10.0
"""Seconds that calls wait for what the server does by itself, which takes it about one; then they are sent."""
_CheckObject = Callable[[Change], None]


def apply_changes(
    plan: Plan,
    client: Client,
    stop: threading.Event,
    on_result: Callable[[Result], None] = lambda _: None,
    hand_over: Callable[[str, str], None] = lambda _address, _secret: None,
    check_object: _CheckObject = lambda _change: None,
    on_unexpected: Callable[[UnexpectedFailure], None] = lambda _: None,
    halt: Callable[[], str | None] = lambda: None,
) -> Report:
    """Send the plan's calls, as many changes at once as the client has connections.

    `stop` ends the run early: what is under way is finished, the rest is skipped. `on_result` gets the result of each
    change as it ends, `hand_over` each secret that the server made: the address of its object, and the secret.
    `check_object` is called right before the first call of a change of a live object, and raises ServerError when
    that must not be sent. `on_unexpected` gets each exception that no part of the tool expects. `halt` is asked before
    each change and each request; it returns why nothing more may be sent, None as long as it may. Never raises for a
    change that fails, for any reason: that is in the report.
    """
    sender = Sender(client, hand_over=hand_over, halt=halt)
    return _Run(plan.changes, client, stop, on_result, sender, check_object, on_unexpected, halt).report()


class _Run:
    """One run over a plan; lives for one call of `apply_changes`. Only its own thread touches its fields.

    A change is ready when all changes that it depends on have ended; `_unmet` counts those that have not. `_missing` is
    the first dependency that the plan does not have, if any. `_waiting` are the changes whose next call waits for the
    server, `_sent` counts the calls that were sent of a change.
    """

    def __init__(
        self,
        changes: Sequence[Change],
        client: Client,
        stop: threading.Event,
        on_result: Callable[[Result], None],
        sender: Sender,
        check_object: _CheckObject,
        on_unexpected: Callable[[UnexpectedFailure], None],
        halt: Callable[[], str | None],
    ) -> None:
        self._changes = changes
        self._client = client
        self._stop = stop
        self._on_result = on_result
        self._sender = sender
        self._check_object = check_object
        self._on_unexpected = on_unexpected
        self._halt = halt
        self._results: dict[int, Result] = {}
        self._halted: str | None = None
        self._ready: deque[int] = deque()
        self._waiting: deque[int] = deque()
        self._sent: Counter[int] = Counter()
        self._phase: frozenset[int] = frozenset()
        place_of = {change.address: place for place, change in enumerate(changes)}
        self._missing = [next((at for at in change.depends_on if at not in place_of), None) for change in changes]
        self._needs = [[place_of[at] for at in change.depends_on if at in place_of] for change in changes]
        self._unmet = [len(needs) for needs in self._needs]
        self._dependents: list[list[int]] = [[] for _ in changes]
        for place, needs in enumerate(self._needs):
            for other in needs:
                self._dependents[other].append(place)

    def report(self) -> Report:
        for place, change in enumerate(self._changes):
            if change.action == "blocked":
                self._end(place, "blocked", change.reason)
        with ThreadPoolExecutor(max_workers=self._client.concurrency) as pool:
            for deletes in (False, True):
                phase = [place for place, change in enumerate(self._changes) if (change.action == "delete") is deletes]
                self._send([place for place in phase if place not in self._results], pool)
        results = (self._results[place] for place in range(len(self._changes)))
        return Report.of(results, unverified=self._find_end())

    def _send(self, places: Sequence[int], pool: ThreadPoolExecutor) -> None:
        """Send the changes at `places`, in order, each as soon as those that it depends on have ended."""
        self._phase = frozenset(places)
        self._ready = deque(place for place in places if not self._unmet[place])
        deadlines: dict[int, float] = {}
        under_way: dict[Future[_Progress], int] = {}
        while self._ready or self._waiting or under_way:
            if not self._ready and not under_way:
                self._ready, self._waiting = self._waiting, deque()
                deadlines = dict.fromkeys(self._ready, time.monotonic() + _LONGEST_WAIT_FOR_SERVER)
            while self._ready and len(under_way) < self._client.concurrency:
                place = self._ready.popleft()
                obstacle = self._find_obstacle(place)
                if obstacle is None:
                    call = (self._changes[place], self._sender, self._check_object)
                    under_way[pool.submit(_apply, *call, self._sent[place], deadlines.get(place))] = place
                else:
                    self._end(place, "failed" if self._sent[place] else "skipped", obstacle)
            if under_way:
                done, _ = wait(under_way, return_when=FIRST_COMPLETED)
                for future in sorted(done, key=under_way.__getitem__):
                    self._record(under_way.pop(future), future.result())
        for place in places:
            if place not in self._results:
                self._end(place, "skipped", "it waits for changes that wait for it")

    def _find_obstacle(self, place: int) -> str | None:
        """Return why a change whose dependencies have ended cannot be sent any more, None when it can."""
        end = self._find_end()
        if end is not None:
            return end
        if self._missing[place] is not None:
            return f"needs {self._missing[place]}, which is not in the plan"
        lost = next((self._results[other] for other in self._needs[place] if self._is_lost(other, place)), None)
        return None if lost is None else f"needs {lost.address}, which {_status_phrase(lost.status)}"

    def _find_end(self) -> str | None:
        """Return why the run ends early, None when it does not."""
        if self._stop.is_set() or self._client.stop.is_set():
            return "interrupted"
        self._halted = self._halted or self._halt()
        return self._halted

    def _is_lost(self, place: int, dependent: int) -> bool:
        """Tell whether a change was not applied without which `dependent` cannot be: an update left its object there.

        An object is deleted only when each object that used it has been changed or deleted.
        """
        if self._results[place].status == "applied":
            return False
        needed = self._changes[place]
        is_absent = needed.before is None or needed.action == "delete"
        return is_absent or self._changes[dependent].action == "delete"

    def _record(self, place: int, progress: _Progress) -> None:
        failure, self._sent[place] = progress.failure, progress.sent
        if isinstance(failure, UnexpectedFailure):
            self._on_unexpected(failure)
        if isinstance(failure, Unreachable) and failure.lasting:
            self._halted = "the server does not answer any more"
        if failure is None and progress.sent < len(self._changes[place].calls):
            self._waiting.append(place)
        elif failure is None:
            self._end(place, "applied", None)
        else:
            self._end(place, "failed", str(failure) + (f" ({failure.hint})" if failure.hint else ""))

    def _end(self, place: int, status: Status, error: str | None) -> None:
        """Report a change that has ended, and make those ready that waited for it alone."""
        change = self._changes[place]
        sent, total = self._sent[place], len(change.calls)
        if status == "failed" and sent and error is not None:
            error += f"; {sent} of {total} requests were sent; the next plan shows what is left"
        result = Result(
            action=change.action,
            kind=change.kind,
            name=change.name,
            project=change.project,
            feature=change.feature,
            id=change.id,
            status=status,
            error=error,
            sent=sent,
            attempted=sent > 0 or self._sender.has_attempted(change.address),
        )
        self._results[place] = result
        try:
            self._on_result(result)
        except Exception as error:  # noqa: BLE001 - such as a closed stdout: the run goes on, and its report follows
            self._on_unexpected(UnexpectedFailure(error))
        for dependent in self._dependents[place]:
            self._unmet[dependent] -= 1
            if not self._unmet[dependent] and dependent in self._phase:
                self._ready.append(dependent)


@dataclass(frozen=True, slots=True)
class _Progress:
    """How many calls of a change were sent, and what stopped it."""

    sent: int
    failure: ServerError | None = None


def _apply(change: Change, sender: Sender, check_object: _CheckObject, begin: int, deadline: float | None) -> _Progress:
    """Send the change's calls from `begin` on, one after the other, up to one that waits for the server.

    With a `deadline`, the first call waits for the server until then. Any exception is the failure of this change.
    """
    sent = begin
    try:
        if begin == 0 and change.calls and change.before is not None:
            check_object(change)
        for call in change.calls[begin:]:
            if call.wait_for is not None:
                if deadline is None or not sender.wait_for(call.wait_for, deadline):
                    return _Progress(sent)
                deadline = None
            sender.send(call, change.address)
            sent += 1
    except ServerError as error:
        return _Progress(sent, error)
    except Exception as error:  # noqa: BLE001 - the other changes and the report do not depend on it
        return _Progress(sent, UnexpectedFailure(error))
    return _Progress(sent)


def _status_phrase(status: Status) -> str:
    return {"failed": "failed", "skipped": "was skipped", "blocked": "is blocked", "applied": "was applied"}[status]
