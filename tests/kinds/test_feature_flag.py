"""Flags: what a document says, what a server answers in each way of reading, what is sent and in which order."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

import document_samples
from document_samples import check, flag
from kinds.named import FACTS, Answers
from servers.fake_unleash import TOKEN, FakeUnleash
from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.flags.link_url import normalise_url
from unleash_gitops.kinds.flags.match_strategies import match_strategies
from unleash_gitops.kinds.flags.strategy import FlagStrategy, strategy_after_create, strategy_body
from unleash_gitops.kinds.shared.fields import normalise
from unleash_gitops.model.call import Call, Lookup
from unleash_gitops.model.resource import Area, ReadScope, Reference, Resource

KIND = kinds()["FeatureFlag"]
AREA = Area("FeatureFlag", "p")
ROLLOUT = {"name": "flexibleRollout"}
IN = {"contextName": "country", "operator": "IN", "values": ["NO"]}


def desired(**spec: Any) -> Resource:
    return document_samples.desired("FeatureFlag", "f", {"project": "p"}, **spec)


def production(*strategies: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"environments": {"production": {"strategies": list(strategies), **more}}}


class Flags(Answers):
    """A project of flags in memory."""

    def __init__(self, *names: str) -> None:
        super().__init__()
        self.fake = FakeUnleash(flags={"p": list(names)})
        self.fake.named["segments"]["beta"] = {"id": 7, "name": "beta", "description": None, "constraints": []}

    def get(self, path: str) -> Any:
        return self._answered("GET", path, None)

    get_cached = get

    def get_or_none(self, path: str) -> Any:
        return self._answered("GET", path, None, missing=True)

    def post_query(self, path: str, body: Any) -> Any:
        return self._answered("POST", path, body)

    def projects(self) -> tuple[str, ...]:
        return ("p",)

    def _answered(self, method: str, path: str, body: Any, *, missing: bool = False) -> Any:
        self.asked.append(f"{method} {path}")
        status, content = self.send(method, path, body)
        assert missing or status < 400, content
        return None if status == 404 else content

    def send(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Send a request; return the status and the JSON of the answer, None for an empty one."""
        given = b"" if body is None else json.dumps(body).encode()
        status, _, content = self.fake.answer(method, path, {"authorization": TOKEN}, given)
        return status, json.loads(content) if content else None

    def do(self, *calls: Call) -> None:
        """Do what the calls say."""
        for call in calls:
            body = (
                {**call.body, "segments": [7] * len(call.body["segments"])}
                if "segments" in (call.body or {})
                else call.body
            )
            status, content = self.send(call.method, call.path, body)
            assert status < 400 or (call.idempotent and status == 409), content

    def live(self, *wanted: Resource) -> dict[str, Resource]:
        self.asked.clear()
        self.scope = ReadScope({AREA: {one.id: one.spec for one in wanted}}, lambda live: live.ownership == "owned")
        return {one.id: one for one in KIND.read(self, AREA)}


EVERYTHING = {
    "description": "New checkout",
    "type": "experiment",
    "impressionData": True,
    "stale": True,
    "tags": ["simple:ab"],
    "links": [{"url": "HTTPS://Example.com/", "title": "Design"}],
    "dependencies": [{"feature": "parent", "variants": ["b", "a"]}],
    **production(
        {**ROLLOUT, "title": "T", "parameters": {"rollout": 25}, "constraints": [IN], "segments": ["beta"],
         "variants": [{"name": "b", "payload": {"type": "string", "value": "x"}},
                      {"name": "a", "weight": 100, "weightType": "fix"}]},
        {"name": "default", "disabled": True},
        enabled=True,
    ),
}  # fmt: skip


def test_what_is_created_is_what_is_read_and_nothing_is_left_to_do() -> None:
    server, wanted = Flags("parent"), desired(**EVERYTHING)
    server.do(*KIND.create(wanted, KIND.spec_after_create(wanted)))
    live = server.live(wanted)["f"]
    assert KIND.spec_after_update(wanted, live) == live.spec == KIND.spec_after_create(wanted)
    assert live.ownership == "owned"


def test_a_flag_bears_its_owners_tag_from_the_start_and_the_tag_is_there_before() -> None:
    calls = KIND.create(desired(tags=["simple:ab"]), KIND.spec_after_create(desired(tags=["simple:ab"])))
    assert [(call.path.rpartition("/")[2], call.idempotent) for call in calls] == [
        ("tag-types", True), ("tags", True), ("tags", True), ("features", False),
    ]  # fmt: skip
    assert calls[-1].body["tags"] == [{"type": "gitops", "value": "w"}, {"type": "simple", "value": "ab"}]


