"""Attributed differences to the ones that the drift policy wants: overwritten, kept, or refused. Pure, but for reads.

Nothing is planned twice: a part that is kept is taken out of its document, and that one document is compared again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from unleash_gitops.drift.attribution import AttributedDifference
from unleash_gitops.drift.object_history import Verdict
from unleash_gitops.engine.classify import Classification, Difference, classify_document
from unleash_gitops.engine.diff import PartChange
from unleash_gitops.engine.parts import PartPath, find_differing_parts, value_at, with_value
from unleash_gitops.engine.plan_context import PlanContext
from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.interfaces import HasHistory
from unleash_gitops.kinds.reads import Reads
from unleash_gitops.model.plan import FieldChange, OnDrift
from unleash_gitops.model.resource import Resource, ResourceSet
from unleash_gitops.model.workspace import Workspace

__all__ = ["Policy", "resolve_policy"]

_STRICTNESS: tuple[OnDrift, ...] = ("overwrite", "keep", "fail")
_WHOLE: PartPath = ()


@dataclass(frozen=True)
class Policy:
    """How to treat others' changes: as this run says, else the document, else the workspace, else by what changed."""

    workspace: Workspace
    reads: Reads
    run: OnDrift | None = None

    def of_part(self, path: PartPath, resource: Resource) -> OnDrift:
        """Return the policy for a part of an object that another user changed."""
        return self._explicit(resource) or ("fail" if self._requires_confirmation(path, resource) else "overwrite")

    def of_unreadable(self, path: PartPath, resource: Resource) -> OnDrift | None:
        """Return the policy for a part whose log could not be understood, None for the same as without a log."""
        policy = self.of_part(path, resource) if self._requires_confirmation(path, resource) else "overwrite"
        return None if policy == "overwrite" else policy

    def strictest(self, paths: Iterable[PartPath], resource: Resource) -> OnDrift:
        """Return the policy for an object as a whole, of which others changed parts."""
        policies = (self.of_part(path, resource) for path in paths)
        return max(policies, key=_STRICTNESS.index, default=self.of_part(_WHOLE, resource))

    def _explicit(self, resource: Resource) -> OnDrift | None:
        return self.run or resource.drift or self.workspace.spec.drift

    def _requires_confirmation(self, path: PartPath, resource: Resource) -> bool:
        """An unmanaged object is deleted only where the workspace is the only writer: that needs no confirmation."""
        kind = kinds()[resource.address.kind]
        is_ours = resource.ownership != "unmanaged"
        return is_ours and isinstance(kind, HasHistory) and kind.requires_confirmation(path, resource, self.reads)


@dataclass(frozen=True)
class _Resolution:
    """A difference, its verdicts, and the policy for each part that others changed. The empty path is the object."""

    attributed: AttributedDifference
    policies: Mapping[PartPath, OnDrift] = field(default_factory=dict)

    @property
    def difference(self) -> Difference:
        return self.attributed.difference

    @property
    def is_refused(self) -> bool:
        return "fail" in self.policies.values() and self.difference.action != "blocked"

    @property
    def kept(self) -> frozenset[PartPath]:
        """The parts that keep their live value; none of a change that is refused, or blocked anyway."""
        if self.is_refused or self.difference.action == "blocked":
            return frozenset()
        return frozenset(path for path, policy in self.policies.items() if policy == "keep")

    @property
    def is_kept_whole(self) -> bool:
        """Whether nothing is done to the object: an archived flag cannot be changed and stay archived."""
        return not self.kept.isdisjoint({_WHOLE, ("archived",)})


