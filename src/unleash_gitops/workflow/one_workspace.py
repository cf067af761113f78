"""The whole product on one screen: load the files, read the server, plan; check a plan, apply it.

Everything that a command does apart from flags and printing. Knows no kind, no HTTP, no colours.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unleash_gitops import __version__
from unleash_gitops.documents.loader import Loaded, find_workspace, load
from unleash_gitops.documents.reference_checks import conflicts, find_missing_references
from unleash_gitops.drift import last_changes, resolve_policy
from unleash_gitops.engine.applier import apply_changes
from unleash_gitops.engine.planner import change_area, moved, plan_areas, unmatched_targets
from unleash_gitops.engine.reader import Reader
from unleash_gitops.kinds import kinds
from unleash_gitops.model.diagnostics import in_order
from unleash_gitops.model.errors import (
    AuditLogUnavailable,
    DriftRefused,
    InvalidFiles,
    Maintenance,
    PlanFileError,
    StalePlan,
    TooManyDeletes,
    UsageError,
)
from unleash_gitops.model.plan import DRIFTED, Change, Instance, OnDrift, Plan, Report, Result
from unleash_gitops.model.resource import Area, Key, ReadScope, Resource
from unleash_gitops.model.workspace import Workspace, WorkspaceSpec
from unleash_gitops.workflow.accept import Accepted, NotAccepted, accept_files, accepted
from unleash_gitops.workflow.pull import NewFile, Skipped, pull_files, write_files

if TYPE_CHECKING:
    from unleash_gitops.api.client import Client

__all__ = [
    "accept_drift",
    "apply_plan",
    "check_deletes",
    "check_drift",
    "check_plan",
    "load_workspace",
    "make_plan",
    "pull_workspace",
    "require_audit_log",
]


def load_workspace(directory: Path) -> tuple[Loaded, Workspace]:
    """Load the workspace that `directory` is in. Raises InvalidFiles with every error in the files, or UsageError."""
    loaded = load(find_workspace(directory))
    errors = [found for found in loaded.diagnostics if found.severity == "error"]
    if errors or loaded.workspace is None:
        raise InvalidFiles(errors)
    return loaded, loaded.workspace


def make_plan(
    loaded: Loaded,
    workspace: Workspace,
    client: Client,
    targets: Sequence[str] = (),
    progress: Callable[[int, int], None] | None = None,
    on_drift: OnDrift | None = None,
    *,
    thorough: bool = False,
) -> Plan:
    """Compare the files with the server. Writes nothing anywhere.

    `on_drift` is what becomes of what somebody else changed, in this run, whatever the workspace and the documents say.
    `thorough` looks for that on the workspace's objects too that no file has and that are not deleted.

    `targets` are addresses or their beginnings (`ImpactMetric/shop`). Raises InvalidFiles when a document names an
    object that does not exist, UsageError for a target that covers nothing, or ServerError.
    """
    pieces = [tuple(part for part in target.split("/") if part) for target in targets]
    facts = client.facts()
    wanted = [one for one in loaded.desired.resources.values() if not pieces or one.within(pieces)]
    referred = {reference.kind for one in wanted for reference in one.references}
    scope = ReadScope(_wanted(wanted), _doomed(workspace))
    reader = Reader(client, workspace.name, workspace.spec, scope, loaded.desired.kinds)
    live = reader.read(pieces, progress, referred)
    problems = find_missing_references(wanted, loaded.desired, live) or conflicts(wanted, loaded.desired, live)
    if problems:
        raise InvalidFiles(in_order(problems))
    unmatched = unmatched_targets(loaded.desired, live, pieces)
    if unmatched:
        raise UsageError(
            f"--target {unmatched[0]} covers nothing in the files or on the server",
            "a target is an address or its beginning, such as ImpactMetric/shop",
        )
    decisions = resolve_policy(loaded.desired, live, workspace, reader, pieces, on_drift, thorough=thorough)
    return Plan(
        tool_version=__version__,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        workspace=workspace.name,
        instance=Instance(
            url=client.url,
            id=facts.instance_id,
            version=facts.version,
            edition="enterprise" if facts.enterprise else "oss",
        ),
        summary=decisions.summary,
        changes=decisions.changes,
        unmanaged=decisions.unmanaged,
        max_deletes=workspace.spec.max_deletes,
        root=loaded.place,
        token_env=workspace.spec.token_env,
        kept=decisions.kept,
        audit_error=decisions.audit_error,
    )


def _wanted(resources: Iterable[Resource]) -> dict[Area, dict[str, Mapping[str, Any]]]:
    """Return the specs of `resources` by where they are read."""
    found: dict[Area, dict[str, Mapping[str, Any]]] = {}
    for one in resources:
        found.setdefault(one.area, {})[one.id] = one.spec
    return found


def _doomed(workspace: Workspace) -> Callable[[Resource], bool]:
    def doomed(live: Resource) -> bool:
        at = live.address
        return workspace.spec.reason_to_delete(live.ownership, at.kind, at.project) is not None

    return doomed


def check_deletes(plan: Plan, max_deletes: int | None) -> None:
    """Raise TooManyDeletes when the plan deletes more than `max_deletes`, the workspace's own limit when None."""
    limit = plan.max_deletes if max_deletes is None else max_deletes
    if plan.summary.delete > limit:
        raise TooManyDeletes(plan.summary.delete, limit)


