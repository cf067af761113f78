"""Two workspaces on one instance: adopt, transfer, release, and deletes that nobody wants."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import document_samples
from acceptance.conftest import ANY_DELETES, SOMEBODY, Space
from acceptance.variants import parametrize_instance
from command_line import CommandResult
from servers.actors import ANOTHER, make_token
from servers.instance import FLAGS, Instance

KINDS = ("FeatureFlag", "Segment", "TagType", "ContextField")
"""Marks are tags of a flag, or the last line of a description: the tests of transfers have one kind of each on the real
server. The last three kinds share their code."""
COLLECTIONS = {"Segment": "segments", "TagType": "tag-types", "ContextField": "context"}


class Teams(Space):
    """A repository with the workspaces `aa` and `bb`, whose documents move between both."""

    def workspace(self, name: str = "", **spec: Any) -> None:
        for each in [name] if name else ["aa", "bb"]:
            document_samples.write(self.root / each, document_samples.workspace(each, **spec))

    def document(
        self, workspace: str, kind: str, name: str, metadata: Mapping[str, Any] | None = None, **spec: Any
    ) -> Path:
        place = {"project": "default"} if kind == "FeatureFlag" else {}
        content = document_samples.document(kind, name, {**place, **(metadata or {})}, **spec)
        return document_samples.write(self.root / workspace, content, f"{kind}-{name}.yaml")

    def move(self, name: str, source: str, target: str) -> None:
        (self.root / source / name).rename(self.root / target / name)

    def actions(self, *arguments: str) -> list[tuple[str, str, str]]:
        """Return workspace, action and name of each change of a plan of `arguments`."""
        done = self.run("plan", "--format", "json", *ANY_DELETES, *arguments)
        content = done.json
        assert done.code == (3 if content["summary"]["blocked"] else 0), done.err
        plans = [entry["plan"] for entry in content["workspaces"]] if "workspaces" in content else [content]
        return [
            (plan["workspace"], change["action"], change["name"] or change["id"])
            for plan in plans
            for change in plan["changes"]
        ]

    def everywhere(self, command: str, *arguments: str) -> CommandResult:
        return self.run(command, "--all", *arguments)

    def owners(self, kind: str, name: str) -> list[str]:
        """Return the workspaces whose marks an object bears."""
        if kind == "FeatureFlag":
            tags = self.instance.http.get(f"/api/admin/features/{name}/tags").raise_for_status().json()["tags"]
            return sorted(tag["value"] for tag in tags if tag["type"] == "gitops")
        description = self.instance.named(COLLECTIONS[kind])[name]["description"] or ""
        mark = "managed by unleash-gitops: "
        return [line.removeprefix(mark) for line in description.split("\n") if line.startswith(mark)]


@pytest.fixture
def teams(tmp_path: Path, instance: Instance) -> Teams:
    (tmp_path / ".git").mkdir()
    return Teams(tmp_path, instance)


def fresh(kind: str) -> str:
    return f"{kind[0].lower()}{uuid.uuid4().hex[:8]}"


def make(teams: Teams, kind: str, name: str, description: str = "By hand") -> None:
    """Make an object by hand."""
    if kind == "FeatureFlag":
        teams.instance.call("POST", "/features", {"name": name, "description": description})
    else:
        required = {"constraints": []} if kind == "Segment" else {}
        teams.instance.make(COLLECTIONS[kind], name, description=description, **required)


def whole(teams: Teams, kind: str, name: str) -> dict[str, Any]:
    """Return a live object but for what every write changes, and without its mark."""
    if kind == "FeatureFlag":
        flag = teams.instance.flag(name)
        assert flag is not None
        return {key: flag[key] for key in ("type", "description", "stale", "impressionData", "in")}
    live = teams.instance.named(COLLECTIONS[kind])[name]
    text = (live["description"] or "").partition("\nmanaged by")[0]
    return {**live, "description": text}


@pytest.mark.parametrize("kind", KINDS)
def test_an_equal_object_is_adopted_and_no_value_changes(teams: Teams, kind: str) -> None:
    name = fresh(kind)
    make(teams, kind, name)
    before = whole(teams, kind, name)
    teams.document("aa", kind, name, description="By hand")
    assert teams.actions("aa") == [("aa", "adopt", name)]
    shown = teams.run("plan", "aa", "--detailed-exitcode")
    assert (shown.code, "* 1 object to adopt: mark only, no values change\n" in shown.out) == (2, True)
    assert teams.run("apply", "aa", "--yes").code == 0
    assert teams.owners(kind, name) == ["aa"]
    after = whole(teams, kind, name)
    if kind == "TagType":  # a field that the server shows as null is stored as empty text
        before["icon"] = before["icon"] or ""
    if kind == "ContextField":  # the server sets it to 0 at every PUT, and the plan says so
        before["sortOrder"] = after["sortOrder"]
    assert after == before
    assert teams.actions("aa") == []


@parametrize_instance("kind", KINDS, real=("FeatureFlag", "Segment"))
def test_another_workspaces_object_is_blocked_equal_or_not(teams: Teams, kind: str) -> None:
    name = fresh(kind)
    teams.document("aa", kind, name, description="Ours")
    assert teams.run("apply", "aa", "--yes").code == 0
    for description in ("Ours", "Theirs"):
        teams.document("bb", kind, name, description=description)
        (change,) = teams.run("plan", "bb", "--format", "json").json["changes"]
        assert (change["action"], change["requests"]) == ("blocked", [])
        assert change["reason"].startswith("owned by workspace aa: set metadata.transferFrom: aa, release it there, ")
    assert teams.run("apply", "bb", "--yes").code == 3
    assert teams.owners(kind, name) == ["aa"]
    both = teams.everywhere("validate")
    assert (both.code, "is already described in another workspace, in aa/" in both.out) == (1, True)


@parametrize_instance("kind", KINDS, real=("FeatureFlag", "Segment"))
def test_a_moved_document_transfers_its_object_in_one_run(teams: Teams, kind: str) -> None:
    name = fresh(kind)
    teams.document("aa", kind, name, description="Ours")
    teams.document("aa", "Segment", f"stays-{name}")
    assert teams.run("apply", "aa", "--yes").code == 0
    before = whole(teams, kind, name)
    teams.move(f"{kind}-{name}.yaml", "aa", "bb")
    assert teams.actions("--all") == [("bb", "transfer", name)]
    assert teams.actions("aa") == [("aa", "blocked", name)]
    reason = teams.run("plan", "aa", "--format", "json").json["changes"][0]["reason"]
    assert reason == "moved to bb: apply with --all, or apply bb first"
    assert teams.everywhere("apply", "--yes").code == 0
    assert teams.owners(kind, name) == ["bb"]
    assert whole(teams, kind, name) == before
    assert teams.actions("--all") == []


@parametrize_instance("kind", KINDS, real=("FeatureFlag", "Segment"))
def test_across_repositories_the_document_says_where_the_object_comes_from(teams: Teams, kind: str) -> None:
    (teams.root / ".git").rmdir()
    name = fresh(kind)
    teams.document("aa", kind, name, description="Ours")
    assert teams.run("apply", "aa", "--yes").code == 0
    teams.document("bb", kind, name, {"transferFrom": "aa"}, description="Theirs")
    (change,) = teams.run("plan", "bb", "--format", "json").json["changes"]
    assert (change["action"], change["takenFrom"]) == ("transfer", "aa")
    assert teams.run("apply", "bb", "--yes").code == 0
    assert teams.owners(kind, name) == ["bb"]
    assert whole(teams, kind, name)["description"] == "Theirs"
    warned = teams.run("plan", "bb")
    assert f"{name}: metadata.transferFrom has no effect" in warned.out
    assert teams.actions("aa") == [("aa", "blocked", name)]
    (teams.root / "aa" / f"{kind}-{name}.yaml").unlink()
    assert teams.actions("aa") == []


@parametrize_instance("kind", KINDS, real=("FeatureFlag", "Segment"))
def test_a_released_object_stays_and_loses_its_mark(teams: Teams, kind: str) -> None:
    name = fresh(kind)
    teams.document("aa", kind, name, description="Ours")
    teams.document("aa", "Segment", f"stays-{name}")
    assert teams.run("apply", "aa", "--yes").code == 0
    before = whole(teams, kind, name)
    address = f"FeatureFlag/default/{name}" if kind == "FeatureFlag" else f"{kind}/{name}"
    teams.workspace("aa", release=[address, "Segment/nothing"], exclusive=[{"kind": kind}])
    refused = teams.run("plan", "aa")
    assert (refused.code, f"covers {address}, which {kind}-{name}.yaml:1 describes" in refused.err) == (1, True)
    (teams.root / "aa" / f"{kind}-{name}.yaml").unlink()
    assert teams.actions("aa") == [("aa", "release", name)]
    assert "spec.release: Segment/nothing matches nothing on the server" in teams.run("plan", "aa").out
    assert teams.run("apply", "aa", "--yes").code == 0
    assert teams.owners(kind, name) == []
    assert whole(teams, kind, name) == before
    assert teams.actions("aa") == []
    assert "mark removed by" not in teams.run("plan", "aa").out


def test_an_object_with_two_marks_is_blocked_until_one_workspace_releases_it(teams: Teams) -> None:
    name, other = fresh("FeatureFlag"), fresh("Segment")
    teams.document("aa", "FeatureFlag", name)
    teams.document("aa", "Segment", other)
    assert teams.run("apply", "aa", "--yes").code == 0
    teams.instance.http.post("/api/admin/tags", json={"type": "gitops", "value": "bb"})
    teams.instance.http.post(f"/api/admin/features/{name}/tags", json={"type": "gitops", "value": "bb"})
    (change,) = teams.run("plan", "aa", "--format", "json").json["changes"]
    assert (change["action"], change["reason"]) == (
        "blocked",
        "marked by workspaces aa and bb: release it in all but one of them",
    )
    (teams.root / "aa" / f"FeatureFlag-{name}.yaml").unlink()
    assert teams.actions("aa") == [("aa", "blocked", name)]
    teams.workspace("aa", release=[f"FeatureFlag/default/{name}"])
    assert teams.run("apply", "aa", "--yes").code == 0
    assert teams.owners("FeatureFlag", name) == ["bb"]


def test_a_chart_is_created_under_the_new_owners_id_and_the_old_one_goes(teams: Teams) -> None:
    for name in ("errors", "stays"):
        chart = document_samples.chart(name, title=name)
        document_samples.write(teams.root / "aa", chart, f"{name}.yaml")
    assert teams.run("apply", "aa", "--yes").code == 0
    (before,) = [chart for chart, config in teams.instance.charts().items() if config["title"] == "errors"]
    teams.move("errors.yaml", "aa", "bb")
    assert teams.actions("--all") == [("bb", "transfer", "errors")]
    teams.instance.guard(before)
    (change,) = teams.run("plan", "bb", "--format", "json").json["changes"]
    assert (change["action"], change["reason"]) == ("blocked", "used by a safeguard (mode: read)")
    teams.instance.unguard()
    assert teams.everywhere("apply", "--yes").code == 0
    after = {chart: config["title"] for chart, config in teams.instance.charts().items()}
    assert (sorted(after.values()), before in after) == (["errors", "stays"], False)
    assert teams.actions("--all") == []


def test_a_token_of_another_workspace_is_another_token(teams: Teams) -> None:
    token = {"type": "client", "environment": "development"}
    teams.document("aa", "ApiToken", "reader", **token)
    teams.document("aa", "ApiToken", "stays", **token)
    assert teams.run("apply", "aa", "--yes").code == 0
    teams.move("ApiToken-reader.yaml", "aa", "bb")
    assert teams.actions("--all") == [("aa", "delete", "reader"), ("bb", "create", "reader")]
    assert teams.everywhere("apply", "--yes").code == 0
    names = sorted(token["tokenName"] for token in teams.instance.tokens())
    assert names == ["reader [gitops:bb]", "stays [gitops:aa]"]


@parametrize_instance("kind", KINDS, real=("FeatureFlag", "Segment"))
def test_a_renamed_workspace_takes_over_what_its_files_describe(teams: Teams, kind: str) -> None:
    name = fresh(kind)
    teams.document("aa", kind, name)
    teams.document("aa", "TagType", "left-over")
    assert teams.run("apply", "aa", "--yes").code == 0
    (teams.root / "aa" / "TagType-left-over.yaml").unlink()
    renamed = document_samples.workspace("cc")
    renamed["metadata"]["renamedFrom"] = "aa"
    document_samples.write(teams.root / "aa", renamed)
    assert teams.actions("aa") == [("cc", "transfer", name)]
    assert "Owned by other workspaces: aa 1" in teams.run("plan", "aa").out
    assert teams.run("apply", "aa", "--yes").code == 0
    assert teams.owners(kind, name) == ["cc"]
    assert teams.owners("TagType", "left-over") == ["aa"]


def test_an_archived_flag_of_another_workspace_is_transferred_and_restored(teams: Teams) -> None:
    name, other = fresh("FeatureFlag"), fresh("FeatureFlag")
    teams.document("aa", "FeatureFlag", name)
    teams.document("aa", "FeatureFlag", other)
    assert teams.run("apply", "aa", "--yes").code == 0
    (teams.root / "aa" / f"FeatureFlag-{name}.yaml").unlink()
    assert teams.run("apply", "aa", "--yes").code == 0
    assert teams.instance.flag(name) is None
    teams.document("bb", "FeatureFlag", name)
    assert teams.actions("bb") == [("bb", "transfer", name)]
    assert teams.run("apply", "bb", "--yes").code == 0
    assert teams.instance.flag(name) is not None
    assert teams.owners("FeatureFlag", name) == ["bb"]


def test_the_last_objects_of_a_workspace_are_not_deleted_without_a_word(teams: Teams) -> None:
    names = [fresh("Segment") for _ in range(3)]
    for name in names:
        teams.document("aa", "Segment", name)
    assert teams.run("apply", "aa", "--yes").code == 0
    for name in names:
        (teams.root / "aa" / f"Segment-{name}.yaml").unlink()
    saved = teams.root / "plan.json"
    done = teams.run("plan", "aa", "--out", str(saved))
    refusal = "This plan is refused, and nothing of it will be applied: 3 deletes: everything that the workspace owns"
    assert (done.code, done.out.splitlines()[0]) == (1, refusal)
    assert teams.run("apply", str(saved)).code == 1
    assert teams.run("apply", "aa", "--yes").code == 1
    assert set(names) <= set(teams.instance.named("segments"))
    allowed = teams.run("plan", "aa", "--max-deletes", "3", "--out", str(teams.root / "allowed.json"))
    assert allowed.code == 0
    teams.workspace("aa", allowDeletes=[f"Segment/{names[0]}", "Segment/nothing"])
    assert teams.run("plan", "aa").code == 1  # the two others are all that is left
    teams.workspace("aa", allowDeletes=["Segment"])
    assert teams.run("plan", "aa").code == 0
    assert teams.run("apply", str(teams.root / "allowed.json")).code == 0
    assert not set(names) & set(teams.instance.named("segments"))


def test_a_large_share_of_the_objects_is_not_deleted_either(teams: Teams) -> None:
    for number in range(10):
        teams.document("aa", "TagType", f"type-{number}")
    assert teams.run("apply", "aa", "--yes").code == 0
    for number in range(4):
        (teams.root / "aa" / f"TagType-type-{number}.yaml").unlink()
    done = teams.run("plan", "aa")
    assert (done.code, "4 deletes, more than 30 percent of the 10 objects" in done.out) == (1, True)
    teams.workspace("aa", maxDeletePercent=40)
    assert teams.run("plan", "aa").code == 0


def test_a_segment_that_only_an_archived_flag_uses_is_not_deleted(teams: Teams) -> None:
    name, segment = fresh("FeatureFlag"), fresh("Segment")
    teams.document("aa", "Segment", segment)
    teams.document("aa", "Segment", f"{segment}-stays")
    assert teams.run("apply", "aa", "--yes").code == 0
    number = teams.instance.named("segments")[segment]["id"]
    teams.instance.call("POST", "/features", {"name": name})
    rollout = {"rollout": "100", "stickiness": "default", "groupId": name}
    strategy = {"name": "flexibleRollout", "parameters": rollout, "segments": [number], "constraints": []}
    teams.instance.call("POST", f"/features/{name}/environments/production/strategies", strategy)
    teams.instance.call("DELETE", f"/features/{name}")
    (teams.root / "aa" / f"Segment-{segment}.yaml").unlink()
    (change,) = teams.run("plan", "aa", "--format", "json").json["changes"]
    assert (change["action"], change["reason"]) == (
        "blocked",
        f"cannot be deleted: used by FeatureFlag/default/{name}",
    )


def test_a_lost_mark_is_written_again_and_reported_as_drift(teams: Teams, request: pytest.FixtureRequest) -> None:
    name, other = fresh("FeatureFlag"), fresh("FeatureFlag")
    for each in (name, other):
        teams.document("aa", "FeatureFlag", each)
    assert teams.run("apply", "aa", "--yes").code == 0
    somebody = somebody_of(teams.instance)
    request.addfinalizer(somebody.close)
    tags = {"addedTags": [], "removedTags": [{"type": "gitops", "value": "aa"}]}
    somebody.http.put(f"/api/admin/features/{name}/tags", json=tags).raise_for_status()
    assert teams.actions("aa") == [("aa", "adopt", name)]
    drift = teams.run("plan", "aa", "--drift")
    assert (drift.code, f"FeatureFlag/default/{name}" in drift.out, "mark removed by" in drift.out) == (2, True, True)
    assert teams.run("apply", "aa", "--yes").code == 0
    somebody.http.delete("/api/admin/tag-types/gitops").raise_for_status()
    drift = teams.run("plan", "aa", "--drift")
    assert (drift.code, drift.out.count("mark removed by")) == (2, 2)
    assert teams.run("apply", "aa", "--yes").code == 0
    assert [teams.owners("FeatureFlag", each) for each in (name, other)] == [["aa"], ["aa"]]
    assert teams.run("plan", "aa", "--drift").code == 0


def test_a_flag_that_production_evaluates_is_not_deleted(fake: Instance, tmp_path: Path) -> None:
    teams, server = Teams(tmp_path, fake), fake.fake
    assert server is not None
    seen = datetime.now(UTC) - timedelta(hours=1)
    server.last_seen[(FLAGS[0], "production")] = seen.isoformat().replace("+00:00", "Z")
    server.usage[FLAGS[0]] = {
        "lastHourUsage": [{"environment": "production", "timestamp": "", "yes": 1200, "no": 4}],
        "seenApplications": ["shop-web"],
    }
    teams.document("aa", "FeatureFlag", FLAGS[0], environments={"production": {"enabled": True}})
    teams.document("aa", "FeatureFlag", FLAGS[1])
    assert teams.run("apply", "aa", "--yes").code == 0
    (teams.root / "aa" / f"FeatureFlag-{FLAGS[0]}.yaml").unlink()
    address = f"FeatureFlag/default/{FLAGS[0]}"
    (change,) = teams.run("plan", "aa", "--format", "json").json["changes"]
    assert (change["action"], change["reason"]) == (
        "blocked",
        (
            "in use: evaluated 1,204 times in the last hour in production, by shop-web; "
            f"to delete it all the same, set spec.allowInUse: [{address}]"
        ),
    )
    assert teams.actions("aa", "--allow-in-use", address) == [("aa", "delete", FLAGS[0])]
    for spec in ({"allowInUse": [address]}, {"inUse": "warn"}, {"inUse": {"action": "warn", "within": "1d"}}):
        teams.workspace("aa", **spec)
        assert teams.actions("aa") == [("aa", "delete", FLAGS[0])], spec
    server.last_seen[(FLAGS[0], "production")] = (seen - timedelta(days=8)).isoformat().replace("+00:00", "Z")
    teams.workspace("aa")
    assert teams.actions("aa") == [("aa", "delete", FLAGS[0])]


def test_the_servers_own_context_field_is_managed_but_never_marked_or_deleted(teams: Teams) -> None:
    teams.document("aa", "ContextField", "userId", description="The user")
    assert teams.actions("aa") == [("aa", "update", "userId")]
    assert teams.run("apply", "aa", "--yes").code == 0
    assert teams.owners("ContextField", "userId") == []
    (teams.root / "aa" / "ContextField-userId.yaml").unlink()
    assert teams.actions("aa") == []
    teams.instance.change("context", "userId", description="Allows you to constrain on userId")


def test_two_workspaces_of_one_name_on_one_instance_are_refused_however_its_url_is_spelled(teams: Teams) -> None:
    for number, host in enumerate(("127.0.0.1", "localhost")):
        content = document_samples.workspace("same", url=teams.instance.url.replace("127.0.0.1", host))
        document_samples.write(teams.root / f"w{number}", content)
    result = teams.run("plan", "w0", "w1", UNLEASH_URL="")
    assert (result.code, 'are two workspaces named "same" on one instance' in result.err) == (1, True)


WHOLE: dict[str, tuple[str, str, dict[str, Any]]] = {
    "TagType": ("/tag-types", "/tag-types/{name}", {"description": "d", "icon": "T", "color": "#AABBCC"}),
    "ContextField": (
        "/context",
        "/context/{name}",
        {
            "description": None,
            "stickiness": True,
            "legalValues": [{"value": "NO", "description": "n"}, {"value": "SE"}],
        },
    ),
    "Segment": (
        "/segments",
        "/segments/{id}",
        {
            "description": "d",
            "project": "default",
            "constraints": [
                {"contextName": "userId", "operator": "STR_ENDS_WITH", "values": ["@x"], "caseInsensitive": True},
                {"contextName": "appName", "operator": "NOT_IN", "values": ["b", "a"], "inverted": True},
            ],
        },
    ),
    "Strategy": (
        "/strategies",
        "/strategies/{name}",
        {
            "title": "T",
            "description": "d",
            "parameters": [{"name": "region", "type": "list", "required": True, "description": "r"}],
        },
    ),
    "Application": (
        "/metrics/applications/{name}",
        "/metrics/applications/{name}",
        {"description": "d", "url": "https://shop.example.com", "icon": "storefront", "color": "#6C65E5"},
    ),
}
"""By kind, where an object is created, where it is read, and all its values."""


@pytest.mark.parametrize("kind", WHOLE)
def test_a_claim_and_a_release_change_nothing_but_the_mark(teams: Teams, kind: str) -> None:
    created, read, body = WHOLE[kind]
    name = fresh(kind)
    http = teams.instance.http
    answer = http.post(f"/api/admin{created.format(name=name)}", json={"name": name, **body}).raise_for_status()
    number = answer.json()["id"] if kind == "Segment" else None
    path = f"/api/admin{read.format(name=name, id=number)}"

    def text_and_rest() -> tuple[str, dict[str, Any]]:
        content = http.get(path).raise_for_status().json()
        content = content.get("tagType", content)
        return content.pop("description") or "", content

    description, before = text_and_rest()
    teams.document("aa", kind, name)
    assert teams.run("apply", "aa", "--yes").code == 0
    assert text_and_rest() == (f"{description}\nmanaged by unleash-gitops: aa".lstrip("\n"), before)
    teams.move(f"{kind}-{name}.yaml", "aa", "bb")
    assert teams.everywhere("apply", "--yes").code == 0
    assert text_and_rest() == (f"{description}\nmanaged by unleash-gitops: bb".lstrip("\n"), before)
    (teams.root / "bb" / f"{kind}-{name}.yaml").unlink()
    teams.workspace("bb", release=["*"])
    assert teams.everywhere("apply", "--yes").code == 0
    assert text_and_rest() == (description, before)


def test_what_was_pulled_is_owned_after_an_apply(teams: Teams) -> None:
    names = [fresh("FeatureFlag") for _ in range(2)]
    for name in names:
        make(teams, "FeatureFlag", name)
    assert teams.run("pull", "aa", "--kind", "FeatureFlag").code == 0
    assert {action for _, action, _ in teams.actions("aa")} == {"adopt"}
    assert teams.run("apply", "aa", "--yes").code == 0
    assert teams.actions("aa") == []
    (document,) = (teams.root / "aa").rglob(f"{names[0]}.yaml")
    document.unlink()
    assert teams.actions("aa") == [("aa", "delete", names[0])]
    for path in (teams.root / "aa" / "flags").rglob("*.yaml"):
        path.unlink()
    teams.workspace("aa", release=["*"])
    assert teams.run("apply", "aa", "--yes").code == 0
    assert teams.owners("FeatureFlag", FLAGS[0]) == []


def test_a_flag_that_goes_with_its_segment_is_named(teams: Teams) -> None:
    name, segment = fresh("FeatureFlag"), fresh("Segment")
    strategy = {"name": "flexibleRollout", "segments": [segment]}
    teams.document("aa", "Segment", segment)
    teams.document("aa", "Segment", f"{segment}-stays")
    production = {"enabled": True, "strategies": [strategy]}
    teams.document("aa", "FeatureFlag", name, environments={"production": production})
    assert teams.run("apply", "aa", "--yes").code == 0
    for file in (f"Segment-{segment}.yaml", f"FeatureFlag-{name}.yaml"):
        (teams.root / "aa" / file).unlink()
    changes = teams.run("plan", "aa", "--format", "json", *ANY_DELETES).json["changes"]
    assert [change["action"] for change in changes] == ["delete", "delete"]
    (reason,) = [change["reason"] for change in changes if change["kind"] == "Segment"]
    assert reason.endswith(f"; FeatureFlag/default/{name} loses it, and will be archived without it")


def test_a_refused_read_is_not_an_empty_list(fake: Instance, tmp_path: Path) -> None:
    teams, server = Teams(tmp_path, fake), fake.fake
    assert server is not None
    token = {"type": "client", "environment": "development"}
    teams.document("aa", "ApiToken", "reader", **token)
    teams.document("aa", "Segment", "stays")
    assert teams.run("apply", "aa", "--yes").code == 0
    refusal = (403, {"content-type": "application/json"}, b'{"name": "NoAccessError", "message": "no"}')
    server.hook = lambda _method, path, go: refusal if "api-tokens" in path else go()
    documented = teams.run("plan", "aa")
    assert (documented.code, "may not read ApiToken objects, and documents describe some" in documented.err) == (
        1,
        True,
    )
    (teams.root / "aa" / "ApiToken-reader.yaml").unlink()
    made = teams.run("plan", "aa")
    assert (made.code, "the audit log shows that this workspace made some" in made.err) == (1, True)
    teams.workspace("aa", notRead=["ApiToken"])
    accepted = teams.run("plan", "aa")
    assert (accepted.code, "note: ApiToken is not planned, because the token may not read it" in accepted.out) == (
        0,
        True,
    )
    teams.document("bb", "Segment", "other")
    assert teams.run("plan", "bb").code == 0  # nothing of the kind is documented here, or was made by it
    wrong = teams.workspace("aa", notRead=["Token"])
    assert wrong is None
    assert 'spec.notRead[0]: "Token" is not a kind' in teams.run("validate", "aa").out


def test_a_transfer_that_is_killed_half_way_is_finished_by_the_next_apply(teams: Teams) -> None:
    names = [fresh("FeatureFlag") for _ in range(30)]
    for name in names:
        teams.document("aa", "FeatureFlag", name)
    chart = document_samples.chart("errors")
    document_samples.write(teams.root / "aa", chart, "errors.yaml")
    assert teams.run("apply", "aa", "--yes").code == 0
    for path in list((teams.root / "aa").glob("[!u]*.yaml")):
        if path.name != "unleash-gitops.yaml":
            teams.move(path.name, "aa", "bb")
    process = teams.start("apply", "--all", "--yes", "--concurrency", "1")
    while not any(teams.owners("FeatureFlag", name) == ["bb"] for name in names[:15]):
        assert process.poll() is None, process.communicate()
    teams.kill(process)
    owners = [teams.owners("FeatureFlag", name) for name in names]
    assert ["bb"] in owners
    assert all(owner in (["aa"], ["bb"]) for owner in owners), owners
    assert teams.everywhere("apply", "--yes").code == 0
    assert {tuple(teams.owners("FeatureFlag", name)) for name in names} == {("bb",)}
    assert all(teams.instance.flag(name) is not None for name in names)
    assert teams.actions("--all") == []
    assert len(teams.instance.charts()) == 1


@parametrize_instance("kind", KINDS, real=("FeatureFlag", "Segment"))
def test_a_saved_plan_is_refused_once_another_workspace_has_the_object(teams: Teams, kind: str) -> None:
    name, other = fresh(kind), fresh("Segment")
    teams.document("aa", kind, name, description="Ours")
    teams.document("aa", "Segment", other)
    assert teams.run("apply", "aa", "--yes").code == 0
    teams.document("aa", kind, name, description="Ours, and new")
    saved = teams.root / "plan.json"
    assert teams.run("plan", "aa", "--out", str(saved)).code == 0
    (teams.root / ".git").rmdir()
    teams.document("bb", kind, name, {"transferFrom": "aa"})
    assert teams.run("apply", "bb", "--yes").code == 0
    done = teams.run("apply", str(saved))
    assert (done.code, "is owned by workspace bb now" in done.err) == (1, True)
    assert teams.owners(kind, name) == ["bb"]


def test_a_run_over_all_names_workspaces_that_are_not_in_it(teams: Teams) -> None:
    teams.document("aa", "Segment", fresh("Segment"))
    assert teams.run("apply", "aa", "--yes").code == 0
    for file in (teams.root / "aa").iterdir():
        file.unlink()
    (teams.root / "aa").rmdir()
    teams.document("bb", "Segment", fresh("Segment"))
    shown = teams.run("plan", "--all")
    assert "Workspaces with objects here that are not in this run: aa 1\n" in shown.out


def test_a_kill_switch_is_not_undone_where_the_document_took_a_live_value_over(
    teams: Teams, request: pytest.FixtureRequest
) -> None:
    name = fresh("FeatureFlag")
    production = f"/api/admin/projects/default/features/{name}/environments/production"
    somebody = somebody_of(teams.instance)
    request.addfinalizer(somebody.close)
    teams.document("aa", "FeatureFlag", name, description="one")
    assert teams.run("apply", "aa", "--yes").code == 0
    rollout = {"name": "flexibleRollout", "parameters": {"rollout": "10", "stickiness": "default", "groupId": name}}
    somebody.http.post(f"{production}/strategies", json=rollout).raise_for_status()
    somebody.http.post(f"{production}/on", json={}).raise_for_status()
    teams.document("aa", "FeatureFlag", name, description="two", environments={"production": {"enabled": True}})
    assert teams.run("apply", "aa", "--yes").code == 0
    somebody.http.post(f"{production}/off", json={}).raise_for_status()
    refused = teams.run("apply", "aa", "--yes")
    assert (refused.code, "not overwritten (drift: fail)" in refused.out) == (1, True)
    flag = teams.instance.flag(name)
    assert flag is not None
    assert flag["in"]["production"]["enabled"] is False


def test_an_archived_flag_is_released(teams: Teams) -> None:
    name, other = fresh("FeatureFlag"), fresh("FeatureFlag")
    for each in (name, other):
        teams.document("aa", "FeatureFlag", each)
    assert teams.run("apply", "aa", "--yes").code == 0
    (teams.root / "aa" / f"FeatureFlag-{name}.yaml").unlink()
    assert teams.run("apply", "aa", "--yes").code == 0
    teams.workspace("aa", release=[f"FeatureFlag/default/{name}"])
    assert teams.actions("aa") == [("aa", "release", name)]
    assert teams.run("pull", "aa", "--kind", "FeatureFlag").code == 0
    assert not list((teams.root / "aa" / "flags").rglob(f"{name}.yaml"))
    for path in (teams.root / "aa" / "flags").rglob("*.yaml"):
        path.unlink()
    saved = teams.root / "release.json"
    assert teams.run("plan", "aa", "--out", str(saved)).code == 0
    done = teams.run("apply", str(saved))
    assert done.code == 0, done.err
    assert teams.owners("FeatureFlag", name) == []
    assert teams.instance.flag(name) is None


def test_a_delete_is_blocked_while_a_neighbour_has_invalid_files(teams: Teams) -> None:
    name = fresh("Segment")
    for each in (name, f"{name}-stays"):
        teams.document("aa", "Segment", each)
    assert teams.run("apply", "aa", "--yes").code == 0
    teams.move(f"Segment-{name}.yaml", "aa", "bb")
    moved = teams.root / "bb" / f"Segment-{name}.yaml"
    content = moved.read_text(encoding="utf-8")
    for broken in (content + "bogus: 1\n", "a: b: c\n"):
        moved.write_text(broken, encoding="utf-8")
        (change,) = teams.run("plan", "aa", "--format", "json").json["changes"]
        reason = "its document may be in bb, whose files have errors: correct them first"
        assert (change["action"], change["reason"]) == ("blocked", reason)


def test_a_chart_with_another_workspaces_id_is_blocked(teams: Teams) -> None:
    document_samples.write(teams.root / "aa", document_samples.chart("errors"), "errors.yaml")
    assert teams.run("apply", "aa", "--yes").code == 0
    (identifier,) = teams.instance.charts()
    content = document_samples.chart("errors", {"id": identifier, "transferFrom": "aa"})
    document_samples.write(teams.root / "bb", content, "errors.yaml")
    (teams.root / "aa" / "errors.yaml").unlink()
    (change,) = teams.run("plan", "bb", "--format", "json").json["changes"]
    assert (change["action"], "leave out metadata.id to take it over" in change["reason"]) == ("blocked", True)


def somebody_of(instance: Instance) -> Instance:
    """Return the instance as another user sees it."""
    return Instance(instance.url, SOMEBODY if instance.fake is not None else make_token(ANOTHER), instance.fake)
