"""HTTP: what is tried again and what is not, what is said when it fails, and that the token is nowhere."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from unleash_gitops.api.client import _TOKEN_HINT, Client
from unleash_gitops.model.errors import (
    ApiError,
    Maintenance,
    MissingRoute,
    NotUnleash,
    ServerError,
    Unreachable,
    UsageError,
)

TOKEN = "*:*.secret-token"
UI_CONFIG = {"version": "8.2.0", "versionInfo": {"current": {"oss": "8.2.0", "enterprise": ""}, "instanceId": "i"}}


class Waits(threading.Event):
    """An event that is never set and never waits; it remembers for how long it should have."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.asked.append(timeout or 0)
        return self.is_set()


def client(
    answer: Callable[[int, httpx.Request], httpx.Response], **options: Any
) -> tuple[Client, list[httpx.Request]]:
    """Return a client whose n-th request is answered by `answer(n, request)`, and the requests as they come."""
    requests: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return answer(len(requests) - 1, request)

    return Client(
        "http://unleash.test/base", TOKEN, transport=httpx.MockTransport(respond), stop=Waits(), **options
    ), requests


def failing(first: Any, times: int = 1) -> Callable[[int, httpx.Request], httpx.Response]:
    """Answer `first` (a response, or an exception) so many times, then 200."""

    def answer(number: int, request: httpx.Request) -> httpx.Response:
        if number >= times:
            return httpx.Response(200, json={"done": True})
        if isinstance(first, Exception):
            raise first
        return httpx.Response(first.status_code, headers=first.headers, content=first.content)

    return answer


BUSY = httpx.Response(429, text="Too many requests, please try again later.", headers={"content-type": "text/html"})


@pytest.mark.parametrize(
    ("fault", "repeatable", "again"),
    [
        (BUSY, True, True),
        (BUSY, False, True),
        (httpx.Response(502), True, True),
        (httpx.Response(502), False, False),
        (httpx.Response(503), True, True),
        (httpx.Response(503), False, False),
        (httpx.Response(504), True, True),
        (httpx.Response(504), False, False),
        (httpx.Response(500, json={"message": "oops"}), True, False),
        (httpx.Response(400, json={"message": "bad"}), True, False),
        (httpx.Response(409, content=b""), True, False),
        (httpx.Response(503, json={"message": "Unleash is currently in maintenance mode."}), True, False),
        (httpx.ConnectError("refused"), True, True),
        (httpx.ConnectError("refused"), False, True),
        (httpx.ConnectTimeout("slow"), False, True),
        (httpx.ProxyError("proxy"), False, True),
        (httpx.ReadError("cut"), True, True),
        (httpx.ReadError("cut"), False, False),
        (httpx.RemoteProtocolError("cut"), True, True),
        (httpx.RemoteProtocolError("cut"), False, False),
        (httpx.ReadTimeout("slow"), True, True),
        (httpx.ReadTimeout("slow"), False, False),
        (httpx.WriteError("cut"), False, False),
    ],
)
def test_only_what_is_safe_to_repeat_is_repeated(fault: Any, repeatable: bool, again: bool) -> None:
    made, requests = client(failing(fault))
    if again:
        assert made.send("POST", "/api/admin/x", {}, repeatable=repeatable) == {"done": True}
        assert len(requests) == 2
    else:
        with pytest.raises(ServerError):
            made.send("POST", "/api/admin/x", {}, repeatable=repeatable)
        assert len(requests) == 1


def test_the_wait_that_the_server_asks_for_is_kept_and_shown() -> None:
    lines: list[str] = []
    busy = httpx.Response(429, text="later", headers={"content-type": "text/plain", "retry-after": "60"})
    made, requests = client(failing(busy, 3), on_wait=lines.append)
    made.get("/api/admin/x")
    asked = made.stop.asked  # type: ignore[attr-defined]
    assert [60 < wait < 62 for wait in asked] == [True] * 3
    assert lines == [f"the server allows no more requests at the moment; going on in {wait:.0f} s" for wait in asked]
    assert len(requests) == 4


