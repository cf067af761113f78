"""The leases of the workspaces of a run: who needs one, and taking them in one order, so that no two runs deadlock."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from unleash_gitops.api.audit_log import parse_actor
from unleash_gitops.engine.lease import Lease
from unleash_gitops.engine.lease_store import PERMISSIONS, ServerLeases, refuse_token, refuse_unlock
from unleash_gitops.model.errors import ApiError, GitopsError, NotUnleash, ServerError, StalePlan
from unleash_gitops.model.lease_record import LeaseRecord, format_time
from unleash_gitops.workflow.apply import require_no_maintenance
from unleash_gitops.workflow.many_workspaces import check_all_plans

if TYPE_CHECKING:
    from unleash_gitops.api.client import Client
    from unleash_gitops.workflow.many_workspaces import Run

__all__ = ["check_or_plan_again", "end_leases", "has_requests", "hold_leases", "list_leases", "select_holders"]

OnWait = Callable[["Run", LeaseRecord, float], None]
"""Gets the lease that a run waits for, and for how many seconds by now."""


def has_requests(run: Run) -> bool:
    """Tell whether anything would be sent for a run. A saved plan has requests; its calls are rebuilt later."""
    return run.error is None and run.plan is not None and any(change.requests for change in run.plan.changes)


def select_holders(runs: Sequence[Run], *, blocked: bool) -> list[Run]:
    """Return the runs that need a lease: with requests, or, if `blocked`, with blocked changes to be planned again."""
    return [run for run in runs if has_requests(run) or (blocked and _has_blocked(run))]


def _has_blocked(run: Run) -> bool:
    return run.error is None and run.plan is not None and bool(run.plan.summary.blocked)


def check_or_plan_again(runs: Sequence[Run], plan_again: Callable[[Sequence[Run]], None]) -> None:
    """Check the plans of `runs`, made before they had their leases; plan again what another apply may have changed.

    What blocks a change cannot be checked: the other apply may have been half done when this run looked.
    """
    check_all_plans([run for run in runs if has_requests(run)])
    stale = [run for run in runs if isinstance(run.error, StalePlan)]
    for run in stale:
        run.error = None
    stale += [run for run in runs if _has_blocked(run) and run not in stale]
    if stale:
        plan_again(stale)


@contextmanager
def hold_leases(runs: Sequence[Run], timeout: float, on_wait: OnWait, on_note: Callable[[str], None]) -> Iterator[None]:
    """Hold the lease of each run; free all at the end.

    Waits up to `timeout` seconds for each. A run whose lease is not obtained gets the error. `on_note` gets a sentence
    about each lease that could not be freed.
    """
    try:
        for run in sorted(runs, key=_place_in_order):
            try:
                run.lease = _take(run, timeout, on_wait)
            except GitopsError as error:
                run.error = error
        yield
    finally:
        for run in runs:
            _free(run, on_note)


def _place_in_order(run: Run) -> tuple[str, str]:
    """Return a key by which every run over the same workspaces sorts them alike, whatever its URLs."""
    return run.instance_id or run.url or "", run.name


def _take(run: Run, timeout: float, on_wait: OnWait) -> Lease:
    client = run.client
    if client is None:
        raise RuntimeError("a run needs its client before it takes its lease")
    require_no_maintenance(client)
    holder = _name_holder(client, run.name)
    lease = Lease(ServerLeases(client, run.name), run.name, holder, client.stop.wait)
    lease.take(timeout, lambda record, waited: on_wait(run, record, waited))
    lease.keep_renewing()
    return lease


def _free(run: Run, on_note: Callable[[str], None]) -> None:
    lease, run.lease = run.lease, None
    if lease is None:
        return
    record = lease.record
    try:
        lease.free()
    except ServerError as error:
        expiry = f"; it expires at {format_time(record.expires)}" if record is not None and record.expires else ""
        on_note(f"note: the lease of workspace {run.name} could not be freed ({error}){expiry}")


def _name_holder(client: Client, workspace: str) -> str:
    """Return the name of the token's user, or of this process where the server does not tell.

    Raises GitopsError when the server tells that the token may not write leases.
    """
    try:
        answer = client.get("/api/admin/user")
    except (ApiError, NotUnleash):
        answer = None
    missing = _list_missing_permissions(answer)
    if missing:
        raise refuse_token(workspace, f"it lacks {', '.join(missing)}")
    actor = parse_actor(answer)
    return actor.name if actor is not None and actor.name else f"process {os.getpid()} on {socket.gethostname()}"


def _list_missing_permissions(answer: Any) -> list[str]:
    """Return which permissions for leases the token lacks, none where the server does not tell."""
    granted = answer.get("permissions") if isinstance(answer, dict) else None
    if not isinstance(granted, list):
        return []
    names = {entry.get("permission") for entry in granted if isinstance(entry, dict) and not entry.get("project")}
    return [] if "ADMIN" in names else [name for name in PERMISSIONS if name not in names]


def list_leases(run: Run) -> Sequence[LeaseRecord]:
    """Return the leases and claims of a run's workspace. Raises the run's error, or ServerError."""
    if run.error is not None or run.client is None:
        raise run.error or RuntimeError("a run needs its client")
    return sorted(ServerLeases(run.client, run.name).list(), key=lambda record: record.name)


def end_leases(run: Run, records: Sequence[LeaseRecord]) -> None:
    """Delete leases and claims of a run's workspace. Raises GitopsError for a token that may not, or ServerError."""
    if run.client is None:
        raise RuntimeError("a run needs its client")
    for record in records:
        try:
            ServerLeases(run.client, run.name).delete(record.name)
        except ApiError as error:
            if error.status != 403:
                raise
            raise refuse_unlock(run.name, error.message) from None
