"""Whatever GitHub or GitLab answers, a comment or a fetch ends, with a result or an error of the code host."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from odd_json import make_odd
from properties import examples
from render.samples import ACTIONS
from servers.fake_code_host import TOKEN, FakeCodeHost, zipped
from unleash_gitops.ci import Marker, open_code_host, post, read_reviewed_plan, supersede
from unleash_gitops.ci.job import detect_job
from unleash_gitops.ci.rest_client import RestClient
from unleash_gitops.model.errors import CodeHostError

URL = "http://host.test"
BODY = f"{Marker.of('payments', 'https://unleash.test', 900)}\nplan"
Change = Callable[[int, httpx.Response], httpx.Response]


def connect(code_host: FakeCodeHost, monkeypatch: pytest.MonkeyPatch, change: Change) -> list[httpx.Request]:
    """Let the tool talk to `code_host` without a socket; `change(n, response)` changes its n-th answer."""
    requests: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        headers = {name.lower(): value for name, value in request.headers.items()}
        status, more, content = code_host.answer(request.method, str(request.url), headers, request.content)
        if isinstance(content, bytes):
            response = httpx.Response(status, headers=more, content=content)
        else:
            response = httpx.Response(status, headers=more, json=content)
        return change(len(requests) - 1, response)

    monkeypatch.setattr(
        "unleash_gitops.api.transfer.BoundedTransport", lambda *_arguments, **_options: httpx.MockTransport(respond)
    )
    return requests


def run(code_host: FakeCodeHost) -> None:
    """Write comments in every way, and fetch a plan."""
    job = detect_job(code_host.environment())
    wait: Any = lambda _seconds: None  # noqa: E731
    with suppress(CodeHostError), open_code_host(job) as connection:
        post(connection, BODY, "superseded", sleep=wait)
    with suppress(CodeHostError), open_code_host(job) as connection:
        supersede(connection, "payments", 901, "superseded", sleep=wait)
    if code_host.host == "github":
        with suppress(CodeHostError):
            read_reviewed_plan(job, "plan")


def filled(host: str) -> FakeCodeHost:
    me = {"id": 5, "login": "ci", "type": "User"}
    code_host = FakeCodeHost(host, me=me, url=URL, page=2)
    for number in range(3):
        code_host.add(f"{BODY} {number}", me if number else {"id": 6, "type": "User"})
    head = {"sha": "f00d", "ref": "topic"}
    code_host.pulls = [{"number": 7, "merged_at": "2026-01-31", "merge_commit_sha": "0123456789abcdef", "head": head}]
    code_host.save_artifact(1, "plan", b"plan", "f00d", id=101)
    return code_host


def test_without_odd_answers_everything_succeeds(monkeypatch: pytest.MonkeyPatch) -> None:
    code_host = filled("github")
    connect(code_host, monkeypatch, lambda _number, response: response)
    run(code_host)
    assert [body.partition("\n")[2] for body in code_host.bodies()] == ["plan 0", "superseded", "superseded"]
    assert read_reviewed_plan(detect_job(code_host.environment()), "plan") == b"plan"


@pytest.mark.parametrize("host", ["github", "gitlab"])
@examples(1.0)
@given(data=st.data())
def test_any_answer_ends_in_a_result_or_an_error_of_the_code_host(host: str, data: st.DataObject) -> None:
    odd = data.draw(st.sets(st.integers(0, 12), min_size=1, max_size=3))
    random = Random(data.draw(st.integers(0, 10**9)))

    def change(number: int, response: httpx.Response) -> httpx.Response:
        if number not in odd or response.headers.get("content-type") != "application/json":
            return response
        status = data.draw(st.sampled_from([response.status_code, response.status_code, 200, 403, 404, 422, 429, 502]))
        body = make_odd(response.content, random)
        return httpx.Response(status, content=body, headers={"link": response.headers.get("link", "")})

    with pytest.MonkeyPatch.context() as patch:
        connect(filled(host), patch, change)
        run(filled(host))


def _to_pairs(headers: dict[str, bytes]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value) for name, value in headers.items()]


HEADERS = [
    "link", "x-next-page", "location", "retry-after", "x-ratelimit-reset", "x-ratelimit-remaining", "date", "age",
    "content-encoding", "content-type",
]  # fmt: skip
VALUES = [
    "", "0", "²", "-1", "1", "NaN", "9" * 400, "http://[", "<http://[>; rel=next", "<?page=2>; rel=next", "<a", ";=,",
    f"<{'x' * 70_000}>; rel=next", "file:///etc/passwd", "//", "http:///x", "gzip", "Wed, 99", "http://\x01",
]  # fmt: skip
odd_headers = st.dictionaries(
    st.sampled_from(HEADERS), st.sampled_from(VALUES).map(lambda value: value.encode("latin-1")), max_size=4
)


@pytest.mark.parametrize("host", ["github", "gitlab"])
@examples(1.0)
@given(data=st.data())
def test_any_headers_end_in_a_result_or_an_error_of_the_code_host(host: str, data: st.DataObject) -> None:
    def change(_number: int, response: httpx.Response) -> httpx.Response:
        status = data.draw(st.sampled_from([response.status_code] * 4 + [302, 403, 429, 503]))
        return httpx.Response(
            status, headers=_to_pairs(data.draw(odd_headers)), stream=httpx.ByteStream(response.content)
        )

    with pytest.MonkeyPatch.context() as patch:
        requests = connect(filled(host), patch, change)
        run(filled(host))
    assert all(TOKEN not in str(request.url) for request in requests)


def test_a_list_whose_pages_never_end_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    code_host = filled("gitlab")

    def change(_number: int, response: httpx.Response) -> httpx.Response:
        return httpx.Response(200, json=[], headers={"x-next-page": "2"})

    requests = connect(code_host, monkeypatch, change)
    with (
        open_code_host(detect_job(code_host.environment())) as connection,
        pytest.raises(CodeHostError, match=r"GitLab: GET .*: the list has more than 100 pages"),
    ):
        post(connection, BODY, "superseded")
    assert len(requests) == 100


@pytest.mark.parametrize(
    "proxy", ["socks5://proxy.test:1080", "socks5h://user:secret@proxy.test", "ftp://x", "http://x:y"]
)
def test_a_proxy_that_cannot_be_used_is_an_error_of_the_code_host(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    monkeypatch.delenv("HTTP_PROXY", raising=False)
    with pytest.raises(CodeHostError) as caught:
        RestClient("GitHub", URL, {}, {})
    assert "secret" not in str(caught.value)
    assert caught.value.hints


@pytest.mark.parametrize("damage", range(0, 100, 7))
def test_a_damaged_archive_is_an_error_of_the_code_host(damage: int, monkeypatch: pytest.MonkeyPatch) -> None:
    code_host = filled("github")
    archive = bytearray(zipped(ACTIONS.model_dump_json().encode()))
    archive[damage * len(archive) // 100] ^= 0xFF
    code_host.archives = {1: bytes(archive)}
    connect(code_host, monkeypatch, lambda _number, response: response)
    with suppress(CodeHostError):
        read_reviewed_plan(detect_job(code_host.environment()), "plan")
