"""One object of a workspace on a server in memory, and another user who edits it at a chosen moment of an apply."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from document_samples import CHART, document, parse_resource, parse_workspace
from servers.fake_audit import FakeAudit
from servers.fake_routes import Answer
from servers.fake_unleash import TOKEN, FakeUnleash
from unleash_gitops.api.client import Client
from unleash_gitops.documents.loader import LoadedWorkspace
from unleash_gitops.engine.applier import apply_changes
from unleash_gitops.engine.reader import Reader
from unleash_gitops.model.plan import Plan
from unleash_gitops.model.report import Report
from unleash_gitops.model.resource import Area, ReadScope, Resource, ResourceSet
from unleash_gitops.model.workspace import WorkspaceSpec
from unleash_gitops.workflow.apply import apply_plan
from unleash_gitops.workflow.plan import make_plan

OTHER = "*:*.somebody"
FLAG = "/api/admin/projects/default/features/f"
MARK = "managed by unleash-gitops: payments"
IDS = {"FeatureFlag": "f", "ImpactMetric": "chart"}
LISTS: dict[str, tuple[str, str | None]] = {
    "Segment": ("/api/admin/segments", "segments"),
    "ContextField": ("/api/admin/context", None),
    "TagType": ("/api/admin/tag-types", "tagTypes"),
    "Strategy": ("/api/admin/strategies", "strategies"),
}

Spec = dict[str, Any]
Edit = Callable[["Rivals"], None]


class Rivals:
    """A server with one object of `kind`, made as `first` says. `spec` is what it needs beside."""

    def __init__(self, kind: str, first: Spec, version: str = "8.2.0") -> None:
        self.kind = kind
        audit = FakeAudit({TOKEN: "ours", OTHER: "somebody"})
        self.fake = FakeUnleash(flags={"default": []}, audit=audit, version=version)
        self.workspace = parse_workspace("payments", drift="overwrite")
        assert self.apply(self.plan(first)).complete

    @property
    def name(self) -> str:
        return IDS.get(self.kind, "thing")

    def client(self, token: str = TOKEN) -> Client:
        return Client("http://fake", token, transport=self.fake.transport())

    def plan(self, *specs: Spec) -> Plan:
        """Plan the object as a document says it; without one, plan its delete."""
        project = {"project": "default"} if self.kind == "FeatureFlag" else {}
        needed = CHART if self.kind == "ImpactMetric" else {}
        documents = [document(self.kind, self.name, project, **{**needed, **spec}) for spec in specs]
        resources = {resource.key: resource for resource in (parse_resource(each, "payments") for each in documents)}
        loaded = LoadedWorkspace(Path(), None, ResourceSet(resources), (), (), len(resources))
        with self.client() as client:
            return make_plan(loaded, self.workspace, client)

    def apply(self, plan: Plan) -> Report:
        with self.client() as client:
            return apply_plan(plan, client, threading.Event())

    def apply_unguarded(self, plan: Plan) -> Report:
        """Send the calls without reading anything again."""
        with self.client() as client:
            return apply_changes(plan, client, threading.Event())

    def edit_before(self, method: str, edit: Edit, path: str = "") -> None:
        """Have the other user edit right before the server gets the next request with `method` and `path` in it."""

        def hook(sent: str, target: str, go: Callable[[], Answer]) -> Answer:
            if sent == method and path in target:
                self.fake.hook = lambda _method, _path, go: go()
                edit(self)
            return go()

        self.fake.hook = hook

    def send(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request as the other user; return the answer."""
        status, _, content = self.fake.answer(method, path, {"authorization": OTHER}, json.dumps(body).encode())
        assert status < 300, content
        return json.loads(content) if content else None

    def live(self) -> Resource | None:
        """Return the object with everything of it, None when it does not exist."""
        project = "default" if self.kind == "FeatureFlag" else None
        with self.client() as client:
            reader = Reader(client, "payments", WorkspaceSpec(), ReadScope(None, lambda _: False))
            live = reader.read_areas([Area(self.kind, project)])
        own = [resource for resource in live.resources.values() if resource.ownership == "owned"]
        return own[0] if own else None

    def update(self, **changed: Any) -> None:
        """Change fields of a named object or a chart as the other user does, who keeps everything else."""
        if self.kind == "ImpactMetric":
            ((key, (_, config)),) = self.fake.charts.items()
            self.send("POST", "/api/admin/impact-metrics/config", {**config, "id": key, **changed})
            return
        path, list_key = LISTS[self.kind]
        answer = self.send("GET", path)
        entries = answer if list_key is None else answer[list_key]
        entry = next(each for each in entries if each["name"] == "thing")
        if "description" in changed:
            changed = {**changed, "description": f"{changed['description']}\n{MARK}"}
        self.send("PUT", f"{path}/{entry.get('id', 'thing')}", {**entry, **changed})

    def strategies(self, environment: str = "production") -> list[Any]:
        entries: list[Any] = self.fake.about_flags.flag("f")["in"][environment]["strategies"]
        return entries

    def roll_out(self, percentage: int, environment: str = "production") -> None:
        """Change the first strategy of the flag."""
        strategy = self.strategies(environment)[0]
        body = {**strategy, "parameters": {**strategy["parameters"], "rollout": str(percentage)}}
        self.send("PUT", f"{FLAG}/environments/{environment}/strategies/{strategy['id']}", body)


def rollout(percentage: int, **more: Any) -> Spec:
    """Return a document's strategy."""
    return {"name": "flexibleRollout", "parameters": {"rollout": percentage}, **more}


def in_production(*strategies: Spec, enabled: bool = True, **more: Any) -> Spec:
    """Return a flag's spec with production."""
    return {"environments": {"production": {"enabled": enabled, "strategies": list(strategies)}}, **more}
