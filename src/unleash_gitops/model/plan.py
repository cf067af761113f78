"""The plan: frozen data with one JSON form.

A plan holds what a reader sees of every change: the object before and after, and the requests. The calls themselves
are not in the JSON form: they are rebuilt from what the plan shows. This module decides nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Literal, Self, get_args

from pydantic import PrivateAttr

from unleash_gitops.model.call import Call, Request
from unleash_gitops.model.data import Data
from unleash_gitops.model.delete_limits import DeleteLimits
from unleash_gitops.model.plan_file import parse_json, seal, unseal, validate_content

__all__ = [
    "DRIFTED",
    "Action",
    "Change",
    "Changed",
    "ChangedObject",
    "FieldChange",
    "ForeignObjects",
    "Instance",
    "NotRead",
    "NumberedObject",
    "OnDrift",
    "Origin",
    "Plan",
    "PlanOptions",
    "Summary",
    "Unmanaged",
    "parse_plan",
    "to_plan",
]

Action = Literal["create", "update", "adopt", "transfer", "release", "delete", "blocked"]
Origin = Literal["file", "drift", "conflict", "unknown"]
"""Why a field differs: since the last apply its file changed, another user changed it, both, or it is not known."""
DRIFTED: frozenset[Origin] = frozenset({"drift", "conflict"})
"""The origins of a change that another user made on the server."""
OnDrift = Literal["overwrite", "keep", "fail"]
"""How to treat another user's change on the server: overwrite it, keep it, or refuse the whole plan."""


class Changed(Data):
    """The last change of something on the server: by whom, when (UTC, ISO 8601), and its event in the audit log."""

    by: str
    at: str
    event: int


class FieldChange(Data):
    """One field that differs. `path` is like `labelSelectors.environment[0]`; a side that lacks the field is None.

    `changed` is another user's change, None where there is none or the log has none.
    """

    path: str
    before: Any
    after: Any
    origin: Origin | None = None
    changed: Changed | None = None


class ChangedObject(Data):
    """An object and the action on it. `name` is None for a live object whose document no longer exists."""

    action: Action
    kind: str
    name: str | None
    project: str | None
    feature: str | None
    id: str

    @property
    def address(self) -> str:
        """The object's address, with its id where the name is not known."""
        return "/".join(part for part in (self.kind, self.project, self.feature, self.name or self.id) if part)


class NumberedObject(Data):
    """An object that requests name by the number that the server gave it."""

    address: str
    id: int

    @property
    def kind(self) -> str:
        """The kind of the object."""
        return self.address.partition("/")[0]


class Change(ChangedObject):
    """A change of one object, with its calls.

    `before` and `after` are the whole compared object (None: does not exist). `reason` says why a change is
    blocked, or what else a reader should know. `requests` are the `calls` as a reader sees them, `numbered` the
    objects whose numbers the calls have. `depends_on` has the addresses whose changes must succeed first.
    `archives` tells whether a delete leaves an archived object, None where its kind has no archive. `origin` and
    `changed` are about the whole object, where it is created or deleted, or about its mark, where it is adopted.
    `drift` is how the policy treats another user's change of the object, None where there is none. `taken_from` is
    the workspace that owns an object to transfer, and `former_id` the object's id there, where it is another.
    `owners` are the workspaces that have marked the live object.
    """

    source: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    fields: tuple[FieldChange, ...] = ()
    reason: str | None = None
    requests: tuple[Request, ...] = ()
    numbered: tuple[NumberedObject, ...] = ()
    depends_on: tuple[str, ...] = ()
    archives: bool | None = None
    origin: Origin | None = None
    changed: Changed | None = None
    drift: OnDrift | None = None
    taken_from: str | None = None
    former_id: str | None = None
    owners: tuple[str, ...] = ()
    _calls: tuple[Call, ...] = PrivateAttr(default=())

    @property
    def calls(self) -> tuple[Call, ...]:
        """The calls of the change. A change that was read from a file has none until they are rebuilt."""
        return self._calls

    def with_calls(self, calls: Iterable[Call], numbered: Iterable[NumberedObject] = ()) -> Self:
        """Return the change with other calls."""
        calls = tuple(calls)
        requests = tuple(call.request for call in calls)
        change = self.model_copy(update={"requests": requests, "numbered": tuple(numbered)})
        change._calls = calls  # noqa: SLF001 - of the same class
        return change

    @property
    def live_id(self) -> str:
        """The id of the live object before the change."""
        return self.former_id or self.id

    @property
    def drifted(self) -> bool:
        """Tell whether another user changed any part of the object on the server."""
        return self.origin in DRIFTED or any(field.origin in DRIFTED for field in self.fields)

    @property
    def unexplained(self) -> bool:
        """Tell whether the origin of any part of the change is unknown."""
        return self.origin == "unknown" or any(field.origin == "unknown" for field in self.fields)

    @property
    def refused(self) -> bool:
        """Tell whether the change blocks the whole plan."""
        return self.action == "blocked" and self.drift == "fail"


class Unmanaged(Data):
    """A live object that no workspace manages."""

    kind: str
    name: str | None
    project: str | None
    feature: str | None
    id: str
    title: str | None


