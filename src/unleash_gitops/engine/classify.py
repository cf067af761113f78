"""Desired and live state to typed differences: what to create, update or delete, and what nothing can change. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from unleash_gitops.engine.diff import PartChange, diff_parts
from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.base import Kind, Marked
from unleash_gitops.model.resource import Key, Resource, ResourceSet
from unleash_gitops.model.workspace import Workspace

if TYPE_CHECKING:
    from unleash_gitops.api.client import ServerFacts
    from unleash_gitops.model.plan import Action, Changed, OnDrift, Origin

__all__ = ["Classification", "Difference", "Targets", "classify", "classify_document", "find_unmatched_targets"]

Targets = Sequence[tuple[str, ...]]
"""Addresses or their beginnings, in pieces. None at all cover everything."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One object that differs from its document, or that no document describes and that is to be deleted.

    `desired` is None for a delete, `live` for a create. `before` and `after` are the whole specs, None for an object
    that does not exist; `parts` are those in which both specs differ. `reason` is as in `Change`. `origin`, `changed`
    and `drift` are set once it is known who changed the object; `refusal` is why the policy does not allow the change.
    """

    action: Action
    desired: Resource | None
    live: Resource | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    parts: tuple[PartChange, ...] = ()
    reason: str | None = None
    origin: Origin | None = None
    changed: Changed | None = None
    drift: OnDrift | None = None
    refusal: str | None = None

    @property
    def resource(self) -> Resource:
        """The document's object, or the live one that no document describes."""
        resource = self.desired or self.live
        assert resource is not None, "a difference has a desired or a live object"  # noqa: S101 - by construction
        return resource

    @property
    def key(self) -> Key:
        """What identifies the object on the instance."""
        return self.resource.key


@dataclass(frozen=True, slots=True)
class Classification:
    """Every object within the targets, by what a plan does with it.

    `desired` has the documents that the plan follows. `unchanged` are the objects that match their documents,
    `unmanaged` the live ones that no document describes and that stay, `orphaned` those among all live ones that this
    workspace owns. `foreign` counts objects that another workspace owns. `kept` are differences that the policy leaves.
    """

    desired: ResourceSet
    live: ResourceSet
    differences: tuple[Difference, ...]
    unchanged: frozenset[Key]
    unmanaged: tuple[Resource, ...]
    orphaned: tuple[Resource, ...]
    foreign: int
    kept: tuple[Difference, ...] = ()

    def with_kept(self, reminders: Sequence[Difference]) -> Classification:
        """Return the classification with further differences that are left as they are."""
        return replace(self, kept=(*self.kept, *reminders))


def classify(
    desired: ResourceSet, live: ResourceSet, workspace: Workspace, server: ServerFacts, targets: Targets = ()
) -> Classification:
    """Compare both states within `targets`. A change that `server` cannot make is blocked.

    An object is desired and not live (create), desired and live (update, or unchanged), live and to be deleted by the
    workspace's policy (delete), or stays.
    """
    wanted, present = _within(desired.resources, live.resources, targets)
    compared = {key: classify_document(resource, present.get(key), server) for key, resource in wanted.items()}
    undocumented = [resource for key, resource in present.items() if key not in wanted]
    reasons = {resource.key: reason for resource in undocumented if (reason := _reason_to_delete(resource, workspace))}
    deletes = [_classify_delete(present[key], reason) for key, reason in reasons.items()]
    staying = [resource for resource in undocumented if resource.key not in reasons]
    relevant = _select_relevant(undocumented, desired, workspace)
    unmanaged = [
        resource
        for resource in relevant
        if resource.key not in reasons and resource.ownership in {"owned", "unmanaged"}
    ]
    return Classification(
        desired,
        live,
        differences=tuple(difference for difference in (*compared.values(), *deletes) if difference is not None),
        unchanged=frozenset(key for key, difference in compared.items() if difference is None),
        unmanaged=tuple(sorted(unmanaged, key=lambda resource: resource.parts)),
        orphaned=tuple(resource for resource in staying if resource.ownership == "owned"),
        foreign=sum(resource.ownership == "foreign" for resource in relevant),
    )


def classify_document(desired: Resource, live: Resource | None, server: ServerFacts) -> Difference | None:
    """Compare one document with its live object, None when that does not exist. Return None when both match."""
    kind = kinds()[desired.address.kind]
    if live is None:
        after = kind.spec_after_create(desired)
        refusal = kind.server_refusal(desired, None, after, server)
        return Difference("create" if refusal is None else "blocked", desired, None, None, after, reason=refusal)
    before = dict(live.spec)
    if live.area != desired.area:
        where = "/".join(part for part in (live.address.project, live.address.feature) if part) or "the instance"
        after = kind.spec_after_create(desired)
        parts = diff_parts(before, after)
        return Difference("blocked", desired, live, before, after, parts, kind.cannot_move_reason(where))
    after = kind.spec_after_update(desired, live)
    if after == live.spec:
        return None
    parts = diff_parts(before, after)
    refusal = live.protected or _refuse_foreign(kind, live) or kind.server_refusal(desired, live, after, server)
    if refusal is not None:
        return Difference("blocked", desired, live, before, after, parts, refusal)
    adopts = (
        "adopts an object that this workspace did not make"
        if isinstance(kind, Marked) and live.ownership != "owned"
        else None
    )
    reason = "; ".join(part for part in (adopts, kind.side_effect_note(live, after)) if part) or None
    return Difference("update", desired, live, before, after, parts, reason)


def find_unmatched_targets(desired: ResourceSet, live: ResourceSet, targets: Targets) -> list[str]:
    """Return the targets that cover nothing on either side."""
    resources = [*desired.resources.values(), *live.resources.values()]
    return ["/".join(target) for target in targets if not any(resource.within([target]) for resource in resources)]


def _within(
    desired: Mapping[Key, Resource], live: Mapping[Key, Resource], targets: Targets
) -> tuple[Mapping[Key, Resource], Mapping[Key, Resource]]:
    """Return both sides cut down to `targets`. A live object with a document goes by the document's address."""
    if not targets:
        return desired, live
    wanted = {key: resource for key, resource in desired.items() if resource.within(targets)}
    present = {
        key: resource
        for key, resource in live.items()
        if key in wanted or (key not in desired and resource.within(targets))
    }
    return wanted, present


def _classify_delete(live: Resource, reason: str) -> Difference:
    return Difference("delete", None, live, dict(live.spec), None, reason=reason)


def _refuse_foreign(kind: Kind, live: Resource) -> str | None:
    return "belongs to another workspace" if isinstance(kind, Marked) and live.ownership == "foreign" else None


def _reason_to_delete(live: Resource, workspace: Workspace) -> str | None:
    return workspace.spec.reason_to_delete(live.ownership, live.address.kind, live.address.project)


def _select_relevant(
    undocumented: Sequence[Resource], desired: ResourceSet, workspace: Workspace
) -> Sequence[Resource]:
    """Return the objects without a document that a reader of the plan wants to know of.

    Of a kind with thousands of objects they count only beside documents, or where the workspace is the only writer.
    """
    if not desired.resources:
        return undocumented
    covered = desired.kinds | {exclusive.kind for exclusive in workspace.spec.exclusive}
    return [
        resource
        for resource in undocumented
        if resource.address.kind in covered or not kinds()[resource.address.kind].plentiful
    ]
