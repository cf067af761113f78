"""Reading: how many requests at once, and what a failure leaves behind."""

from __future__ import annotations

import threading
from typing import Any

import httpx
import pytest

from unleash_gitops.api.client import Client
from unleash_gitops.engine.reader import Reader
from unleash_gitops.kinds.tag_type import TagType
from unleash_gitops.model.errors import ApiError, UnexpectedAnswer
from unleash_gitops.model.resource import Area, ReadScope
from unleash_gitops.model.workspace import WorkspaceSpec

CONCURRENCY = 32
SCOPE = ReadScope(None, lambda _resource: False)


def make_reader(client: Client) -> Reader:
    return Reader(client, "payments", WorkspaceSpec(), SCOPE)


def test_nested_reads_share_the_threads_of_the_client() -> None:
    threads: set[threading.Thread] = set()

    def answer(request: httpx.Request) -> httpx.Response:
        threads.add(threading.current_thread())
        return httpx.Response(200, json={"path": request.url.path})

    before = set(threading.enumerate())
    with Client(
        "http://unleash.test", "token", concurrency=CONCURRENCY, transport=httpx.MockTransport(answer)
    ) as client:
        reader = make_reader(client)

        def read_area(area: int) -> list[str]:
            return reader.map_concurrently(
                lambda flag: str(reader.get_cached(f"/{area}/{flag % 7}")["path"]), range(10)
            )

        read = reader.map_concurrently(read_area, range(50))
        started = set(threading.enumerate()) - before
    assert read == [[f"/{area}/{flag % 7}" for flag in range(10)] for area in range(50)]
    assert len(threads | started | {threading.current_thread()}) <= CONCURRENCY


def test_a_failed_read_is_not_kept_for_the_next() -> None:
    statuses = [403, 200]

    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(statuses.pop(0), json={"message": "no access"})

    with Client("http://unleash.test", "token", transport=httpx.MockTransport(answer)) as client:
        reader = make_reader(client)
        with pytest.raises(ApiError):
            reader.get_cached("/api/admin/user")
        assert reader.get_cached("/api/admin/user") == {"message": "no access"}
        assert reader.get_cached("/api/admin/user") == {"message": "no access"}
    assert statuses == []


TAG_TYPES = Area("TagType")


def read_tag_types(answer: Any, needed: tuple[str, ...] = ("TagType",)) -> list[str]:
    """Return the names of the tag types that a server tells with `answer`."""
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, json=answer))
    with Client("http://unleash.test", "token-of-tests", transport=transport) as client:
        reader = Reader(client, "payments", WorkspaceSpec(), SCOPE, needed)
        return [resource.id for resource in reader.read_areas([TAG_TYPES]).resources.values()]


@pytest.mark.parametrize("needed", [("TagType",), ()])
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({}, "GET /api/admin/tag-types: the answer has no list tagTypes"),
        (
            {"tagTypes": [{}]},
            "GET TagType: the answer is not of the form that this version knows: name: Field required",
        ),
        (
            {"tagTypes": [{"name": []}]},
            "GET TagType: the answer is not of the form that this version knows: name: Input should be a valid string",
        ),
    ],
)
def test_an_answer_of_another_form_is_an_error_with_its_place(answer: Any, error: str, needed: tuple[str, ...]) -> None:
    with pytest.raises(UnexpectedAnswer) as caught:
        read_tag_types(answer, needed)
    assert str(caught.value) == error


@pytest.mark.parametrize("bug", [KeyError("spec"), TypeError("not iterable"), AttributeError("name")])
def test_a_bug_of_our_own_is_not_told_as_the_servers(bug: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: Any) -> None:
        raise bug

    monkeypatch.setattr(TagType, "resource_from_entry", fail)
    with pytest.raises(type(bug)) as caught:
        read_tag_types({"tagTypes": [{"name": "team"}]})
    assert caught.value is bug
