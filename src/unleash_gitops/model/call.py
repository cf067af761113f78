"""One request of a plan: its body, and the values that are filled in when it is sent.

A body is data: no value in it has a meaning of its own. What is not known when the plan is made is a `Fill` beside it.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self
from urllib.parse import unquote

from pydantic import (
    AfterValidator,
    Field,
    StrictInt,
    StrictStr,
    model_validator,
)

from unleash_gitops.model.data import Data
from unleash_gitops.model.variables import SECRET_VARIABLE

__all__ = ["Call", "Claim", "Fill", "Lookup", "Place", "Request", "write_values"]

_ADMIN_PATH = re.compile(r"/api/admin(/(([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+|\{found\}))+")

Place = tuple[StrictStr | StrictInt, ...]
"""The place of a value in JSON: mapping keys and list indexes, from the top."""


def _check_admin_path(path: str) -> str:
    """Refuse a call that leaves the Admin API: a plan is read from a file, and the token goes where its calls go."""
    if not _ADMIN_PATH.fullmatch(path) or any(unquote(part) in {".", ".."} for part in path.split("/")):
        raise ValueError("not a path of the Admin API")
    return path


_AdminPath = Annotated[str, AfterValidator(_check_admin_path)]


class Fill(Data):
    """A value that is filled in when the call is sent. Until then, `path` leads to a null.

    The value is either the id of an object of this run, or a secret. `id_of` is the `id_label` of the call that creates
    the object. `env` is the environment variable that holds the secret.
    """

    path: Place = Field(min_length=1)
    id_of: str | None = Field(default=None, min_length=1)
    env: str | None = Field(default=None, pattern=f"^{SECRET_VARIABLE}$")

    @model_validator(mode="after")
    def _check_source(self) -> Self:
        if (self.id_of is None) == (self.env is None):
            raise ValueError("needs either idOf or env")
        return self


class Lookup(Data):
    """How to find an object on the server.

    A GET of `path` returns a list of objects, under `list_key`; None: the answer is the list, "": it is the object. The
    object sought has the fields in `match`, in which `fills` are filled in. Its id is neither in `exclude_ids` nor the
    id of an object that a call in `exclude_labels` creates. `field` is the field to use.
    """

    path: _AdminPath
    list_key: str | None = None
    match: dict[str, Any] = Field(default_factory=dict)
    fills: tuple[Fill, ...] = ()
    exclude_ids: tuple[Any, ...] = ()
    exclude_labels: tuple[str, ...] = ()
    field: str = "id"

    @model_validator(mode="after")
    def _check_fills(self) -> Self:
        _check_places(self.match, self.fills)
        return self

    def resolve_ids(self, ids: Mapping[str, Any]) -> Lookup:
        """Return the lookup with the ids that are known, by label, written into `match`."""
        match, fills = _resolve_ids(self.match, self.fills, ids)
        return self if fills == self.fills else self.model_copy(update={"match": match, "fills": fills})


class Claim(Data):
    """The ownership mark that a call writes. It is read back before the next call of the change is sent.

    A GET of `path` returns the object, under `object_key` unless that is empty. The mark is at the end of its
    description, or, where `feature` names a flag, among the tags that the answer has. `former` are the workspaces
    whose marks the call replaces. Any other mark means that another workspace claims the object, too.
    """

    path: _AdminPath
    workspace: str
    object_key: str = ""
    feature: str | None = None
    former: tuple[str, ...] = ()


Method = Literal["POST", "PUT", "DELETE"]


class Request(Data):
    """A call as a plan shows it: without its body, which a reader may not be meant to see and no plan file decides.

    `body_sha256` is the digest of the body and its fills as canonical JSON, None for a call without a body.
    """

    method: Method
    path: _AdminPath
    body_sha256: str | None = None


class Call(Data):
    """One request of the Admin API: `path` begins with `/api/admin/` and is percent-encoded, `body` is JSON or None.

    `fills` are filled in in the body when it is sent. `id_label` is a name for the id in the answer, which later fills
    refer to. `verify` finds what the call creates, so that a retry creates no second object. `lookup` finds the secret
    that replaces `{found}` in the path. `claim` is the ownership mark that the call writes. An `idempotent` call is
    sent once however many changes have it, and what it creates may exist already. The answer has a secret in the field
    named by `secret_field`.

    A call with `wait_for` is sent when the server shows that object, after every call of the plan that can go first.
    """

    method: Method
    path: _AdminPath
    body: Any = None
    fills: tuple[Fill, ...] = ()
    id_label: str | None = None
    verify: Lookup | None = None
    lookup: Lookup | None = None
    claim: Claim | None = None
    wait_for: Lookup | None = None
    idempotent: bool = False
    secret_field: str | None = None

    @model_validator(mode="after")
    def _check_fills(self) -> Self:
        _check_places(self.body, self.fills)
        return self

    @property
    def request(self) -> Request:
        """The call as a plan shows it."""
        digest = None
        if self.body is not None:
            content = {"body": self.body, "fills": [fill.as_json() for fill in self.fills]}
            canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
            digest = hashlib.sha256(canonical.encode()).hexdigest()
        return Request(method=self.method, path=self.path, body_sha256=digest)

    @property
    def repeatable(self) -> bool:
        """Tell whether sending it twice has the effect of sending it once.

        A POST is, when its body carries the id to save under: the client chose it, so a repetition finds itself.
        """
        return self.method != "POST" or self.idempotent or (isinstance(self.body, dict) and "id" in self.body)

    @property
    def required_labels(self) -> set[str]:
        """The labels of the calls whose ids this call needs."""
        labels = {fill.id_of for fill in self._all_fills() if fill.id_of is not None}
        return labels.union(*(lookup.exclude_labels for lookup in self._lookups()))

    @property
    def required_variables(self) -> set[str]:
        """The environment variables whose secrets this call needs."""
        return {fill.env for fill in self._all_fills() if fill.env is not None}

    def resolve_ids(self, ids: Mapping[str, Any]) -> Call:
        """Return the call with the ids that are known, by label, written into its body and look-ups."""
        if not self._all_fills():
            return self
        body, fills = _resolve_ids(self.body, self.fills, ids)
        verify = None if self.verify is None else self.verify.resolve_ids(ids)
        lookup = None if self.lookup is None else self.lookup.resolve_ids(ids)
        wait_for = None if self.wait_for is None else self.wait_for.resolve_ids(ids)
        lookups = {"verify": verify, "lookup": lookup, "wait_for": wait_for}
        return self.model_copy(update={"body": body, "fills": fills, **lookups})

    def _lookups(self) -> list[Lookup]:
        return [lookup for lookup in (self.verify, self.lookup, self.wait_for) if lookup is not None]

    def _all_fills(self) -> list[Fill]:
        return [*self.fills, *(fill for lookup in self._lookups() for fill in lookup.fills)]


def write_values(content: Any, values: Mapping[Place, Any]) -> Any:
    """Return a copy of JSON `content` with each of `values` at its place, which must exist."""
    written = copy.deepcopy(content)
    for path, value in values.items():
        holder = written
        for part in path[:-1]:
            holder = holder[part]
        holder[path[-1]] = value
    return written


def _resolve_ids(content: Any, fills: tuple[Fill, ...], ids: Mapping[str, Any]) -> tuple[Any, tuple[Fill, ...]]:
    """Return `content` with the known ids written into it, and the fills that are left."""
    values = {fill.path: ids[fill.id_of] for fill in fills if fill.id_of is not None and fill.id_of in ids}
    return write_values(content, values), tuple(fill for fill in fills if fill.path not in values)


def _check_places(content: Any, fills: tuple[Fill, ...]) -> None:
    """Raise ValueError unless each fill has a null of its own to replace."""
    seen: set[Place] = set()
    for fill in fills:
        if fill.path in seen:
            raise ValueError(f"two fills for {json.dumps(fill.path)}")
        seen.add(fill.path)
        if not _is_null(content, fill.path):
            raise ValueError(f"no null to fill at {json.dumps(fill.path)}")


def _is_null(content: Any, path: Place) -> bool:
    for part in path:
        if isinstance(part, str):
            if not isinstance(content, dict) or part not in content:
                return False
        elif not isinstance(content, list) or not 0 <= part < len(content):
            return False
        content = content[part]
    return content is None