def test_a_server_that_asks_for_no_wait_is_not_asked_again_and_again() -> None:
    busy = httpx.Response(429, text="later", headers={"content-type": "text/plain", "retry-after": "0"})
    made, requests = client(lambda number, _request: busy if number else httpx.Response(200, json=UI_CONFIG))
    made.facts()
    with pytest.raises(ApiError):
        made.get("/api/admin/x")
    assert len(requests) == 1 + 15
    assert sum(made.stop.asked) > 20  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("seconds", "words"), [("86400", "24 hours"), ("9" * 5000, "more than 1000 days"), ("400", "7 minutes")]
)
def test_a_wait_that_is_too_long_is_refused_with_its_length(seconds: str, words: str) -> None:
    busy = httpx.Response(429, json={"message": "later"}, headers={"retry-after": seconds})
    made, requests = client(failing(busy, 10**6))
    with pytest.raises(ApiError) as caught:
        made.get("/api/admin/x")
    assert (caught.value.hint, len(requests)) == (f"the server asks to wait {words}: try again then", 1)
    assert made.stop.asked == []  # type: ignore[attr-defined]


def test_waits_grow_with_jitter_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unleash_gitops.api.retries.CONNECT_RETRY_BUDGET", 1000.0)
    made, _ = client(failing(httpx.ConnectError("refused"), 9))
    made.get("/api/admin/x")
    bounds = [0.25, 0.5, 1, 2, 4, 5, 5, 5, 5]
    assert all(bound / 2 <= wait <= bound for wait, bound in zip(made.stop.asked, bounds, strict=True))  # type: ignore[attr-defined]


def test_patience_ends_and_the_failure_says_that_it_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unleash_gitops.api.retries.CONNECT_RETRY_BUDGET", 0.0)
    made, requests = client(failing(httpx.ConnectError("refused"), 99))
    with pytest.raises(Unreachable) as caught:
        made.get("/api/admin/x")
    assert (caught.value.lasting, caught.value.sent, len(requests)) == (True, False, 1)


def test_a_set_stop_ends_the_waiting() -> None:
    made, requests = client(failing(httpx.ConnectError("refused"), 99))
    made.stop.set()
    with pytest.raises(Unreachable):
        made.get("/api/admin/x")
    assert len(requests) == 1


def test_the_base_path_and_the_token_are_in_the_request_and_a_body_is_always_json() -> None:
    made, requests = client(lambda _number, _request: httpx.Response(204))
    assert made.send("DELETE", "/api/admin/a%2Fb", repeatable=True) is None
    (request,) = requests
    assert str(request.url) == "http://unleash.test/base/api/admin/a%2Fb"
    assert request.headers["authorization"] == TOKEN
    assert (request.headers["content-type"], request.content) == ("application/json", b"{}")


def test_the_log_has_each_request_and_no_token() -> None:
    lines: list[str] = []
    made, _ = client(failing(httpx.Response(503, json={"message": f"try later {TOKEN}"})), log=lines.append)
    made.get("/api/admin/x")
    assert [line.split(" in ")[0] for line in lines if " in " in line][:1] == ["GET /api/admin/x: 503"]
    assert any("try later ***; trying again" in line for line in lines)
    assert TOKEN not in "".join(lines)


def _error(name: str, message: str, *details: str) -> dict[str, Any]:
    return {"name": name, "message": message, "details": [{"message": detail} for detail in details]}


@pytest.mark.parametrize(
    ("response", "kind", "text"),
    [
        (
            httpx.Response(400, json=_error("BadDataError", "Request validation failed", "`title` must be a string")),
            ApiError,
            "GET /api/admin/x: 400 BadDataError: Request validation failed (`title` must be a string)",
        ),
        (
            httpx.Response(404, json=_error("NotFoundError", "There's no feature", "There's no feature")),
            ApiError,
            "GET /api/admin/x: 404 NotFoundError: There's no feature",
        ),
        (
            httpx.Response(404, json=_error("NotFoundError", "The path you were looking for (/x) is not available.")),
            MissingRoute,
            "GET /api/admin/x: 404 NotFoundError: this server has no such route",
        ),
        (httpx.Response(400, json={"message": "Unexpected end"}), ApiError, "GET /api/admin/x: 400: Unexpected end"),
        (
            httpx.Response(409, content=b""),
            NotUnleash,
            "GET /api/admin/x: this does not look like Unleash: 409 with an unexpected response body",
        ),
        (httpx.Response(500, text="<html>"), ApiError, "GET /api/admin/x: 500: Internal Server Error"),
        (httpx.Response(403, text="nginx"), ApiError, "GET /api/admin/x: 403: unexpected response body"),
        (
            httpx.Response(503, json={"message": "Unleash is currently in maintenance mode."}),
            Maintenance,
            "GET /api/admin/x: Unleash is currently in maintenance mode.",
        ),
        (httpx.Response(200, text="<html>"), NotUnleash, "GET /api/admin/x: the answer is not JSON"),
        (
            httpx.Response(302, headers={"location": "https://sso.test/login?token=abc"}),
            NotUnleash,
            "GET /api/admin/x: the answer is a redirect to https://sso.test",
        ),
    ],
)
def test_errors_say_method_path_status_and_the_servers_words(response: httpx.Response, kind: type, text: str) -> None:
    made, _ = client(lambda _number, _request: response)
    with pytest.raises(ServerError) as caught:
        made.get("/api/admin/x")
    assert (type(caught.value), str(caught.value)) == (kind, text)


