"""Check a plan, and apply it: everything that the plan says and nothing else."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from unleash_gitops.drift import find_last_changes
from unleash_gitops.engine.applier import apply_changes
from unleash_gitops.engine.reader import Reader
from unleash_gitops.engine.saved_plan import check_content, rebuild_calls
from unleash_gitops.engine.stale_changes import area_of, find_stale_changes, list_areas
from unleash_gitops.model.errors import (
    AuditLogUnavailable,
    DriftRefused,
    KindNotReadable,
    Maintenance,
    PlanFileError,
    StalePlan,
    TooManyDeletes,
    UsageError,
)
from unleash_gitops.model.plan import DRIFTED, Change, Changed, Plan
from unleash_gitops.model.report import Report, Result
from unleash_gitops.model.resource import Area, Key, ReadScope
from unleash_gitops.model.workspace import WorkspaceSpec

if TYPE_CHECKING:
    from unleash_gitops.api.client import Client

__all__ = ["apply_plan", "check_deletes", "check_drift", "check_plan", "require_audit_log", "require_no_maintenance"]


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
            places.setdefault(_describe_change(changed), []).append(path)
    descriptions = (" ".join([", ".join(filter(None, paths)), who]).strip() for who, paths in places.items())
    return "; ".join(descriptions) or change.reason or ""


def _describe_change(changed: Changed) -> str:
    return f"by {changed.by} at {changed.at} (event {changed.event})"


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
    # A copy of a database has the instance id of the original.
    is_other_id = facts.instance_id and plan.instance.id and facts.instance_id != plan.instance.id
    if is_other_id or client.url != plan.instance.url:
        raise PlanFileError(
            f"the plan was made for another instance ({plan.instance.url}), not for {client.url}",
            "apply it there, or make a plan for this one",
        )
    reader = Reader(client, plan.workspace, _policy_of(plan), _scope_of(plan))
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


def _policy_of(plan: Plan) -> WorkspaceSpec:
    """Return the policy to read with: archived flags are read only where the plan deletes some for good."""
    return WorkspaceSpec(deletion="delete" if any(change.archives is False for change in plan.changes) else "archive")


def _scope_of(plan: Plan) -> ReadScope:
    """Return what matters of the server for the plan's changes: specs of the shape that the plan compared."""
    shapes: dict[Area, dict[str, Any]] = {}
    for change in plan.changes:
        if change.action != "delete":
            spec = change.before if change.before is not None else change.after
            shapes.setdefault(area_of(change), {})[change.live_id] = spec or {}
    deleted = {Key(change.kind, change.id) for change in plan.changes if change.action == "delete"}
    return ReadScope(shapes, lambda live: live.key in deleted)


def _describe_stale(change: Change, description: str, author: Changed | None) -> tuple[str, str]:
    return change.address, description if author is None else f"{description}: {_describe_change(author)}"


def apply_plan(
    plan: Plan,
    client: Client,
    stop: threading.Event,
    on_result: Callable[[Result], None] = lambda _: None,
    hand_over: Callable[[str, str], None] = lambda _address, _secret: None,
    halt: Callable[[], str | None] = lambda: None,
) -> Report:
    """Do what the plan says, all of it and nothing else. `check_plan` returns a saved plan with its calls.

    `hand_over` gets each secret that the server makes: the address of its object, and the secret. `halt` returns why
    nothing more may be sent, None as long as it may. Before anything is sent it raises Maintenance, and UsageError when
    a secret that the plan names is not in the environment.
    """
    if any(len(change.calls) != len(change.requests) for change in plan.changes):
        raise RuntimeError("the calls of a saved plan must be rebuilt before it is applied")
    _require_secrets(plan.changes)
    if any(change.calls for change in plan.changes):
        require_no_maintenance(client)
    return apply_changes(plan, client, stop, on_result, hand_over, halt)


def require_no_maintenance(client: Client) -> None:
    """Raise Maintenance when the server refuses changes."""
    if client.facts().maintenance:
        raise Maintenance(
            "GET",
            "/api/admin/ui-config",
            "the server is in maintenance mode and refuses changes; nothing was applied",
            "apply again when it is over",
        )


def _require_secrets(changes: Sequence[Change]) -> None:
    names = {name for change in changes for call in change.calls for name in call.required_variables}
    unset = sorted(name for name in names if not os.environ.get(name))
    if unset:
        raise UsageError(
            f"the plan needs {', '.join(unset)}, which the environment does not have", "set it, and apply again"
        )
