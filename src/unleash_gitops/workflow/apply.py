"""Check a plan, and apply it: everything that the plan says and nothing else."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from unleash_gitops.drift import find_last_changes, read_log_position
from unleash_gitops.engine.applier import apply_changes
from unleash_gitops.engine.saved_plan import check_content, rebuild_calls
from unleash_gitops.engine.stale_changes import find_stale_changes, list_areas
from unleash_gitops.model.change_errors import UnexpectedFailure
from unleash_gitops.model.errors import (
    ApiError,
    AuditLogUnavailable,
    DriftRefused,
    KindNotReadable,
    Maintenance,
    NotUnleash,
    PlanFileError,
    ServerError,
    StalePlan,
    TooManyDeletes,
    UsageError,
)
from unleash_gitops.model.plan import DRIFTED, Change, Changed, Plan
from unleash_gitops.model.report import Report, Result
from unleash_gitops.workflow.guard import check_object, describe_author, make_reader
from unleash_gitops.workflow.review import review_report

if TYPE_CHECKING:
    from unleash_gitops.api.client import Client
    from unleash_gitops.engine.lease import Lease

__all__ = [
    "apply_plan",
    "check_deletes",
    "check_drift",
    "check_plan",
    "require_audit_log",
    "require_no_maintenance",
]


def check_deletes(plan: Plan, max_deletes: int | None = None) -> None:
    """Raise TooManyDeletes when the plan deletes more than `max_deletes`, or than the plan's own limits when None."""
    excess = plan.delete_limits.find_excess(max_deletes)
    if excess is not None:
        raise TooManyDeletes(plan.delete_limits.counted, excess)


def check_drift(plan: Plan) -> None:
    """Raise DriftRefused when the plan would overwrite what another user changed, and the policy is to fail."""
    refused = [(change.address, _describe_who(change)) for change in plan.refused]
    if refused:
        raise DriftRefused(refused)


def require_audit_log(plan: Plan) -> None:
    """Raise AuditLogUnavailable when the plan cannot say who changed what."""
    if plan.audit_error is not None:
        raise AuditLogUnavailable(plan.audit_error)


def _describe_who(change: Change) -> str:
    """Return who changed what is not overwritten, and where; the reason of the refusal when nobody is known."""
    places: dict[str, list[str]] = {}
    entries = [("", change.origin, change.changed)]
    entries += [(field.path, field.origin, field.changed) for field in change.fields]
    for path, origin, changed in entries:
        if changed is not None and origin in DRIFTED:
            places.setdefault(describe_author(changed), []).append(path)
    descriptions = (" ".join([", ".join(filter(None, paths)), who]).strip() for who, paths in places.items())
    return "; ".join(descriptions) or change.reason or ""


def check_plan(plan: Plan, client: Client) -> Plan:
    """Return the plan with its calls, rebuilt from what it shows. Raises unless exactly that can be done now.

    PlanFileError for another instance, for a part of a plan, and for a plan that is not what it shows; UsageError when
    a secret is not in the environment; StalePlan when anything the plan touches has changed; Maintenance, or
    ServerError.
    """
    if plan.only is not None:
        raise PlanFileError(
            f"this is the {plan.only} of a plan, for reading, and not the whole",
            "make a whole one with: unleash-gitops plan --out FILE",
        )
    check_content(plan)
    facts = client.facts()
    if not plan.instance.is_same(client.url, facts.instance_id):
        raise PlanFileError(
            f"the plan was made for another instance ({plan.instance.url}), not for {client.url}",
            "apply it there, or make a plan for this one",
        )
    reader = make_reader(plan, plan.changes, client)
    live = reader.read_areas(list_areas(plan))
    for kind, reason in sorted(reader.denied.items()):
        raise KindNotReadable(kind, reason, "the plan changes some")
    stale = find_stale_changes(plan, live)
    if stale:
        authors = find_last_changes(reader, [change for change, _ in stale], live)
        raise StalePlan([_describe_stale(*entry, author) for entry, author in zip(stale, authors, strict=True)])
    rebuilt = rebuild_calls(plan, live)
    _require_secrets(rebuilt.changes)
    return rebuilt


