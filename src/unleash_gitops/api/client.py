"""HTTP to one Unleash instance: authentication, time-outs, retries, concurrency, and errors a person can act on.

It knows paths and JSON, not what they mean. The token is in one header only.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self, TypeVar

import httpx

from unleash_gitops.api.error_answers import describe_location, parse_error, shorten_message
from unleash_gitops.api.redaction import Redactor
from unleash_gitops.api.retries import Retries, describe_seconds, parse_retry_after
from unleash_gitops.api.server_clock import ServerClock
from unleash_gitops.api.task_pool import TaskPool
from unleash_gitops.api.transfer import NoAnswer, Transfer, UnreadableAnswer, parse_body
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

_LONG_WAIT = 6.0
"""Seconds of a wait, or of all attempts at a request together, that a user should know of."""
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
    again. `use_proxies` takes HTTP_PROXY, HTTPS_PROXY and NO_PROXY from the environment. `transport` is the seam for
    tests.
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
        use_proxies: bool = True,
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
        headers = {"Authorization": token, "Accept": "application/json"}
        try:
            self._transfer = Transfer(
                self.url,
                headers,
                timeout=timeout,
                stop=self.stop,
                idle=concurrency,
                use_proxies=use_proxies,
                transport=transport,
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
        self._transfer.close()

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
        number = re.match(r"([0-9]{1,9})\.([0-9]{1,9})", version)
        if number is None or (int(number[1]), int(number[2])) < _OLDEST_VERSION:
            oldest = ".".join(str(part) for part in _OLDEST_VERSION)
            shown = shorten_message(version)
            raise TooOld("GET", path, f"the server runs Unleash {shown}", f"Unleash {oldest} or newer is needed")
        details = _object_at(answer, "versionInfo")
        enterprise = bool(_object_at(details, "current").get("enterprise"))
        instance_id = details.get("instanceId")
        limits = {name: most for name, most in _object_at(answer, "resourceLimits").items() if type(most) is int}
        return ServerFacts(
            version,
            enterprise,
            instance_id if isinstance(instance_id, str) else None,
            bool(answer.get("maintenanceMode")),
            limits,
        )

    def hide(self, secret: str) -> None:
        """Mask `secret` in the log lines and errors of this client from now on.

        A secret shorter than 8 characters is masked only where it is a whole quoted string: it does not blank the
        ordinary text that contains it.
        """
        self._redactor.hide(secret)

    def get(self, path: str) -> Any:
        """Return the JSON answer to a GET. `path` begins with `/api/admin/`, percent-encoded. Raises ServerError."""
        return self.send("GET", path, repeatable=True)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        repeatable: bool,
        before_attempt: Callable[[], None] = lambda: None,
    ) -> Any:
        """Send one request and return the JSON of the answer, None for an empty one.

        `before_attempt` is called before each attempt, and raises when the request may not be sent (any more).

        Tries again, with growing and jittered waits, after 429 (the server did nothing) and when no connection was
        made; after 502, 503, 504 or a connection that broke only if `repeatable`. Raises ServerError.
        """
        retries = Retries(has_answered=self._facts is not None)
        while True:
            before_attempt()
            outcome = self._try(method, path, body, repeatable)
            failure = outcome.failure
            if failure is None:
                return outcome.answer
            wait = retries.next_wait(outcome.wait) if outcome.again else None
            if isinstance(failure, Unreachable):
                failure.lasting = outcome.again and wait is None
            if wait is None:
                if outcome.again and outcome.wait is not None and outcome.wait > _LONG_WAIT:
                    failure.hints = (f"the server asks to wait {describe_seconds(outcome.wait)}: try again then",)
                raise failure
            self._say(f"{failure}; trying again in {wait:.1f} s")
            if wait >= _LONG_WAIT or retries.elapsed >= _LONG_WAIT:
                self._show_wait(failure, wait)
            if self._tasks.wait(wait):
                raise failure

    def map_concurrently(self, function: Callable[[_In], _Out], items: Sequence[_In]) -> list[_Out]:
        """Return `function` of each of `items`, in their order, with at most `concurrency` threads at work.

        `function` may call this method itself. A failure is raised, and cancels this run only: nothing more of it is
        begun, and its requests are not retried.
        """
        return self._tasks.map(function, items)

    def _try(self, method: str, path: str, body: Any, repeatable: bool) -> _Outcome:
        began = time.monotonic()
        shown = self._redact(path)
        content = None if method == "GET" else {} if body is None else body
        try:
            response = self._transfer.send(method, f"{self.url}{path}", content)
        except NoAnswer as error:
            unreachable = self._unreachable(method, shown, error)
            again = (repeatable or not error.sent) and error.trouble != "interrupted"
            return _Outcome(failure=unreachable, again=again)
        except UnreadableAnswer as error:
            return _Outcome(failure=NotUnleash(method, shown, str(error), _TOO_LARGE_HINT))
        self._clock.observe(response.headers)
        if self._log is not None:
            self._say(f"{method} {path}: {response.status_code} in {(time.monotonic() - began) * 1000:.0f} ms")
        if not response.is_success:
            failure = self._failure(method, shown, response)
            again = response.status_code == 429 or (repeatable and response.status_code in _RETRYABLE_STATUSES)
            return _Outcome(
                failure=failure,
                again=again and not isinstance(failure, Maintenance),
                wait=parse_retry_after(response.headers),
            )
        try:
            return _Outcome(answer=parse_body(response.content))
        except UnreadableAnswer as error:
            return _Outcome(failure=NotUnleash(method, shown, str(error), _ADDRESS_HINT))

    def _show_wait(self, failure: ServerError, wait: float) -> None:
        if self._on_wait is None:
            return
        if isinstance(failure, ApiError) and failure.status == 429:
            self._on_wait(f"the server allows no more requests at the moment; going on in {wait:.0f} s")
        else:
            self._on_wait(self._redact(f"{failure}; trying again in {wait:.0f} s"))

    def _say(self, line: str) -> None:
        if self._log is not None:
            self._log(self._redact(line))

    def _redact(self, text: str) -> str:
        return self._redactor.redact(text)

    def _unreachable(self, method: str, path: str, error: NoAnswer) -> Unreachable:
        address = f"{self.url} does not answer"
        match error.trouble:
            case "timeout" | "incomplete":
                part = " completely" if error.trouble == "incomplete" else ""
                failure = f"{address}{part} within {self._timeout:g} s"
                hint = "try again later, or give it longer with --timeout"
            case "interrupted":
                failure = "interrupted before the answer was complete"
                hint = "the next plan shows what the server has done"
            case "certificate":
                failure = f"the certificate of {self.url} is not trusted: {error}"
                hint = "name your own certificate authority's file in SSL_CERT_FILE"
            case "lost":
                failure = f"{address}: {error}"
                hint = "is the address right (--url, UNLEASH_URL, spec.url), and is the server up?"
        return Unreachable(method, path, self._redact(failure), hint, sent=error.sent)

    def _failure(self, method: str, path: str, response: httpx.Response) -> ServerError:
        status = response.status_code
        if response.is_redirect:
            where = describe_location(response.headers.get("location", ""))
            return NotUnleash(method, path, self._redact(f"the answer is a redirect to {where}"), _ADDRESS_HINT)
        name, message = parse_error(response)
        if message is None:
            # Some of Unleash's refusals have no body, but never a 404, which must not count as "no longer exists" here.
            if status == 429 or status >= 500 or (self._facts is not None and status not in {401, 403, 404}):
                return ApiError(
                    method, path, status, None, response.reason_phrase or "no explanation", _hint(status, None)
                )
            if status in {401, 403}:
                return ApiError(method, path, status, None, "unexpected response body", _TOKEN_HINT)
            message = f"this does not look like Unleash: {status} with an unexpected response body"
            return NotUnleash(method, path, message, _ADDRESS_HINT)
        message = self._redact(message)
        if status == 503 and "maintenance" in message.lower():
            return Maintenance(method, path, message, "switch maintenance mode off, or apply when it is over")
        if status == 404 and message.startswith(_MISSING_ROUTE):
            return self._missing_route(method, path, name)
        return ApiError(method, path, status, name, message, _hint(status, name))

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
_TOO_LARGE_HINT = (
    "is the address right?",
    "to read less, limit the plan with spec.projects or --target",
    "to read projects one by one, set spec.reads: plain",
)
_ADDRESS_HINT = "is the address right? The instance's base path is part of it, /api is not"


def _hint(status: int, name: str | None) -> str | None:
    if name in {"PermissionError", "NoAccessError"}:
        return "give the token's account this permission, or use the token of an administrator"
    if status == 401 or (status == 403 and name is None):
        return _TOKEN_HINT
    return "try again later, or lower --concurrency" if status == 429 else None


def _object_at(answer: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return the object at a key of an answer, an empty one where there is something else."""
    value = answer.get(key)
    return value if isinstance(value, dict) else {}