def test_strategies_are_there_before_it_is_on_and_each_is_looked_for_before_it_is_sent_again() -> None:
    wanted = desired(**production(ROLLOUT, {"name": "default"}, enabled=True))
    first, second, on = KIND.create(wanted, KIND.spec_after_create(wanted))[-3:]
    assert on.path.endswith("/production/on")
    assert (first.id_label, second.id_label) == ("FeatureFlag/p/f:production[0]", "FeatureFlag/p/f:production[1]")
    assert second.verify is not None
    assert (second.verify.exclude_ids, second.verify.exclude_labels) == ((), (first.id_label,))


def test_an_update_switches_off_first_and_on_last_and_removes_what_is_too_many_at_the_end() -> None:
    server, before = Flags("f"), desired(**production(ROLLOUT, {"name": "default"}, enabled=False))
    server.fake.about_flags.flag("f")["tags"] = [{"type": "gitops", "value": "w"}]
    live = server.live(before)["f"]
    server.do(*KIND.update(before, live, KIND.spec_after_update(before, live)))
    live = server.live(before)["f"]
    one = desired(**production({"name": "default", "title": "only"}, enabled=True))
    calls = KIND.update(one, live, KIND.spec_after_update(one, live))
    first, second = live.handles["strategies"]["production"]
    assert [(call.method, call.path.rpartition("/")[2]) for call in calls] == [
        ("PUT", second), ("DELETE", first), ("POST", "on"),
    ]  # fmt: skip
    server.do(*calls)
    live = server.live(one)["f"]
    off = desired(**production(ROLLOUT, enabled=False))
    assert [call.path.rpartition("/")[2] for call in KIND.update(off, live, KIND.spec_after_update(off, live))] == [
        "off",
        second,
    ]


def test_what_is_left_out_is_not_asked_for_and_not_changed() -> None:
    server = Flags("f", "g")
    bare = desired(stale=True, environments={"production": {"enabled": False}})
    live = server.live(bare)
    assert set(live["f"].spec["environments"]) == {"production"}
    assert not {"links", "dependencies"} & live["f"].spec.keys()
    assert set(server.asked) == {"GET /api/admin/projects/p/features"}
    assert [call.path for call in KIND.update(bare, live["f"], KIND.spec_after_update(bare, live["f"]))] == [
        "/api/admin/projects/p/features/f"
    ]


def test_what_the_playground_leaves_out_is_asked_for_by_itself() -> None:
    names = [f"f{number}" for number in range(40)]
    server = Flags(*names)
    wanted = [replace(desired(**production(ROLLOUT)), id=name) for name in names]
    server.send(
        "POST", "/api/admin/projects/p/features/f3/environments/production/strategies", {**ROLLOUT, "disabled": True}
    )
    server.live(*wanted)
    assert [path for path in server.asked if "features/f" in path] == ["GET /api/admin/projects/p/features/f3"]
    assert "POST /api/admin/playground/advanced" in server.asked
    server.server = replace(FACTS, maintenance=True)
    server.live(*wanted)
    assert not [path for path in server.asked if path.startswith("POST")]


def test_an_archived_flag_is_revived() -> None:
    server, wanted = Flags("f"), desired(description="Back", environments={"production": {"enabled": True}})
    server.send("DELETE", "/api/admin/projects/p/features/f")
    live = server.live(wanted)["f"]
    assert live.spec["archived"] is True
    after = KIND.spec_after_update(wanted, live)
    assert "archived" not in after
    assert (KIND.side_effect_note(live, after) or "").startswith("restores the archived flag")
    calls = KIND.update(wanted, live, after)
    assert calls[0].path == "/api/admin/archive/revive/f"
    assert calls[-1].path.endswith("/production/on")


def test_a_delete_archives_or_removes_and_names_who_depends_on_it() -> None:
    server = Flags("f", "child")
    server.fake.about_flags.flag("f")["tags"] = [{"type": "gitops", "value": "w"}]
    server.fake.about_flags.flag("child")["dependencies"] = [{"feature": "f", "enabled": True, "variants": []}]
    live = server.live()["f"]
    assert live.users == ("FeatureFlag/p/child",)
    assert [call.path for call in KIND.delete(live)] == ["/api/admin/projects/p/features/f"]
    gone = replace(live, handles={**live.handles, "deletion": "delete"})
    _, for_good = KIND.delete(gone)
    path = "/api/admin/projects/p/features/f/lifecycle"
    recorded = Lookup(path=path, match={"stage": "archived"})
    assert for_good == Call(method="DELETE", path="/api/admin/archive/f", wait_for=recorded)
    archived = replace(gone, spec={**gone.spec, "archived": True})
    assert KIND.delete(archived) == (for_good,)


