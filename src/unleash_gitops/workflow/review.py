"""Look at what an apply left behind: whether the server holds it, and what other users did meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from unleash_gitops.drift import ConcurrentEvents, find_concurrent_events
from unleash_gitops.engine.stale_changes import area_of
from unleash_gitops.engine.stored_changes import describe_not_stored
from unleash_gitops.model.plan import Change, Plan
from unleash_gitops.model.report import ConcurrentChange, Report, Result
from unleash_gitops.model.resource import Key
from unleash_gitops.workflow.guard import make_reader

if TYPE_CHECKING:
    from unleash_gitops.api.client import Client

__all__ = ["review_report"]


def review_report(plan: Plan, report: Report, client: Client, since: int | None) -> Report:
    """Return the report with each applied change failed that the server does not hold, and with others' changes.

    `since` is the newest event of the audit log before the run, None where it is not known. What another user changed
    after the run is no failure. Reads the areas of the plan as a plan does. Raises ServerError.
    """
    touched = [change for change, result in zip(plan.changes, report.results, strict=True) if result.sent]
    reader = make_reader(plan, touched, client, applied=True)
    live = reader.read_areas(dict.fromkeys(map(area_of, touched)))
    applied = {result.address for result in report.results if result.status == "applied"}
    not_stored = {
        change.address: reason
        for change in touched
        if change.address in applied
        and change.kind not in reader.denied
        and (reason := describe_not_stored(change, live.resources.get(Key(change.kind, change.id)), plan.workspace))
    }
    concurrent: Mapping[str, ConcurrentEvents] = {}
    audit_error = None
    if since is not None:
        concurrent, audit_error = find_concurrent_events(reader, touched, live, since)
    results = [
        _correct(result, not_stored.get(result.address), concurrent.get(result.address)) for result in report.results
    ]
    denied = "; ".join(f"{kind}: {reason}" for kind, reason in sorted(reader.denied.items()))
    return Report.of(
        results,
        concurrent=tuple(_list_concurrent(touched, concurrent, not_stored)),
        unverified=denied or None,
        audit_error=audit_error,
    )


def _correct(result: Result, not_stored: str | None, concurrent: ConcurrentEvents | None) -> Result:
    """Return the result of a change, failed when the server does not hold it for no reason that is known."""
    if not_stored is None or (concurrent is not None and concurrent.standing is not None):
        return result
    return result.model_copy(update={"status": "failed", "error": not_stored})


def _list_concurrent(
    touched: list[Change], concurrent: Mapping[str, ConcurrentEvents], not_stored: Mapping[str, str]
) -> list[ConcurrentChange]:
    """Return what others overwrote or lost: of what stands, only where an object is not as the run left it."""
    changes = []
    for change in touched:
        events = concurrent.get(change.address, ConcurrentEvents())
        if events.overwritten is not None:
            changes.append(ConcurrentChange(address=change.address, changed=events.overwritten, overwritten=True))
        if events.standing is not None and change.address in not_stored:
            changes.append(ConcurrentChange(address=change.address, changed=events.standing, overwritten=False))
    return changes
