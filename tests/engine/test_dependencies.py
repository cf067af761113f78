"""What keeps an object from being deleted."""

from __future__ import annotations

from unleash_gitops.engine.classify import Classification, Difference
from unleash_gitops.engine.dependencies import describe_users, find_delete_blockers
from unleash_gitops.model.resource import Address, Resource, ResourceSet


def segment(name: str, *users: str, protected: str | None = None) -> Resource:
    users = tuple(f"Segment/{user}" for user in users)
    return Resource(Address("Segment", name), name, {}, users=users, protected=protected, ownership="owned")


def find_blockers(*deleted: Resource) -> dict[str, str]:
    """Return why each of some objects cannot be deleted, by its id."""
    deletes = tuple(Difference("delete", None, live, {}, None) for live in deleted)
    live = ResourceSet({resource.key: resource for resource in deleted})
    classification = Classification(ResourceSet(), live, deletes, frozenset(), (), ())
    return {key.id: reason for key, reason in find_delete_blockers(classification).items()}


def test_objects_that_use_each_other_are_deleted_together() -> None:
    assert find_blockers(segment("a", "b"), segment("b", "a"), segment("c", "a", "b")) == {}


def test_a_delete_that_is_blocked_blocks_what_the_object_uses() -> None:
    chain = [segment("a", "b"), segment("b", "c"), segment("c", "stays"), segment("free")]
    expected = {
        "a": "used by Segment/b", "b": "used by Segment/c", "c": "used by Segment/stays",
    }  # fmt: skip
    assert find_blockers(*chain) == expected
    assert find_blockers(*reversed(chain)) == expected


def test_every_user_that_stays_is_named_and_no_other() -> None:
    objects = [segment("a", "b", "free", "stays"), segment("b", protected="is protected"), segment("free")]
    expected = {"a": "used by Segment/b, Segment/stays", "b": "is protected"}
    assert find_blockers(*objects) == expected
    assert find_blockers(*reversed(objects)) == expected


def test_at_most_five_users_are_named() -> None:
    assert describe_users([]) is None
    assert describe_users(["b", "a"]) == "used by a, b"
    assert describe_users([f"u{number}" for number in range(7)]) == "used by u0, u1, u2, u3, u4 and 2 more"
