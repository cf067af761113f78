"""Load the files, read the server, classify, attribute, resolve the drift policy, plan. Writes nothing anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unleash_gitops import __version__
from unleash_gitops.documents.loader import LoadedWorkspace, load
from unleash_gitops.documents.reference_checks import find_missing_references, find_reference_conflicts
from unleash_gitops.drift import (
    Policy,
    Rename,
    attribute,
    attribute_side_effects,
    describe_renames,
    find_orphan_drift,
    find_renames,
    follow_renames,
    note_renames,
    read_history,
    resolve_policy,
)
from unleash_gitops.engine.classify import Classification, Targets, classify, find_unmatched_targets
from unleash_gitops.engine.in_use import check_use
from unleash_gitops.engine.limit_deletes import limit_deletes
from unleash_gitops.engine.owned_objects import count_owned_after, find_stale_settings
from unleash_gitops.engine.plan_context import Neighbour, PlanContext
from unleash_gitops.engine.planner import plan_changes
from unleash_gitops.engine.reader import Reader
from unleash_gitops.engine.unreadable_kinds import leave_out_kinds, list_not_read
from unleash_gitops.model.diagnostics import in_order
from unleash_gitops.model.errors import InvalidFiles, UsageError
from unleash_gitops.model.plan import ForeignObjects, Instance, NotRead, OnDrift, Plan, PlanOptions
from unleash_gitops.model.resource import Area, Key, ReadScope, Resource, ResourceSet
from unleash_gitops.model.workspace import Workspace
from unleash_gitops.workflow.kept_conflicts import block_conflicts

if TYPE_CHECKING:
    from unleash_gitops.api.client import Client

FindNeighbours = Callable[[], Sequence[Neighbour]]

__all__ = ["Comparison", "compare_workspace", "load_workspace", "make_plan", "parse_targets"]


@dataclass(frozen=True)
class Comparison:
    """The files against the server: the differences that the drift policy wants, and why the log could not be read.

    `renames` are those of objects that the documents would create anew. `logged` has the events of each object.
    """

    classification: Classification
    context: PlanContext
    audit_error: str | None
    warnings: tuple[str, ...] = ()
    not_read: tuple[NotRead, ...] = ()
    renames: tuple[Rename, ...] = ()
    logged: Mapping[Key, frozenset[int]] = field(default_factory=dict)


def load_workspace(root: Path) -> tuple[LoadedWorkspace, Workspace]:
    """Load the workspace at `root`. Raises InvalidFiles with every error in the files."""
    loaded = load(root)
    errors = [diagnostic for diagnostic in loaded.diagnostics if diagnostic.severity == "error"]
    if errors or loaded.workspace is None:
        raise InvalidFiles(errors)
    return loaded, loaded.workspace


def make_plan(
    loaded: LoadedWorkspace,
    workspace: Workspace,
    client: Client,
    targets: Sequence[str] = (),
    progress: Callable[[int, int], None] | None = None,
    on_drift: OnDrift | None = None,
    *,
    thorough: bool = False,
    max_deletes: int | None = None,
    allow_in_use: Sequence[str] = (),
    find_neighbours: FindNeighbours = lambda: (),
) -> Plan:
    """Compare the files with the server and plan the changes.

    `max_deletes` is the number of deletes that the user allows in this run. Other arguments and errors are those of
    `compare_workspace`.
    """
    comparison = compare_workspace(
        loaded,
        workspace,
        client,
        targets,
        progress,
        on_drift,
        thorough=thorough,
        allow_in_use=allow_in_use,
        find_neighbours=find_neighbours,
    )
    facts = client.facts()
    body = plan_changes(comparison.classification, comparison.context)
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
        summary=body.summary,
        changes=body.changes,
        unmanaged=body.unmanaged,
        delete_limits=limit_deletes(
            body.changes,
            workspace.spec,
            owned=len(comparison.classification.owned),
            remaining=count_owned_after(comparison.classification, body.changes),
            allowed=max_deletes,
        ),
        foreign=_list_foreign(comparison.classification),
        not_read=comparison.not_read,
        warnings=tuple(comparison.warnings),
        root=loaded.path_in_repository,
        kept=body.kept,
        audit_error=comparison.audit_error,
        options=PlanOptions(targets=tuple(targets), on_drift=on_drift),
    )


def compare_workspace(
    loaded: LoadedWorkspace,
    workspace: Workspace,
    client: Client,
    targets: Sequence[str] = (),
    progress: Callable[[int, int], None] | None = None,
    on_drift: OnDrift | None = None,
    *,
    thorough: bool = False,
    allow_in_use: Sequence[str] = (),
    find_neighbours: FindNeighbours = lambda: (),
    renames: Sequence[Rename] = (),
) -> Comparison:
    """Compare the files with the server.

    `targets` are addresses or their beginnings (`ImpactMetric/shop`). `on_drift` is the policy of this run, which wins
    over those of workspace and documents. `thorough` looks for drift on owned objects without a document too.
    `allow_in_use` are addresses or their beginnings of objects that are deleted although applications use them.
    `find_neighbours` returns the other workspaces of the instance; it is called when anything differs. `renames` are
    those that the documents follow already.

    Raises InvalidFiles when a document names an object that does not exist, UsageError for a target that covers
    nothing, or ServerError.
    """
    pieces = parse_targets(targets)
    reader, live, not_read = _read_live(loaded, workspace, client, pieces, progress)
    desired, live = leave_out_kinds(loaded.desired, not_read), leave_out_kinds(live, not_read)
    known_owners = {owner for resource in live.resources.values() for owner in resource.owners}
    known_owners |= {resource.transfer_from for resource in desired.resources.values() if resource.transfer_from}
    context = PlanContext(workspace, client.facts(), (), frozenset(known_owners))
    classification = classify(desired, live, context, pieces)
    neighbours = tuple(find_neighbours()) if classification.differences else ()
    if neighbours:
        context = replace(context, neighbours=neighbours)
        classification = classify(desired, live, context, pieces)
    orphaned = classification.orphaned if thorough else ()
    touched = [difference.resource for difference in classification.differences]
    history = follow_renames(read_history(reader, [*touched, *orphaned], workspace.spec.applied_by), renames)
    attributed = attribute_side_effects(attribute(classification.differences, history, reader), history, reader)
    policy = Policy(workspace, reader, on_drift)
    resolved = resolve_policy(classification, attributed, policy, context)
    resolved = block_conflicts(check_use(resolved, reader, allow_in_use, datetime.now(UTC)))
    renamed = find_renames(classification.differences, desired, live, history)
    reminders = find_orphan_drift(orphaned, history, reader)
    is_all_read = not targets and not not_read
    warnings = find_stale_settings(desired, live, context, classification) if is_all_read else ()
    return Comparison(
        note_renames(resolved.with_kept(reminders), renamed),
        context,
        history.audit_error,
        tuple(warnings),
        not_read,
        tuple(renamed),
        {key: frozenset(event.id for event in events) for key, events in history.events.items()},
    )


def _list_foreign(classification: Classification) -> tuple[ForeignObjects, ...]:
    counts = sorted(classification.foreign.items())
    return tuple(ForeignObjects(workspace=" and ".join(owners) or None, count=count) for owners, count in counts)


def parse_targets(targets: Iterable[str]) -> list[tuple[str, ...]]:
    """Return each address, or its beginning, split at each slash."""
    return [tuple(target.split("/")) for target in targets]


def _read_live(
    loaded: LoadedWorkspace,
    workspace: Workspace,
    client: Client,
    targets: Targets,
    progress: Callable[[int, int], None] | None,
) -> tuple[Reader, ResourceSet, tuple[NotRead, ...]]:
    """Read what the documents and targets need of the server.

    Return what was read, and the kinds that the token may not read. Raises InvalidFiles, UsageError, KindNotReadable or
    ServerError.
    """
    client.facts()  # the first request says whether this is an Unleash server at all
    documents = [resource for resource in loaded.desired.resources.values() if not targets or resource.within(targets)]
    named_kinds = {reference.kind for resource in documents for reference in resource.references}
    scope = ReadScope(_group_specs_by_area(documents), _deletes_of(workspace))
    reader = Reader(client, workspace.name, workspace.spec, scope, loaded.desired.kinds)
    live = reader.read(targets, progress, named_kinds)
    not_read = list_not_read(reader.denied, loaded.desired, reader)
    documents = [resource for resource in documents if resource.address.kind not in reader.denied]
    problems = find_missing_references(
        documents, loaded.desired, live, lambda missing: describe_renames(missing, live, reader)
    ) or find_reference_conflicts(documents, loaded.desired, live)
    if problems:
        raise InvalidFiles(in_order(problems))
    unmatched = find_unmatched_targets(loaded.desired, live, targets)
    if unmatched:
        raise UsageError(
            f"--target {unmatched[0]} covers nothing in the files or on the server",
            "a target is an address or its beginning, such as ImpactMetric/shop",
        )
    return reader, live, not_read


def _group_specs_by_area(resources: Iterable[Resource]) -> dict[Area, dict[str, Mapping[str, Any]]]:
    """Return the specs of `resources` by the area they are read with and their id."""
    grouped: dict[Area, dict[str, Mapping[str, Any]]] = {}
    for resource in resources:
        grouped.setdefault(resource.area, {})[resource.id] = resource.spec
    return grouped


def _deletes_of(workspace: Workspace) -> Callable[[Resource], bool]:
    def will_delete(live: Resource) -> bool:
        return workspace.spec.reason_to_delete(live) is not None

    return will_delete
