"""Desired and live state to typed differences: what to create, update or delete, and what nothing can change. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from unleash_gitops.engine.diff import PartChange, diff_parts
from unleash_gitops.engine.plan_context import PlanContext, describe_owners
from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.base import Kind
from unleash_gitops.kinds.interfaces import Claimable
from unleash_gitops.model.resource import Key, Resource, ResourceSet
from unleash_gitops.model.workspace import Workspace

if TYPE_CHECKING:
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
    `taken_from` is the workspace that an object is transferred from.
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
    taken_from: str | None = None

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
    workspace owns. `foreign` counts the objects of each other workspace, of which some have no name here. `released`
    counts owned objects that `spec.release` lists and whose marks cannot go. `owned` are all objects that the workspace
    owns, `moving` those among them that another workspace of the run takes over. `kept` are differences that the policy
    leaves.
    """

    desired: ResourceSet
    live: ResourceSet
    differences: tuple[Difference, ...]
    unchanged: frozenset[Key]
    unmanaged: tuple[Resource, ...]
    orphaned: tuple[Resource, ...]
    foreign: Mapping[tuple[str, ...], int] = field(default_factory=dict)
    released: int = 0
    owned: frozenset[Key] = frozenset()
    moving: frozenset[Key] = frozenset()
    kept: tuple[Difference, ...] = ()

    def with_kept(self, reminders: Sequence[Difference]) -> Classification:
        """Return the classification with further differences that are left as they are."""
        return replace(self, kept=(*self.kept, *reminders))


def classify(desired: ResourceSet, live: ResourceSet, context: PlanContext, targets: Targets = ()) -> Classification:
    """Compare both states within `targets`. A change that the server cannot make is blocked.

    An object is desired and not live (create), desired and live (update, adopt, transfer, or unchanged), live and not
    desired (delete or release, by the workspace's policy), or stays.
    """
    context = replace(context, live=live.resources)
    wanted, present = _within(desired.resources, live.resources, targets)
    compared, taken = _compare(wanted, context)
    undocumented = [resource for key, resource in present.items() if key not in wanted and key not in taken]
    removed = {resource.key: _classify_undocumented(resource, context) for resource in undocumented}
    staying = [resource for resource in undocumented if removed[resource.key] is None]
    owned = [resource for resource in staying if resource.ownership == "owned"]
    released = {resource.key for resource in staying if _is_released(resource, context.workspace)}
    moving = {resource.key for resource in owned if _moves(resource, context)}
    hidden = released | moving
    relevant = _select_relevant(undocumented, desired, context.workspace)
    unmanaged = [
        resource
        for resource in relevant
        if removed[resource.key] is None and resource.ownership in {"unmanaged", "owned"} and resource.key not in hidden
    ]
    differences = [*compared.values(), *removed.values()]
    return Classification(
        desired,
        live,
        differences=tuple(difference for difference in differences if difference is not None),
        unchanged=frozenset(key for key, difference in compared.items() if difference is None),
        unmanaged=tuple(sorted(unmanaged, key=lambda resource: resource.parts)),
        orphaned=tuple(resource for resource in owned if resource.key not in moving),
        foreign=Counter(context.name_owners(resource) for resource in relevant if resource.ownership == "foreign"),
        released=len(released),
        owned=frozenset(key for key, resource in present.items() if resource.ownership in {"owned", "shared"}),
        moving=frozenset(moving),
    )


def _compare(wanted: Mapping[Key, Resource], context: PlanContext) -> tuple[dict[Key, Difference | None], set[Key]]:
    """Return the difference of each document, and the keys of the objects that are taken over under another id."""
    compared: dict[Key, Difference | None] = {}
    taken: set[Key] = set()
    for key, resource in wanted.items():
        former = context.find_former(resource)
        if former is None:
            compared[key] = classify_document(resource, context.live.get(key), context)
        else:
            compared[key] = classify_document(resource, former[0], context, taken_from=former[1])
            taken.add(former[0].key)
    return compared, taken


