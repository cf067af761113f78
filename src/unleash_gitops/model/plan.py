"""The plan and the report: frozen data with one JSON form.

A plan is all that apply needs: every change carries its calls. This module decides nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Annotated, Any, Literal
from urllib.parse import unquote

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
)
from pydantic.alias_generators import to_camel

from unleash_gitops.model.plan_file import FORMAT_VERSION, parse_json, seal, unseal, validate_content

__all__ = [
    "DRIFTED",
    "Action",
    "Call",
    "Change",
    "Changed",
    "Data",
    "FieldChange",
    "Instance",
    "Lookup",
    "OnDrift",
    "Origin",
    "Plan",
    "Report",
    "ReportSummary",
    "Result",
    "Status",
    "Summary",
    "Unmanaged",
    "parse_plan",
    "plan_of",
]

_OWN_PATH = re.compile(r"/api/admin(/(([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+|\{found\}))+")

Action = Literal["create", "update", "delete", "blocked"]
Origin = Literal["file", "drift", "conflict", "unknown"]
"""Why a field differs: since the last apply its file changed, somebody changed it on the server, both, or who knows."""
DRIFTED: frozenset[Origin] = frozenset({"drift", "conflict"})
"""The origins that say that somebody else changed something on the server."""
OnDrift = Literal["overwrite", "keep", "fail"]
"""What becomes of what somebody else changed: it is written over, left as it is, or a reason to do nothing at all."""
Status = Literal["applied", "failed", "skipped", "blocked"]


def _own_path(path: str) -> str:
    """Refuse a call that leaves the Admin API: a plan is read from a file, and the token goes where its calls go."""
    if not _OWN_PATH.fullmatch(path) or any(unquote(part) in {".", ".."} for part in path.split("/")):
        raise ValueError("not a path of the Admin API")
    return path


class Data(BaseModel):
    """Frozen data whose JSON keys are in camel case and nothing else."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True, hide_input_in_errors=True
    )

    def as_json(self) -> dict[str, Any]:
        """Return the JSON form, keys in the order of declaration."""
        return self.model_dump(mode="json", by_alias=True)


class Lookup(Data):
    """How to find an object: `path` answers a list of them, under the key `at` or itself (None), or the object ("").

    It is the object whose fields are as in `match`, and whose id is none of `known`. `take` is the field that is asked
    for.
    """

    path: Annotated[str, AfterValidator(_own_path)]
    list_key: str | None = None
    match: dict[str, Any] = Field(default_factory=dict)
    exclude_ids: tuple[Any, ...] = ()
    field: str = "id"


