"""A plan file with a matching digest is still no authority: what it shows is what is done, or nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from acceptance.conftest import Space
from unleash_gitops.model.plan_file import seal

Content = dict[str, Any]
FLAG = "FeatureFlag/default/forged-flag"
TAG = "TagType/forged-tag"
ADMIN = {"method": "POST", "path": "/api/admin/user-admin", "bodySha256": "0" * 64}


def save(space: Space, *options: str) -> Path:
    out = space.root / "plan.json"
    assert space.run("plan", "--out", str(out), *options).code == 0
    return out


def forge(file: Path, edit: Callable[[Content], object]) -> None:
    """Edit a plan file and give it the digest of its new content."""
    content = json.loads(file.read_text())
    del content["digest"]
    edit(content)
    file.write_text(json.dumps(seal(content)))


def change_of(content: Content, address: str) -> Content:
    """Return the change of an object, by kind and name."""
    kind, *_, name = address.split("/")
    (change,) = [change for change in content["changes"] if (change["kind"], change["name"]) == (kind, name)]
    return change  # type: ignore[no-any-return]


def set_in(address: str, **values: Any) -> Callable[[Content], object]:
    return lambda content: change_of(content, address).update(values)


def add_request(content: Content) -> None:
    change_of(content, TAG)["requests"].append(ADMIN)


def replace_requests(content: Content) -> None:
    change_of(content, TAG)["requests"] = [ADMIN]


def change_body(content: Content) -> None:
    change_of(content, TAG)["requests"][0]["bodySha256"] = "0" * 64


def hide_fields(content: Content) -> None:
    change_of(content, FLAG)["fields"] = []


def change_what_is_made(content: Content) -> None:
    """Show one object and make another: the requests stay those of the first."""
    change_of(content, TAG)["after"]["description"] = "another"


def count_no_update(content: Content) -> None:
    content["summary"]["update"] = 0


def add_carried_calls(content: Content) -> None:
    change_of(content, TAG)["calls"] = [{"method": "POST", "path": "/api/admin/user-admin", "body": {}}]


@pytest.fixture
def saved(space: Space) -> Path:
    """Save a plan that updates a flag and creates a tag type."""
    space.flag("forged-flag", description="before")
    assert space.apply().code == 0
    space.flag("forged-flag", description="after")
    space.write("TagType", "forged-tag", description="shown")
    return save(space)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (add_request, f"{TAG}: POST /api/admin/user-admin is no request of this change"),
        (replace_requests, f"{TAG}: POST /api/admin/user-admin is no request of this change"),
        (change_body, f"{TAG}: the body of POST /api/admin/tag-types is not what the change needs"),
        (change_what_is_made, f"{TAG}: the body of POST /api/admin/tag-types is not what the change needs"),
        (add_carried_calls, "calls: Extra inputs are not permitted"),
        (hide_fields, f"{FLAG}: its fields are not the difference between the object before and after the change"),
        (set_in(FLAG, id="checkout-v2"), f"{FLAG}: its id checkout-v2 is that of another object"),
        (set_in(FLAG, project="other"), 'there is no project "other" on the server'),
        (set_in(FLAG, action="adopt"), "it has 1 update, and the plan has 0"),
        (set_in(FLAG, action="delete"), f"{FLAG}: delete does not fit the object before and after the change"),
        (set_in(TAG, action="blocked"), f"{TAG}: it is blocked and has requests"),
        (set_in(TAG, kind="User"), "User is no kind that this version knows"),
        (set_in(TAG, dependsOn=[TAG]), f"{TAG}: it depends on itself"),
        (set_in(TAG, dependsOn=["TagType/x"]), f"{TAG}: it depends on TagType/x, which is not in the plan"),
        (
            lambda content: (set_in(TAG, dependsOn=[FLAG])(content), set_in(FLAG, dependsOn=[TAG])(content)),
            "it depends on itself, through other changes",
        ),
        (count_no_update, "summary: it has 0 update, and the plan has 1"),
        (lambda content: content.update(toolVersion="0.0.1"), "the plan was made by unleash-gitops 0.0.1"),
        (lambda content: content["changes"].append(content["changes"][0]), "the plan has two changes of it"),
    ],
)
def test_a_plan_that_does_something_else_than_it_shows_is_refused(
    fake_space: Space, edit: Callable[[Content], object], words: str
) -> None:
    fake_space.flag("forged-flag", description="before")
    assert fake_space.apply().code == 0
    fake_space.flag("forged-flag", description="after")
    fake_space.write("TagType", "forged-tag", description="shown")
    file = save(fake_space)
    forge(file, edit)
    fake = fake_space.instance.fake
    assert fake is not None
    fake.requests.clear()
    done = fake_space.run("apply", str(file))
    assert (done.code, fake.writes()) == (1, [])
    assert words in done.err


def test_the_same_plan_unforged_is_applied(space: Space, saved: Path) -> None:
    forge(saved, lambda _: None)
    done = space.run("apply", str(saved))
    assert done.code == 0, done.err
    assert (space.instance.flag("forged-flag") or {})["description"] == "after"


def test_a_forged_request_is_refused_and_nothing_is_sent(space: Space, saved: Path) -> None:
    forge(saved, replace_requests)
    done = space.run("apply", str(saved))
    assert done.code == 1
    assert "forged-tag" not in space.instance.named("tag-types")
    assert (space.instance.flag("forged-flag") or {})["description"] == "before"


def test_deletes_are_counted_whatever_the_plan_says(fake_space: Space) -> None:
    for name in ("one-flag", "other-flag"):
        fake_space.flag(name)
    assert fake_space.apply().code == 0
    fake_space.file("one-flag").unlink()
    file = save(fake_space)
    limits = {"counted": 0, "exempt": ["FeatureFlag/default/one-flag"], "maxDeletes": 99, "allowed": 99}
    forge(file, lambda content: content["deleteLimits"].update(limits))
    done = fake_space.run("apply", str(file), "--max-deletes", "0")
    assert done.code == 1
    assert "1 delete, more than the 0 of --max-deletes" in done.err
    assert fake_space.instance.flag("one-flag") is not None


def test_a_plan_cannot_adopt_what_another_workspace_owns(fake_space: Space) -> None:
    fake_space.write("TagType", "shared-tag", description="theirs")
    fake_space.workspace("theirs")
    assert fake_space.apply().code == 0
    fake_space.workspace("payments")
    fake_space.write("TagType", "shared-tag", {"transferFrom": "theirs"}, description="theirs")
    file = save(fake_space)

    def adopt(content: Content) -> None:
        change_of(content, "TagType/shared-tag").update(action="adopt", takenFrom=None)
        content["summary"].update(adopt=1, transfer=0)

    forge(file, adopt)
    done = fake_space.run("apply", str(file))
    assert done.code == 1
    assert "TagType/shared-tag: another workspace owns the object" in done.err
    assert fake_space.instance.named("tag-types")["shared-tag"]["description"].endswith("theirs")


def test_a_reference_to_another_object_of_that_number_is_refused(space: Space) -> None:
    """The segment is renamed, and another gets its name: the plan was reviewed for the first."""
    space.instance.make("segments", "beta2", constraints=[])
    strategies = [{"name": "default", "segments": ["beta2"]}]
    space.flag("forged-segment", environments={"development": {"strategies": strategies}})
    file = save(space)
    number = space.instance.named("segments")["beta2"]["id"]
    renamed = {"name": "everyone2", "constraints": []}
    space.instance.http.put(f"/api/admin/segments/{number}", json=renamed).raise_for_status()
    done = space.run("apply", str(file))
    assert done.code == 1
    assert "refers to Segment/beta2, which no longer exists or has another name" in done.err
    space.instance.make("segments", "beta2", constraints=[])
    done = space.run("apply", str(file))
    assert done.code == 1
    assert "refers to Segment/beta2, which is another object now" in done.err
    assert space.instance.flag("forged-segment") is None


def test_an_archive_cannot_become_a_delete_for_good(fake_space: Space) -> None:
    for name in ("one-flag", "other-flag"):
        fake_space.flag(name)
    assert fake_space.apply().code == 0
    fake_space.file("one-flag").unlink()
    file = save(fake_space)
    forge(file, lambda content: content["changes"][0].update(archives=False))
    done = fake_space.run("apply", str(file))
    assert done.code == 1
    assert "the requests are not those that the change needs" in done.err
    assert fake_space.instance.flag("one-flag") is not None
