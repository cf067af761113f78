"""The command unlock, and the options of apply that are about the lease of a workspace."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import click

from unleash_gitops.cli.connection import Connection, connection_options
from unleash_gitops.cli.output import echo_line, progress_bar
from unleash_gitops.cli.plan import sandbox_option
from unleash_gitops.cli.workspaces import all_option, directories_argument, load_runs, open_clients, show_failures
from unleash_gitops.model.errors import GitopsError, StalePlan, UsageError

if TYPE_CHECKING:
    from unleash_gitops.model.lease_record import LeaseRecord
    from unleash_gitops.model.plan import Change
    from unleash_gitops.workflow.many_workspaces import Run

__all__ = ["LeaseOptions", "check_or_plan_again", "is_new_plan", "lease_options", "list_changes", "unlock"]

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
        from unleash_gitops.workflow.leases import has_requests, hold_leases

        if self.timeout is None:
            yield
            return
        holders = [run for run in runs if has_requests(run) or (blocked and run.error is None and _is_blocked(run))]
        with _Waits(self.timeout) as waits, hold_leases(holders, self.timeout, waits.show, echo_line):
            waits.close()
            yield


def _is_blocked(run: Run) -> bool:
    return run.plan is not None and bool(run.plan.summary.blocked)


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


def check_or_plan_again(runs: Sequence[Run], plan_again: Callable[[Sequence[Run]], None]) -> None:
    """Check the plans of `runs`, made before they had their leases; plan again what another apply may have changed.

    What blocks a change cannot be checked: the other apply may have been half done when this run looked.
    """
    from unleash_gitops.workflow.leases import has_requests
    from unleash_gitops.workflow.many_workspaces import check_all_plans

    check_all_plans([run for run in runs if has_requests(run)])
    stale = [run for run in runs if isinstance(run.error, StalePlan)]
    for run in stale:
        run.error = None
    stale += [run for run in runs if run.error is None and run.plan and run.plan.summary.blocked and run not in stale]
    if stale:
        plan_again(stale)


@click.command()
@directories_argument
@all_option
@click.option("--yes", is_flag=True, help="End the leases without asking for confirmation.")
@sandbox_option
@connection_options
@click.pass_obj
def unlock(verbose: bool, /, directories: tuple[Path, ...], all_below: bool, yes: bool, **server: Any) -> int:
    """Show who holds the lease of a workspace, and end it.

    The lease of a run that no longer exists expires by itself within a minute. A run that loses its lease stops before
    its next request.
    """
    from unleash_gitops.workflow.leases import end_leases, list_leases

    runs = load_runs(directories, all_below=all_below)
    several = len(runs) > 1
    is_declined = False
    with open_clients(runs, Connection(verbose=verbose, **server)):
        for run in runs:
            try:
                records = list_leases(run)
                if not records:
                    echo_line(f"workspace {run.name} is not locked")
                    continue
                for record in records:
                    echo_line(f"workspace {run.name} is {record}")
                if not yes and not _confirm():
                    is_declined = True
                    continue
                end_leases(run, records)
                echo_line(f"workspace {run.name} is unlocked")
            except GitopsError as error:
                run.error = error
    return 1 if show_failures(runs, several=several) or is_declined else 0


def _confirm() -> bool:
    """Ask whether to end the leases that were shown. Raises UsageError without a terminal."""
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask for confirmation", "to unlock without confirmation, use --yes")
    return click.confirm("End this lease? A run that still holds it stops before its next request.", err=True)