def read_everything() -> Resource:
    """Return a live flag that has everything."""
    server, wanted = Flags("parent"), desired(**EVERYTHING)
    server.do(*KIND.create(wanted, KIND.spec_after_create(wanted)))
    server.scope = ReadScope(None, lambda _: False)
    return next(resource for resource in KIND.read(server, AREA) if resource.id == "f")


def test_a_pulled_document_has_every_field_and_changes_nothing() -> None:
    live = read_everything()
    content, title = KIND.to_pulled_document(live)
    assert (content["metadata"], title) == ({"project": "p"}, "f")
    assert content["spec"].keys() == KIND.spec.model_fields.keys()
    assert content["spec"]["environments"]["development"] == {"enabled": False, "strategies": []}
    rollout, second = content["spec"]["environments"]["production"]["strategies"]
    assert rollout["parameters"] == {"groupId": "f", "rollout": 25, "stickiness": "default"}
    assert second == {
        "name": "default", "title": None, "disabled": True, "parameters": {}, "constraints": [], "segments": [],
        "variants": [],
    }  # fmt: skip
    assert KIND.spec_after_update(desired(**content["spec"]), live) == live.spec


def test_a_minimal_pulled_document_has_no_defaults_and_changes_nothing() -> None:
    live = read_everything()
    content, title = KIND.to_pulled_document(live, minimal=True)
    assert (content["metadata"], title) == ({"project": "p"}, "f")
    assert set(content["spec"]["environments"]) == {"production"}
    second = content["spec"]["environments"]["production"]["strategies"][1]
    assert second == {"name": "default", "disabled": True}
    same = desired(**content["spec"])
    assert KIND.spec_after_update(same, live) == live.spec


def test_references_have_their_places() -> None:
    found = desired(**EVERYTHING).references
    assert Reference("Project", None, "p") in found
    assert Reference("FeatureFlag", "p", "parent") in found
    assert Reference("TagType", None, "simple") in found
    places = {reference.kind: reference.path for reference in found}
    at = ("spec", "environments", "production", "strategies", 0)
    assert places["Segment"] == (*at, "segments", 0)
    assert places["ContextField"] == (*at, "constraints", 0, "contextName")


def test_limits_are_those_of_the_server() -> None:
    wanted = desired(**production(ROLLOUT, ROLLOUT))
    strict = replace(FACTS, limits={"featureEnvironmentStrategies": 1})
    after = KIND.spec_after_create(wanted)
    assert KIND.server_refusal(wanted, None, after, FACTS) is None
    assert KIND.server_refusal(wanted, None, after, strict) == (
        "production: strategies: 2, more than the 1 that this server allows"
    )


def test_a_flag_that_depends_on_itself_or_on_one_that_depends_is_refused_where_it_says_so() -> None:
    itself = desired(dependencies=[{"feature": "f"}])
    assert [message for _, message in KIND.find_reference_conflicts(itself, lambda _: None)] == [
        "the flag depends on itself"
    ]
    chained = desired(dependencies=[{"feature": "g"}])
    ((reference, message),) = KIND.find_reference_conflicts(chained, lambda _: {"dependencies": [{"feature": "h"}]})
    assert (reference.path, message) == (
        ("spec", "dependencies", 0, "feature"),
        '"g" depends on another flag itself, and only one level is possible',
    )


def test_a_value_that_a_context_field_does_not_have_is_refused() -> None:
    wanted = desired(**production({**ROLLOUT, "constraints": [IN]}))
    assert list(KIND.find_reference_conflicts(wanted, lambda _: {"legalValues": [{"value": "NO"}]})) == []
    ((_, message),) = KIND.find_reference_conflicts(wanted, lambda _: {"legalValues": [{"value": "SE"}]})
    assert message == '"NO" is not among the legal values of the context field country'


