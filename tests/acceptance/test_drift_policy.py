"""What becomes of what others changed, on the real server: written over and named, kept, refused, or accepted."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from acceptance.trio import PARTS, Parts, Trio, same
from document_samples import document_text
from servers.actors import ANOTHER, PERSON
from servers.fault_proxy import FaultProxy

pytestmark = pytest.mark.sandbox

LOG = ("/api/admin/search/events", "/api/admin/events/", "/api/admin/user")


def switch(trio: Trio, who: httpx.Client, environment: str, state: str) -> None:
    at = f"/api/admin/projects/default/features/{trio.name}/environments/{environment}"
    who.post(f"{at}/{state}").raise_for_status()


def is_on(trio: Trio, environment: str) -> bool:
    flag = trio.space.instance.flag(trio.name)
    assert flag is not None
    return bool(flag["in"][environment]["enabled"])


def say_on(trio: Trio, *environments: str) -> None:
    """Have the flag's file say that it is on."""
    document = json.loads(trio.file("FeatureFlag").read_text())
    for name in environments:
        document["spec"]["environments"].setdefault(name, {})["enabled"] = True
    trio.file("FeatureFlag").write_text(json.dumps(document))


def on_everywhere(trio: Trio, **workspace: Any) -> None:
    """Have the flag on in both environments, as its file says."""
    trio.space.workspace(**workspace)
    say_on(trio, "production", "development")
    assert trio.space.apply().code == 0
    assert is_on(trio, "production")
    assert is_on(trio, "development")


def test_a_kill_switch_is_never_undone_silently(trio: Trio, admin: httpx.Client) -> None:
    """In production the default is to fail; elsewhere it is written over, and named."""
    on_everywhere(trio)
    switch(trio, admin, "production", "off")
    trio.write(0, 1)
    say_on(trio, "production")
    for command in (["plan"], ["apply", "--yes"]):
        done = trio.space.run(*command)
        assert done.code == 1
        assert f"FeatureFlag/default/{trio.name}: environments.production.enabled by {PERSON} at 20" in done.err
        assert "unleash-gitops accept" in done.err
    assert not is_on(trio, "production")
    assert trio.live()["Segment"] == Parts()  # nothing at all is applied
    done = trio.space.apply("--on-drift", "keep")
    assert done.code == 0, done.err
    assert f"drift: by {PERSON}," in done.out
    assert not is_on(trio, "production")
    assert trio.live() == same(Parts(0, 1))
    assert trio.space.apply("--on-drift", "overwrite").code == 0
    assert is_on(trio, "production")


def test_a_switch_elsewhere_is_written_over_and_named(trio: Trio, other: httpx.Client) -> None:
    on_everywhere(trio)
    switch(trio, other, "development", "off")
    done = trio.space.apply()
    assert done.code == 0, done.err
    assert f"drift: by {ANOTHER}, " in done.out
    assert is_on(trio, "development")


def test_what_is_kept_stays_and_is_said_until_the_files_agree(trio: Trio, admin: httpx.Client) -> None:
    trio.space.workspace(drift="keep")
    trio.change(admin, first=2)
    trio.write(0, 1)
    done = trio.space.apply()
    assert done.code == 0, done.err
    assert trio.live() == same(Parts(2, 1))
    for _ in range(2):
        plan = trio.space.plan()
        assert plan["changes"] == []
        assert trio.told(plan, "kept") == same({"first": ("drift", PERSON)})
        assert plan["summary"] | {"kept": 3, "drifted": 3} == plan["summary"]
        assert trio.space.run("plan", "--detailed-exitcode").code == 0
    trio.write(2, 1)
    assert trio.space.plan()["kept"] == []


def test_a_document_says_what_becomes_of_its_own(trio: Trio, admin: httpx.Client) -> None:
    trio.space.workspace(drift="keep")
    document = json.loads(trio.file("Segment").read_text())
    document["metadata"]["drift"] = "overwrite"
    trio.file("Segment").write_text(json.dumps(document))
    document = json.loads(trio.file("ImpactMetric").read_text())
    document["metadata"]["drift"] = "fail"
    trio.file("ImpactMetric").write_text(json.dumps(document))
    trio.change(admin, second=2)
    done = trio.space.apply()
    assert done.code == 1
    assert f"ImpactMetric/{trio.name}: title by {PERSON}" in done.err
    assert trio.live() == same(Parts(0, 2))
    document["metadata"]["drift"] = "keep"
    trio.file("ImpactMetric").write_text(json.dumps(document))
    assert trio.space.apply().code == 0
    assert trio.live() == {**same(Parts(0, 2)), "Segment": Parts()}


