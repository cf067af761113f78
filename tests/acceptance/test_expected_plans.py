"""apply DIR --expect PLANFILE: what was reviewed is done, or what is left of it, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import httpx

import document_samples
from acceptance.conftest import ANY_DELETES, SOMEBODY, Space
from acceptance.test_forged_plans import Content, change_of, forge
from command_line import CommandResult

REFUSED = "the plan has changes that were not reviewed; nothing was applied"


def review(space: Space, *options: str, name: str = "plan.json") -> Path:
    out = space.root / name
    assert space.run("plan", "--out", str(out), *options).code == 0
    return out


def merge(space: Space, *plans: Path, options: tuple[str, ...] = ()) -> CommandResult:
    expected = [part for plan in plans for part in ("--expect", str(plan))]
    return space.run("apply", ".", *expected, *ANY_DELETES, *options)


def tag(space: Space, name: str = "expected", **spec: object) -> Path:
    return space.write("TagType", name, **spec)


def test_what_was_reviewed_is_applied_and_again_is_no_error(space: Space) -> None:
    tag(space, description="a")
    gone = tag(space, "expected-gone")
    assert space.apply().code == 0
    tag(space, description="b")
    tag(space, "expected-new")
    gone.unlink()
    plan = review(space)
    done = merge(space, plan)
    assert done.code == 0, done.err
    assert "expected, and no longer different" not in done.err
    live = space.instance.named("tag-types")
    assert live["expected"]["description"].startswith("b")
    assert ("expected-new" in live, "expected-gone" in live) == (True, False)
    again = merge(space, plan)
    assert again.code == 0, again.err
    for line in ("TagType/expected: update", "TagType/expected-new: create", "TagType/expected-gone: delete"):
        assert f"  {line}" in again.err


def test_a_file_that_changed_since_the_review_is_refused(space: Space) -> None:
    tag(space, description="a")
    plan = review(space)
    tag(space, description="b")
    tag(space, "expected-more")
    done = merge(space, plan)
    assert done.code == 1
    assert REFUSED in done.err
    assert 'TagType/expected: description is "b", and "a" in the expected plan' in done.err
    assert "TagType/expected-more: create is not in the expected plan" in done.err
    assert not {"expected", "expected-more"} & space.instance.named("tag-types").keys()


def test_a_value_that_another_user_changed_since_the_review_is_refused(fake_space: Space) -> None:
    fake_space.flag("a-flag", description="a")
    assert fake_space.apply().code == 0
    fake_space.flag("a-flag", description="b")
    plan = review(fake_space)
    fake_space.instance.call("PUT", "/features/a-flag", {"name": "a-flag", "type": "release", "description": "c"})
    done = merge(fake_space, plan)
    assert done.code == 1
    assert 'FeatureFlag/default/a-flag: description: "c" → "b", and the expected plan has "a" → "b"' in done.err
    assert (fake_space.instance.flag("a-flag") or {})["description"] == "c"


def test_a_delete_of_an_object_that_changed_since_the_review_is_refused(fake_space: Space) -> None:
    file = tag(fake_space, description="a")
    assert fake_space.apply().code == 0
    file.unlink()
    plan = review(fake_space, *ANY_DELETES)
    mark = "managed by unleash-gitops: payments"
    fake_space.instance.change("tag-types", "expected", description=f"precious\n{mark}")
    done = merge(fake_space, plan)
    assert done.code == 1
    assert 'TagType/expected: description is "precious", and "a" in the expected plan' in done.err


def test_an_update_that_finishes_a_reviewed_create_is_expected(space: Space) -> None:
    space.flag("half-made", description="a", environments={"development": {"strategies": [{"name": "default"}]}})
    plan = review(space)
    space.flag("half-made", description="a")
    assert space.apply().code == 0
    space.flag("half-made", description="a", environments={"development": {"strategies": [{"name": "default"}]}})
    done = merge(space, plan)
    assert done.code == 0, done.err
    live = space.instance.flag("half-made")
    assert live is not None
    assert [entry["name"] for entry in live["in"]["development"]["strategies"]] == ["default"]


def test_an_update_that_goes_elsewhere_than_a_reviewed_create_is_refused(fake_space: Space) -> None:
    fake_space.flag("half-made", description="a")
    plan = review(fake_space)
    assert fake_space.apply().code == 0
    fake_space.flag("half-made", description="b")
    done = merge(fake_space, plan)
    assert done.code == 1
    assert 'description: "a" → "b" does not finish the expected create' in done.err


def test_a_forged_expectation_makes_nothing_happen(fake_space: Space) -> None:
    victim = tag(fake_space, "victim")
    assert fake_space.apply().code == 0
    plan = review(fake_space)
    forged = json.loads(plan.read_text())
    victim.unlink()
    with_delete = json.loads(review(fake_space, *ANY_DELETES, name="delete.json").read_text())
    tag(fake_space, "victim")
    forge(plan, lambda content: content.update(changes=with_delete["changes"], summary=with_delete["summary"]))
    assert json.loads(plan.read_text())["changes"] != forged["changes"]
    done = merge(fake_space, plan)
    assert done.code == 0
    assert "victim" in fake_space.instance.named("tag-types")


def test_a_forged_expectation_of_other_requests_changes_no_request(fake_space: Space) -> None:
    tag(fake_space, description="a")
    plan = review(fake_space)

    def forge_request(content: Content) -> None:
        change_of(content, "TagType/expected")["requests"] = [
            {"method": "POST", "path": "/api/admin/user-admin", "bodySha256": "0" * 64}
        ]

    forge(plan, forge_request)
    fake = fake_space.instance.fake
    assert fake is not None
    fake.requests.clear()
    assert merge(fake_space, plan).code == 0
    assert fake.writes() == [("POST", "/api/admin/tag-types")]


def test_the_options_of_the_review_hold_and_others_are_refused(fake_space: Space) -> None:
    tag(fake_space, description="a")
    fake_space.flag("outside")
    plan = review(fake_space, "--target", "TagType")
    assert merge(fake_space, plan).code == 0
    assert fake_space.instance.flag("outside") is None
    done = merge(fake_space, plan, options=("--target", "FeatureFlag"))
    assert (done.code, "--target cannot be used with --expect" in done.err) == (1, True)


def edit_tag(space: Space, text: str) -> None:
    """Change the description of the tag type as another user, and leave its mark."""
    with httpx.Client(base_url=space.instance.url, headers={"Authorization": SOMEBODY}, trust_env=False) as somebody:
        body = {"name": "expected", "description": f"{text}\nmanaged by unleash-gitops: payments"}
        somebody.put("/api/admin/tag-types/expected", json=body).raise_for_status()


def test_the_drift_policy_of_the_command_line_wins_over_that_of_the_review(fake_space: Space) -> None:
    tag(fake_space, description="a")
    assert fake_space.apply().code == 0
    edit_tag(fake_space, "theirs")
    plan = review(fake_space, "--on-drift", "overwrite")
    done = merge(fake_space, plan, options=("--on-drift", "fail"))
    assert (done.code, "drift: fail forbids" in done.err) == (1, True)
    assert fake_space.instance.named("tag-types")["expected"]["description"].startswith("theirs")
    assert merge(fake_space, plan).code == 0
    assert fake_space.instance.named("tag-types")["expected"]["description"].startswith("a")


def test_a_change_of_another_user_that_the_review_did_not_show_is_not_undone(fake_space: Space) -> None:
    """A forged plan hides whom it overwrites, and brings the policy that lets it."""
    tag(fake_space, description="a")
    assert fake_space.apply().code == 0
    edit_tag(fake_space, "theirs")
    plan = review(fake_space, "--on-drift", "overwrite")

    def hide(content: Content) -> None:
        change = change_of(content, "TagType/expected")
        change.update(origin=None, changed=None, drift=None)
        change["fields"] = [{**entry, "origin": "file", "changed": None} for entry in change["fields"]]

    forge(plan, hide)
    done = merge(fake_space, plan)
    assert done.code == 1
    assert 'description: "theirs" → "a" undoes a change by somebody at' in done.err
    assert "which the expected plan does not show" in done.err
    assert fake_space.instance.named("tag-types")["expected"]["description"].startswith("theirs")


def test_a_second_run_does_not_undo_what_another_user_changed_since_the_first(fake_space: Space) -> None:
    tag(fake_space, description="a")
    plan = review(fake_space)
    assert merge(fake_space, plan).code == 0
    edit_tag(fake_space, "incident")
    done = merge(fake_space, plan)
    assert done.code == 1
    assert 'description: "incident" → "a" undoes a change that was made after the expected create' in done.err
    assert fake_space.instance.named("tag-types")["expected"]["description"].startswith("incident")


def test_a_kind_that_the_review_could_not_read_is_applied_only_on_request(fake_space: Space) -> None:
    tag(fake_space, description="a")
    plan = review(fake_space)
    fake_space.write("ContextField", "market")
    done = merge(fake_space, plan)
    assert done.code == 1
    assert "ContextField/market: create is not in the expected plan" in done.err
    assert merge(fake_space, plan, options=("--also", "ContextField")).code == 0
    done = merge(fake_space, plan, options=("--also", "ContextFeld"))
    assert 'did you mean "ContextField"?' in done.err


def test_several_workspaces_are_applied_together_or_not_at_all(fake_space: Space) -> None:
    for name in ("one", "two"):
        root = fake_space.root / name
        document_samples.write(root, document_samples.workspace(f"team-{name}"))
        document_samples.write(root, document_samples.document("TagType", f"of-{name}"))
    (fake_space.root / "unleash-gitops.yaml").unlink()
    plans = []
    for name in ("one", "two"):
        out = fake_space.root / f"{name}.json"
        assert fake_space.run("plan", name, "--out", str(out)).code == 0
        plans.append(out)
    document_samples.write(fake_space.root / "two", document_samples.document("TagType", "late"))
    done = merge(fake_space, *plans, options=("--all",))
    assert (done.code, "nothing was applied in any workspace" in done.err) == (1, True)
    assert not {"of-one", "of-two"} & fake_space.instance.named("tag-types").keys()
    done = merge(fake_space, plans[0], options=("--all",))
    assert done.code == 0, done.err
    assert "workspace team-two (two/) is left out: no expected plan is for it" in done.err
    assert fake_space.instance.named("tag-types").keys() & {"of-one", "of-two"} == {"of-one"}
    done = fake_space.run("apply", "one", "--expect", str(plans[1]))
    assert done.code == 1
    assert "the expected plan is for workspace team-two" in done.err


def test_expect_goes_with_directories_only(fake_space: Space) -> None:
    tag(fake_space)
    plan = review(fake_space)
    done = fake_space.run("apply", str(plan), "--expect", str(plan))
    assert (done.code, "--expect and --also cannot be used with a saved plan" in done.err) == (1, True)
    done = fake_space.run("apply", "--also", "TagType", "--yes")
    assert (done.code, "--also needs --expect" in done.err) == (1, True)
