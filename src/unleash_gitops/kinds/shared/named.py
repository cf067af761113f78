"""What kinds share whose objects have a name on the instance and bear the workspace's mark in their description."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar
from urllib.parse import quote

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from unleash_gitops.kinds.base import Kind, Reads
from unleash_gitops.kinds.shared.models import OWNERSHIP_BY_MARK, LiveModel
from unleash_gitops.model.ownership import append_mark, mark_line, split_mark
from unleash_gitops.model.plan import Call, Lookup
from unleash_gitops.model.resource import Address, Area, Resource

if TYPE_CHECKING:
    from unleash_gitops.api.client import ServerFacts

__all__ = ["URL_FRIENDLY", "Description", "NamedKind", "UrlFriendly", "flags_using"]

URL_FRIENDLY = r"^(\.{0,2}[A-Za-z0-9_!~*'()-]|\.{3})[A-Za-z0-9_.!~*'()-]*$"
"""The names that the server allows where they stand in addresses: not `.` and `..`, which mean a place there."""


def _without_mark(description: str | None) -> str | None:
    if split_mark(description, "")[1] != "none":
        hint = "leave that line out: the tool writes it, and it is never compared"
        raise PydanticCustomError("mark", "ends with the line that marks what a workspace manages", {"hint": hint})
    return description


Description = Annotated[
    str | None,
    AfterValidator(_without_mark),
    Field(
        description="What it is for; null: nothing. Left out: not managed.",
        examples=["The market of the shop"],
    ),
]
UrlFriendly = Annotated[str, Field(pattern=URL_FRIENDLY, min_length=1, max_length=100)]


def flags_using(strategies: Any) -> Iterator[str]:
    """Yield the addresses of the flags whose strategies the server lists as using an object."""
    for strategy in strategies["strategies"]:
        yield f"FeatureFlag/{strategy['projectId']}/{strategy['featureName']}"


class NamedKind(Kind):
    """A kind whose objects are listed by one GET, and changed by name. The mark is the description's last line."""

    marked = True
    codes: ClassVar[Mapping[str, str]] = {"mark": "a description ends with the line that marks what is managed"}
    path: ClassVar[str]
    """Where the objects are listed and created; each has its own address below."""
    list_key: ClassVar[str | None]
    """The key under which the list stands in the answer, None when the answer is the list."""
    has_numeric_id: ClassVar[bool] = False
    """Whether others refer to the objects by a number that the server gives."""
    defaults: ClassVar[Mapping[str, Any]]
    """What a create sends where a document says nothing, in the order in which a plan shows it."""
    live: ClassVar[type[LiveModel]]
    """What of a live object counts: its name, and everything of `defaults`."""
    longest_description: ClassVar[int | None] = None
    """Characters that the server takes in a description, the mark included."""
    builtin: ClassVar[frozenset[str]] = frozenset()
    """The names of the server's own objects."""

    def resource_from_document(self, document: Any, workspace: str) -> Resource:
        """See `Kind.desired`. An object is identified by its name."""
        name = document.metadata.name
        spec = self.normal(document.spec.model_dump(exclude_unset=True))
        references = tuple(self.references(spec))
        return Resource(Address(self.name, name), name, spec, references=references, mark=mark_line(workspace))

    def areas(self, reads: Reads) -> Iterable[Area]:  # noqa: ARG002
        """See `Kind.areas`: one for all."""
        yield Area(self.name)

    def read(self, reads: Reads, area: Area) -> Iterable[Resource]:  # noqa: ARG002
        """See `Kind.read`: one GET for all."""
        for entry in self.listed(reads.get_cached(self.path)):
            yield self.with_users(reads, self.from_entry(self.live.model_validate(entry), reads.workspace))

    def with_users(self, reads: Reads, live: Resource) -> Resource:
        """Return a live object with the names of what uses it, when it might be deleted."""
        if live.id in reads.scope.within(live.area) or not reads.scope.will_delete(live):
            return live
        return replace(live, users=tuple(sorted(set(self.users(reads, live)))))

    def spec_after_create(self, desired: Resource) -> dict[str, Any]:
        """See `Kind.created`."""
        return {**self.defaults, **desired.spec}

    def server_refusal(
        self,
        desired: Resource,
        live: Resource | None,  # noqa: ARG002
        after: Mapping[str, Any],
        server: ServerFacts,  # noqa: ARG002
    ) -> str | None:
        """See `Kind.refusal`: the live description may leave no room for the mark."""
        return self._too_long(after, desired.mark or "")

    def document_problem(self, desired: Resource) -> str | None:
        """See `Kind.problem`."""
        return self._too_long(self.spec_after_create(desired), desired.mark or "")

    def create(self, desired: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:
        """See `Kind.create`: one POST."""
        body = {"name": desired.address.name, **self.body(after, desired.mark or "")}
        look = Lookup(path=self.path, list_key=self.list_key, match={"name": desired.address.name})
        label = str(desired) if self.has_numeric_id else None
        return (Call(method="POST", path=self.path, body=body, id_label=label, verify=look),)

    def update(self, desired: Resource, live: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:
        """See `Kind.update`: one PUT with everything, since the server resets some of what is left out."""
        body = {"name": desired.address.name, **self.body(after, desired.mark or "")}
        return (Call(method="PUT", path=self._path(live), body=body),)

    def delete(self, live: Resource) -> tuple[Call, ...]:
        """See `Kind.delete`."""
        return (Call(method="DELETE", path=self._path(live)),)

    def to_pulled_document(self, live: Resource) -> tuple[dict[str, Any], str]:
        """See `Kind.pulled`. What is as it would be by default is left out."""
        spec = {field: value for field, value in live.spec.items() if value != self.defaults[field]}
        return {"metadata": {}, "spec": self.written(spec)}, live.id

    def to_document(self, unit: Sequence[str], value: Any, one: Resource, said: Any) -> Any:
        """See `Kind.to_document`: the items of a list that are as they were stay as they are written."""
        field = unit[0]
        if not isinstance(value, list) or len(unit) > 1:
            return super().to_document(unit, value, one, said)
        old = [(self.normal({field: [item]})[field][0], item) for item in said or ()]
        return [
            next((words for normal, words in old if normal == item), self.written({field: [item]})[field][0])
            for item in value
        ]

    def listed(self, answer: Any) -> Iterable[Any]:
        """Return the objects in the answer to the GET of all."""
        found: Iterable[Any] = answer if self.list_key is None else answer[self.list_key]
        return found

    def normal(self, spec: dict[str, Any]) -> dict[str, Any]:
        """Return what a document says as it is compared."""
        return spec

    def written(self, spec: dict[str, Any]) -> dict[str, Any]:
        """Return what is compared as a document says it: the inverse of `normal`."""
        return spec

    def users(self, reads: Reads, live: Resource) -> Iterable[str]:  # noqa: ARG002
        """Return the addresses of what uses a live object that might be deleted."""
        return ()

    def body(self, after: Mapping[str, Any], mark: str) -> dict[str, Any]:
        """Return the body that makes an object as `after`, the name apart."""
        return {**after, "description": append_mark(after["description"], mark)}

    def from_entry(self, entry: Any, workspace: str) -> Resource:
        """Return a listed object as a resource."""
        found = self.normal({field: getattr(entry, field) for field in self.defaults})
        description, mark = split_mark(found["description"], workspace)
        spec = {**found, "description": description}
        ours = OWNERSHIP_BY_MARK[mark]
        server_id = getattr(entry, "id", None)
        return Resource(
            Address(self.name, entry.name),
            entry.name,
            spec,
            references=tuple(self.references(spec)),
            ownership="builtin" if ours == "unmanaged" and entry.name in self.builtin else ours,
            server_id=None if server_id is None else str(server_id),
        )

    def told(self, payload: Any, workspace: str) -> Resource:
        """Return an object as an event of the audit log tells it. Raises ValidationError."""
        return self.from_entry(self.live.model_validate(payload), workspace)

    def _too_long(self, spec: Mapping[str, Any], mark: str) -> str | None:
        length = len(append_mark(spec["description"], mark))
        if self.longest_description is None or length <= self.longest_description:
            return None
        return (
            f"its description and the line that marks it have {length} characters, "
            f"more than the {self.longest_description} that Unleash takes"
        )

    def _path(self, live: Resource) -> str:
        return f"{self.path}/{quote(live.server_id or live.id, safe='')}"
