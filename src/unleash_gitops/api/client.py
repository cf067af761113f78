"""HTTP to one Unleash instance: authentication, time-outs, retries, concurrency, and errors a person can act on.

It knows paths and JSON, not what they mean. The token is in one header only.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import urlsplit

import httpx

from unleash_gitops.api.redaction import Redactor
from unleash_gitops.api.server_clock import ServerClock, parse_http_date
from unleash_gitops.api.task_pool import TaskPool
from unleash_gitops.api.tls import shared_tls_context
from unleash_gitops.model.errors import (
    ApiError,
    Maintenance,
    MissingRoute,
    NotUnleash,
    ServerError,
    TooOld,
    Unreachable,
    UsageError,
)

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Client", "ServerFacts"]

_In = TypeVar("_In")
_Out = TypeVar("_Out")

_CONNECT_RETRY_BUDGET = 2.0
"""Seconds to retry a server that has never answered: long enough for a hiccup, short enough for a wrong address."""
_RETRY_BUDGET = 45.0
"""Seconds to retry a server that has answered before: a crashed one is back in about ten."""
_LONGEST_BACKOFF = 5.0
_LONG_WAIT = 6.0
"""Seconds of a wait that a user should know of."""
_LONGEST_RETRY_AFTER = 120.0
_OLDEST_VERSION = (7, 0)
_MISSING_ROUTE = "The path you were looking for"
_RETRYABLE_STATUSES = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What the server says of itself (`GET /api/admin/ui-config`). `instance_id` is None where it does not tell.

    `limits` are its `resourceLimits`: how many there may be of what; a server that does not tell has none.
    """

    version: str
    enterprise: bool
    instance_id: str | None
    maintenance: bool
    limits: Mapping[str, int] = field(default_factory=dict)

    def over(self, name: str, count: int) -> str | None:
        """Return by how much `count` is over the limit called `name`, in words; None when it is not."""
        most = self.limits.get(name)
        return None if most is None or count <= most else f"{count}, more than the {most} that this server allows"


@dataclass(frozen=True, slots=True)
class _Outcome:
    """One try: the answer, or the failure with whether to try again and the wait in seconds the server asks for."""

    answer: Any = None
    failure: ServerError | None = None
    again: bool = False
    wait: float | None = None


