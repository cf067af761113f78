"""A plan's calls to the server, and a report. It decides nothing and knows no kinds.

Changes that do not wait for each other go at the same time; deletes begin when everything else has ended. A change that
fails takes with it only what depends on it.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from unleash_gitops.engine.call_sender import Sender
from unleash_gitops.model.errors import ServerError, Unreachable
from unleash_gitops.model.plan import Change, Plan, Report, ReportSummary, Result, Status

if TYPE_CHECKING:
    from unleash_gitops.api.client import Client

__all__ = ["apply_changes"]


def apply_changes(
    plan: Plan,
    client: Client,
    stop: threading.Event,
    on_result: Callable[[Result], None] = lambda _: None,
    hand_over: Callable[[str, str], None] = lambda _address, _secret: None,
) -> Report:
    """Send the plan's calls, as many changes at once as the client has connections.

    `stop` ends it early: what is under way is finished, the rest is skipped. `on_result` hears of each change as it
    ends, `hand_over` of each secret that the server made: whose, and the secret. Never raises for a change that fails:
    that is in the report.
    """
    return _Run(plan, client, stop, on_result, Sender(client, hand_over=hand_over)).report()


class _Run:
    """One run over a plan; lives for one call of `apply_changes`. Only its own thread touches its fields."""

    def __init__(
        self, plan: Plan, client: Client, stop: threading.Event, on_result: Callable[[Result], None], sender: Sender
    ) -> None:
        self._changes = plan.changes
        self._client = client
        self._stop = stop
        self._on_result = on_result
        self._sender = sender
        self._results: dict[int, Result] = {}
        self._halted: str | None = None
        self._place = {change.address: place for place, change in enumerate(plan.changes)}

    def report(self) -> Report:
        for place, change in enumerate(self._changes):
            if change.action == "blocked":
                self._end(place, "blocked", change.reason)
        with ThreadPoolExecutor(max_workers=self._client.concurrency) as pool:
            self._send([place for place, change in enumerate(self._changes) if change.action != "delete"], pool)
            self._send([place for place, change in enumerate(self._changes) if change.action == "delete"], pool)
        results = tuple(self._results[place] for place in range(len(self._changes)))
        count = Counter(result.status for result in results)
        summary = ReportSummary(
            applied=count["applied"], failed=count["failed"], skipped=count["skipped"], blocked=count["blocked"]
        )
        return Report(summary=summary, results=results)

    def _send(self, places: list[int], pool: ThreadPoolExecutor) -> None:
        """Send the changes at `places`, in order, each as soon as what it waits for has ended."""
        waiting = [place for place in places if place not in self._results]
        under_way: dict[Future[ServerError | None], int] = {}
        while waiting or under_way:
            waiting = self._skip(waiting)
            free = self._client.concurrency - len(under_way)
            ready = [place for place in waiting if self._open(place) == set()][:free]
            for place in ready:
                under_way[pool.submit(_apply, self._changes[place], self._sender)] = place
            started = set(ready)
            waiting = [place for place in waiting if place not in started]
            if not under_way:
                continue
            done, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                self._ended(under_way.pop(future), future.result())

    def _open(self, place: int) -> set[str]:
        """Return the addresses that the change still waits for."""
        return {other for other in self._changes[place].depends_on if self._place[other] not in self._results}

    def _skip(self, waiting: list[int]) -> list[int]:
        """End what cannot be done any more, and return the rest."""
        left = []
        for place in waiting:
            needed = [self._results.get(self._place[other]) for other in self._changes[place].depends_on]
            lost = next((one for one in needed if one is not None and one.status != "applied"), None)
            if self._stop.is_set():
                self._end(place, "skipped", "interrupted")
            elif self._halted is not None:
                self._end(place, "skipped", self._halted)
            elif lost is not None:
                self._end(place, "skipped", f"needs {lost.address}, which {_went(lost.status)}")
            else:
                left.append(place)
        return left

    def _ended(self, place: int, failure: ServerError | None) -> None:
        if isinstance(failure, Unreachable) and failure.lasting:
            self._halted = "the server does not answer any more"
        if failure is None:
            self._end(place, "applied", None)
        else:
            self._end(place, "failed", str(failure) + (f" ({failure.hint})" if failure.hint else ""))

    def _end(self, place: int, status: Status, error: str | None) -> None:
        change = self._changes[place]
        result = Result(
            action=change.action,
            kind=change.kind,
            name=change.name,
            project=change.project,
            feature=change.feature,
            id=change.id,
            status=status,
            error=error,
        )
        self._results[place] = result
        self._on_result(result)


def _apply(change: Change, sender: Sender) -> ServerError | None:
    """Send the change's calls one after the other; return what stopped it."""
    try:
        for call in change.calls:
            sender.send(call, change.address)
    except ServerError as error:
        return error
    return None


def _went(status: Status) -> str:
    return {"failed": "failed", "skipped": "was skipped", "blocked": "is blocked", "applied": "was applied"}[status]
