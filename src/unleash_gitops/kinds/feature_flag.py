"""FeatureFlag: a flag, and who gets it in which environment.

Source: the OpenAPI document of Unleash 8.2.0 (`featureSchema`), and what a server of that version does of itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from unleash_gitops.kinds.base import Reads
from unleash_gitops.kinds.flags.calls import METADATA, create_calls, delete_calls, update_calls
from unleash_gitops.kinds.flags.document import CODES, FeatureFlagDocument
from unleash_gitops.kinds.flags.history import FlagHistory
from unleash_gitops.kinds.flags.link_url import normalise_url
from unleash_gitops.kinds.flags.match_strategies import matched
from unleash_gitops.kinds.flags.read import LiveFlag, read_absent, read_flags
from unleash_gitops.kinds.flags.strategy import (
    merge_strategy,
    normalise_live_strategy,
    normalise_strategy,
    strategy_after_create,
    strategy_references,
    strategy_to_document,
)
from unleash_gitops.kinds.flags.write_back import FlagWriteBack, dependency_to_document, link_to_document
from unleash_gitops.kinds.shared.constraint import find_illegal_values
from unleash_gitops.kinds.shared.models import OWNERSHIP_BY_MARK
from unleash_gitops.model.ownership import OWNER_TAG
from unleash_gitops.model.plan import Call
from unleash_gitops.model.resource import Address, Area, Conflict, Reference, Resource, SpecOf

if TYPE_CHECKING:
    from unleash_gitops.api.client import ServerFacts
    from unleash_gitops.model.ownership import Mark

__all__ = ["KIND"]

_DEFAULTS: dict[str, Any] = {
    "type": "release",
    "description": None,
    "impressionData": False,
    "stale": False,
    "tags": [],
    "links": [],
    "dependencies": [],
}
_LIMITS = {"strategies": "featureEnvironmentStrategies", "constraints": "constraints", "segments": "strategySegments"}


class FeatureFlag(FlagHistory, FlagWriteBack):
    """Flags: known as a workspace's by a tag, archived when they are deleted."""

    name = "FeatureFlag"
    folder = "flags"
    document = FeatureFlagDocument
    marked = True
    plentiful = True
    limit = "featureFlags"
    codes = CODES

    def resource_from_document(self, document: FeatureFlagDocument, workspace: str) -> Resource:
        """See `Kind.desired`. A flag is identified by its name, on the whole instance."""
        meta = document.metadata
        spec = _normal(document.spec.model_dump(exclude_unset=True))
        return Resource(
            Address(self.name, meta.name, meta.project),
            meta.name,
            spec,
            references=(Reference("Project", None, meta.project, ("metadata", "project")), *_named(spec, meta.project)),
            mark=f"{OWNER_TAG}:{workspace}",
        )

    def conflicts(self, one: Resource, spec_of: SpecOf) -> Iterator[Conflict]:
        """See `Kind.conflicts`: chains of dependencies, and values that a context field does not have."""
        for reference in one.references:
            if reference.kind == "FeatureFlag" and reference.name == one.id:
                yield reference, "the flag depends on itself"
            elif reference.kind == "FeatureFlag" and (spec_of(reference) or {}).get("dependencies"):
                yield reference, f'"{reference.name}" depends on another flag itself, and only one level is possible'
        for environment, wanted in one.spec.get("environments", {}).items():
            for place, strategy in enumerate(wanted.get("strategies", ())):
                at = ("spec", "environments", environment, "strategies", place)
                yield from find_illegal_values(strategy.get("constraints", ()), at, spec_of)

    def areas(self, reads: Reads) -> Iterable[Area]:
        """See `Kind.areas`: every project."""
        for project in reads.projects():
            yield Area(self.name, project)

    def known_references(self, reads: Reads) -> Iterator[Reference]:
        """See `Kind.knows`: the projects, their flags, and their environments."""
        for project in reads.projects():
            yield Reference("Project", None, project)
            for flag in reads.flags(project):
                yield Reference(self.name, project, flag)
            if reads.scope.within(Area(self.name, project)):
                answer = reads.get_cached(f"/api/admin/environments/project/{quote(project, safe='')}")
                for one in answer["environments"]:
                    if one.get("visible", True):
                        yield Reference("Environment", project, one["name"])

    def read(self, reads: Reads, area: Area) -> Iterable[Resource]:
        """See `Kind.read`. What no document mentions is not asked for where that costs."""
        project = str(area.project)
        wanted = reads.scope.within(area)
        doomed = [
            entry["name"]
            for entry in reads.features(project)
            if entry["name"] not in wanted and reads.scope.will_delete(self._bare(entry, reads, project))
        ]
        found = read_flags(reads, project, doomed, wanted)
        active = set(reads.flags(project))
        absent = [name for name in wanted if name not in active]
        archived, elsewhere = read_absent(reads, project, absent) if absent else ([], [])
        segments: dict[int, str] = {}
        if any(flag.strategies for flag in (*found, *archived)):
            segments = {one["id"]: one["name"] for one in reads.get_cached("/api/admin/segments")["segments"]}
        for flag in (*found, *archived):
            yield self._live(flag, reads, project, wanted.get(flag.name), segments)
        if elsewhere:
            looked_at = {name for one in reads.projects() for name in reads.flags(one)}
            for name in elsewhere:
                if name not in looked_at:  # a stand-in for a flag that is in a project which is not looked at
                    yield Resource(Address(self.name, name), name, {"environments": {}}, ownership="foreign")

    def spec_after_create(self, desired: Resource) -> dict[str, Any]:
        """See `Kind.created`."""
        environments = {
            name: {
                "enabled": wanted.get("enabled", False),
                **(
                    {"strategies": [strategy_after_create(one, desired.id) for one in wanted["strategies"]]}
                    if "strategies" in wanted
                    else {}
                ),
            }
            for name, wanted in desired.spec.get("environments", {}).items()
        }
        return {**_DEFAULTS, **desired.spec, "environments": environments}

    def spec_after_update(self, desired: Resource, live: Resource) -> dict[str, Any]:
        """See `Kind.merged`, down to a strategy's parameters."""
        unknown = {"links"} if live.spec.get("archived") else set()  # of an archived flag nobody tells them
        said = {key: value for key, value in desired.spec.items() if key not in unknown}
        after = {**{key: value for key, value in live.spec.items() if key != "archived"}, **said}
        environments = dict(live.spec["environments"])
        for name, one in desired.spec.get("environments", {}).items():
            environments[name] = _merged_environment(one, environments.get(name, {"enabled": False}), desired.id)
        return {**after, "environments": environments}

    def side_effect_note(self, live: Resource, after: Mapping[str, Any]) -> str | None:
        """See `Kind.remark`: what a server does of itself."""
        parts = ["revives it: it is archived"] if live.spec.get("archived") else []
        for name, wanted in after["environments"].items():
            before = live.spec["environments"].get(name, {})
            if wanted["enabled"] and "strategies" not in wanted and not live.handles["steady"].get(name, True):
                parts.append(f"the server adds a strategy of its own in {name}, since there is none to be on by")
            if (
                before.get("enabled")
                and not wanted["enabled"]
                and "strategies" in wanted
                and not _any_on(wanted["strategies"])
            ):
                parts.append(f"with no strategy left, it is switched off in {name}")
        return "; ".join(parts) or None

    def server_refusal(
        self,
        desired: Resource,
        live: Resource | None,
        after: Mapping[str, Any],
        server: ServerFacts,
    ) -> str | None:
        """See `Kind.refusal`: limits of the server, and environments that cannot be on."""
        for name, wanted in after["environments"].items():
            if live is not None and name not in live.spec["environments"]:
                return f'the flag has no environment "{name}": its project does not'
            strategies = wanted.get("strategies")
            if strategies is not None and wanted["enabled"] and not _any_on(strategies):
                return f"it cannot be on in {name} with no strategy to be on by"
            found = _over_limits(strategies or (), server)
            if found is not None and name in desired.spec.get("environments", {}):
                return f"{name}: {found}"
        return None

    def references(self, spec: Mapping[str, Any], project: str | None = None) -> Iterable[Reference]:
        """See `Kind.references`."""
        return _named(spec, project or "")

    def cannot_move_reason(self, where: str) -> str:
        """See `Kind.elsewhere`."""
        place = f"project {where}" if where != "the instance" else "another project"
        return f"a flag of that name is in {place}, and a name is there once on an instance"

    def create(self, desired: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:
        """See `Kind.create`."""
        return tuple(create_calls(desired, after))

    def update(self, desired: Resource, live: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:
        """See `Kind.update`."""
        return tuple(update_calls(desired, live, after))

    def delete(self, live: Resource) -> tuple[Call, ...]:
        """See `Kind.delete`."""
        return tuple(delete_calls(live))

    def to_pulled_document(self, live: Resource) -> tuple[dict[str, Any], str]:
        """See `Kind.pulled`. An environment where the flag is off with no strategy is left out."""
        spec = {key: value for key, value in live.spec.items() if key in _DEFAULTS and value != _DEFAULTS[key]}
        if "links" in spec:
            spec["links"] = [link_to_document(one) for one in spec["links"]]
        if "dependencies" in spec:
            spec["dependencies"] = [dependency_to_document(one) for one in spec["dependencies"]]
        environments = {
            name: {
                "enabled": found["enabled"],
                "strategies": [strategy_to_document(one, live.id) for one in found["strategies"]],
            }
            for name, found in live.spec["environments"].items()
            if found["enabled"] or found["strategies"]
        }
        if environments:
            spec["environments"] = environments
        return {"metadata": {"project": live.address.project}, "spec": spec}, live.id

    def _bare(self, entry: Mapping[str, Any], reads: Reads, project: str) -> Resource:
        """Return a listed flag with its ownership and nothing else."""
        mark = _mark(entry, reads.workspace)
        return Resource(
            Address(self.name, entry["name"], project), entry["name"], {}, ownership=OWNERSHIP_BY_MARK[mark]
        )

    def _live(
        self,
        flag: LiveFlag,
        reads: Reads,
        project: str,
        wanted: Mapping[str, Any] | None,
        segments: Mapping[int, str],
    ) -> Resource:
        spec: dict[str, Any] = {key: flag.entry.get(key) for key in METADATA}
        spec["description"] = spec["description"] or None
        spec["tags"] = sorted(tag for tag in _tags(flag.entry) if not tag.startswith(f"{OWNER_TAG}:"))
        handles: dict[str, Any] = {"steady": flag.steady, "deletion": reads.policy.deletion, "strategies": {}}
        whole = reads.scope.whole
        if flag.links is not None and (whole or "links" in (wanted or {})):
            links = sorted(flag.links, key=lambda one: (normalise_url(one["url"]), one["id"]))
            spec["links"] = [{"url": normalise_url(one["url"]), "title": one.get("title") or None} for one in links]
            handles["links"] = [one["id"] for one in links]
        if flag.dependencies is not None and (whole or "dependencies" in (wanted or {})):
            spec["dependencies"] = [_dependency(one) for one in flag.dependencies]
        if flag.archived:
            spec |= {"archived": True, "dependencies": []}
        shape = (
            {name: {"strategies": ()} for name in flag.environments}
            if whole
            else (wanted or {}).get("environments", {})
        )
        spec["environments"] = {}
        for name, enabled in flag.environments.items():
            if wanted is not None and name not in shape:
                continue
            spec["environments"][name] = {"enabled": enabled}
            if "strategies" in shape.get(name, ()):
                found = flag.strategies[name]
                spec["environments"][name]["strategies"] = [normalise_live_strategy(one, segments) for one in found]
                handles["strategies"][name] = [one["id"] for one in found]
        return Resource(
            Address(self.name, flag.name, project),
            flag.name,
            spec,
            references=tuple(_named(spec, project)),
            ownership=OWNERSHIP_BY_MARK[_mark(flag.entry, reads.workspace)],
            users=tuple(f"{self.name}/{project}/{child}" for child in flag.children),
            handles=handles,
        )


def _normal(spec: dict[str, Any]) -> dict[str, Any]:
    """Return what a document says as it is compared."""
    found = dict(spec)
    if "description" in found:
        found["description"] = found["description"] or None
    if "tags" in found:
        found["tags"] = sorted(found["tags"])
    if "links" in found:
        links = [{"url": normalise_url(one["url"]), "title": one.get("title") or None} for one in found["links"]]
        found["links"] = sorted(links, key=lambda one: str(one["url"]))
    if "dependencies" in found:
        found["dependencies"] = [_dependency(one) for one in found["dependencies"]]
    if "environments" in found:
        found["environments"] = {
            name: {
                key: [normalise_strategy(one) for one in value] if key == "strategies" else value
                for key, value in wanted.items()
            }
            for name, wanted in found["environments"].items()
        }
    return found


def _dependency(one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "feature": one["feature"],
        "enabled": one.get("enabled", True),
        "variants": sorted(one.get("variants") or ()),
    }


def _merged_environment(said: Mapping[str, Any], live: Mapping[str, Any], flag: str) -> dict[str, Any]:
    after = {**live, **said}
    if "strategies" in said:
        present = live.get("strategies", [])
        pairs = matched(said["strategies"], present, flag)
        after["strategies"] = [
            strategy_after_create(one, flag) if pair is None else merge_strategy(one, present[pair], flag)
            for one, pair in zip(said["strategies"], pairs, strict=True)
        ]
        if "enabled" not in said and not _any_on(after["strategies"]):
            after["enabled"] = False  # the server switches off what has no strategy left
    return after


def _any_on(strategies: Sequence[Mapping[str, Any]]) -> bool:
    return any(not one["disabled"] for one in strategies)


def _over_limits(strategies: Sequence[Mapping[str, Any]], server: ServerFacts) -> str | None:
    """Return what of an environment's strategies is more than the server allows."""
    counts = [("strategies", len(strategies))]
    for one in strategies:
        counts += [(what, len(one[what])) for what in ("constraints", "segments")]
    for what, count in counts:
        over = server.over(_LIMITS[what], count)
        if over is not None:
            return f"{what}: {over}"
    for one in strategies:
        for constraint in one["constraints"]:
            over = server.over("constraintValues", len(constraint.get("values", ())))
            if over is not None:
                return f"values of a constraint on {constraint['contextName']}: {over}"
    return None


def _named(spec: Mapping[str, Any], project: str) -> Iterator[Reference]:
    """Yield what a normal spec names."""
    for place, tag in enumerate(spec.get("tags", ())):
        yield Reference("TagType", None, tag.partition(":")[0], ("spec", "tags", place))
    for place, one in enumerate(spec.get("dependencies", ())):
        yield Reference("FeatureFlag", project, one["feature"], ("spec", "dependencies", place, "feature"))
    for name, wanted in spec.get("environments", {}).items():
        yield Reference("Environment", project, name, ("spec", "environments", name))
        for place, one in enumerate(wanted.get("strategies", ())):
            yield from strategy_references(one, ("spec", "environments", name, "strategies", place))


def _tags(entry: Mapping[str, Any]) -> list[str]:
    return [f"{tag['type']}:{tag['value']}" for tag in entry.get("tags") or ()]


def _mark(entry: Mapping[str, Any], workspace: str) -> Mark:
    """Tell whose a flag is: another workspace's tag counts only where ours is not."""
    tags = [tag for tag in _tags(entry) if tag.startswith(f"{OWNER_TAG}:")]
    if f"{OWNER_TAG}:{workspace}" in tags:
        return "ours"
    return "other" if tags else "none"


KIND = FeatureFlag()