class Client:
    """A connection to one instance; a context manager, safe to use from `concurrency` threads at once.

    `url` is the instance with its base path, `timeout` is seconds for each request, `log` gets a line for each request
    (no secrets in it), `on_wait` a line before each long wait. When `stop` is set, waits end and nothing is tried
    again. `transport` is the seam for tests.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout: float = 30.0,
        concurrency: int = 4,
        log: Callable[[str], None] | None = None,
        on_wait: Callable[[str], None] | None = None,
        stop: threading.Event | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        if not token.isascii() or not token.isprintable() or " " in token or not token:
            raise UsageError("the token is empty or holds characters that no Unleash token has", _TOKEN_HINT)
        self.url = url.rstrip("/")
        self.concurrency = concurrency
        self.stop = stop or threading.Event()
        self._tasks = TaskPool(concurrency, self.stop)
        self._redactor = Redactor(token)
        self._log = log
        self._on_wait = on_wait
        self._timeout = timeout
        self._facts: ServerFacts | None = None
        self._clock = ServerClock()
        try:
            self._http = httpx.Client(
                base_url=self.url,
                headers={"Authorization": token, "Accept": "application/json", "User-Agent": "unleash-gitops"},
                timeout=httpx.Timeout(timeout, pool=None),
                limits=httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency),
                transport=transport,
                verify=shared_tls_context(),
            )
        except (OSError, ValueError, httpx.InvalidURL) as error:
            raise UsageError(
                f"cannot set up HTTP: {error}", "look at SSL_CERT_FILE, HTTPS_PROXY and NO_PROXY"
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections, and let the threads end."""
        self._tasks.close()
        self._http.close()

    def facts(self) -> ServerFacts:
        """Read the server's version, edition and limits, once. Raises NotUnleash, TooOld, or any other ServerError."""
        if self._facts is None:
            self._facts = self._ask_facts()
        return self._facts

    def server_time(self) -> datetime | None:
        """Return the server's present time, estimated from its newest answer; None when no answer had a usable date."""
        return self._clock.now()

    def _ask_facts(self) -> ServerFacts:
        path = "/api/admin/ui-config"
        answer = self.get(path)
        version = answer.get("version") if isinstance(answer, dict) else None
        if not isinstance(version, str) or not version:
            raise NotUnleash("GET", path, "the answer is not that of an Unleash server", _ADDRESS_HINT)
        number = re.match(r"(\d+)\.(\d+)", version)
        if number is None or (int(number[1]), int(number[2])) < _OLDEST_VERSION:
            oldest = ".".join(str(part) for part in _OLDEST_VERSION)
            raise TooOld("GET", path, f"the server runs Unleash {version}", f"Unleash {oldest} or newer is needed")
        details = answer.get("versionInfo") or {}
        enterprise = bool((details.get("current") or {}).get("enterprise"))
        given = answer.get("resourceLimits")
        limits = {name: most for name, most in given.items() if type(most) is int} if isinstance(given, dict) else {}
        return ServerFacts(version, enterprise, details.get("instanceId"), bool(answer.get("maintenanceMode")), limits)

    def hide(self, secret: str) -> None:
        """Mask `secret` in the log lines and errors of this client from now on.

        A secret shorter than 8 characters is masked only where it is a whole quoted string: it does not blank the
        ordinary text that contains it.
        """
        self._redactor.hide(secret)

    def get(self, path: str) -> Any:
        """Return the JSON answer to a GET. `path` begins with `/api/admin/`, percent-encoded. Raises ServerError."""
        return self.send("GET", path, repeatable=True)

    def send(self, method: str, path: str, body: Any = None, *, repeatable: bool) -> Any:
        """Send one request and return the JSON of the answer, None for an empty one.

        Tries again, with growing and jittered waits, after 429 (the server did nothing) and when no connection was
        made; after 502, 503, 504 or a connection that broke only if `repeatable`. Raises ServerError.
        """
        deadline = time.monotonic() + (_RETRY_BUDGET if self._facts is not None else _CONNECT_RETRY_BUDGET)
        attempt = 0
        while True:
            outcome = self._try(method, path, body, repeatable)
            if outcome.failure is None:
                return outcome.answer
            wait = outcome.wait
            if wait is None:
                wait = random.uniform(0.5, 1.0) * min(_LONGEST_BACKOFF, 0.25 * 2**attempt)  # noqa: S311 - jitter only
            else:
                deadline += wait
            late = time.monotonic() + wait > deadline
            if isinstance(outcome.failure, Unreachable):
                outcome.failure.lasting = outcome.again and late
            if late or not outcome.again:
                raise outcome.failure
            attempt += 1
            self._say(f"{outcome.failure}; trying again in {wait:.1f} s")
            if wait >= _LONG_WAIT and self._on_wait is not None:
                self._on_wait(f"the server allows no more requests at the moment; going on in {wait:.0f} s")
            if self._tasks.wait(wait):
                raise outcome.failure

    def map_concurrently(self, function: Callable[[_In], _Out], items: Sequence[_In]) -> list[_Out]:
        """Return `function` of each of `items`, in their order, with at most `concurrency` threads at work.

        `function` may call this method itself. A failure is raised, and cancels this run only: nothing more of it is
        begun, and its requests are not retried.
        """
        return self._tasks.map(function, items)

    def _try(self, method: str, path: str, body: Any, repeatable: bool) -> _Outcome:
        began = time.monotonic()
        shown = self._redact(path)
        try:
            if method == "GET":
                response = self._http.get(path)
            else:
                response = self._http.request(method, path, json={} if body is None else body)
        except httpx.HTTPError as error:
            unreachable = self._unreachable(method, shown, error)
            return _Outcome(failure=unreachable, again=repeatable or not unreachable.sent)
        self._clock.observe(response.headers)
        if self._log is not None:
            self._say(f"{method} {path}: {response.status_code} in {(time.monotonic() - began) * 1000:.0f} ms")
        if not response.is_success:
            failure = self._failure(method, shown, response)
            again = response.status_code == 429 or (repeatable and response.status_code in _RETRYABLE_STATUSES)
            return _Outcome(
                failure=failure, again=again and not isinstance(failure, Maintenance), wait=_retry_after(response)
            )
        try:
            return _Outcome(answer=response.json() if response.content else None)
        except ValueError:
            return _Outcome(failure=NotUnleash(method, shown, "the answer is not JSON", _ADDRESS_HINT))

    def _say(self, line: str) -> None:
        if self._log is not None:
            self._log(self._redact(line))

    def _redact(self, text: str) -> str:
        return self._redactor.redact(text)

    def _unreachable(self, method: str, path: str, error: httpx.HTTPError) -> Unreachable:
        unsent = isinstance(
            error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError | httpx.UnsupportedProtocol
        )
        address = f"{self.url} does not answer"
        if isinstance(error, httpx.TimeoutException):
            failure = f"{address} within {self._timeout:g} s"
            hint = "try again later, or give it longer with --timeout"
        elif "CERTIFICATE_VERIFY_FAILED" in str(error):
            failure = f"the certificate of {self.url} is not trusted: {error}"
            hint = "name your own certificate authority's file in SSL_CERT_FILE"
        else:
            failure = f"{address}: {str(error) or type(error).__name__}"
            hint = "is the address right (--url, UNLEASH_URL, spec.url), and is the server up?"
        return Unreachable(method, path, self._redact(failure), hint, sent=not unsent)

    def _failure(self, method: str, path: str, response: httpx.Response) -> ServerError:
        status = response.status_code
        if response.is_redirect:
            to = urlsplit(response.headers.get("location", ""))
            where = f"{to.scheme}://{to.hostname}" if to.hostname else to.path
            return NotUnleash(method, path, self._redact(f"the answer is a redirect to {where}"), _ADDRESS_HINT)
        name, message = _parse_error(response)
        if message is None:
            # Some of Unleash's refusals have no body, but never a 404, which must not count as "no longer exists" here.
            if status == 429 or status >= 500 or (self._facts is not None and status not in {401, 403, 404}):
                return ApiError(method, path, status, None, response.reason_phrase or "no explanation")
            if status in {401, 403}:
                return ApiError(method, path, status, None, "unexpected response body", _TOKEN_HINT)
            message = f"this does not look like Unleash: {status} with an unexpected response body"
            return NotUnleash(method, path, message, _ADDRESS_HINT)
        message = self._redact(message)
        if status == 503 and "maintenance" in message.lower():
            return Maintenance(method, path, message, "switch maintenance mode off, or apply when it is over")
        if status == 404 and message.startswith(_MISSING_ROUTE):
            return self._missing_route(method, path, name)
        return ApiError(method, path, status, name, message, _hint(status))

    def _missing_route(self, method: str, path: str, name: str | None) -> MissingRoute:
        if self._facts is None:
            return MissingRoute(method, path, 404, name, "this server has no such route", _ADDRESS_HINT)
        version = self._facts.version
        if self._facts.enterprise:
            message = f"this server (Unleash Enterprise {version}) has no such route"
            return MissingRoute(method, path, 404, name, message, "a newer Unleash is needed")
        message = f"needs Unleash Enterprise; this server is the open-source edition ({version})"
        return MissingRoute(method, path, 404, name, message, "point --url at an Enterprise instance")


