"""Project: what a project is like, and which environments it has.

Source: the OpenAPI documents of Unleash 8.2.0 (`projectOverviewSchema`, `projectEnvironmentSchema`) and Unleash
Enterprise 7.5.0 (`createProjectSchema`, `updateProjectSchema`). The open-source edition has one project, and adds and
removes environments; all else needs Enterprise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import quote

from pydantic import AfterValidator, Field

from unleash_gitops.kinds.base import Kind, Reads
from unleash_gitops.kinds.flags.strategy import CODES, reject_duplicates
from unleash_gitops.kinds.shared.models import AuditedMetadata, LiveModel, Model
from unleash_gitops.model.plan import Call, Lookup
from unleash_gitops.model.resource import Address, Area, Reference, Resource, Step, Unknown

if TYPE_CHECKING:
    from unleash_gitops.api.audit_log import Event
    from unleash_gitops.api.client import ServerFacts

__all__ = ["KIND", "ProjectDocument"]

_PATH = "/api/admin/projects"
_ENTERPRISE = ("name", "description", "mode", "defaultStickiness")


class ProjectMetadata(AuditedMetadata):
    """Which project it is."""

    name: str = Field(pattern=r"^[A-Za-z0-9_~.-]+$", max_length=100, description="The project's id.", examples=["shop"])


class ProjectSpec(Model):
    """What the project is like."""

    name: str = Field(default="", min_length=1, description="What people call it.", examples=["The shop"])
    description: str | None = Field(default=None, description="What it is for; null: nothing.", examples=["Sales"])
    mode: Literal["open", "protected", "private"] = Field(default="open", description="Who can take part in it.")
    defaultStickiness: str = Field(  # noqa: N815 - the API's own name
        default="default", min_length=1, description="What new rollouts stick to.", examples=["userId"]
    )
    environments: Annotated[list[Annotated[str, Field(min_length=1)]], AfterValidator(reject_duplicates)] = Field(
        default_factory=list, description="The environments it has, no others.", examples=[["development"]]
    )


class ProjectDocument(Model):
    """A project."""

    apiVersion: Literal["unleash-gitops/v1"]  # noqa: N815 - the API's own name
    kind: Literal["Project"]
    metadata: ProjectMetadata
    spec: ProjectSpec


class _Attached(LiveModel):
    environment: str


class _Live(LiveModel):
    name: str
    description: str | None = None
    mode: str = "open"
    defaultStickiness: str = "default"  # noqa: N815
    environments: list[_Attached] = Field(default_factory=list)


class Project(Kind):
    """Projects. They are never deleted, whatever the workspace says: with one go all its flags."""

    name = "Project"
    folder = "projects"
    document = ProjectDocument
    events = ("project-created", "project-updated", "project-environment-added", "project-environment-removed")
    limit = "projects"
    codes = {"twice": CODES["twice"]}  # noqa: RUF012 - ClassVar in the base

    def resource_from_document(self, document: ProjectDocument, workspace: str) -> Resource:  # noqa: ARG002
        """See `Kind.desired`."""
        name = document.metadata.name
        spec = _normal(document.spec.model_dump(exclude_unset=True))
        return Resource(Address(self.name, name), name, spec, references=tuple(self.references(spec)))

    def references(self, spec: Mapping[str, Any], project: str | None = None) -> Iterable[Reference]:  # noqa: ARG002
        """See `Kind.references`: the environments."""
        for place, name in enumerate(spec.get("environments", ())):
            yield Reference("Environment", None, name, ("spec", "environments", place))

    def areas(self, reads: Reads) -> Iterable[Area]:
        """See `Kind.areas`: one for all; nothing is read where no document is about a project."""
        if reads.scope.has(self.name):
            yield Area(self.name)

    def read(self, reads: Reads, area: Area) -> Iterable[Resource]:
        """See `Kind.read`: those that documents are about, or all that the workspace looks at."""
        for name in reads.scope.within(area) or reads.projects():
            answer = reads.get_or_none(f"{_PATH}/{quote(name, safe='')}/overview")
            if answer is not None:
                found = _Live.model_validate(answer)
                attached = [one.environment for one in found.environments]
                spec = _normal({**found.model_dump(), "environments": attached})
                yield Resource(Address(self.name, name), name, spec, ownership="builtin")

    def spec_after_create(self, desired: Resource) -> dict[str, Any]:
        """See `Kind.created`."""
        return {**_normal(ProjectSpec.model_construct().model_dump()), "name": desired.id, **desired.spec}

    def side_effect_note(self, live: Resource, after: Mapping[str, Any]) -> str | None:
        """See `Kind.remark`."""
        gone = sorted(set(live.spec["environments"]) - set(after["environments"]))
        return (
            f"every flag is switched off in {', '.join(gone)}, and the default strategy there is lost" if gone else None
        )

    def server_refusal(
        self,
        desired: Resource,
        live: Resource | None,
        after: Mapping[str, Any],
        server: ServerFacts,
    ) -> str | None:
        """See `Kind.refusal`."""
        if server.enterprise:
            return None
        if live is None:
            return f'needs Unleash Enterprise: the open-source edition cannot make the project "{desired.id}"'
        changed = [field for field in _ENTERPRISE if after[field] != live.spec[field]]
        if changed:
            return f"needs Unleash Enterprise: the open-source edition cannot change {', '.join(changed)} of a project"
        return None

    def create(self, desired: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:
        """See `Kind.create`."""
        body = {"id": desired.id, **_body(after), "environments": after["environments"]}
        look = Lookup(path=f"{_PATH}/{quote(desired.id, safe='')}/overview", list_key="")
        call = Call(method="POST", path=_PATH, body=body, verify=look)
        return (call,)

    def update(self, desired: Resource, live: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:
        """See `Kind.update`."""
        path = f"{_PATH}/{quote(desired.id, safe='')}"
        calls = []
        if any(after[field] != live.spec[field] for field in _ENTERPRISE):
            calls.append(Call(method="PUT", path=path, body=_body(after)))
        before, wanted = live.spec["environments"], after["environments"]
        for name in wanted:
            if name not in before:
                body = {"environment": name}
                calls.append(Call(method="POST", path=f"{path}/environments", body=body, idempotent=True))
        gone = [quote(name, safe="") for name in before if name not in wanted]
        calls += [Call(method="DELETE", path=f"{path}/environments/{name}") for name in gone]
        return tuple(calls)

    def delete(self, live: Resource) -> tuple[Call, ...]:
        """See `Kind.delete`: never asked for, since none is owned."""
        raise RuntimeError(f"{live} is the server's own, and never deleted")

    def event_subjects(self, event: Event, workspace: str) -> Iterable[str]:  # noqa: ARG002
        """See `Kind.subjects`."""
        return () if event.project is None else (event.project,)

    def history_states(self, live: Resource | None, one: str, events: Sequence[Event], reads: Reads) -> Iterable[Step]:  # noqa: ARG002
        """See `Kind.history_states`: events of its environments tell the one that came or went, so it is taken back."""
        if live is None:
            yield from ((Unknown(), Unknown()) for _ in events)
            return
        spec: Mapping[str, Any] | None = live.spec
        for event in events:
            after = spec
            spec = None if after is None or event.type == "project-created" else _before(event, after)
            yield spec, after

    def to_pulled_document(self, live: Resource) -> tuple[dict[str, Any], str]:
        """See `Kind.pulled`."""
        return {"metadata": {}, "spec": {"environments": live.spec["environments"]}}, live.id


def _before(event: Event, after: Mapping[str, Any]) -> dict[str, Any]:
    """Return a project as it was before an event after which it was as `after`."""
    if event.type == "project-updated":
        told = event.before if isinstance(event.before, dict) else {}
        return {**after, **_normal({field: told.get(field, Unknown()) for field in _ENTERPRISE})}
    others = [one for one in after["environments"] if one != event.environment]
    gone = [] if event.type == "project-environment-added" else [event.environment]
    return _normal({**after, "environments": others + gone})


def _body(after: Mapping[str, Any]) -> dict[str, Any]:
    return {**{field: after[field] for field in _ENTERPRISE}, "description": after["description"] or ""}


def _normal(spec: dict[str, Any]) -> dict[str, Any]:
    found = dict(spec)
    if "description" in found:
        found["description"] = found["description"] or None
    if "environments" in found:
        found["environments"] = sorted(found["environments"])
    return found


KIND = Project()