@pytest.mark.parametrize("policy", ["keep", "fail", "overwrite"])
def test_what_somebody_deleted(trio: Trio, other: httpx.Client, policy: str) -> None:
    trio.delete(other)
    done = trio.space.apply("--on-drift", policy)
    assert done.code == (1 if policy == "fail" else 0)
    assert ANOTHER in done.out + done.err
    assert trio.live() == (same(Parts()) if policy == "overwrite" else {})


@pytest.mark.parametrize("policy", ["keep", "fail", "overwrite"])
def test_what_the_files_delete_and_somebody_changed(trio: Trio, other: httpx.Client, policy: str) -> None:
    trio.change(other, first=1)
    trio.unlink()
    done = trio.space.apply("--on-drift", policy)
    assert done.code == (1 if policy == "fail" else 0)
    assert ANOTHER in done.out + done.err
    assert trio.live() == ({} if policy == "overwrite" else same(Parts(1, 0)))


def test_where_the_workspace_is_the_only_writer_what_others_made_is_deleted_and_named(
    trio: Trio, admin: httpx.Client
) -> None:
    exclusive = [{"kind": kind} for kind in ("Segment", "ImpactMetric")] + [
        {"kind": "FeatureFlag", "project": "default"}
    ]
    trio.space.workspace(exclusive=exclusive)
    extra = f"extra-{trio.name}"
    place = f"/api/admin/projects/default/features/{extra}/environments/production"
    admin.post("/api/admin/projects/default/features", json={"name": extra}).raise_for_status()
    admin.post(f"{place}/on", json={}).raise_for_status()
    for name in ("checkout-v2", "search-ranking"):
        trio.flag_file(name)
    (change,) = [change for change in trio.space.plan()["changes"] if change["action"] != "adopt"]
    assert (change["action"], change["origin"], change["changed"]["by"]) == ("delete", "drift", PERSON)
    for policy in ("keep", "fail"):
        trio.space.workspace(exclusive=exclusive, drift=policy)
        assert trio.space.apply().code == (1 if policy == "fail" else 0)
        assert trio.space.instance.flag(extra) is not None
    trio.space.workspace(exclusive=exclusive)
    assert trio.space.apply().code == 0
    assert trio.space.instance.flag(extra) is None
    assert trio.live() == same(Parts())


def test_a_plan_of_drift_alone(trio: Trio, admin: httpx.Client) -> None:
    trio.write(1, 0)
    nothing = trio.space.run("plan", "--drift")
    assert (nothing.code, nothing.out) == (
        0,
        "No drift: nothing that the workspace manages was changed by another user.\n",
    )
    trio.change(admin, second=2)
    done = trio.space.run("plan", "--drift", "--format", "json")
    assert (done.code, trio.told(done.json)) == (2, same({"second": ("drift", PERSON)}))
    text = trio.space.run("plan", "--drift")
    assert (text.code, text.out.count(f"drift: by {PERSON}, ")) == (2, 3)
    assert '"hour"' not in text.out  # what the file alone changed
    part = trio.space.root / "part.json"
    part.write_text(done.out, encoding="utf-8")
    refused = trio.space.run("apply", str(part))
    assert (refused.code, "this is the drift of a plan" in refused.err) == (1, True)
    assert trio.live() == same(Parts(0, 2))
    github = trio.space.run("plan", "--drift", "--format", "github")
    assert github.code == 2
    for kind in PARTS:
        assert f"::warning file={kind}.yaml,line=1,title=drift::" in github.out


@pytest.mark.parametrize("prune", ["owned", "none"])
def test_a_plan_of_drift_knows_objects_whose_file_is_gone(trio: Trio, admin: httpx.Client, prune: str) -> None:
    trio.space.workspace(prune=prune)
    trio.unlink()
    assert trio.space.run("plan", "--drift").code == 0
    trio.change(admin, second=2)
    done = trio.space.run("plan", "--drift", "--format", "json")
    assert done.code == 2
    found = [(one["kind"], one["changed"]["by"]) for one in done.json["changes"] + done.json["kept"]]
    assert sorted(found) == sorted((kind, PERSON) for kind in PARTS)


