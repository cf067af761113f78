"""FeatureFlag: a flag, and who gets it in which environment.

Source: the OpenAPI document of Unleash 8.2.0 (`featureSchema`), and what a server of that version does of itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from unleash_gitops.kinds.flags.answers import read_listed_flag, read_project_environments, read_segment_names
from unleash_gitops.kinds.flags.archived import list_archived_flags
from unleash_gitops.kinds.flags.calls import (
    METADATA,
    claim_calls,
    create_calls,
    delete_calls,
    flag_path,
    release_calls,
    update_calls,
)
from unleash_gitops.kinds.flags.document import FLAG_CODES, FeatureFlagMetadata, FeatureFlagSpec
from unleash_gitops.kinds.flags.environment import (
    environment_after_create,
    environment_after_update,
    environment_refusal,
    environment_side_effects,
    exceeded_limit,
)
from unleash_gitops.kinds.flags.evaluations import find_flag_use
from unleash_gitops.kinds.flags.half_deleted import read_half_deleted
from unleash_gitops.kinds.flags.history import FlagHistory
from unleash_gitops.kinds.flags.link_url import normalise_url
from unleash_gitops.kinds.flags.read import LiveFlag, read_absent, read_flags
from unleash_gitops.kinds.flags.read_again import FlagReadAgain
from unleash_gitops.kinds.flags.strategy import normalise_live_strategy, strategy_references
from unleash_gitops.kinds.flags.write_back import FlagWriteBack
from unleash_gitops.kinds.interfaces import Claimable, HasReferences, HasUsage, Use
from unleash_gitops.kinds.reads import Reads
from unleash_gitops.kinds.shared.constraint import find_illegal_values
from unleash_gitops.kinds.shared.models import envelope
from unleash_gitops.model.call import Call
from unleash_gitops.model.errors import UnexpectedAnswer
from unleash_gitops.model.ownership import OWNER_TAG, owner_tag, read_owner_tags
from unleash_gitops.model.resource import (
    Address,
    Area,
    Reference,
    ReferenceConflict,
    Resource,
    SpecLookup,
    ownership_of,
)

if TYPE_CHECKING:
    from datetime import datetime

    from unleash_gitops.api.client import ServerFacts

__all__ = ["KIND"]


class FeatureFlag(FlagReadAgain, Claimable, HasReferences, HasUsage, FlagHistory, FlagWriteBack):
    """Flags: owned by a tag, archived when they are deleted."""

    name = "FeatureFlag"
    folder = "flags"
    spec = FeatureFlagSpec
    document = envelope("FeatureFlag", "A feature flag.", FeatureFlagMetadata, FeatureFlagSpec)
    plentiful = True
    limit = "featureFlags"
    codes = FLAG_CODES

    @override
    def address(self, metadata: FeatureFlagMetadata) -> Address:
        return Address(self.name, metadata.name, metadata.project)

    @override
    def mark(self, address: Address, object_id: str, workspace: str) -> str:
        return owner_tag(workspace)

    @override
    def resource_from_document(self, document: Any, workspace: str) -> Resource:
        """A flag refers to its project, by its metadata."""
        resource = super().resource_from_document(document, workspace)
        project = Reference("Project", None, document.metadata.project, ("metadata", "project"))
        return replace(resource, references=(project, *resource.references))

    @override
    def find_reference_conflicts(self, resource: Resource, spec_of: SpecLookup) -> Iterator[ReferenceConflict]:
        """Chains of dependencies, and values that a context field does not have."""
        for reference in resource.references:
            if reference.kind == "FeatureFlag" and reference.name == resource.id:
                yield reference, "the flag depends on itself"
            elif reference.kind == "FeatureFlag" and (spec_of(reference) or {}).get("dependencies"):
                yield reference, f'"{reference.name}" depends on another flag itself, and only one level is possible'
            elif reference.kind == "FeatureFlag" and (spec_of(reference) or {}).get("archived"):
                yield reference, f'"{reference.name}" is archived'
        for environment, desired in resource.spec.get("environments", {}).items():
            for index, strategy in enumerate(desired.get("strategies", ())):
                at = ("spec", "environments", environment, "strategies", index)
                yield from find_illegal_values(strategy.get("constraints", ()), at, spec_of)

    @override
    def references(self, spec: Mapping[str, Any], project: str | None = None) -> Iterator[Reference]:
        for index, tag in enumerate(spec.get("tags", ())):
            yield Reference("TagType", None, tag.partition(":")[0], ("spec", "tags", index))
        for index, parent in enumerate(spec.get("dependencies", ())):
            yield Reference("FeatureFlag", project, parent["feature"], ("spec", "dependencies", index, "feature"))
        for name, environment in spec.get("environments", {}).items():
            yield Reference("Environment", project, name, ("spec", "environments", name))
            for index, strategy in enumerate(environment.get("strategies", ())):
                yield from strategy_references(strategy, ("spec", "environments", name, "strategies", index))

    @override
    def areas(self, reads: Reads) -> Iterable[Area]:
        """One area for every project."""
        for project in reads.projects():
            yield Area(self.name, project)

    @override
    def known_references(self, reads: Reads) -> Iterator[Reference]:
        """The projects, their flags, and their environments."""
        for project in reads.projects():
            yield Reference("Project", None, project)
            for flag in reads.flags(project):
                yield Reference(self.name, project, flag)
            if reads.scope.within(Area(self.name, project)):
                for environment in read_project_environments(reads, project):
                    if environment.get("visible", True):
                        yield Reference("Environment", project, environment["name"])

    @override
    def read(self, reads: Reads, area: Area) -> Iterable[Resource]:
        """What no document mentions is not read where that costs a request a flag."""
        project = str(area.project)
        wanted = reads.scope.within(area)
        to_delete = [
            entry["name"]
            for entry in reads.features(project)
            if entry["name"] not in wanted
            and reads.scope.will_delete(
                self._with_marks(entry["name"], project, _tags(read_listed_flag(entry, project)), reads)
            )
        ]
        active = read_flags(reads, project, to_delete, wanted)
        listed = set(reads.flags(project))
        absent = [name for name in wanted if name not in listed]
        archived, elsewhere = read_absent(reads, project, absent) if absent else ([], [])
        segments: dict[int, str] = {}
        if any(flag.strategies for flag in (*active, *archived)):
            segments = read_segment_names(reads)
        for flag in (*active, *archived):
            yield self.resource_from_flag(flag, reads, project, wanted.get(flag.name), segments)
        yield from self._read_half_deleted(reads, project, {*wanted, *listed})
        yield from self._read_released(reads, project, {*wanted, *listed})
        if elsewhere:
            readable = {flag for other in reads.projects() for flag in reads.flags(other)}
            for name in elsewhere:
                if name not in readable:  # a stand-in for a flag of a project that the workspace does not look at
                    yield Resource(Address(self.name, name), name, {"environments": {}}, ownership="foreign")

    @override
    def spec_after_create(self, desired: Resource) -> dict[str, Any]:
        environments = {
            name: environment_after_create(environment, desired.id)
            for name, environment in desired.spec.get("environments", {}).items()
        }
        return {**super().spec_after_create(desired), "environments": environments}

    @override
    def spec_after_update(self, desired: Resource, live: Resource) -> dict[str, Any]:
        """Merge down to a strategy's parameters. The server does not return the links of an archived flag.

        Where the project lacks an environment, which a Project document attaches, the flag is off already.
        """
        unread = {"links"} if live.spec.get("archived") else set()
        kept = {field: value for field, value in live.spec.items() if field != "archived"}
        given = {field: value for field, value in desired.spec.items() if field not in unread}
        environments = dict(live.spec["environments"])
        for name, environment in desired.spec.get("environments", {}).items():
            if name not in environments and environment in ({}, {"enabled": False}):
                continue
            present = environments.get(name, {"enabled": False})
            environments[name] = environment_after_update(environment, present, desired.id)
        return {**kept, **given, "environments": environments}

    @override
    def side_effect_note(self, live: Resource, after: Mapping[str, Any]) -> str | None:
        notes = ["restores the archived flag"] if live.spec.get("archived") else []
        for name, environment in after["environments"].items():
            before = live.spec["environments"].get(name, {})
            steady = live.handles["steady"].get(name, True)
            notes += environment_side_effects(name, before, environment, is_steady=steady)
        return "; ".join(notes) or None

    @override
    def server_refusal(
        self, desired: Resource, live: Resource | None, after: Mapping[str, Any], server: ServerFacts
    ) -> str | None:
        """Limits of the server, and environments that cannot be enabled."""
        for name, environment in after["environments"].items():
            if live is not None and name not in live.spec["environments"]:
                return (
                    f'its project does not have environment "{name}" yet, and what the flag has there is unknown; '
                    "plan again when the project has it"
                )
            refusal = environment_refusal(name, environment)
            if refusal is not None:
                return refusal
            exceeded = exceeded_limit(environment, server)
            if exceeded is not None and name in desired.spec.get("environments", {}):
                return f"{name}: {exceeded}"
        return None

    @override
    def is_archived_by_delete(self, live: Resource) -> bool:
        return bool(live.handles["deletion"] == "archive")

    @override
    def cannot_move_reason(self, where: str) -> str:
        place = f"project {where}" if where != "the instance" else "another project"
        return f"a flag of that name is in {place}, and flag names are unique per instance"

    @override
    def create(self, desired: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:
        return tuple(create_calls(desired, after))

    @override
    def update(self, desired: Resource, live: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:
        return tuple(update_calls(desired, live, after))

    @override
    def claim(self, desired: Resource, live: Resource, workspace: str) -> tuple[Call, ...]:
        return tuple(claim_calls(live, workspace))

    @override
    def release(self, live: Resource, workspace: str) -> tuple[Call, ...]:
        return tuple(release_calls(live, workspace))

    @override
    def delete(self, live: Resource) -> tuple[Call, ...]:
        return tuple(delete_calls(live))

    @override
    def find_use(self, live: Resource, reads: Reads, since: datetime) -> Use | None:
        return find_flag_use(live, reads, since)

    def _read_released(self, reads: Reads, project: str, known: Collection[str]) -> Iterator[Resource]:
        """Yield the archived flags of this workspace that it releases; none where everything is read, as for `pull`."""
        if not reads.policy.release or reads.scope.whole:
            return
        for entry in list_archived_flags(reads):
            if entry["project"] == project and entry["name"] not in known:
                flag = self._with_marks(entry["name"], project, _tags(entry), reads, is_archived=True)
                if reads.workspace in flag.owners and reads.policy.releases(flag):
                    yield flag

    def _read_half_deleted(self, reads: Reads, project: str, known: Collection[str]) -> Iterator[Resource]:
        """Yield the flags that a delete for good may have archived only; none where the workspace archives flags."""
        if reads.policy.deletion != "delete" or reads.scope.whole:
            return
        for name, tags in read_half_deleted(reads, project, known):
            flag = self._with_marks(name, project, tags, reads, is_archived=True)
            if reads.scope.will_delete(flag):
                yield flag

    def _with_marks(
        self, name: str, project: str, tags: Collection[str], reads: Reads, *, is_archived: bool = False
    ) -> Resource:
        """Return a flag with its ownership, whether it is archived, and nothing else."""
        owners = read_owner_tags(tags)
        return Resource(
            Address(self.name, name, project),
            name,
            {"archived": True} if is_archived else {},
            ownership=ownership_of(owners, reads.workspace),
            owners=owners,
            handles={"deletion": reads.policy.deletion},
        )

    @override
    def resource_from_flag(
        self,
        flag: LiveFlag,
        reads: Reads,
        project: str,
        wanted: Mapping[str, Any] | None,
        segments: Mapping[int, str],
    ) -> Resource:
        whole = reads.scope.whole or (wanted is None and flag.links is not None)  # an owned flag without a document
        spec: dict[str, Any] = {field: flag.entry.get(field) for field in METADATA}
        spec["tags"] = [tag for tag in _tags(flag.entry) if not tag.startswith(f"{OWNER_TAG}:")]
        handles: dict[str, Any] = {"steady": flag.steady, "deletion": reads.policy.deletion, "strategies": {}}
        if flag.links is not None and (whole or "links" in (wanted or {})):
            links = sorted(flag.links, key=lambda link: (normalise_url(link["url"]), link["id"]))
            spec["links"] = links
            handles["links"] = [link["id"] for link in links]
        if flag.dependencies is not None and (whole or "dependencies" in (wanted or {})):
            spec["dependencies"] = flag.dependencies
        environments: dict[str, Any] = {}
        shape = (wanted or {}).get("environments", {})
        for name, enabled in flag.environments.items():
            if wanted is not None and not whole and name not in shape:
                continue
            environments[name] = {"enabled": enabled}
            if whole or "strategies" in shape.get(name, ()):
                strategies = flag.strategies.get(name)
                if strategies is None:  # it was added, or removed, between two requests
                    raise UnexpectedAnswer("GET", flag_path(project, flag.name), f"the flag has no environment {name}")
                environments[name]["strategies"] = [normalise_live_strategy(entry, segments) for entry in strategies]
                handles["strategies"][name] = [entry["id"] for entry in strategies]
        owners = read_owner_tags(_tags(flag.entry))
        spec = self.normalise(spec)
        if flag.archived:
            spec |= {"archived": True, "dependencies": []}
        spec["environments"] = environments
        return Resource(
            Address(self.name, flag.name, project),
            flag.name,
            spec,
            references=tuple(self.references(spec, project)),
            ownership=ownership_of(owners, reads.workspace),
            owners=owners,
            users=tuple(f"{self.name}/{project}/{child}" for child in flag.children),
            handles=handles,
        )


def _tags(entry: Mapping[str, Any]) -> list[str]:
    return [f"{tag['type']}:{tag['value']}" for tag in entry.get("tags") or ()]


KIND = FeatureFlag()
