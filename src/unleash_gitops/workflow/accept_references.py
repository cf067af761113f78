"""References to objects that another user renamed or deleted, written into the documents that hold them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from unleash_gitops.documents.loader import LoadedWorkspace
from unleash_gitops.documents.reference_checks import list_missing_references
from unleash_gitops.documents.yamldoc import Edit
from unleash_gitops.drift import Rename
from unleash_gitops.engine.parts import PartPath, with_value
from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.interfaces import Pullable
from unleash_gitops.model.paths import format_path
from unleash_gitops.model.plan import Changed
from unleash_gitops.model.resource import Reference, Resource, ResourceSet
from unleash_gitops.workflow.accepted import Accepted, group_edits
from unleash_gitops.workflow.accepted_files import AcceptedFiles
from unleash_gitops.workflow.plan import load_workspace

__all__ = ["accept_renames", "drop_references"]


def accept_renames(loaded: LoadedWorkspace, renames: Sequence[Rename], files: AcceptedFiles) -> list[Accepted]:
    """Write the new names of objects into their documents, and into the documents that refer to them.

    Raises UsageError as `AcceptedFiles.edit` does.
    """
    new_names = {(rename.old.address.kind, rename.old.address.name): str(rename.new.address.name) for rename in renames}
    accepted: list[Accepted] = []
    for rename in renames:
        name = str(rename.new.address.name)
        accepted += _accept(rename.old, [Edit(("metadata", "name"), name)], [f'name "{name}"'], rename.changed)
    for document in loaded.desired.resources.values():
        references = [
            (reference, new_names[reference.kind, reference.name])
            for reference in document.references
            if (reference.kind, reference.name) in new_names
        ]
        accepted += _edit_references(document, references, files)
    files.edit(group_edits(accepted))
    return accepted


def drop_references(loaded: LoadedWorkspace, live: ResourceSet, files: AcceptedFiles) -> list[Accepted]:
    """Remove the references to objects that no longer exist from the documents whose live objects lack them too.

    `loaded` are the files before. A reference that the live object still has stays, and so does one that was missing
    before.
    """
    known = set(_list_missing(loaded, live))
    edited, _ = load_workspace(loaded.root)
    dropped: dict[str, list[tuple[Reference, None]]] = {}
    for address, reference in _list_missing(edited, live):
        if (address, reference) not in known:
            dropped.setdefault(address, []).append((reference, None))
    accepted: list[Accepted] = []
    for document in edited.desired.resources.values():
        present = live.resources.get(document.key)
        references = dropped.get(str(document), ())
        if present is not None:
            lost = [entry for entry in references if entry[0] not in present.references]
            accepted += _edit_references(document, lost, files)
    files.edit(group_edits(accepted))
    return accepted


def _list_missing(loaded: LoadedWorkspace, live: ResourceSet) -> list[tuple[str, Reference]]:
    missing = list_missing_references(loaded.desired.resources.values(), loaded.desired, live)
    return [(str(document), reference) for document, reference in missing]


def _edit_references(
    document: Resource, references: Iterable[tuple[Reference, str | None]], files: AcceptedFiles
) -> list[Accepted]:
    """Return the edits of a document that give references another name, None for none; one entry or none.

    A reference that the kind cannot edit stays.
    """
    kind = kinds()[document.address.kind]
    if document.position is None or not isinstance(kind, Pullable):
        return []
    parts: dict[PartPath, object] = {}
    labels: list[str] = []
    for reference, name in sorted(references, key=lambda entry: -len(entry[0].path)):  # what is inside others first
        spec = files.document(document.position.path, str(document)).get("spec") or {}
        for path, value in parts.items():
            spec = with_value(spec, path, value)
        edited = kind.edit_reference(spec, reference, name)
        if edited is not None:
            parts.pop(edited[0], None)
            parts[edited[0]] = edited[1]
            is_key = isinstance(reference.path[-1], str)
            labels.append(format_path(reference.path[1:] if is_key else edited[0]))
    edits = [Edit(("spec", *path), value) for path, value in parts.items()]
    return _accept(document, edits, list(dict.fromkeys(labels)), None)


def _accept(document: Resource, edits: Sequence[Edit], parts: Sequence[str], changed: Changed | None) -> list[Accepted]:
    if document.position is None or not edits:
        return []
    place = document.position
    return [Accepted(str(document), place.path, place.line, tuple(edits), tuple(parts), changed)]