def check_drift(plan: Plan) -> None:
    """Raise Drifted when the plan would write over what somebody else changed, and the policy is to fail."""
    found = [(change.address, _who(change)) for change in plan.refused]
    if found:
        raise DriftRefused(found)


def require_audit_log(plan: Plan) -> None:
    """Raise Untold when the plan cannot say whether somebody else changed anything."""
    if plan.audit_error is not None:
        raise AuditLogUnavailable(plan.audit_error)


def _who(change: Change) -> str:
    """Return who changed what is not to be written over, and where."""
    whose: dict[str, list[str]] = {}
    told = [("", change.origin, change.changed), *((one.path, one.origin, one.changed) for one in change.fields)]
    for place, origin, changed in told:
        if changed is not None and origin in DRIFTED:
            whose.setdefault(f"by {changed.by} at {changed.at} (event {changed.event})", []).append(place)
    return "; ".join(" ".join([", ".join(filter(None, places)), who]).strip() for who, places in whose.items())


def check_plan(plan: Plan, client: Client) -> None:
    """Raise unless exactly what was planned can be done now.

    PlanFileError for another instance or a part of a plan, StalePlan when anything the plan touches has moved,
    Maintenance, or ServerError.
    """
    if plan.only is not None:
        raise PlanFileError(
            f"this is the {plan.only} of a plan, for reading, and not the whole",
            "make a whole one with: unleash-gitops plan --out FILE",
        )
    facts = client.facts()
    same = (
        facts.instance_id == plan.instance.id
        if facts.instance_id and plan.instance.id
        else client.url == plan.instance.url
    )
    if not same:
        raise PlanFileError(
            f"the plan was made for another instance ({plan.instance.url}), not for {client.url}",
            "apply it there, or make a plan for this one",
        )
    touched = [(change, change.before if change.before is not None else change.after) for change in plan.changes]
    shapes: dict[Area, dict[str, Any]] = {}
    for change, spec in touched:
        if change.action != "delete":
            shapes.setdefault(change_area(change), {})[change.id] = spec or {}
    doomed = {Key(change.kind, change.id) for change in plan.changes if change.action == "delete"}
    scope = ReadScope(shapes, lambda live: live.key in doomed)
    reader = Reader(client, plan.workspace, WorkspaceSpec(), scope)
    live = reader.read_areas(plan_areas(plan))
    movements = moved(plan, live)
    if movements:
        who = last_changes(reader, [change for change, _ in movements], live)
        raise StalePlan(
            [
                (change.address, how if by is None else f"{how}: by {by.by} at {by.at} (event {by.event})")
                for (change, how), by in zip(movements, who, strict=True)
            ]
        )


def apply_plan(
    plan: Plan,
    client: Client,
    stop: threading.Event,
    on_result: Callable[[Result], None] = lambda _: None,
    hand_over: Callable[[str, str], None] = lambda _address, _secret: None,
) -> Report:
    """Do what the plan says, all of it and nothing else.

    `hand_over` is told whose secret it is and the secret, for each that the server makes. Before anything is sent it
    raises Maintenance, and UsageError when a secret that the plan names is not in the environment.
    """
    variables = {name for change in plan.changes for call in change.calls for name in call.required_variables}
    unset = sorted(name for name in variables if not os.environ.get(name))
    if unset:
        raise UsageError(
            f"the plan needs {', '.join(unset)}, which the environment does not have", "set it, and apply again"
        )
    if client.facts().maintenance and any(change.calls for change in plan.changes):
        raise Maintenance(
            "GET",
            "/api/admin/ui-config",
            "the server is in maintenance mode and refuses changes; nothing was applied",
            "apply again when it is over",
        )
    return apply_changes(plan, client, stop, on_result, hand_over)


def accept_drift(
    loaded: Loaded,
    workspace: Workspace,
    client: Client,
    references: Sequence[str] = (),
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[Accepted], list[NotAccepted]]:
    """Write what others changed on the server into the files; return what was taken, and what could not be.

    `references` are addresses or their beginnings; of what they cover, also what nobody knows the origin of is taken.
    Raises UsageError, InvalidFiles or ServerError, and then every file is as it was.
    """
    plan = make_plan(loaded, workspace, client, references, progress, "overwrite")
    chosen = [tuple(part for part in one.split("/") if part) for one in references]
    taken, left = accepted(plan, loaded.desired, loaded.root, chosen)
    accept_files(loaded.root, taken)
    return taken, left


def pull_workspace(
    loaded: Loaded,
    workspace: Workspace,
    client: Client,
    kind: str | None = None,
    project: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[NewFile], list[Skipped]]:
    """Write what is live and in no document as new files; return them, and what was left out.

    Raises UsageError for an unknown kind or a disk that refuses, or ServerError.
    """
    if kind is not None and kind not in kinds():
        raise UsageError(f"--kind {kind}: no such kind", f"there are: {', '.join(kinds())}")
    client.facts()
    policy = workspace.spec if project is None else workspace.spec.model_copy(update={"projects": (project,)})
    needed = loaded.desired.kinds | ({kind} if kind else set())
    live = Reader(client, workspace.name, policy, ReadScope(None, lambda _: False), needed).read(progress=progress)
    files, skipped = pull_files(loaded.desired, live, loaded.files, kind, project)
    try:
        write_files(loaded.root, files)
    except OSError as error:
        raise UsageError(f"cannot write {error.filename}: {error.strerror}") from None
    return files, skipped