def classify_document(
    desired: Resource, live: Resource | None, context: PlanContext, taken_from: str | None = None
) -> Difference | None:
    """Compare one document with its live object, None when that does not exist. Return None when both match.

    `taken_from` is the workspace that the object is taken over from.
    """
    kind = kinds()[desired.address.kind]
    if live is None:
        after = kind.spec_after_create(desired)
        refusal = kind.server_refusal(desired, None, after, context.server)
        return Difference("create" if refusal is None else "blocked", desired, None, None, after, reason=refusal)
    before = dict(live.spec)
    if live.area != desired.area:
        where = "/".join(part for part in (live.address.project, live.address.feature) if part) or "the instance"
        after = kind.spec_after_create(desired)
        return Difference(
            "blocked", desired, live, before, after, diff_parts(before, after), kind.cannot_move_reason(where)
        )
    after = kind.spec_after_update(desired, live)
    parts = diff_parts(before, after)
    refusal = _refuse_transfer(kind, desired, live) if taken_from is not None else _refuse_owned(kind, live, context)
    action = _choose_action(kind, desired, live, taken_from)
    if refusal is None and action is None and after == live.spec and live.copies == 1:
        return None
    refusal = refusal or live.protected or kind.server_refusal(desired, live, after, context.server)
    if refusal is not None:
        return Difference("blocked", desired, live, before, after, parts, refusal)
    reason = _explain(kind, desired, live, after)
    return Difference(action or "update", desired, live, before, after, parts, reason, taken_from=taken_from)


def _choose_action(kind: Kind, desired: Resource, live: Resource, taken_from: str | None) -> Action | None:
    """Return the action that writes the workspace's mark, None where the mark is there or cannot be written."""
    if taken_from is not None:
        return "transfer"
    is_markable = isinstance(kind, Claimable) and kind.unmarkable_reason(desired, live) is None
    return "adopt" if live.ownership == "unmanaged" and is_markable else None


def _explain(kind: Kind, desired: Resource, live: Resource, after: Mapping[str, Any]) -> str | None:
    """Return what a reader should know besides the values, None when there is nothing."""
    notes = [kind.side_effect_note(live, after)]
    if isinstance(kind, Claimable) and live.ownership != "builtin":
        notes.append(kind.unmarkable_reason(desired, live))
    return "; ".join(note for note in notes if note) or None


def _refuse_transfer(kind: Kind, desired: Resource, live: Resource) -> str | None:
    """Return why the workspace's mark cannot take the place of another's, None when it can."""
    return kind.unmarkable_reason(desired, live) if isinstance(kind, Claimable) else None


def _refuse_owned(kind: Kind, live: Resource, context: PlanContext) -> str | None:
    """Return why another workspace's object is not changed, and what to do; None for an object without an owner."""
    owners = context.name_owners(live)
    if live.ownership == "shared" or (live.ownership == "foreign" and len(owners) > 1):
        return _describe_several(owners)
    if live.ownership != "foreign":
        return None
    owner = next(iter(owners), None)
    if not isinstance(kind, Claimable):
        return f"owned by {describe_owners(owners)}: leave out metadata.id to take it over, or remove this document"
    take_over = f"set metadata.transferFrom: {owner}" if owner else "set metadata.transferFrom to its name"
    return f"owned by {describe_owners(owners)}: {take_over}, release it there, or remove this document"


def _describe_several(owners: Sequence[str]) -> str:
    return f"marked by {describe_owners(owners)}: release it in all but one of them"


def _classify_undocumented(live: Resource, context: PlanContext) -> Difference | None:
    """Return what is done with a live object without a document, None when it stays."""
    kind, spec = kinds()[live.address.kind], dict(live.spec)
    if _is_released(live, context.workspace):
        if not isinstance(kind, Claimable):
            return None
        return Difference("release", None, live, spec, spec, reason=kind.mark_note(live))
    if live.ownership == "shared":
        reason = _describe_several(context.name_owners(live))
        return Difference("blocked", None, live, spec, spec, reason=reason)
    reason_to_delete = context.workspace.spec.reason_to_delete(live)
    if reason_to_delete is None:
        return None
    neighbour = context.find_describing(live)
    incomplete = context.find_incomplete() if neighbour is None and kind.shares_ids else None
    if incomplete is not None:
        reason = f"its document may be in {incomplete.path}, whose files have errors: correct them first"
        return Difference("blocked", None, live, spec, None, reason=reason)
    if neighbour is None:
        return Difference("delete", None, live, spec, None, reason=reason_to_delete)
    if neighbour.is_planned:
        return None
    reason = f"moved to {neighbour.name}: apply with --all, or apply {neighbour.path} first"
    return Difference("blocked", None, live, spec, None, reason=reason)


def _moves(live: Resource, context: PlanContext) -> bool:
    """Tell whether another workspace of the run takes a live object over."""
    neighbour = context.find_describing(live)
    return neighbour is not None and neighbour.is_planned


def _is_released(live: Resource, workspace: Workspace) -> bool:
    return live.ownership in {"owned", "shared"} and workspace.spec.releases(live)


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
