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
    """Yield a warning for each setting that matches nothing any more, so that it can be removed."""
    spec = context.workspace.spec
    for entry in spec.release:
        if not any(covers_object(entry, str(resource), resource.id) for resource in live.resources.values()):
            yield f"spec.release: {entry} matches nothing on the server; remove the entry"
    deletes = [entry.resource for entry in classification.differences if entry.action == "delete"]
    for entry in spec.allow_deletes:
        if not any(covers_object(entry, str(resource), resource.id) for resource in deletes):
            yield f"spec.allowDeletes: {entry} matches no delete of this plan; remove the entry"
    transferred = {entry.key for entry in classification.differences if entry.taken_from is not None}
    for key, resource in desired.resources.items():
        owned = key in live.resources and live.resources[key].ownership == "owned"
        if resource.transfer_from is not None and owned and key not in transferred:
            yield f"{resource}: metadata.transferFrom has no effect, since this workspace owns the object; remove it"
