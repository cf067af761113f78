"""Whether a workspace can be planned after accept, and plans nothing that it did not plan before. Sends nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from unleash_gitops.documents.loader import LoadedWorkspace
from unleash_gitops.documents.reference_checks import find_missing_references, find_reference_conflicts
from unleash_gitops.engine.classify import Classification, Difference, Targets, classify_document
from unleash_gitops.engine.plan_context import PlanContext
from unleash_gitops.model.diagnostics import Diagnostic, in_order
from unleash_gitops.model.errors import InvalidFiles, UsageError
from unleash_gitops.model.paths import format_path
from unleash_gitops.model.resource import Resource
from unleash_gitops.workflow.plan import load_workspace

__all__ = ["check_accepted"]

_BY_HAND = "change the document by hand, or accept less with --target"
_WAYS_OUT = (
    "accept would remove its document; remove the reference and accept again, accept other changes only (--target), "
    "or restore the object with: unleash-gitops apply"
)


def check_accepted(
    loaded: LoadedWorkspace, classification: Classification, targets: Targets, context: PlanContext, path_prefix: str
) -> None:
    """Raise InvalidFiles or UsageError when the files, which were edited since they were `loaded`, must not stay so.

    `classification` is that of the files before. `path_prefix` stands before paths in errors.
    """
    edited, _ = load_workspace(loaded.root)
    _check_references(loaded, edited, classification, targets)
    for key in sorted(loaded.desired.resources.keys() - edited.desired.resources.keys(), key=str):
        _check_removal(loaded.desired.resources[key], classification.live.resources.get(key), path_prefix)
    before = {difference.key: difference for difference in classification.differences}
    for key, document in edited.desired.resources.items():
        if targets and not document.within(targets):
            continue
        difference = classify_document(document, classification.live.resources.get(key), context)
        if difference is not None:
            _check_difference(difference, before.get(key), f"{path_prefix}{document.position}")


def _check_references(
    loaded: LoadedWorkspace, edited: LoadedWorkspace, classification: Classification, targets: Targets
) -> None:
    """Raise InvalidFiles when a document refers to what no longer exists, or no longer fits what it refers to.

    Outside `targets`, where not everything was read, only what was not missing before counts.
    """
    live = classification.live
    known = {
        (diagnostic.message, diagnostic.position.path)
        for diagnostic in find_missing_references(loaded.desired.resources.values(), loaded.desired, live)
    }
    missing = [
        diagnostic
        for diagnostic in find_missing_references(edited.desired.resources.values(), edited.desired, live)
        if (diagnostic.message, diagnostic.position.path) not in known
    ]
    if missing:
        raise InvalidFiles(in_order(_explain(missing)))
    documents = [resource for resource in edited.desired.resources.values() if not targets or resource.within(targets)]
    conflicts = find_reference_conflicts(documents, edited.desired, live)
    if conflicts:
        raise InvalidFiles(in_order(conflicts))


def _explain(missing: Iterable[Diagnostic]) -> list[Diagnostic]:
    return [replace(diagnostic, hint=_WAYS_OUT) for diagnostic in missing]


def _check_removal(document: Resource, live: Resource | None, path_prefix: str) -> None:
    """Raise UsageError when the next plan would delete an object because its document was removed."""
    if live is not None and live.ownership == "owned" and not live.spec.get("archived"):
        raise UsageError(
            f"{path_prefix}{document.position}: accept would make the next plan delete {document}; nothing was written",
            _BY_HAND,
        )


def _check_difference(difference: Difference, before: Difference | None, place: str) -> None:
    """Raise UsageError when a document differs from the server in more than it did before."""
    parts = {part.path for part in difference.parts}
    if before is not None and (difference.live is None or parts <= {part.path for part in before.parts}):
        return
    known = set() if before is None else {part.path for part in before.parts}
    fields = ", ".join(format_path(path) for path in sorted(parts - known)) or "the object"
    raise UsageError(
        f"{place}: accept would make the next plan change {fields} of {difference.resource}; nothing was written",
        _BY_HAND,
    )
