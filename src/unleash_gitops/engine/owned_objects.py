"""What a workspace owns after a plan, and which of its settings about ownership have no effect any more. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from unleash_gitops.engine.classify import Classification
from unleash_gitops.engine.plan_context import PlanContext
from unleash_gitops.kinds import kinds
from unleash_gitops.model.plan import Change
from unleash_gitops.model.resource import Key, ResourceSet
from unleash_gitops.model.workspace import covers_object

__all__ = ["count_owned_after", "find_stale_settings"]


def count_owned_after(classification: Classification, changes: Iterable[Change]) -> int:
    """Return how many objects the workspace owns once the plan is applied."""
    owned = set(classification.owned) - classification.moving
    for change in changes:
        key = Key(change.kind, change.id)
        if change.action in {"delete", "release"}:
            owned.discard(key)
        elif change.action in {"adopt", "transfer"} or (change.action == "create" and kinds()[change.kind].ownable):
            owned.add(key)
    return len(owned)


def find_stale_settings(
    desired: ResourceSet, live: ResourceSet, context: PlanContext, classification: Classification
) -> Iterator[str]:
    """Yield a warning for each setting that matches nothing any more, so that it can be removed.

    Everything must have been read: what was not read may match.
    """
    spec = context.workspace.spec
    for entry in spec.release:
        if not any(covers_object(entry, str(resource), resource.id) for resource in live.resources.values()):
            yield f"spec.release: {entry} matches nothing on the server; remove the entry"
    undocumented = [difference.resource for difference in classification.differences if difference.desired is None]
    for name, entries in (("allowDeletes", spec.allow_deletes), ("allowInUse", spec.allow_in_use)):
        for entry in entries:
            if not any(covers_object(entry, str(resource), resource.id) for resource in undocumented):
                yield f"spec.{name}: {entry} matches no delete of this plan; remove the entry"
    taken = {difference.taken_from for difference in classification.differences}
    if context.workspace.renamed_from is not None and context.workspace.renamed_from not in taken:
        yield f"metadata.renamedFrom: nothing is left to take over from {context.workspace.renamed_from}; remove it"
    transferred = {entry.key for entry in classification.differences if entry.taken_from is not None}
    for key, resource in desired.resources.items():
        owned = key in live.resources and live.resources[key].ownership == "owned"
        if resource.transfer_from is not None and owned and key not in transferred:
            yield f"{resource}: metadata.transferFrom has no effect, since this workspace owns the object; remove it"
