"""The options of apply that are about the lease of a workspace."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import click

from unleash_gitops.cli.output import echo_line, progress_bar

if TYPE_CHECKING:
    from unleash_gitops.model.lease_record import LeaseRecord
    from unleash_gitops.model.plan import Change
    from unleash_gitops.workflow.many_workspaces import Run

__all__ = ["LeaseOptions", "is_new_plan", "lease_options", "list_changes"]

_SHORT_CLAIM = 3.0
"""Seconds after which a claim of another run, which is usually over at once, is shown as what this run waits for."""


@dataclass(frozen=True)
class LeaseOptions:
    """How long to wait for the lease of each workspace, in seconds; None to apply without leases."""

    timeout: float | None

    @classmethod
    def of(cls, lock_timeout: float, *, no_lock: bool) -> Self:
        """Return the options for the values of the command line."""
        return cls(None if no_lock else lock_timeout)

    @contextmanager
    def hold(self, runs: Sequence[Run], *, blocked: bool) -> Iterator[None]:
        """Hold the leases of the runs that have something to send; with `blocked`, also of those with blocked changes.

        A run whose lease is not obtained gets the error.
        """
        from unleash_gitops.workflow.leases import hold_leases, select_holders

        if self.timeout is None:
            yield
            return
        holders = select_holders(runs, blocked=blocked)
        with _Waits(self.timeout) as waits, hold_leases(holders, self.timeout, waits.show, echo_line):
            waits.close()
            yield


class _Waits:
    """Shows what runs wait for: each lease once, and the seconds on a terminal."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._shown: set[str] = set()
        self._stack = ExitStack()
        self._show_progress: Callable[[int, int], None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove the progress bar."""
        self._show_progress = None
        self._stack.close()

    def show(self, run: Run, record: LeaseRecord, waited: float) -> None:
        """Show that a run waits for a lease, and has for `waited` seconds."""
        if not record.is_held and waited < _SHORT_CLAIM:
            return
        if record.name not in self._shown:
            self._shown.add(record.name)
            echo_line(f"workspace {run.name} is {record}; waiting for up to {self._timeout:g} s")
        if self._show_progress is None:
            self._show_progress = self._stack.enter_context(progress_bar("waiting"))
        self._show_progress(int(waited), int(self._timeout))


def lease_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--lock-timeout` and `--no-lock`, whose values are for `LeaseOptions.of`."""
    timeout = click.option(
        "--lock-timeout",
        type=click.FloatRange(0, 86400),
        default=60.0,
        show_default=True,
        metavar="SECONDS",
        help="Seconds to wait while another apply of the workspace runs.",
    )
    no_lock = click.option(
        "--no-lock", is_flag=True, help="Apply without a lease. Safe only when no other apply of the workspace runs."
    )
    return timeout(no_lock(command))


def list_changes(runs: Sequence[Run]) -> list[Sequence[Change]]:
    """Return the planned changes of each run."""
    return [() if run.plan is None else run.plan.changes for run in runs]


def is_new_plan(former: Sequence[Sequence[Change]], runs: Sequence[Run], only: Sequence[Run] | None) -> bool:
    """Tell whether the plans differ from the former ones, which the user has seen; with `only`, announce it."""
    if only is None:
        return True
    if list_changes(runs) == former:
        return False
    echo_line("the server has changed since this plan was made; this is the new plan")
    return True