class Call(Data):
    """One request of the Admin API: `path` begins with `/api/admin/` and is percent-encoded, `body` is JSON or None.

    In a body, `{"$id": LABEL}` stands for the id that the server gave to what the call with that label made, and
    `{"fromEnv": NAME}` for a secret in the environment. `verify` finds what the call makes, so that a retry makes no
    second object. `lookup` finds the secret that replaces `{found}` in the path. An `idempotent` call is sent once
    however many changes have it, and what it makes may exist already. The answer has a secret in the field named by
    `secret_field`. Defaults are left out of the JSON.
    """

    method: Literal["POST", "PUT", "DELETE"]
    path: Annotated[str, AfterValidator(_own_path)]
    body: Any = None
    id_label: str | None = None
    verify: Lookup | None = None
    lookup: Lookup | None = None
    idempotent: bool = False
    secret_field: str | None = None

    @model_serializer(mode="wrap")
    def _short(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        whole: dict[str, Any] = serialize(self)
        return {key: value for key, value in whole.items() if key in {"method", "path", "body"} or value}

    @property
    def repeatable(self) -> bool:
        """Tell whether sending it twice has the effect of sending it once.

        A POST is, when its body carries the id to save under: the client chose it, so a repetition finds itself.
        """
        return self.method != "POST" or self.idempotent or (isinstance(self.body, dict) and "id" in self.body)


class Changed(Data):
    """Who changed something on the server last, when (UTC, ISO 8601), and the id of the event in the audit log."""

    by: str
    at: str
    event: int


class FieldChange(Data):
    """One field that differs. `path` is like `labelSelectors.environment[0]`; a side that lacks the field is None.

    `changed` tells of somebody else's change, None where there is none or the log does not tell.
    """

    path: str
    before: Any
    after: Any
    origin: Origin | None = None
    changed: Changed | None = None


class _Acted(Data):
    """An object and what is done to it. `name` is None for a live object whose document is gone."""

    action: Action
    kind: str
    name: str | None
    project: str | None
    feature: str | None
    id: str

    @property
    def address(self) -> str:
        """The object's address, its id standing in for a name that is not known."""
        return "/".join(part for part in (self.kind, self.project, self.feature, self.name or self.id) if part)


class Change(_Acted):
    """What is done to one object, and by which calls.

    `before` and `after` are the whole compared object (None: does not exist). `reason` says why a change is blocked, or
    what else a reader should know. `depends_on` names the addresses whose changes must have succeeded first. `origin`
    and `changed` are those of the object as such, where it is created or deleted. `drift` is what the policy makes of
    what somebody else changed here, None where nobody did.
    """

    source: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    fields: tuple[FieldChange, ...] = ()
    reason: str | None = None
    calls: tuple[Call, ...] = ()
    depends_on: tuple[str, ...] = ()
    origin: Origin | None = None
    changed: Changed | None = None
    drift: OnDrift | None = None

    @property
    def drifted(self) -> bool:
        """Tell whether somebody else changed anything of it on the server."""
        return self.origin in DRIFTED or any(one.origin in DRIFTED for one in self.fields)

    @property
    def unexplained(self) -> bool:
        """Tell whether nobody knows of anything of it who changed it, the file or somebody on the server."""
        return self.origin == "unknown" or any(one.origin == "unknown" for one in self.fields)

    @property
    def refused(self) -> bool:
        """Tell whether it keeps the whole plan from being applied."""
        return self.action == "blocked" and self.drift == "fail"


class Unmanaged(Data):
    """A live object that is nobody's, as a reader of the plan needs to see it."""

    kind: str
    name: str | None
    project: str | None
    feature: str | None
    id: str
    title: str | None


class Instance(Data):
    """Which server a plan was made for. `id` is Unleash's own instance id, None where a server does not tell."""

    url: str
    id: str | None
    version: str
    edition: Literal["oss", "enterprise"]


class Summary(Data):
    """How many objects of each sort the plan found, within what the workspace looks at.

    `drifted` are those that somebody else changed since the last apply, among them the `kept`, which are left so.
    """

    create: int = 0
    update: int = 0
    delete: int = 0
    unchanged: int = 0
    unmanaged: int = 0
    foreign: int = 0
    blocked: int = 0
    drifted: int = 0
    kept: int = 0


class Plan(Data):
    """A plan. `created_at` is UTC, ISO 8601. `max_deletes` is the workspace's limit when the plan was made.

    `root` is where the workspace is in its repository (`""`: at the top), None when it is in none. `token_env` is the
    name of the variable that holds the instance's token, None for the usual one. `kept` are changes that are not made,
    to leave what somebody else changed as it is. `untold` is why the audit log could not be asked who changed what.
    `only` is set where a part of a plan is shown for reading: it is not the whole, and not to be applied.
    """

    format_version: Literal["1"] = "1"
    tool_version: str
    created_at: str
    workspace: str
    instance: Instance
    summary: Summary
    changes: tuple[Change, ...]
    unmanaged: tuple[Unmanaged, ...]
    max_deletes: int = Field(ge=0)
    root: str | None = None
    token_env: str | None = None
    kept: tuple[Change, ...] = ()
    untold: str | None = None
    only: Literal["drift"] | None = None

    @property
    def drift(self) -> Plan:
        """The plan with nothing in it but what somebody else changed. It is for reading."""
        changes = tuple(_drift_of(change) for change in self.changes if change.drifted)
        count = Counter(change.action for change in changes)
        acted = {action: count[action] for action in ("create", "update", "delete", "blocked")}
        summary = self.summary.model_copy(update=acted | {"unmanaged": 0})
        return self.model_copy(update={"changes": changes, "unmanaged": (), "summary": summary, "only": "drift"})

    @property
    def unexplained(self) -> tuple[Change, ...]:
        """The changes of which nobody tells, of a part at least, whether the file changed or somebody else did."""
        return tuple(change for change in self.changes if change.unexplained)

    @property
    def refused(self) -> tuple[Change, ...]:
        """The changes that keep the plan from being applied."""
        return tuple(change for change in self.changes if change.refused)

    @property
    def pending(self) -> bool:
        """Tell whether anything differs, blocked changes included, apart from what is kept."""
        return bool(self.changes)

    @property
    def drifted(self) -> bool:
        """Tell whether somebody else changed anything that a file or the workspace's mark covers."""
        return any(change.drifted for change in (*self.changes, *self.kept))

    def as_json(self) -> dict[str, Any]:
        """Return the JSON form; `only` stands in it where it is set."""
        return {key: value for key, value in super().as_json().items() if key != "only" or value is not None}

    def to_json(self) -> dict[str, Any]:
        """Return the JSON document, sealed by its digest."""
        return seal(self.as_json())


def _drift_of(change: Change) -> Change:
    """Return the drift of a change. Its calls do more than that, and are left out."""
    fields = tuple(one for one in change.fields if one.origin in DRIFTED)
    return change.model_copy(update={"fields": fields, "calls": ()})


class Result(_Acted):
    """How one change went. `error` is the sentence for a reader, None when there is nothing to say."""

    status: Status
    error: str | None = None


class ReportSummary(Data):
    """How many changes ended in each way."""

    applied: int = 0
    failed: int = 0
    skipped: int = 0
    blocked: int = 0


class Report(Data):
    """What apply did, in the order of the plan."""

    format_version: str = FORMAT_VERSION
    summary: ReportSummary
    results: tuple[Result, ...]

    @property
    def complete(self) -> bool:
        """Tell whether every change was applied."""
        return self.summary.applied == len(self.results)


def parse_plan(text: str | bytes, source: str) -> Plan:
    """Read a saved plan.

    `source` names the file in errors. Raises PlanFileError when the text is empty, cut short, not a plan, of a newer
    format, or not what its digest says.
    """
    return plan_of(unseal(parse_json(text, source), source), source)


def plan_of(content: dict[str, Any], source: str) -> Plan:
    """Return the plan that `content` is, its seal already taken off. Raises PlanFileError."""
    return validate_content(Plan, content, source)
