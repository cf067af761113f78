"""Flags on the real server, for whatever is live and whatever is wanted."""

from __future__ import annotations

import tempfile
import threading
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

import document_samples
from acceptance.flag_states import CUSTOM_STRATEGY, ENVIRONMENTS, flags, partial
from properties import server_examples
from servers.actors import make_token
from servers.instance import Instance
from unleash_gitops.api.client import Client
from unleash_gitops.documents.yamldoc import dump_document
from unleash_gitops.engine.diff import diff_fields
from unleash_gitops.engine.reader import Reader
from unleash_gitops.kinds.flags import read as reading
from unleash_gitops.model.errors import InvalidFiles
from unleash_gitops.model.plan import Plan
from unleash_gitops.model.resource import Area, Key, ReadScope
from unleash_gitops.model.workspace import WorkspaceSpec
from unleash_gitops.workflow.accept import accept_drift
from unleash_gitops.workflow.apply import apply_plan
from unleash_gitops.workflow.plan import load_workspace, make_plan
from unleash_gitops.workflow.pull import pull_workspace
from unleash_gitops.workflow.pulled_documents import PullChoice

pytestmark = pytest.mark.sandbox
SEGMENTS = ["prop one", "prop two"]
LEAVES = [
    "enabled",
    "strategies",
    "production.enabled",
    "rollout",
    "parameters",
    "variants",
    "tags",
    "links",
    "segments",
]
CHOICES = st.builds(
    PullChoice,
    kind=st.just("FeatureFlag"),
    minimal=st.booleans(),
    leave=st.lists(st.sampled_from(LEAVES), max_size=3).map(tuple),
)
ODD = st.text("abzAZ09-_.~!*'()", min_size=1, max_size=12).filter(lambda name: name.strip("."))


@pytest.fixture
def server(real: Instance) -> Instance:
    prepare(real)
    return real


def prepare(real: Instance) -> None:
    """Leave on the server only what the drawn flags refer to."""
    real.reset()
    for name in SEGMENTS:
        real.make("segments", name, constraints=[])
    real.make("strategies", CUSTOM_STRATEGY, parameters=[])


def unique(odd: str) -> str:
    return f"{odd}-{uuid.uuid4().hex[:10]}"


def make(server: Instance, name: str, flag: dict[str, Any]) -> None:
    """Make a flag as other people would."""
    numbers = {key: one["id"] for key, one in server.named("segments").items()}
    body = {key: flag[key] for key in ("type", "description", "impressionData", "stale")}
    server.call("POST", "/features", {"name": name, **body})
    at = f"/features/{quote(name, safe='')}"
    for tag in flag["tags"]:
        kind, _, value = tag.partition(":")
        server.http.post(f"/api/admin{at}/tags", json={"type": kind, "value": value}).raise_for_status()
    for link in flag["links"]:
        server.call("POST", f"{at}/link", {key: value for key, value in link.items() if value})
    for environment, wanted in flag["environments"].items():
        place = f"{at}/environments/{environment}"
        ids = []
        for one in wanted["strategies"]:
            body = {**one, "segments": [numbers[segment] for segment in one["segments"]]}
            ids.append(server.call("POST", f"{place}/strategies", body)["id"])
        if ids:
            order = [{"id": ids[one], "sortOrder": number} for number, one in enumerate(wanted["order"])]
            server.call("POST", f"{place}/strategies/set-sort-order", order)
        if wanted["enabled"]:
            server.call("POST", f"{place}/on")


def depend(server: Instance, child: str, parent: str) -> None:
    at = f"/features/{quote(child, safe='')}/dependencies"
    server.call("POST", at, {"feature": parent, "enabled": True, "variants": ["a"]})


def write(root: Path, documents: dict[str, Any]) -> None:
    flags = "---\n".join(dump_document(document_samples.flag(name, **spec)) for name, spec in documents.items())
    (root / "flags.yaml").write_text(flags, encoding="utf-8")
    document_samples.write(root, document_samples.workspace("property", maxDeletes=100))


def plan(root: Path, server: Instance) -> Plan:
    try:
        loaded, workspace = load_workspace(root)
    except InvalidFiles as error:
        raise AssertionError([found.message for found in error.diagnostics]) from None
    with Client(server.url, server.token) as client:
        return make_plan(loaded, workspace, client)


def apply(root: Path, server: Instance) -> Plan:
    """Apply, and return the plan after it."""
    with Client(server.url, server.token) as client:
        report = apply_plan(plan(root, server), client, threading.Event())
    assert [one.error for one in report.results if one.status != "applied"] == []
    return plan(root, server)


def strategies_of(server: Instance, name: str) -> Any:
    """Return what a flag is by environment; the server tells a strategy's segments in no promised order."""
    found = server.call("GET", f"/features/{quote(name, safe='')}")
    for environment in found["environments"]:
        for strategy in environment["strategies"]:
            strategy["segments"] = sorted(strategy["segments"])
    return {one["name"]: [one["enabled"], one["strategies"]] for one in found["environments"]}


