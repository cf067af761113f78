"""Project: what a project is like, and which environments it has.

Source: the OpenAPI documents of Unleash 8.2.0 (`projectOverviewSchema`, `projectEnvironmentSchema`) and Unleash
Enterprise 7.5.0 (`createProjectSchema`, `updateProjectSchema`). The open-source edition has one project, and adds and
removes environments; all else needs Enterprise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal
from urllib.parse import quote

from pydantic import AfterValidator, Field
from typing_extensions import TypedDict, override

from unleash_gitops.kinds.base import Kind
from unleash_gitops.kinds.flags.strategy import STRATEGY_CODES, reject_duplicates
from unleash_gitops.kinds.interfaces import HasHistory, HasReferences, Pullable
from unleash_gitops.kinds.reads import Reads
from unleash_gitops.kinds.shared.fields import Rule, live_model
from unleash_gitops.kinds.shared.models import AuditedMetadata, Model, envelope
from unleash_gitops.model.call import Call, Lookup
from unleash_gitops.model.resource import Address, Area, Reference, Resource, Transition, UnknownValue

if TYPE_CHECKING:
    from unleash_gitops.api.audit_log import Event
    from unleash_gitops.api.client import ServerFacts

__all__ = ["KIND"]

_PATH = "/api/admin/projects"
_ENTERPRISE = ("name", "description", "mode", "defaultStickiness")


class ProjectMetadata(AuditedMetadata):
    """The identity of a project."""

    name: str = Field(pattern=r"^[A-Za-z0-9_~.-]+$", max_length=100, description="The project's id.", examples=["shop"])


class _ProjectEnvironment(TypedDict):
    environment: str


def _environment_names(environments: list[Any]) -> list[str]:
    """Return the names as a set; the server answers `{environment: NAME}` for each."""
    return sorted(entry["environment"] if isinstance(entry, dict) else entry for entry in environments)


class ProjectSpec(Model):
    """The fields of a project."""

    name: str = Field(default="", min_length=1, description="What people call it.", examples=["The shop"])
    description: Annotated[str | None, Rule(normalise=lambda text: text or None, send=lambda text: text or "")] = Field(
        default=None, description="What it is for; null: nothing.", examples=["Sales"]
    )
    mode: Literal["open", "protected", "private"] = Field(default="open", description="Who can take part in it.")
    defaultStickiness: str = Field(
        default="default", min_length=1, description="What new rollouts stick to.", examples=["userId"]
    )
    environments: Annotated[
        list[Annotated[str, Field(min_length=1)]],
        AfterValidator(reject_duplicates),
        Rule(normalise=_environment_names, live_type=list[str | _ProjectEnvironment]),
    ] = Field(default_factory=list, description="The environments it has, no others.", examples=[["development"]])


class Project(Kind, HasReferences, HasHistory, Pullable):
    """Projects. They are never deleted, whatever the workspace says: all flags of a project go with it."""

    name = "Project"
    folder = "projects"
    ownable = False
    spec = ProjectSpec
    document = envelope("Project", "A project.", ProjectMetadata, ProjectSpec)
    events = ("project-created", "project-updated", "project-environment-added", "project-environment-removed")
    limit = "projects"
    codes: ClassVar[Mapping[str, str]] = {"twice": STRATEGY_CODES["twice"]}

    @override
    def references(self, spec: Mapping[str, Any], project: str | None = None) -> Iterable[Reference]:
        for index, name in enumerate(spec.get("environments", ())):
            yield Reference("Environment", None, name, ("spec", "environments", index))

    @override
    def provided_references(self, resource: Resource) -> Iterable[Reference]:
        """The environments that the project has, for its flags."""
        for name in resource.spec.get("environments", ()):
            yield Reference("Environment", resource.id, name)

    @override
    def areas(self, reads: Reads) -> Iterable[Area]:
        """Nothing is read where no document is about a project."""
        if reads.scope.has(self.name):
            yield Area(self.name)

    @override
    def read(self, reads: Reads, area: Area) -> Iterable[Resource]:
        """The projects that documents are about, or all that the workspace looks at."""
        for project in reads.scope.within(area) or reads.projects():
            answer = reads.get_or_none(f"{_PATH}/{quote(project, safe='')}/overview")
            if answer is not None:
                parsed = live_model(ProjectSpec).model_validate(answer).model_dump()
                yield Resource(Address(self.name, project), project, self.normalise(parsed), ownership="builtin")

    @override
    def spec_after_create(self, desired: Resource) -> dict[str, Any]:
        return {**super().spec_after_create(desired), "name": desired.id, **desired.spec}

    @override
    def side_effect_note(self, live: Resource, after: Mapping[str, Any]) -> str | None:
        removed = sorted(set(live.spec["environments"]) - set(after["environments"]))
        if not removed:
            return None
        return f"every flag is switched off in {', '.join(removed)}, and the default strategy there is lost"

    @override
    def server_refusal(
        self, desired: Resource, live: Resource | None, after: Mapping[str, Any], server: ServerFacts
    ) -> str | None:
        if server.enterprise:
            return None
        if live is None:
            return f'needs Unleash Enterprise: the open-source edition cannot make the project "{desired.id}"'
        changed = [field for field in _ENTERPRISE if after[field] != live.spec[field]]
        if changed:
            return f"needs Unleash Enterprise: the open-source edition cannot change {', '.join(changed)} of a project"
        return None

    @override
    def create(self, desired: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:
        verify = Lookup(path=f"{_PATH}/{quote(desired.id, safe='')}/overview", list_key="")
        return (Call(method="POST", path=_PATH, body={"id": desired.id, **self.body(after)}, verify=verify),)

    @override
    def update(self, desired: Resource, live: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:
        path = f"{_PATH}/{quote(desired.id, safe='')}"
        calls = []
        if any(after[field] != live.spec[field] for field in _ENTERPRISE):
            calls.append(Call(method="PUT", path=path, body=self.body({field: after[field] for field in _ENTERPRISE})))
        before, wanted = live.spec["environments"], after["environments"]
        for name in wanted:
            if name not in before:
                body = {"environment": name}
                calls.append(Call(method="POST", path=f"{path}/environments", body=body, idempotent=True))
        removed = [quote(name, safe="") for name in before if name not in wanted]
        calls += [Call(method="DELETE", path=f"{path}/environments/{name}") for name in removed]
        return tuple(calls)

    @override
    def overwritten_parts(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterable[tuple[str, ...]]:
        """One request sends all fields that need Enterprise; environments have requests of their own."""
        changed = {field for field in before if before[field] != after[field]}
        fields = {*changed, *(_ENTERPRISE if changed.intersection(_ENTERPRISE) else ())}
        return [(field,) for field in before if field in fields]

    @override
    def delete(self, live: Resource) -> tuple[Call, ...]:
        """Never called, since none is owned."""
        raise RuntimeError(f"{live} is the server's own, and never deleted")

    @override
    def event_subjects(self, event: Event, workspace: str) -> Iterable[str]:
        return () if event.project is None else (event.project,)

    @override
    def history_states(
        self, live: Resource | None, object_id: str, events: Sequence[Event], reads: Reads
    ) -> Iterable[Transition]:
        """An event of an environment holds only that environment, so the project is taken back event by event."""
        if live is None:
            yield from ((UnknownValue(), UnknownValue()) for _ in events)
            return
        spec: Mapping[str, Any] | None = live.spec
        for event in events:
            after = spec
            spec = None if after is None or event.type == "project-created" else self._spec_before(event, after)
            yield spec, after

    def _spec_before(self, event: Event, after: Mapping[str, Any]) -> dict[str, Any]:
        """Return a project as it was before an event that left it as `after`."""
        if event.type == "project-updated":
            payload = event.before if isinstance(event.before, dict) else {}
            known = {field: payload[field] for field in _ENTERPRISE if field in payload}
            return {**after, **dict.fromkeys(_ENTERPRISE, UnknownValue()), **self.normalise(known)}
        others = [name for name in after["environments"] if name != event.environment]
        removed = [] if event.type == "project-environment-added" else [event.environment]
        return self.normalise({**after, "environments": others + removed})


KIND = Project()
