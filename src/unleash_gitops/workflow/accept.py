"""Others' changes on the server, written into the files: a value at its place, or a document that is removed.

Nothing else in a file is touched. All files are restored when the workspace could not be planned with the changes, or
when its plan would have changes that it did not have before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from unleash_gitops.documents.loader import LoadedWorkspace
from unleash_gitops.documents.yamldoc import REMOVED, Edit
from unleash_gitops.drift import Rename
from unleash_gitops.engine.classify import Difference
from unleash_gitops.engine.diff import PartChange
from unleash_gitops.engine.parts import ABSENT, value_at
from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.interfaces import Pullable
from unleash_gitops.model.paths import format_path
from unleash_gitops.model.plan import DRIFTED, Changed, Origin
from unleash_gitops.model.resource import Resource, ResourceSet
from unleash_gitops.model.workspace import Workspace
from unleash_gitops.workflow.accept_references import accept_renames, drop_references
from unleash_gitops.workflow.accepted import Accepted, NotAccepted, group_edits
from unleash_gitops.workflow.accepted_files import AcceptedFiles
from unleash_gitops.workflow.check_accepted import check_accepted
from unleash_gitops.workflow.plan import Comparison, compare_workspace, load_workspace, parse_targets

if TYPE_CHECKING:
    from unleash_gitops.api.client import Client

__all__ = ["accept_drift", "find_accepted"]

_UNKNOWN_ORIGIN = "whether its file or another user changed it is unknown; to accept it, use --target {address}"
_NO_DOCUMENT = "no document describes it; write one with: unleash-gitops pull"


def accept_drift(
    loaded: LoadedWorkspace,
    workspace: Workspace,
    client: Client,
    targets: Sequence[str] = (),
    progress: Callable[[int, int], None] | None = None,
    path_prefix: str = "",
) -> tuple[list[Accepted], list[NotAccepted]]:
    """Write what others changed on the server into the files; return what was accepted, and what could not be.

    `targets` are addresses or their beginnings; of what they cover, differences of unknown origin are accepted too.
    `path_prefix` stands before paths in errors. Raises UsageError, InvalidFiles or ServerError, and then every file is
    as it was.
    """
    comparison = compare_workspace(loaded, workspace, client, targets, progress, "overwrite")
    with AcceptedFiles(loaded, path_prefix) as files:
        renames = comparison.renames
        accepted = accept_renames(loaded, renames, files)
        if renames:  # the server is compared with the documents under their new names
            loaded, workspace = load_workspace(loaded.root)
            targets = _follow_targets(targets, renames)
            comparison = compare_workspace(loaded, workspace, client, targets, progress, "overwrite", renames=renames)
        classification, pieces = comparison.classification, parse_targets(targets)
        changes, left = find_accepted(comparison, loaded.desired, files, pieces)
        files.edit(group_edits(changes))
        dropped = drop_references(loaded, classification.live, files)
        check_accepted(loaded, classification, pieces, comparison.context, path_prefix)
    return [*accepted, *changes, *dropped], left


def _follow_targets(targets: Sequence[str], renames: Sequence[Rename]) -> list[str]:
    """Return the targets; the address of a renamed object has its new name."""
    new_addresses = {str(rename.old): str(rename.new) for rename in renames}
    return [new_addresses.get(target, target) for target in targets]


def find_accepted(
    comparison: Comparison, desired: ResourceSet, files: AcceptedFiles, targets: Sequence[tuple[str, ...]]
) -> tuple[list[Accepted], list[NotAccepted]]:
    """Return others' changes as edits of the documents, and what cannot be accepted; of `targets` only, if any.

    What only the files changed stays as it is. Raises UsageError when a file cannot be read.
    """
    origins: frozenset[Origin] = frozenset({"drift", "conflict", "unknown"}) if targets else DRIFTED
    accepted: list[Accepted] = []
    left: list[NotAccepted] = []
    differences = comparison.classification.differences
    for difference in sorted(differences, key=lambda entry: (entry.action == "delete", str(entry.resource))):
        if targets and not difference.resource.within(targets):
            continue
        address, document = str(difference.resource), difference.desired
        if document is None:
            if difference.origin in origins:
                left.append(NotAccepted(address, _NO_DOCUMENT))
        elif document.position is not None:
            logged = comparison.logged.get(difference.key, frozenset())
            accepted += _accept_difference(difference, document, files, origins, logged)
            if not targets and difference.live is not None and "unknown" in _origins_of(difference):
                left.append(NotAccepted(address, _UNKNOWN_ORIGIN.format(address=address)))
    removed = {entry.address for entry in accepted if entry.edits is None}
    return accepted + _remove_owned_parts(desired, removed, {entry.address for entry in accepted}), left


def _accept_difference(
    difference: Difference,
    document: Resource,
    files: AcceptedFiles,
    origins: frozenset[Origin],
    logged: frozenset[int],
) -> list[Accepted]:
    """Return what the document takes over of a difference: one entry or none.

    `logged` are the events of the object itself: only such an event can stand in `metadata.accepted`.
    """
    if document.position is None:
        return []
    address, path, line = str(document), document.position.path, document.position.line
    if difference.live is None:
        deleted = difference.origin in DRIFTED
        return [Accepted(address, path, line, None, changed=difference.changed)] if deleted else []
    parts = [part for part in difference.parts if any(change.origin in origins for change in part.fields)]
    newest = _find_newest(parts, origins)
    if any(part.path == ("archived",) for part in parts):
        return [Accepted(address, path, line, None, changed=newest)]
    if not parts:
        return []
    current = files.document(path, address)
    edits = [Edit(("spec", *part.path), _document_value(difference, document, part, current)) for part in parts]
    if newest is not None and newest.event in logged:
        edits.append(Edit(("metadata", "accepted"), newest.event))
    return [Accepted(address, path, line, tuple(edits), tuple(format_path(part.path) for part in parts), newest)]


def _origins_of(difference: Difference) -> set[Origin | None]:
    return {difference.origin, *(change.origin for part in difference.parts for change in part.fields)}


def _find_newest(parts: Iterable[PartChange], origins: frozenset[Origin]) -> Changed | None:
    changes = [
        change.changed
        for part in parts
        for change in part.fields
        if change.changed is not None and change.origin in origins
    ]
    return max(changes, key=lambda changed: changed.event, default=None)


def _document_value(difference: Difference, document: Resource, part: PartChange, current: Mapping[str, Any]) -> Any:
    """Return the live value of a part as the document says it, REMOVED where the live object lacks it."""
    live, written = value_at(difference.before, part.path), value_at(current, ("spec", *part.path))
    if live is ABSENT:
        return REMOVED
    kind = kinds()[difference.key.kind]
    if not isinstance(kind, Pullable):
        return live
    return kind.to_document(part.path, live, document, None if written is ABSENT else written)


def _remove_owned_parts(desired: ResourceSet, removed: set[str], accepted: set[str]) -> list[Accepted]:
    """Return the documents that go because they are a part of an object whose document goes."""
    removed_names = {
        (resource.address.kind, resource.address.name)
        for resource in desired.resources.values()
        if str(resource) in removed
    }
    return [
        Accepted(str(resource), resource.position.path, resource.position.line, None)
        for resource in desired.resources.values()
        if resource.position is not None
        and str(resource) not in accepted
        and any(
            reference.owned_by_target and (reference.kind, reference.name) in removed_names
            for reference in resource.references
        )
    ]