def resolve_policy(
    classification: Classification,
    attributed: Sequence[AttributedDifference],
    policy: Policy,
    context: PlanContext,
) -> Classification:
    """Return the classification with every difference annotated, and without what the policy keeps.

    Raises ServerError.
    """
    resolutions = [_resolve(entry, policy) for entry in attributed]
    resolutions = _cascade_kept_deletes(resolutions, classification.desired)
    resources = dict(classification.desired.resources)
    differences: list[Difference] = []
    kept: list[Difference] = []
    for resolution in resolutions:
        if resolution.kept:
            kept.append(_keep(resolution))
        if resolution.is_kept_whole:
            resources.pop(resolution.difference.key, None)
            continue
        remaining = _take_out_kept(resolution, context)
        if resolution.kept and resolution.difference.live is not None:
            resources[resolution.difference.key] = _without_kept(resolution)
        if remaining is not None:
            differences.append(_annotate(remaining, resolution))
    return replace(
        classification,
        desired=ResourceSet(resources, classification.desired.known),
        differences=tuple(differences),
        kept=tuple(sorted(kept, key=lambda entry: (entry.action == "delete", str(entry.resource)))),
    )


def _resolve(attributed: AttributedDifference, policy: Policy) -> _Resolution:
    difference, whole = attributed.difference, attributed.whole
    resource = difference.resource
    if whole is not None and whole.drifted:
        created = _list_created_parts(difference) if difference.live is None else list(attributed.parts)
        return _Resolution(attributed, {_WHOLE: policy.strictest(created, resource)})
    policies = {path: policy.of_part(path, resource) for path, verdict in attributed.parts.items() if verdict.drifted}
    if difference.live is not None and difference.action != "blocked":
        policies |= _resolve_unreadable(attributed, policy)
    return _Resolution(attributed, policies)


def _resolve_unreadable(attributed: AttributedDifference, policy: Policy) -> dict[PartPath, OnDrift]:
    """Return the policy for the parts whose log could not be understood; of a delete, for the object as a whole."""
    resource = attributed.difference.resource
    unreadable = [path for path, verdict in attributed.parts.items() if verdict.error is not None]
    policies = {
        path: treatment for path in unreadable if (treatment := policy.of_unreadable(path, resource)) is not None
    }
    if attributed.difference.desired is None and policies:
        return {_WHOLE: max(policies.values(), key=_STRICTNESS.index)}
    return policies


def _list_created_parts(difference: Difference) -> list[PartPath]:
    """Return the parts of an object that is created, environments taken apart."""
    parts: list[PartPath] = []
    for path in find_differing_parts({}, difference.after):
        value = value_at(difference.after, path)
        parts += [(*path, key) for key in value] if isinstance(value, Mapping) and value else [path]
    return parts


def _cascade_kept_deletes(resolutions: Sequence[_Resolution], desired: ResourceSet) -> list[_Resolution]:
    """Return the resolutions, such that nothing is created that needs an object which stays deleted.

    A part of such an object stays deleted too. Where another object refers to it, keeping the delete is refused.
    """
    by_key = {resolution.difference.key: resolution for resolution in resolutions}
    kept_deletes = [key for key, entry in by_key.items() if entry.difference.action == "create" and entry.is_kept_whole]
    if not kept_deletes:
        return list(resolutions)
    referrers: dict[tuple[str, str | None], list[tuple[Resource, bool]]] = {}
    for resource in desired.resources.values():
        for reference in resource.references:
            target = (reference.kind, reference.name)
            referrers.setdefault(target, []).append((resource, reference.owned_by_target))
    while kept_deletes:
        key = kept_deletes.pop()
        entry = by_key[key]
        if not entry.is_kept_whole:
            continue
        for resource, owned_by_target in referrers.get((key.kind, entry.difference.resource.address.name), ()):
            referrer = by_key.get(resource.key)
            is_create = referrer is not None and referrer.difference.action == "create"
            if referrer is not None and is_create and referrer.is_kept_whole:
                continue
            if referrer is not None and is_create and owned_by_target:
                attributed = replace(referrer.attributed, whole=entry.attributed.whole)
                by_key[resource.key] = _Resolution(attributed, {_WHOLE: "keep"})
                kept_deletes.append(resource.key)
            else:
                by_key[key] = replace(entry, policies={_WHOLE: "fail"})
                break
    return [by_key[resolution.difference.key] for resolution in resolutions]


