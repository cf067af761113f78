"""Documents of kinds that have a name on the server, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from document_samples import check, document
from unleash_gitops.api.client import ServerFacts
from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.reads import Reads
from unleash_gitops.model.resource import ReadScope, Resource
from unleash_gitops.model.workspace import WorkspaceSpec

MARK = "managed by unleash-gitops: w"


def problem(kind: str, name: str, /, **spec: Any) -> tuple[str, str]:
    """Return the one thing that is wrong."""
    _, (found,) = check(document(kind, name, **spec))
    return found


FACTS = ServerFacts("8.2.0", enterprise=False, instance_id="i", maintenance=False)


class Answers:
    """A server's answers, by path. `doomed` are the ids of what a workspace would delete."""

    workspace = "w"
    policy = WorkspaceSpec()

    def __init__(
        self,
        paths: Mapping[str, Any] | None = None,
        doomed: Collection[str] = (),
        facts: ServerFacts = FACTS,
        **answers: Any,
    ) -> None:
        named = {name.replace("_", "-"): answer for name, answer in answers.items()}
        nothing = {"search/features?archived=IS:true&limit=100&offset=0": {"features": [], "total": 0}}
        self.answers = {f"/api/admin/{path}": answer for path, answer in {**nothing, **named, **(paths or {})}.items()}
        self.server = facts
        self.asked: list[str] = []
        self.scope = ReadScope({}, lambda live: live.id in doomed)

    def get(self, path: str) -> Any:
        self.asked.append(path)
        return self.answers[path]

    get_or_none = get_cached = get

    def post_query(self, path: str, body: Any) -> Any:
        return self.get(path)

    def map_concurrently(self, read: Callable[[Any], Any], over: Sequence[Any]) -> list[Any]:
        return [read(one) for one in over]

    def projects(self) -> tuple[str, ...]:
        return tuple(project["id"] for project in self.answers.get("/api/admin/projects", {"projects": []})["projects"])

    all_projects = projects

    def features(self, project: str) -> tuple[Mapping[str, Any], ...]:
        return tuple(self.get(f"/api/admin/projects/{project}/features")["features"])

    def flags(self, project: str) -> tuple[str, ...]:
        return tuple(flag["name"] for flag in self.features(project))


def live(kind: str, reads: Reads) -> dict[str, Resource]:
    """Return the live objects of a kind, by name."""
    (area,) = kinds()[kind].areas(reads)
    return {one.id: one for one in kinds()[kind].read(reads, area)}


def create(resource: Resource) -> tuple[str, str, Any]:
    """Return the one call that creates it."""
    kind = kinds()[resource.address.kind]
    (call,) = kind.create(resource, kind.spec_after_create(resource))
    return call.method, call.path, call.body


def update(resource: Resource, of: Resource) -> tuple[str, str, Any]:
    """Return the one call that updates a live object."""
    kind = kinds()[resource.address.kind]
    (call,) = kind.update(resource, of, kind.spec_after_update(resource, of))
    return call.method, call.path, call.body


def delete(of: Resource) -> tuple[str, str, Any]:
    (call,) = kinds()[of.address.kind].delete(of)
    return call.method, call.path, call.body