def variants(*weights: tuple[str, int, str]) -> dict[str, Any]:
    found = [{"name": name, "weight": weight, "weightType": kind} for name, weight, kind in weights]
    return production({**ROLLOUT, "variants": found})


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        ({"type": "toggle"}, "value"),
        ({"tags": ["team"]}, "tag"),
        ({"tags": ["gitops:w"]}, "tag"),
        ({"tags": ["team:x"]}, "tag"),
        ({"tags": ["team:ab", "team:ab"]}, "twice"),
        ({"links": [{"url": "example.com"}]}, "url"),
        ({"links": [{"url": "https://a.b"}, {"url": "https://a.b/"}]}, "twice"),
        ({"dependencies": [{"feature": "a"}, {"feature": "b"}]}, "value"),
        ({"dependencies": [{"feature": "a", "enabled": False, "variants": ["x"]}]}, "dependency"),
        (production(enabled=True), "on-without-strategies"),
        (production({**ROLLOUT, "disabled": True}, enabled=True), "on-without-strategies"),
        (production({**ROLLOUT, "parameters": {"rollout": 225}}), "parameter"),
        (production({**ROLLOUT, "parameters": {"rollout": "abc"}}), "parameter"),
        (production({**ROLLOUT, "parameters": {"fromEnv": ["TOKEN"]}}), "type"),
        (production({**ROLLOUT, "parameters": {"rollout": {"fromEnv": "TOKEN"}}}), "type"),
        (production({**ROLLOUT, "parameters": {"$id": {"a": "b"}}}), "type"),
        (production({**ROLLOUT, "segments": [{"$id": "Segment/beta"}]}), "type"),
        ({"description": {"fromEnv": "TOKEN"}}, "type"),
        (production({**ROLLOUT, "segments": ["a", "a"]}), "twice"),
        (production({**ROLLOUT, "constraints": [{**IN, "operator": "NUM_EQ"}]}), "constraint"),
        (variants(("a", 500, "fix")), "weights"),
        (variants(("a", 600, "fix"), ("b", 600, "fix"), ("c", 0, "variable")), "weights"),
        (variants(("a", 1, "variable"), ("a", 1, "variable")), "twice"),
        (variants(("a b", 1, "variable")), "value"),
    ],
)
def test_what_is_refused(spec: dict[str, Any], code: str) -> None:
    _, ((found, _),) = check(flag("f", "p", **spec))
    assert found == code


@pytest.mark.parametrize("name", ["a b", "a/b", "ä", "", ".", "..", "x" * 101])
def test_names_that_a_server_refuses_are_refused(name: str) -> None:
    assert [code for code, _ in check(flag(name, "p"))[1]] == ["value"]


def whole(rollout: int, **more: Any) -> dict[str, Any]:
    said = normalise(FlagStrategy, {**ROLLOUT, "parameters": {"rollout": rollout}, **more})
    return strategy_after_create(said, "f")


def said(rollout: int | None = None, **more: Any) -> dict[str, Any]:
    return normalise(
        FlagStrategy, {**ROLLOUT, **({"parameters": {"rollout": rollout}} if rollout is not None else {}), **more}
    )


@pytest.mark.parametrize(
    ("document", "live", "pairs"),
    [
        ([said(1), said(2)], [whole(1), whole(2)], [0, 1]),
        ([said(2), said(1)], [whole(1), whole(2)], [1, 0]),
        ([said(), said(1)], [whole(1), whole(2)], [1, 0]),  # the one that says less takes what is left
        ([said(3), said(2)], [whole(1), whole(2)], [0, 1]),
        ([said(5, title="b"), said(6, title="a")], [whole(1, title="a"), whole(2, title="b")], [1, 0]),
        ([said(1), said(1)], [whole(1)], [0, None]),
        ([{"name": "default"}], [whole(1)], [0]),
        ([], [whole(1)], []),
    ],
)
def test_which_live_strategy_is_meant(document: Any, live: Any, pairs: list[int | None]) -> None:
    assert match_strategies(document, live, "f") == pairs


def test_variable_variants_are_sent_an_equal_share() -> None:
    found = strategy_after_create(normalise(FlagStrategy, {**ROLLOUT, "variants": [
        {"name": "a"}, {"name": "b"}, {"name": "c", "weight": 100, "weightType": "fix"}]}), "f")  # fmt: skip
    assert [one["weight"] for one in strategy_body(found)["variants"]] == [450, 450, 100]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("https://x.y/", "https://x.y"),
        ("https://www.x.y/a?b=1&a=2#frag", "https://www.x.y/a?a=2&b=1#frag"),
        ("http://x.y:80/a", "http://x.y/a"),
        ("https://x.y/a//b/../c", "https://x.y/a/c"),
        ("https://u:p@x.y/", "https://x.y"),
        ("https://x.y/?utm_source=a&q=1", "https://x.y/?q=1"),
        ("https://x.y/ü", "https://x.y/%C3%BC"),
    ],
)
def test_an_address_is_compared_as_the_server_keeps_it(written: str, kept: str) -> None:
    assert normalise_url(written) == kept
    assert normalise_url(kept) == kept
