"""Load the files, read the server, classify, attribute, resolve the drift policy, plan. Writes nothing anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
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
from unleash_gitops.engine.planner import plan_changes
from unleash_gitops.engine.reader import Reader
from unleash_gitops.model.diagnostics import in_order
from unleash_gitops.model.errors import InvalidFiles, UsageError
from unleash_gitops.model.plan import Instance, OnDrift, Plan
from unleash_gitops.model.resource import Area, Key, ReadScope, Resource, ResourceSet
from unleash_gitops.model.workspace import Workspace

if TYPE_CHECKING:
    from unleash_gitops.api.client import Client

__all__ = ["Comparison", "compare_workspace", "load_workspace", "make_plan", "parse_targets"]


@dataclass(frozen=True)
class Comparison:
    """The files against the server: the differences that the drift policy wants, and why the log could not be read.

    `renames` are those of objects that the documents would create anew. `logged` has the events of each object.
    """

    classification: Classification
    audit_error: str | None
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
) -> Plan:
    """Compare the files with the server and plan the changes. Arguments and errors as in `compare_workspace`."""
    comparison = compare_workspace(loaded, workspace, client, targets, progress, on_drift, thorough=thorough)
    facts = client.facts()
    body = plan_changes(comparison.classification, facts)
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
        max_deletes=workspace.spec.max_deletes,
        root=loaded.path_in_repository,
        token_env=workspace.spec.token_env,
        kept=body.kept,
        audit_error=comparison.audit_error,
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
    renames: Sequence[Rename] = (),
) -> Comparison:
    """Compare the files with the server.

    `targets` are addresses or their beginnings (`ImpactMetric/shop`). `on_drift` is the policy of this run, which wins
    over those of workspace and documents. `thorough` looks for drift on owned objects without a document too.
    `renames` are those that the documents follow already.

    Raises InvalidFiles when a document names an object that does not exist, UsageError for a target that covers
    nothing, or ServerError.
    """
    pieces = parse_targets(targets)
    reader, live = _read_live(loaded, workspace, client, pieces, progress)
    classification = classify(loaded.desired, live, workspace, client.facts(), pieces)
    orphaned = classification.orphaned if thorough else ()
    touched = [difference.resource for difference in classification.differences]
    history = follow_renames(read_history(reader, [*touched, *orphaned], workspace.spec.applied_by), renames)
    attributed = attribute_side_effects(attribute(classification.differences, history, reader), history, reader)
    policy = Policy(workspace, reader, on_drift)
    resolved = resolve_policy(classification, attributed, policy, client.facts())
    renamed = find_renames(classification.differences, loaded.desired, live, history)
    reminders = find_orphan_drift(orphaned, history, reader)
    logged = {key: frozenset(event.id for event in events) for key, events in history.events.items()}
    return Comparison(note_renames(resolved.with_kept(reminders), renamed), history.audit_error, tuple(renamed), logged)


def parse_targets(targets: Iterable[str]) -> list[tuple[str, ...]]:
    """Return each address, or its beginning, split at each slash."""
    return [tuple(target.split("/")) for target in targets]


def _read_live(
    loaded: LoadedWorkspace,
    workspace: Workspace,
    client: Client,
    targets: Targets,
    progress: Callable[[int, int], None] | None,
) -> tuple[Reader, ResourceSet]:
    """Read what the documents and targets need of the server. Raises InvalidFiles, UsageError or ServerError."""
    client.facts()  # the first request says whether this is an Unleash server at all
    documents = [resource for resource in loaded.desired.resources.values() if not targets or resource.within(targets)]
    named_kinds = {reference.kind for resource in documents for reference in resource.references}
    scope = ReadScope(_group_specs_by_area(documents), _deletes_of(workspace))
    reader = Reader(client, workspace.name, workspace.spec, scope, loaded.desired.kinds)
    live = reader.read(targets, progress, named_kinds)
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
    return reader, live


def _group_specs_by_area(resources: Iterable[Resource]) -> dict[Area, dict[str, Mapping[str, Any]]]:
    """Return the specs of `resources` by the area they are read with and their id."""
    grouped: dict[Area, dict[str, Mapping[str, Any]]] = {}
    for resource in resources:
        grouped.setdefault(resource.area, {})[resource.id] = resource.spec
    return grouped


def _deletes_of(workspace: Workspace) -> Callable[[Resource], bool]:
    def will_delete(live: Resource) -> bool:
        address = live.address
        return workspace.spec.reason_to_delete(live.ownership, address.kind, address.project) is not None

    return will_delete
