"""Kinds whose objects have a name on the instance and bear the workspace's mark in their description."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar
from urllib.parse import quote

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict, override

from unleash_gitops.api.answers import check_answer, read_entries
from unleash_gitops.kinds.base import Kind, references_of
from unleash_gitops.kinds.interfaces import Claimable, Pullable
from unleash_gitops.kinds.reads import Reads
from unleash_gitops.kinds.shared.fields import EMPTY_IS_NONE, live_model
from unleash_gitops.model.call import Call, Claim, Lookup
from unleash_gitops.model.ownership import append_mark, mark_line, split_mark
from unleash_gitops.model.resource import Address, Area, DocumentProblem, Resource, ownership_of

if TYPE_CHECKING:
    from unleash_gitops.api.client import ServerFacts

__all__ = ["URL_FRIENDLY", "Description", "NamedKind", "UrlFriendly", "flags_using"]

_NO_ROOM = "its description leaves no room for the mark: it is managed, but not owned, and never deleted"

URL_FRIENDLY = r"^(\.{0,2}[A-Za-z0-9_!~*'()-]|\.{3})[A-Za-z0-9_.!~*'()-]*$"
"""The names that the server allows as a part of a path: not `.` and `..`, which have a meaning there."""


def _reject_mark(description: str | None) -> str | None:
    if split_mark(description)[1]:
        hint = "leave that line out: the tool writes it, and it is never compared"
        raise PydanticCustomError("mark", "ends with the line that marks what a workspace manages", {"hint": hint})
    return description


Description = Annotated[
    str | None,
    AfterValidator(_reject_mark),
    EMPTY_IS_NONE,
    Field(
        description="What it is for; null: nothing. Left out: not managed.",
        examples=["The market of the shop"],
    ),
]
UrlFriendly = Annotated[str, Field(pattern=URL_FRIENDLY, min_length=1, max_length=100)]


class _Usage(TypedDict):
    projectId: str
    featureName: str


class _Usages(TypedDict):
    strategies: list[_Usage]


def flags_using(reads: Reads, path: str) -> Iterator[str]:
    """Yield the addresses of the flags whose strategies the server lists at `path` as using an object."""
    for strategy in check_answer(_Usages, reads.get(path), path)["strategies"]:
        yield f"FeatureFlag/{strategy['projectId']}/{strategy['featureName']}"


class NamedKind(Kind, Claimable, Pullable):
    """A kind whose objects are listed by one GET, and changed by name. The mark is the description's last line.

    Its spec has a `description`.
    """

    codes: ClassVar[Mapping[str, str]] = {"mark": "a description ends with the line that marks what is managed"}
    path: ClassVar[str]
    """The address where the objects are listed and created; each has its own address below."""
    list_key: ClassVar[str | None]
    """The key of the list in the answer, None when the answer is the list."""
    name_key: ClassVar[str] = "name"
    """The key of an object's name in the answer."""
    has_numeric_id: ClassVar[bool] = False
    """Whether others refer to the objects by a number (`id`) that the server gives."""
    object_key: ClassVar[str] = ""
    """The key of an object in the answer of its own address, empty when the answer is the object."""
    longest_description: ClassVar[int | None] = None
    """Characters that the server takes in a description, the mark included."""
    builtin: ClassVar[frozenset[str]] = frozenset()
    """The names of the server's own objects."""

    @override
    def mark(self, address: Address, object_id: str, workspace: str) -> str:
        return mark_line(workspace)

    @override
    def areas(self, reads: Reads) -> Iterable[Area]:
        yield Area(self.name)

    @override
    def read(self, reads: Reads, area: Area) -> Iterable[Resource]:
        for entry in read_entries(reads.get_cached(self.path), self.list_key, self.path):
            yield self.with_users(reads, self.resource_from_entry(entry, reads.workspace))

    @override
    def read_again(self, reads: Reads, planned: Resource) -> Resource | None:
        """One GET of the object; those with a number are listed, since the plan has no number of theirs."""
        if self.has_numeric_id:
            return super().read_again(reads, planned)
        path = self.path_of(planned)
        answer = reads.get_or_none(path)
        if answer is None:
            return None
        entry = answer.get(self.object_key) if self.object_key and isinstance(answer, dict) else answer
        return self.resource_from_entry(entry, reads.workspace)

    def with_users(self, reads: Reads, live: Resource) -> Resource:
        """Return a live object with the addresses of its users, when it might be deleted."""
        if live.id in reads.scope.within(live.area) or not reads.scope.will_delete(live):
            return live
        return replace(live, users=tuple(sorted(set(self.users(reads, live)))))

    @override
    def server_refusal(
        self, desired: Resource, live: Resource | None, after: Mapping[str, Any], server: ServerFacts
    ) -> str | None:
        return self._too_long(after["description"])

    @override
    def document_problem(self, desired: Resource) -> DocumentProblem | None:
        message = self._too_long(desired.spec.get("description"))
        return None if message is None else DocumentProblem("too-long", message)

    @override
    def unmarkable_reason(self, desired: Resource, live: Resource) -> str | None:
        if live.ownership == "builtin":
            return "it is the server's own"
        description = self.spec_after_update(desired, live)["description"]
        return None if self._fits(description, desired.mark) else _NO_ROOM

    @override
    def create(self, desired: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:
        """One POST; a retry looks for the name first."""
        body = {"name": desired.address.name, **self.marked_body(after, desired.mark)}
        verify = Lookup(path=self.path, list_key=self.list_key, match={"name": desired.address.name})
        label = str(desired) if self.has_numeric_id else None
        return (Call(method="POST", path=self.path, body=body, id_label=label, verify=verify),)

    @override
    def update(self, desired: Resource, live: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:
        """One PUT with everything, since the server resets some of what is left out."""
        mark = None if live.ownership == "builtin" else desired.mark
        return (self.save(live, self.marked_body(after, mark)),)

    @override
    def claim(self, desired: Resource, live: Resource, workspace: str) -> tuple[Call, ...]:
        """One PUT with every live value; none when only the document's description leaves room for the mark."""
        if not self._fits(live.spec["description"], desired.mark):
            return ()
        path = self.path_of(live)
        claim = Claim(path=path, object_key=self.object_key, workspace=workspace, former=live.owners)
        body = self.marked_body(live.spec, desired.mark)
        return (self.save(live, body).model_copy(update={"claim": claim}),)

    @override
    def release(self, live: Resource, workspace: str) -> tuple[Call, ...]:
        others = "\n".join(mark_line(owner) for owner in live.owners if owner != workspace)
        return (self.save(live, self.marked_body(live.spec, others or None)),)

    def save(self, live: Resource, body: Mapping[str, Any]) -> Call:
        """Return the call that replaces all values of a live object."""
        return Call(method="PUT", path=self.path_of(live), body={"name": live.address.name, **body})

    @override
    def delete(self, live: Resource) -> tuple[Call, ...]:
        return (Call(method="DELETE", path=self.path_of(live)),)

    def users(self, reads: Reads, live: Resource) -> Iterable[str]:  # noqa: ARG002
        """Return the addresses of what uses a live object that might be deleted."""
        return ()

    def marked_body(self, after: Mapping[str, Any], mark: str | None) -> dict[str, Any]:
        """Return the body that makes an object as `after`, with `mark` where there is room for it; the name apart."""
        description = after["description"]
        if mark is not None and self._fits(description, mark):
            description = append_mark(description, mark)
        return {**self.body(after), "description": description or ""}

    def resource_from_entry(self, entry: Any, workspace: str) -> Resource:
        """Return a listed object as a resource. Raises ValidationError for an entry of another form."""
        identity = {self.name_key: str} | ({"id": int} if self.has_numeric_id else {})
        parsed = live_model(self.spec, **identity).model_validate(entry).model_dump()
        name = parsed[self.name_key]
        spec = self.normalise({field: parsed[field] for field in self.spec.model_fields})
        spec["description"], owners = split_mark(spec["description"])
        is_builtin = name in self.builtin
        return Resource(
            Address(self.name, name),
            name,
            spec,
            references=tuple(references_of(self, spec)),
            ownership="builtin" if is_builtin else ownership_of(owners, workspace),
            owners=() if is_builtin else owners,
            server_id=str(parsed["id"]) if self.has_numeric_id else None,
        )

    def resource_from_event(self, payload: Any, workspace: str) -> Resource:
        """Return an object as an event of the audit log holds it. Raises ValidationError."""
        return self.resource_from_entry(payload, workspace)

    def _too_long(self, description: str | None) -> str | None:
        length = len(description or "")
        if self.longest_description is None or length <= self.longest_description:
            return None
        return f"its description has {length} characters, more than the {self.longest_description} that Unleash takes"

    def _fits(self, description: str | None, mark: str | None) -> bool:
        limit = self.longest_description
        return limit is None or len(append_mark(description, mark or "")) <= limit

    def path_of(self, live: Resource) -> str:
        """Return the address of a live object."""
        return f"{self.path}/{quote(live.server_id or live.id, safe='')}"
