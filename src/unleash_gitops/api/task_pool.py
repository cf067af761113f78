"""Work on few threads: one pool for all runs of a client, however deep they are nested."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

__all__ = ["TaskPool"]

_In = TypeVar("_In")
_Out = TypeVar("_Out")
_POLL = 0.1
"""Seconds after which a wait notices that it was cancelled."""


class TaskPool:
    """Runs functions on at most `size` threads: `size - 1` of its own, and the one that calls `map`.

    The calling thread works on its own run and waits only for calls that another thread has begun. So a function can
    call `map` itself: no thread waits for a free one. `stop` ends all waits.
    """

    def __init__(self, size: int, stop: threading.Event) -> None:
        self._size = size
        self._stop = stop
        self._executor = ThreadPoolExecutor(max_workers=max(1, size - 1), thread_name_prefix="unleash-gitops")
        self._current = threading.local()

    def map(self, function: Callable[[_In], _Out], items: Sequence[_In]) -> list[_Out]:
        """Return `function` of each of `items`, in their order.

        A failure is raised, and cancels what is left of this run and of the runs that its functions began. Other runs
        go on.
        """
        run = _Run(function, items, getattr(self._current, "call", None))
        for _ in range(min(self._size, len(items)) - 1):
            self._executor.submit(self._work, run)
        try:
            self._work(run)
            return run.wait_for_results()
        finally:
            run.end()

    def wait(self, seconds: float) -> bool:
        """Wait, and return early with True when `stop` is set or the call of this thread is cancelled."""
        call: _Call | None = getattr(self._current, "call", None)
        if call is None:
            return self._stop.wait(seconds)
        while not call.cancelled:
            if self._stop.wait(min(_POLL, seconds)):
                return True
            seconds -= _POLL
            if seconds <= 0:
                return call.cancelled
        return True

    def close(self) -> None:
        """Let the threads end when what they do is done."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _work(self, run: _Run[_In, _Out]) -> None:
        """Work on a run until no call is left to begin."""
        outer = getattr(self._current, "call", None)
        try:
            while (call := run.begin_call()) is not None:
                self._current.call = call
                run.finish_call(call)
        finally:
            self._current.call = outer


@dataclass(frozen=True, slots=True)
class _Call:
    """The call of a run's function with the item at `index`."""

    run: _Run[Any, Any]
    index: int

    @property
    def cancelled(self) -> bool:
        """Whether the result no longer matters: the run has ended, or an earlier item has failed."""
        return self.run.is_cancelled_from(self.index)


class _Run(Generic[_In, _Out]):
    """One `map`: its calls, and how far they are. `parent` is the call that called `map`, if one did."""

    def __init__(self, function: Callable[[_In], _Out], items: Sequence[_In], parent: _Call | None) -> None:
        self._function = function
        self._items = items
        self._parent = parent
        self._begun = 0
        self._results: dict[int, _Out] = {}
        self._failures: dict[int, BaseException] = {}
        self._has_ended = False
        self._changed = threading.Condition()

    def is_cancelled_from(self, index: int) -> bool:
        """Tell whether the results from `index` on no longer matter."""
        with self._changed:
            if self._has_ended or any(failed < index for failed in self._failures):
                return True
        return self._parent is not None and self._parent.cancelled

    def end(self) -> None:
        """Begin no more calls, and end the waits of those that were begun."""
        with self._changed:
            self._has_ended = True

    def begin_call(self) -> _Call | None:
        """Return the next call, None when none is left to begin."""
        if self._parent is not None and self._parent.cancelled:
            return None
        with self._changed:
            if self._has_ended or self._failures or self._begun == len(self._items):
                return None
            call = _Call(self, self._begun)
            self._begun += 1
            return call

    def finish_call(self, call: _Call) -> None:
        """Make a call and keep its result or failure. Raises only the interrupt of the calling thread."""
        try:
            result = self._function(self._items[call.index])
        except BaseException as error:
            with self._changed:
                self._failures[call.index] = error
                self._changed.notify_all()
            if not isinstance(error, Exception):
                raise  # the user's interrupt waits for no other call
            return
        with self._changed:
            self._results[call.index] = result
            self._changed.notify_all()

    def wait_for_results(self) -> list[_Out]:
        """Return the results when every call has ended.

        Raises the failure of the earliest item that failed, so that the same trouble gives the same error every time;
        CancelledError when the call that this run is a part of is cancelled.
        """
        while True:
            with self._changed:
                needed = min(self._failures, default=len(self._items))
                if all(index in self._results for index in range(needed)):
                    if self._failures:
                        raise self._failures[needed]
                    return [self._results[index] for index in range(needed)]
                self._changed.wait(_POLL)
            if self._parent is not None and self._parent.cancelled:
                raise CancelledError
