"""Documents of kinds that have a name on the server, and what is wrong with them."""

from __future__ import annotations

from typing import Any

from unleash_gitops.kinds import kinds
from unleash_gitops.loader.documents import check_document
from unleash_gitops.resource import Reads, Resource
from unleash_gitops.yamldoc import Document, dump_document, read_documents

MARK = "managed by unleash-gitops: w"


def document(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "unleash-gitops/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def checked(content: dict[str, Any]) -> tuple[Resource | None, list[tuple[str, str]]]:
    """Return what a document stands for, and each problem's code and message."""
    (parsed,) = read_documents(dump_document(content).encode(), "a.yaml")
    assert isinstance(parsed, Document)
    entry, problems = check_document(parsed, "w")
    return entry and entry.resource, [(problem.code, problem.message) for problem in problems]


def desired(kind: str, name: str, **spec: Any) -> Resource:
    resource, problems = checked(document(kind, name, **spec))
    assert problems == []
    assert resource is not None
    return resource


def problem(kind: str, name: str, **spec: Any) -> tuple[str, str]:
    """Return the one thing that is wrong."""
    _, (found,) = checked(document(kind, name, **spec))
    return found


class Answers:
    """A server's answers, by path."""

    workspace = "w"

    def __init__(self, **answers: Any) -> None:
        self.answers = {f"/api/admin/{name.replace('_', '-')}": answer for name, answer in answers.items()}

    def get(self, path: str) -> Any:
        return self.answers[path]

    get_or_none = get

    def projects(self) -> tuple[str, ...]:
        return ()

    def flags(self, project: str) -> tuple[str, ...]:
        return ()


def live(kind: str, reads: Reads) -> dict[str, Resource]:
    """Return the live objects of a kind, by name."""
    (area,) = kinds()[kind].areas(reads)
    return {one.id: one for one in kinds()[kind].read(reads, area)}


def create(resource: Resource) -> tuple[str, str, Any]:
    """Return the one call that creates it."""
    kind = kinds()[resource.address.kind]
    (call,) = kind.create(resource, kind.created(resource))
    return call.method, call.path, call.body


def update(resource: Resource, of: Resource) -> tuple[str, str, Any]:
    """Return the one call that updates a live object."""
    kind = kinds()[resource.address.kind]
    (call,) = kind.update(resource, of, kind.merged(resource, of))
    return call.method, call.path, call.body


def delete(of: Resource) -> tuple[str, str, Any]:
    (call,) = kinds()[of.address.kind].delete(of)
    return call.method, call.path, call.body