def _without_kept(resolution: _Resolution) -> Resource:
    """Return the document as if it held the live values that are kept."""
    resource, live = resolution.difference.resource, resolution.difference.live
    spec = resource.spec
    for path in resolution.kept:
        spec = with_value(spec, path, value_at(live.spec if live is not None else None, path))
    return replace(resource, spec=spec)


def _take_out_kept(resolution: _Resolution, context: PlanContext) -> Difference | None:
    """Return the difference that is left without the parts that are kept, None when there is none."""
    difference = resolution.difference
    if not resolution.kept:
        return difference
    return classify_document(_without_kept(resolution), difference.live, context, difference.taken_from)


def _keep(resolution: _Resolution) -> Difference:
    """Return the part of a difference that is not done."""
    parts = resolution.difference.parts
    if not resolution.is_kept_whole:
        parts = tuple(part for part in parts if part.path in resolution.kept)
    annotated = replace(resolution.difference, parts=_annotate_parts(parts, resolution), drift="keep")
    return _with_origin(annotated, resolution)


def _annotate(difference: Difference, resolution: _Resolution) -> Difference:
    """Return a difference with the verdicts of the log, refused where the policy wants that."""
    applied = [policy for path, policy in resolution.policies.items() if path not in resolution.kept]
    attributed = resolution.attributed
    if attributed.lost_mark is not None:
        difference = replace(difference, origin="drift", changed=attributed.lost_mark)
    if attributed.taken_back is not None:
        difference = replace(difference, action="blocked", reason=_describe_taken_back(difference, attributed))
    annotated = replace(
        difference,
        parts=_annotate_parts(difference.parts, resolution),
        drift=max(applied, key=_STRICTNESS.index, default=None),
        refusal=_describe_refusal(resolution) if resolution.is_refused else None,
    )
    return _with_origin(annotated, resolution)


def _annotate_parts(parts: Sequence[PartChange], resolution: _Resolution) -> tuple[PartChange, ...]:
    verdicts, whole = resolution.attributed.parts, resolution.attributed.whole
    return tuple(
        PartChange(part.path, tuple(_annotate_field(change, verdicts.get(part.path, whole)) for change in part.fields))
        for part in parts
    )


def _annotate_field(change: FieldChange, verdict: Verdict | None) -> FieldChange:
    if verdict is None:
        return change
    return change.model_copy(update={"origin": verdict.origin, "changed": verdict.changed})


def _with_origin(difference: Difference, resolution: _Resolution) -> Difference:
    whole = resolution.attributed.whole
    return difference if whole is None else replace(difference, origin=whole.origin, changed=whole.changed)


def _describe_taken_back(difference: Difference, attributed: AttributedDifference) -> str:
    taken_back = attributed.taken_back
    assert taken_back is not None, "only called for what was taken back"  # noqa: S101 - by construction
    return (
        f"{difference.taken_from} took it back at {taken_back.at} (event {taken_back.event}): release it there, or set "
        f"metadata.accepted: {taken_back.event}"
    )


def _describe_refusal(resolution: _Resolution) -> str:
    """Return who changed what is not overwritten, or why that is unknown."""
    attributed = resolution.attributed
    refused = [attributed.parts[path] for path, policy in resolution.policies.items() if path and policy == "fail"]
    if resolution.policies.get(_WHOLE) == "fail":
        refused += [*filter(None, [attributed.whole]), *attributed.parts.values()]
    changes = [verdict.changed for verdict in refused if verdict.drifted and verdict.changed is not None]
    if changes:
        newest = max(changes, key=lambda changed: changed.event)
        return f"changed on the server by {newest.by} at {newest.at}; not overwritten (drift: fail)"
    error = next((verdict.error for verdict in refused if verdict.error is not None), None)
    if error is not None:
        return f"who changed it on the server is unknown: {error}; not overwritten (drift: fail)"
    return "changed on the server by another user; not overwritten (drift: fail)"