class Instance(Data):
    """The server that a plan is for. `id` is Unleash's own instance id, None where the server returns none."""

    url: str
    id: str | None
    version: str
    edition: Literal["oss", "enterprise"]

    def is_same(self, url: str, instance_id: str | None) -> bool:
        """Tell whether the server at `url` is this one. A copy of a database has the instance id of the original."""
        is_other_id = self.id is not None and instance_id is not None and self.id != instance_id
        return self.url == url and not is_other_id


class NotRead(Data):
    """A kind that the token may not read, and that is not planned because of that. `reason` is the server's refusal."""

    kind: str
    reason: str


class ForeignObjects(Data):
    """The number of objects that another workspace owns; its name is None where their marks do not hold it."""

    workspace: str | None
    count: int


class Summary(Data):
    """The numbers of objects in a plan, by what happens to them.

    `drifted` counts the objects that another user changed since the last apply, `kept` those among them that stay so.
    `released` counts owned objects that are left alone because `spec.release` lists them and their marks cannot go.
    """

    create: int = 0
    update: int = 0
    adopt: int = 0
    transfer: int = 0
    release: int = 0
    delete: int = 0
    unchanged: int = 0
    unmanaged: int = 0
    foreign: int = 0
    blocked: int = 0
    drifted: int = 0
    kept: int = 0
    released: int = 0


class PlanOptions(Data):
    """The options that a plan was made with, and that say what it covers. `targets` are addresses or beginnings."""

    targets: tuple[str, ...] = ()
    on_drift: OnDrift | None = None


class Plan(Data):
    """A plan. `created_at` is UTC, ISO 8601. `foreign` counts the objects of each other workspace.

    `root` is where the workspace is in its repository (`""`: at the top), None when it is in none. Neither it nor the
    instance's URL decides where a token is sent. `kept` has the changes that are not made because they would overwrite
    another user's change. `audit_error` says why the audit log could not be read, None when it could. `warnings` are
    sentences for a reader. `only` is set in a part of a plan, which is for reading and cannot be applied.
    """

    format_version: Literal["2"] = "2"
    tool_version: str
    created_at: str
    workspace: str
    instance: Instance
    summary: Summary
    changes: tuple[Change, ...]
    unmanaged: tuple[Unmanaged, ...]
    delete_limits: DeleteLimits
    foreign: tuple[ForeignObjects, ...] = ()
    not_read: tuple[NotRead, ...] = ()
    warnings: tuple[str, ...] = ()
    root: str | None = None
    kept: tuple[Change, ...] = ()
    audit_error: str | None = None
    options: PlanOptions = PlanOptions()
    only: Literal["drift"] | None = None

    @property
    def drift(self) -> Plan:
        """The part of the plan that overwrites other users' changes. It is for reading."""
        changes = tuple(_keep_drift(change) for change in self.changes if change.drifted)
        count = Counter(change.action for change in changes)
        counts = {action: count[action] for action in get_args(Action)}
        summary = self.summary.model_copy(update=counts | {"unmanaged": 0})
        return self.model_copy(update={"changes": changes, "unmanaged": (), "summary": summary, "only": "drift"})

    @property
    def unexplained(self) -> tuple[Change, ...]:
        """The changes of which a part has an unknown origin."""
        return tuple(change for change in self.changes if change.unexplained)

    @property
    def refused(self) -> tuple[Change, ...]:
        """The changes that block the whole plan."""
        return tuple(change for change in self.changes if change.refused)

    @property
    def refusal(self) -> str | None:
        """Why the plan cannot be applied as it is, None when it can."""
        excess = self.delete_limits.find_excess()
        if excess is not None or not self.refused:
            return excess
        count = len(self.refused)
        return f"{count} object{'' if count == 1 else 's'} changed on the server by other users"

    @property
    def pending(self) -> bool:
        """Tell whether there are changes, blocked ones included, kept ones not."""
        return bool(self.changes)

    @property
    def drifted(self) -> bool:
        """Tell whether another user changed anything that the workspace manages."""
        return any(change.drifted for change in (*self.changes, *self.kept))

    def as_json(self) -> dict[str, Any]:
        """Return the JSON form, which has `only` where that is set."""
        return {key: value for key, value in super().as_json().items() if key != "only" or value is not None}

    def to_json(self) -> dict[str, Any]:
        """Return the JSON document, sealed by its digest."""
        return seal(self.as_json())


def _keep_drift(change: Change) -> Change:
    """Return a change with its drifted fields only, without calls, since those change other fields too."""
    fields = tuple(field for field in change.fields if field.origin in DRIFTED)
    return change.model_copy(update={"fields": fields}).with_calls(())


def parse_plan(text: str | bytes, source: str) -> Plan:
    """Read a saved plan.

    `source` names the file in errors. Raises PlanFileError when the text is empty, cut short, not a plan, of another
    format, or does not match its digest.
    """
    return to_plan(unseal(parse_json(text, source), source), source)


def to_plan(content: dict[str, Any], source: str) -> Plan:
    """Return `content`, without its digest, as a plan. Raises PlanFileError."""
    return validate_content(Plan, content, source)
