"""One flag read again before it is changed, and what the calls of a change overwrite in it."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from typing_extensions import override

from unleash_gitops.kinds.base import Kind
from unleash_gitops.kinds.flags.answers import read_flag, read_segment_names
from unleash_gitops.kinds.flags.calls import METADATA, flag_path
from unleash_gitops.kinds.flags.environment import has_enabled_strategy
from unleash_gitops.kinds.flags.read import LiveFlag, read_tags, to_live_flag
from unleash_gitops.kinds.reads import Reads
from unleash_gitops.model.ownership import read_owner_tags
from unleash_gitops.model.resource import Resource, ownership_of

if TYPE_CHECKING:
    from unleash_gitops.model.call import Call

__all__ = ["FlagReadAgain"]

_STRATEGY_PATH = re.compile(r"/environments/([^/]+)/strategies/(?!set-sort-order$)([^/]+)$")
_LINK_PATH = re.compile(r"/link/([^/]+)$")


class FlagReadAgain(Kind):
    """The part of the kind that guards other users' changes while a plan is applied."""

    @abstractmethod
    def resource_from_flag(
        self,
        flag: LiveFlag,
        reads: Reads,
        project: str,
        wanted: Mapping[str, Any] | None,
        segments: Mapping[int, str],
    ) -> Resource:
        """Return a flag as a resource, with the parts of it that were read and that matter (`wanted`)."""

    @override
    def read_again(self, reads: Reads, planned: Resource) -> Resource | None:
        """One GET of the tags, one of the flag, and one of the segments where a strategy has any.

        Of an archived flag only its tags are read: its strategies cannot be changed, and a server answers only 15
        searches a minute for the rest. An environment that the project has lost, or has got since and that is empty,
        holds nothing to overwrite: this run may have changed the project.
        """
        project = str(planned.address.project)
        tags = read_tags(reads, planned.id)
        if tags is None:
            return None
        answer = read_flag(reads, flag_path(project, planned.id))
        if answer is None:
            owners = read_owner_tags([f"{tag['type']}:{tag['value']}" for tag in tags])
            spec = {**planned.spec, "archived": True}
            return replace(planned, spec=spec, owners=owners, ownership=ownership_of(owners, reads.workspace))
        flag = to_live_flag(answer, tags)
        has_segments = any(entry.get("segments") for entries in flag.strategies.values() for entry in entries)
        segments = read_segment_names(reads) if has_segments else {}
        live = self.resource_from_flag(flag, reads, project, reads.scope.within(planned.area).get(flag.name), segments)
        return replace(live, spec={**live.spec, "environments": _align_environments(live, planned)})

    @override
    def overwritten_parts(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
        """One PUT replaces the metadata; everything else has requests of its own."""
        yield ("archived",)
        if any(before.get(field) != after.get(field) for field in METADATA):
            yield from ((field,) for field in METADATA)
        yield from ((field,) for field in ("tags", "links", "dependencies") if before.get(field) != after.get(field))
        environments = before.get("environments", {})
        for name, environment in after.get("environments", {}).items():
            present = environments.get(name, {})
            changed = [field for field in environment if environment[field] != present.get(field)]
            if "strategies" in changed and not has_enabled_strategy(environment["strategies"]):
                changed.append("enabled")  # the server switches an environment off that loses its last strategy
            yield from (("environments", name, field) for field in changed)

    @override
    def lost_parts(self, calls: Sequence[Call], live: Resource) -> Iterator[tuple[str, ...]]:
        for call in calls:
            strategy, link = _STRATEGY_PATH.search(call.path), _LINK_PATH.search(call.path)
            environment = unquote(strategy[1]) if strategy is not None else ""
            if strategy is not None and strategy[2] not in live.handles["strategies"].get(environment, ()):
                yield ("environments", environment, "strategies")
            elif link is not None and link[1] not in live.handles.get("links", ()):
                yield ("links",)


def _align_environments(live: Resource, planned: Resource) -> dict[str, Any]:
    """Return the environments of a live flag: those of its project when it was planned, and others that hold values."""
    known: Mapping[str, Any] = planned.spec.get("environments", {})
    present = {
        name: environment
        for name, environment in live.spec["environments"].items()
        if name in known or environment["enabled"] or environment.get("strategies")
    }
    return {**known, **present}
