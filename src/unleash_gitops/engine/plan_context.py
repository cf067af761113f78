"""What a plan is made for: the workspace, its server, and the other workspaces of the instance. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from unleash_gitops.kinds import kinds
from unleash_gitops.model.ownership import find_id_owner
from unleash_gitops.model.resource import Key, Resource, ResourceSet
from unleash_gitops.model.workspace import Workspace

if TYPE_CHECKING:
    from unleash_gitops.api.client import ServerFacts

__all__ = ["Neighbour", "PlanContext", "describe_owners"]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another workspace of the same instance, whose files were loaded.

    `path` is its directory. `is_planned` tells that the run plans it as well, and so lets go of what moves.
    `is_complete` tells that all its files are valid: only then is it known what they do not describe.
    """

    name: str
    path: str
    desired: ResourceSet
    is_planned: bool
    is_complete: bool = True


@dataclass(frozen=True)
class PlanContext:
    """The workspace that is planned, the facts of its server, and its neighbours.

    `known_owners` are names that a mark without a name may be of. `live` is what `classify` compares with.
    """

    workspace: Workspace
    server: ServerFacts
    neighbours: tuple[Neighbour, ...] = ()
    known_owners: frozenset[str] = field(default=frozenset())
    live: Mapping[Key, Resource] = field(default_factory=dict, compare=False)

    def find_former(self, desired: Resource) -> tuple[Resource, str] | None:
        """Return the live object that a document takes over from another workspace, and that workspace.

        None when no other workspace owns it, or when nothing says that it may be taken over: neither the document, nor
        the workspace's former name, nor the files of a neighbour, which no longer describe it.
        """
        kind = kinds()[desired.address.kind]
        for owner in self._sources_of(desired):
            former_id = kind.former_id(desired, owner)
            former = None if former_id is None else self.live.get(Key(kind.name, former_id))
            if former is None or former.ownership != "foreign" or self.name_owners(former) != (owner,):
                continue
            if _can_follow(desired, former, self.live):
                return former, owner
        return None

    def find_incomplete(self) -> Neighbour | None:
        """Return a neighbour of which it is not known what its files describe, None when all are known."""
        return next((neighbour for neighbour in self.neighbours if not neighbour.is_complete), None)

    def find_describing(self, live: Resource) -> Neighbour | None:
        """Return the neighbour whose files describe a live object of this workspace."""
        return self._described.get(live.key)

    def name_owners(self, live: Resource) -> tuple[str, ...]:
        """Return the workspaces that own a live object, as far as their names are known."""
        if live.owners or live.ownership != "foreign":
            return live.owners
        owner = find_id_owner(live.id, self._known_names)
        return () if owner is None else (owner,)

    @cached_property
    def _known_names(self) -> tuple[str, ...]:
        names = {neighbour.name for neighbour in self.neighbours} | self.known_owners
        former = self.workspace.renamed_from
        return tuple(sorted(names | ({former} if former else set())))

    @cached_property
    def _described(self) -> dict[Key, Neighbour]:
        described: dict[Key, Neighbour] = {}
        for neighbour in self.neighbours:
            for resource in neighbour.desired.resources.values():
                kind = resource.address.kind
                if kinds()[kind].shares_ids:
                    described.setdefault(resource.key, neighbour)
                former_id = kinds()[kind].former_id(resource, self.workspace.name)
                former = None if former_id is None else self.live.get(Key(kind, former_id))
                if former is not None and _can_follow(resource, former, self.live):
                    described.setdefault(former.key, neighbour)
        return described

    def _sources_of(self, desired: Resource) -> Iterable[str]:
        """Yield the workspaces that the document may take its object from."""
        if desired.transfer_from is not None:
            yield desired.transfer_from
        if self.workspace.renamed_from is not None:
            yield self.workspace.renamed_from
        kind = kinds()[desired.address.kind]
        for neighbour in self.neighbours:
            former_id = kind.former_id(desired, neighbour.name)
            is_described = former_id is None or Key(kind.name, former_id) in neighbour.desired.resources
            if neighbour.is_complete and not is_described:
                yield neighbour.name


def _can_follow(desired: Resource, former: Resource, live: Mapping[Key, Resource]) -> bool:
    """Tell whether a document's object is a live one of another id, which another workspace owns.

    Where the document has an object of its own beside it, only an interrupted transfer has left both, and both are
    equal then.
    """
    own = None if former.key == desired.key else live.get(desired.key)
    return own is None or own.spec == kinds()[desired.address.kind].spec_after_update(desired, former)


def describe_owners(owners: Iterable[str]) -> str:
    """Return `workspace shop`, `workspaces payments and shop`, or `another workspace` for none."""
    names = sorted(owners)
    if not names:
        return "another workspace"
    return f"workspace {names[0]}" if len(names) == 1 else f"workspaces {', '.join(names[:-1])} and {names[-1]}"