def _describe_stale(change: Change, description: str, author: Changed | None) -> tuple[str, str]:
    return change.address, description if author is None else f"{description}: {describe_author(author)}"


def apply_plan(
    plan: Plan,
    client: Client,
    stop: threading.Event,
    on_result: Callable[[Result], None] = lambda _: None,
    hand_over: Callable[[str, str], None] = lambda _address, _secret: None,
    on_unexpected: Callable[[UnexpectedFailure], None] = lambda _: None,
    lease: Lease | None = None,
) -> Report:
    """Do what the plan says, all of it and nothing else. `check_plan` returns a saved plan with its calls.

    `hand_over` gets each secret that the server makes: the address of its object, and the secret. `on_unexpected` gets
    each exception that no part of the tool expects. Nothing more is sent once `lease` is lost. Before anything is sent
    it raises Maintenance or another ServerError, and UsageError when a secret that the plan names is not in the
    environment; afterwards, every failure is in the report.
    """
    if any(len(change.calls) != len(change.requests) for change in plan.changes):
        raise RuntimeError("the calls of a saved plan must be rebuilt before it is applied")
    _require_secrets(plan.changes)
    if not any(change.calls for change in plan.changes):
        return apply_changes(plan, client, stop, on_result)
    require_no_maintenance(client)
    since, audit_error = _read_log_position(plan, client)
    report = apply_changes(
        plan,
        client,
        stop,
        on_result,
        hand_over,
        check_object=lambda change: check_object(plan, change, client),
        on_unexpected=on_unexpected,
        halt=(lambda: None) if lease is None else lease.find_loss,
    )
    return _report_loss(_review(plan, report, client, since, on_unexpected, audit_error), lease)


def _report_loss(report: Report, lease: Lease | None) -> Report:
    """Return the report of a run that ends, with the loss of its lease: another apply may have written meanwhile."""
    if lease is None or not report.has_attempted or report.unverified is not None:
        return report
    loss = lease.find_loss(is_end=True)
    return report if loss is None else report.model_copy(update={"unverified": loss})


def require_no_maintenance(client: Client) -> None:
    """Raise Maintenance when the server refuses changes."""
    if client.facts().maintenance:
        raise Maintenance(
            "GET",
            "/api/admin/ui-config",
            "the server is in maintenance mode and refuses changes; nothing was applied",
            "apply again when it is over",
        )


def _read_log_position(plan: Plan, client: Client) -> tuple[int | None, str | None]:
    """Return the newest event before the run, None where that is unknown, with the reason."""
    try:
        return read_log_position(make_reader(plan, plan.changes, client), plan.changes), None
    except (ApiError, NotUnleash) as error:
        return None, str(error)


def _review(
    plan: Plan,
    report: Report,
    client: Client,
    since: int | None,
    on_unexpected: Callable[[UnexpectedFailure], None],
    audit_error: str | None,
) -> Report:
    """Return the report with what the server holds now. A run that ended early is not looked at."""
    if report.unverified is not None or not report.has_attempted:
        return report
    try:
        reviewed = review_report(plan, report, client, since)
    except ServerError as error:
        return report.model_copy(update={"unverified": str(error)})
    except Exception as error:  # noqa: BLE001 - the changes are made, and are reported
        failure = UnexpectedFailure(error)
        on_unexpected(failure)
        return report.model_copy(update={"unverified": str(failure)})
    return reviewed.model_copy(update={"audit_error": reviewed.audit_error or audit_error})


def _require_secrets(changes: Sequence[Change]) -> None:
    names = {name for change in changes for call in change.calls for name in call.required_variables}
    unset = sorted(name for name in names if not os.environ.get(name))
    if unset:
        raise UsageError(
            f"the plan needs {', '.join(unset)}, which the environment does not have", "set it, and apply again"
        )
