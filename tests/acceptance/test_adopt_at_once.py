"""Two workspaces that plan to adopt the same objects, and apply at the same time: each object has one owner then."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import document_samples
from servers.instance import Instance
from unleash_gitops.api.client import Client
from unleash_gitops.engine.claims import confirm_claim, require_unclaimed
from unleash_gitops.model.call import Claim
from unleash_gitops.model.change_errors import ClaimLost
from unleash_gitops.model.plan import Plan
from unleash_gitops.model.report import Report
from unleash_gitops.workflow.apply import apply_plan
from unleash_gitops.workflow.plan import load_workspace, make_plan

FLAGS = 12


def plan_adoption(root: Path, workspace: str, instance: Instance, names: list[str]) -> tuple[Client, Plan]:
    """Return a plan that adopts flags and a segment for a workspace, and a client to apply it with."""
    document_samples.write(root / workspace, document_samples.workspace(workspace))
    for name in names:
        document_samples.write(root / workspace, document_samples.flag(name, "default"), f"{name}.yaml")
    document_samples.write(root / workspace, document_samples.document("Segment", names[0]), "segment.yaml")
    client = Client(instance.url, instance.token)
    return client, make_plan(*load_workspace(root / workspace), client)


def test_one_of_two_workspaces_keeps_each_object(instance: Instance, tmp_path: Path) -> None:
    names = [f"f{uuid.uuid4().hex[:8]}" for _ in range(FLAGS)]
    for name in names:
        instance.call("POST", "/features", {"name": name})
    instance.make("segments", names[0], constraints=[])
    planned = [plan_adoption(tmp_path, workspace, instance, names) for workspace in ("aa", "bb")]
    assert [plan.summary.adopt for _, plan in planned] == [FLAGS + 1, FLAGS + 1]

    def apply(entry: tuple[Client, Plan]) -> Report:
        client, plan = entry
        return apply_plan(plan, client, threading.Event())

    with ThreadPoolExecutor(2) as pool:
        reports = dict(zip(("aa", "bb"), pool.map(apply, planned), strict=True))
    for client, _ in planned:
        client.close()
    for name in names:
        flag = instance.flag(name)
        assert flag is not None
        owners = [tag.removeprefix("gitops:") for tag in flag["tags"] if tag.startswith("gitops:")]
        assert len(owners) < 2, name
        applied = [
            workspace
            for workspace, report in reports.items()
            if any(
                result.name == name and result.kind == "FeatureFlag" and result.status == "applied"
                for result in report.results
            )
        ]
        assert applied == owners, name
    errors = [result.error for report in reports.values() for result in report.results if result.status == "failed"]
    assert len(errors) >= FLAGS  # a description has one last line: the later mark may come after both have looked
    reasons = ("at the same time", "changed since planned: is owned by workspace")
    assert {error for error in errors if error is not None and not any(reason in error for reason in reasons)} == set()


class Log:
    """A flag's tags, and the events that put them there, the oldest first."""

    def __init__(self, *owners: str, logged: tuple[str, ...] | None = None) -> None:
        self.tags = [{"type": "gitops", "value": owner} for owner in owners]
        self.events = [
            {
                "id": number, "type": "feature-tagged", "createdAt": "2026-01-01T00:00:00Z", "createdBy": "x",
                "featureName": "f", "data": {"type": "gitops", "value": owner},
            }
            for number, owner in enumerate(owners if logged is None else logged, start=1)
        ]  # fmt: skip

    def get(self, path: str) -> object:
        if "/search/events" in path:
            return {"events": self.events[::-1], "total": len(self.events)}
        return {"tags": self.tags}


CLAIM = Claim(path="/api/admin/features/f/tags", workspace="aa", feature="f")


@pytest.mark.parametrize(
    ("log", "outcome"),
    [
        (Log("aa"), "kept"),
        (Log("aa", "bb"), "kept"),
        (Log("bb", "aa"), "withdrawn"),
        (Log("aa", "bb", logged=("aa",)), "kept"),  # the other one is still tagging
        (Log("aa", "bb", logged=()), "withdrawn"),
        (Log("bb"), "lost"),
        (Log(), "lost"),
    ],
)
def test_of_two_tags_the_older_one_stays(log: Log, outcome: str) -> None:
    withdrawn: list[bool] = []

    def withdraw() -> None:
        withdrawn.append(True)

    if outcome == "kept":
        confirm_claim(CLAIM, log.get, withdraw)
    else:
        with pytest.raises(ClaimLost):
            confirm_claim(CLAIM, log.get, withdraw)
    assert bool(withdrawn) == (outcome == "withdrawn")


def test_a_mark_that_the_plan_did_not_see_stops_the_change_before_anything_is_sent() -> None:
    require_unclaimed(CLAIM, Log().get)
    require_unclaimed(CLAIM, Log("aa").get)
    require_unclaimed(CLAIM.model_copy(update={"former": ("bb",)}), Log("bb").get)
    with pytest.raises(ClaimLost, match="adopted by bb at the same time"):
        require_unclaimed(CLAIM, Log("bb").get)