_TOKEN_HINT = "an admin or personal access token is needed, in UNLEASH_AUTH_TOKEN or by --token-file"  # noqa: S105 - words
_ADDRESS_HINT = "is the address right? The instance's base path is part of it, /api is not"


def _hint(status: int) -> str | None:
    if status in {401, 403}:
        return _TOKEN_HINT
    return "try again later, or lower --concurrency" if status == 429 else None


def _parse_error(response: httpx.Response) -> tuple[str | None, str | None]:
    """Return the name and message of Unleash's error; no message when the body is not an error of Unleash.

    A message that only counts the problems is followed by those in `details`.
    """
    if response.status_code == 429 and response.headers.get("content-type", "").startswith("text/"):
        return None, response.text.strip() or None
    try:
        body = response.json()
    except ValueError:
        return None, None
    if not isinstance(body, dict) or not isinstance(body.get("message"), str):
        return None, None
    details = body.get("details")
    problems = [entry["message"] for entry in details if _has_message(entry)] if isinstance(details, list) else []
    message: str = body["message"]
    extra = "; ".join(problem for problem in problems if problem not in message)
    name = body.get("name")
    return name if isinstance(name, str) else None, f"{message} ({extra})" if extra else message


def _has_message(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("message"), str)


def _retry_after(response: httpx.Response) -> float | None:
    """Return the seconds the server asks to wait, at most two minutes, None when it does not ask."""
    header = response.headers.get("retry-after", "").strip()
    if not header:
        return None
    if header.isdigit():
        seconds = float(header)
    else:
        date = parse_http_date(header)
        if date is None:
            return None
        seconds = (date - datetime.now(UTC)).total_seconds()
    return max(0.0, min(seconds, _LONGEST_RETRY_AFTER))