@server_examples(0.12)
@given(st.data())
def test_every_way_of_reading_gives_the_same(server: Instance, data: st.DataObject) -> None:
    names = [unique(data.draw(ODD)) for _ in range(3)]
    for name in names:
        make(server, name, data.draw(flags(SEGMENTS)))
    area = Area("FeatureFlag", "default")
    shape = {"environments": {name: {"strategies": ()} for name in ENVIRONMENTS}}
    found = []
    for cheaper, reads in ((True, "plain"), (False, "plain"), (True, "export")):
        with Client(server.url, server.token) as client, pytest.MonkeyPatch.context() as patch:
            patch.setattr(reading, "_bulk_is_cheaper", lambda *_, answer=cheaper: answer)
            patch.setattr(reading, "_FEW", 0)
            scope = ReadScope({area: dict.fromkeys(names, shape)}, lambda _: False)
            live = Reader(client, "property", WorkspaceSpec(reads=reads), scope).read_areas([area])
            found.append(
                [(one.spec, one.handles) for name in names for one in [live.resources[Key("FeatureFlag", name)]]]
            )
    for cheap, single, exported in zip(*found, strict=True):
        assert diff_fields(cheap[0], single[0]) == ()
        assert diff_fields(exported[0], single[0]) == ()
        assert cheap[1] == exported[1] == single[1]


@server_examples(0.12)
@given(st.data())
def test_pull_then_plan_is_empty_and_nothing_is_touched(server: Instance, data: st.DataObject) -> None:
    prepare(server)
    names = [unique(data.draw(ODD)) for _ in range(2)]
    for name in names:
        make(server, name, data.draw(flags(SEGMENTS)))
    if data.draw(st.booleans()):
        depend(server, names[0], names[1])
    before = [strategies_of(server, name) for name in names]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write(root, {})
        (root / "flags.yaml").unlink()
        loaded, workspace = load_workspace(root)
        with Client(server.url, server.token) as client:
            pulled = pull_workspace(loaded, workspace, client, data.draw(CHOICES))
            again = pull_workspace(*load_workspace(root), client, PullChoice("FeatureFlag"))
        assert again.files == ()
        assert [entry for entry in pulled.skipped if any(name in entry.address for name in names)] == []
        assert len(pulled.files) == len(names) + 2
        after = plan(root, server)
        assert [change.fields for change in after.changes if change.fields or change.action != "adopt"] == []
        assert len(after.changes) + after.summary.unchanged == len(names) + 2
    assert [strategies_of(server, name) for name in names] == before


@server_examples(0.12)
@given(st.data())
def test_after_apply_a_plan_is_empty_and_what_is_not_said_is_as_it_was(server: Instance, data: st.DataObject) -> None:
    prepare(server)
    old, new, foreign = (unique(data.draw(ODD)) for _ in range(3))
    make(server, old, data.draw(flags(SEGMENTS)))
    make(server, foreign, data.draw(flags(SEGMENTS)))
    before = strategies_of(server, foreign)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for _ in range(2):
            documents = {name: data.draw(flags(SEGMENTS).flatmap(partial)) for name in (old, new)}
            known = strategies_of(server, old)
            write(root, documents)
            left = apply(root, server).changes
            assert not left, [change.fields for change in left]
            for environment, (enabled, strategies) in strategies_of(server, old).items():
                said = documents[old].get("environments", {}).get(environment, {})
                if "strategies" not in said:
                    assert strategies == known[environment][1]
                    assert enabled == said.get("enabled", known[environment][0])
    assert strategies_of(server, foreign) == before


@pytest.fixture(scope="module")
def somebody(real_server: Instance) -> Instance:
    """Give the server to somebody with a token of their own."""
    return Instance(real_server.url, make_token("somebody"))


@server_examples(0.12)
@given(st.data())
def test_whatever_somebody_else_made_of_a_flag_can_be_accepted(
    server: Instance, somebody: Instance, data: st.DataObject
) -> None:
    prepare(server)
    names = [unique(data.draw(ODD)) for _ in range(2)]
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as other:
        ours, theirs = Path(folder), Path(other)
        write(ours, {name: data.draw(flags(SEGMENTS).flatmap(partial)) for name in names})
        file = ours / "flags.yaml"
        file.write_text(file.read_text(encoding="utf-8").replace("\nspec:", "\n# Ours.\nspec:"), encoding="utf-8")
        comments = file.read_text(encoding="utf-8").count("# Ours.")
        assert not apply(ours, server).changes
        write(theirs, {name: data.draw(flags(SEGMENTS).flatmap(partial)) for name in names})
        assert not apply(theirs, somebody).changes
        before = [strategies_of(server, name) for name in names]
        drift = plan(ours, server)
        told = {one.origin for change in (*drift.changes, *drift.kept) for one in change.fields}
        assert told <= {"drift", "conflict"}, told
        loaded, workspace = load_workspace(ours)
        with Client(server.url, server.token) as client:
            accept_drift(loaded, workspace, client)
        after = plan(ours, server)
        assert [(change.address, change.fields) for change in after.changes] == []
        assert file.read_text(encoding="utf-8").count("# Ours.") == comments
        assert [strategies_of(server, name) for name in names] == before