def test_what_is_accepted_is_in_the_files_as_they_are_written(trio: Trio, admin: httpx.Client) -> None:
    content = f"""\
# The flag of the trio.
{document_text("FeatureFlag", trio.name, project="default")}\
spec:
  description: number 1   # ours
  environments:
    production:
      strategies:
        # Carefully.
        - {{name: flexibleRollout, parameters: {{rollout: 0, stickiness: default}}}}   # percent
"""
    trio.file("FeatureFlag").write_text(content)
    trio.change(admin, first=2)
    done = trio.space.run("accept", "--target", f"FeatureFlag/default/{trio.name}")
    assert done.code == 0, done.err
    assert (
        f"accepted environments.production.strategies of FeatureFlag/default/{trio.name} (changed by {PERSON}"
        in done.out
    )
    written = trio.file("FeatureFlag").read_text()
    kept = [line for line in content.splitlines() if "rollout" not in line and not line.startswith("metadata")]
    assert [line for line in written.splitlines() if line in kept] == kept
    assert "rollout: 20" in written
    assert trio.told(trio.space.plan()) == {
        "FeatureFlag": {"second": "file"},
        **{kind: {"first": ("drift", PERSON)} for kind in PARTS if kind != "FeatureFlag"},
    }
    assert trio.space.run("accept").code == 0
    assert trio.space.apply().code == 0
    assert trio.live() == {**same(Parts(2, 0)), "FeatureFlag": Parts(2, 1)}
    assert trio.space.plan()["changes"] == []
    for kind in ("Segment", "ImpactMetric"):
        words = trio.file(kind).read_text()
        assert words.count('"2"') + words.count('"week"') == 1, words
        trio.file(kind).write_text(words.replace('"2"', '"3"').replace('"week"', '"month"'))
    assert trio.told(trio.space.plan()) == same({"first": "file"}, "Segment", "ImpactMetric")
    trio.write(3, 1)  # forgets what was accepted: then nobody knows that the files agreed once
    assert trio.told(trio.space.plan())["Segment"] == {"first": ("conflict", PERSON), "second": "file"}


def test_what_somebody_deleted_can_be_accepted(trio: Trio, other: httpx.Client) -> None:
    trio.delete(other)
    assert trio.space.run("accept").code == 0
    assert [trio.file(kind).exists() for kind in PARTS] == [False] * 3
    assert trio.space.plan()["changes"] == []


def test_a_saved_plan_is_refused_and_says_who_moved_what_and_when(trio: Trio, admin: httpx.Client) -> None:
    trio.write(1)
    out = trio.space.root / "plan.json"
    assert trio.space.run("plan", "--out", str(out)).code == 0
    trio.change(admin, first=2)
    done = trio.space.run("apply", str(out))
    assert done.code == 1
    assert done.err.count(f"by {PERSON} at 20") == 3, done.err
    assert trio.live() == same(Parts(2, 0))
    trio.delete(admin)
    assert trio.space.run("apply", str(out)).err.count(f"by {PERSON} at 20") == 3


def asked(trio: Trio, *arguments: str) -> list[str]:
    """Return what a plan asks of the log and of accounts."""
    proxy = FaultProxy(trio.space.instance.url)
    with proxy.served() as url, trio.space.through(url):
        trio.space.plan(*arguments)
    return [path for _, path in proxy.reached if path.startswith(LOG)]


def test_the_log_is_asked_only_when_something_differs_and_then_a_handful_of_times(
    trio: Trio, admin: httpx.Client
) -> None:
    assert asked(trio) == []
    trio.change(admin, second=2)
    trio.write(1)
    assert len(asked(trio)) == 3  # who we are, flags, and all else
    assert len(asked(trio, "--on-drift", "keep")) == 3


@pytest.mark.parametrize("status", ["403", "404"])
def test_without_the_log_a_plan_says_so_and_is_as_before(trio: Trio, admin: httpx.Client, status: str) -> None:
    trio.change(admin, first=2)
    trio.space.workspace()
    proxy = FaultProxy(trio.space.instance.url)
    proxy.fault = lambda _number, _method, path: status if path.startswith(LOG) else None
    with proxy.served() as url, trio.space.through(url):
        plan = trio.space.plan()
        assert trio.told(plan) == same({"first": "unknown"})
        assert status in plan["auditError"]
        drift = trio.space.run("plan", "--drift")
        assert (drift.code, drift.out) == (1, "")
        assert f"the audit log cannot be read to tell who changed what: GET /api/admin/user: {status}" in drift.err
        done = trio.space.apply()
    assert done.code == 0, done.err
    assert "origin unknown" in done.out
    assert trio.live() == same(Parts())
