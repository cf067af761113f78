"""Look at what an apply left behind: whether the server holds it, and what other users did meanwhile."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from unleash_gitops.drift import ConcurrentEvents, find_concurrent_events
from unleash_gitops.engine.stale_changes import area_of
from unleash_gitops.engine.stored_changes import describe_not_stored
from unleash_gitops.model.plan import Plan
from unleash_gitops.model.report import ConcurrentChange, Report, Result
from unleash_gitops.model.resource import Key
from unleash_gitops.workflow.guard import make_reader

if TYPE_CHECKING:
    from unleash_gitops.api.client import Client

__all__ = ["review_report"]


def review_report(plan: Plan, report: Report, client: Client, since: int | None) -> Report:
    """Return the report with each applied change failed that the server does not hold, and with others' changes.

    `since` is the newest event of the audit log before the run, None where it is not known. What another user changed
    after the run wrote it is no failure. Reads the areas of the plan as a plan does. Raises ServerError.
    """
    touched = [change for change, result in zip(plan.changes, report.results, strict=True) if result.attempted]
    reader = make_reader(plan, touched, client, applied=True)
    live = reader.read_areas(dict.fromkeys(map(area_of, touched)))
    concurrent: Mapping[str, ConcurrentEvents] = {}
    audit_error = None
    if since is not None:
        concurrent, audit_error = find_concurrent_events(reader, touched, live, since)
    applied = {result.address for result in report.results if result.status == "applied"}
    errors: dict[str, str] = {}
    excused: set[str] = set()
    for change in touched:
        if change.address not in applied or change.kind in reader.denied:
            continue
        present = live.resources.get(Key(change.kind, change.id))
        difference = describe_not_stored(change, present, plan.workspace)
        events = concurrent.get(change.address, ConcurrentEvents())
        error = describe_not_stored(change, present, plan.workspace, events.is_changed_by_another_user)
        if error is not None:
            errors[change.address] = error
        if error != difference:
            excused.add(change.address)
    results = [_fail(result, errors.get(result.address)) for result in report.results]
    denied = "; ".join(f"{kind}: {reason}" for kind, reason in sorted(reader.denied.items()))
    return Report.of(
        results,
        concurrent=tuple(_list_concurrent(concurrent, excused)),
        unverified=denied or None,
        audit_error=audit_error,
    )


def _fail(result: Result, error: str | None) -> Result:
    return result if error is None else result.model_copy(update={"status": "failed", "error": error})


def _list_concurrent(concurrent: Mapping[str, ConcurrentEvents], excused: Collection[str]) -> list[ConcurrentChange]:
    """Return what others overwrote or lost: of what stands, only where it excuses what an object lacks."""
    changes = []
    for address, events in concurrent.items():
        if events.overwritten is not None:
            changes.append(ConcurrentChange(address=address, changed=events.overwritten, overwritten=True))
        if events.standing is not None and address in excused:
            changes.append(ConcurrentChange(address=address, changed=events.standing, overwritten=False))
    return changes