@pytest.mark.parametrize(
    ("status", "name", "hint"),
    [
        (401, "UnauthorizedError", _TOKEN_HINT),
        (403, None, _TOKEN_HINT),
        (403, "PermissionError", "give the token's account this permission, or use the token of an administrator"),
        (403, "InvalidOperationError", None),
    ],
)
def test_the_help_for_a_refusal_follows_its_reason(status: int, name: str | None, hint: str | None) -> None:
    body = {"message": 'you need the "UPDATE_FEATURE" permission.', **({} if name is None else {"name": name})}
    made, _ = client(lambda _number, _request: httpx.Response(status, json=body))
    with pytest.raises(ApiError) as caught:
        made.get("/api/admin/x")
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("enterprise", "text"),
    [
        ("", "needs Unleash Enterprise; this server is the open-source edition (8.2.0)"),
        ("8.2.0", "this server (Unleash Enterprise 8.2.0) has no such route"),
    ],
)
def test_a_missing_route_is_said_by_edition(enterprise: str, text: str) -> None:
    known = {**UI_CONFIG, "versionInfo": {"current": {"enterprise": enterprise}}}
    missing = _error("NotFoundError", "The path you were looking for (/x) is not available.")
    made, _ = client(
        lambda number, _request: httpx.Response(404, json=missing) if number else httpx.Response(200, json=known)
    )
    assert made.facts().enterprise == bool(enterprise)
    with pytest.raises(MissingRoute) as caught:
        made.get("/api/admin/x")
    assert caught.value.message == text


@pytest.mark.parametrize(("status", "kind"), [(409, ApiError), (404, NotUnleash), (403, ApiError)])
def test_an_answer_without_words_from_a_server_that_is_known(status: int, kind: type) -> None:
    """A 404 that is not Unleash's own must not be taken for an object that is gone."""
    made, _ = client(lambda number, _request: httpx.Response(status) if number else httpx.Response(200, json=UI_CONFIG))
    made.facts()
    with pytest.raises(kind):
        made.get("/api/admin/x")


def test_facts_are_asked_once() -> None:
    made, requests = client(lambda _number, _request: httpx.Response(200, json=UI_CONFIG))
    assert made.facts() == made.facts()
    assert (made.facts().version, made.facts().instance_id, made.facts().maintenance) == ("8.2.0", "i", False)
    assert len(requests) == 1


@pytest.mark.parametrize("status", [200, 500])
def test_the_servers_time_is_that_of_its_newest_answer(status: int) -> None:
    ahead = timedelta(minutes=10)

    def answer(_number: int, _request: httpx.Request) -> httpx.Response:
        date = format_datetime(datetime.now(UTC) + ahead, usegmt=True)
        return httpx.Response(status, json={"message": "x"}, headers={"date": date})

    made, _ = client(answer)
    assert made.server_time() is None
    with suppress(ApiError):
        made.get("/api/admin/x")
    time = made.server_time()
    assert time is not None
    assert abs(time - datetime.now(UTC) - ahead) < timedelta(seconds=5)


@pytest.mark.parametrize("answer", [[], {}, {"version": 8}, {"version": ""}, "text"])
def test_an_answer_that_is_not_unleashs(answer: Any) -> None:
    made, _ = client(lambda _number, _request: httpx.Response(200, json=answer))
    with pytest.raises(NotUnleash):
        made.facts()


@pytest.mark.parametrize(
    ("error", "hint"),
    [(httpx.ReadTimeout("x"), "--timeout"), (httpx.ConnectError("CERTIFICATE_VERIFY_FAILED"), "SSL_CERT_FILE")],
)
def test_the_hint_fits_the_trouble(error: Exception, hint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unleash_gitops.api.retries.CONNECT_RETRY_BUDGET", 0.0)
    made, _ = client(failing(error, 99))
    with pytest.raises(Unreachable) as caught:
        made.get("/api/admin/x")
    assert caught.value.hint is not None
    assert hint in caught.value.hint


@pytest.mark.parametrize("token", ["", "a b", "a\nb", "ü"])
def test_a_token_that_is_none_is_refused(token: str) -> None:
    with pytest.raises(UsageError, match="the token is empty or holds characters"):
        Client("http://unleash.test", token)
