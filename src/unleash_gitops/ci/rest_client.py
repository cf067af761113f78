"""Requests to GitHub's or GitLab's API, one at a time and without retries.

Errors say whether another attempt can succeed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from unleash_gitops.api.error_answers import shorten_message
from unleash_gitops.api.retries import describe_seconds, parse_retry_after, parse_seconds
from unleash_gitops.api.transfer import NoAnswer, Transfer, UnreadableAnswer, parse_body
from unleash_gitops.model.errors import CodeHostError, UsageError
from unleash_gitops.model.paths import describe_mismatches

__all__ = ["Answer", "FindHint", "RestClient"]

FindHint = Callable[[str, int, str], str | tuple[str, ...] | None]
_Model = TypeVar("_Model", bound=BaseModel)
_TIMEOUT = 30.0
"""Seconds for an answer."""
_DOWNLOAD_TIMEOUT = 300.0
"""Seconds for a file."""
_MOST_PAGES = 100
"""Pages of a list. GitHub and GitLab allow fewer comments on a pull request."""
_MOST_REDIRECTS = 5
_TRANSIENT = frozenset({429, 500, 502, 503, 504})
_PAGE_NUMBER = re.compile("[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer to `request`. `next_path` is the path of the next page, None on the last page."""

    request: str
    content: Any
    next_path: str | None = None


class RestClient:
    """A client of one API with one token; a context manager.

    `name` is the host's name in errors. `api` is the base URL of all paths; only it receives `headers`, with the token.
    `find_hint` gets the path, the status and the message of a failure, and returns what the user can do about it.
    """

    def __init__(self, name: str, api: str, headers: Mapping[str, str], find_hint: FindHint) -> None:
        self._name = name
        self._find_hint = find_hint
        self._secrets = [value for value in headers.values() if len(value) > 3]
        self._base = api.rstrip("/")
        self._transfer = self._open_transfer(self._base, headers)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._transfer.close()

    def request(self, method: str, path: str, body: Any = None, *, base: str | None = None) -> Answer:
        """Send one request to `path` below the API's base URL, or below `base`. Raises CodeHostError."""
        request = f"{method} {path}"
        response = self._send(self._transfer, method, f"{self._base if base is None else base}{path}", request, body)
        if response.is_redirect:
            raise CodeHostError(
                f"{self._name}: {request}: the answer is a redirect", "check whether the repository has moved"
            )
        self._require_success(method, path, response)
        try:
            return Answer(request, parse_body(response.content), self._find_next_page(response))
        except (UnreadableAnswer, httpx.InvalidURL) as error:
            reason = error if isinstance(error, UnreadableAnswer) else "the link to the next page is not a URL"
            raise CodeHostError(f"{self._name}: {request}: {reason}") from None

    def read(self, model: type[_Model], method: str, path: str, body: Any = None) -> _Model:
        """Send one request and return the answer as a `model`. Raises CodeHostError."""
        answer = self.request(method, path, body)
        return self.parse(model, answer.content, answer.request)

    def list_all(self, model: type[_Model], path: str, key: str | None = None) -> Iterator[_Model]:
        """Yield the entries of a list as `model`, from all of its pages, where it is under `key` of the answer.

        Raises CodeHostError.
        """
        next_path = path
        for _ in range(_MOST_PAGES):
            answer = self.request("GET", next_path)
            content = answer.content
            entries = content.get(key) if key is not None and isinstance(content, dict) else content
            if not isinstance(entries, list):
                raise CodeHostError(f"{self._name}: GET {path}: the answer is not a list")
            for entry in entries:
                yield self.parse(model, entry, answer.request)
            if answer.next_path is None:
                return
            next_path = answer.next_path
        raise CodeHostError(f"{self._name}: GET {path}: the list has more than {_MOST_PAGES} pages")

    def parse(self, model: type[_Model], content: Any, request: str) -> _Model:
        """Return a part of the answer to `request` as a `model`. Raises CodeHostError."""
        try:
            return model.model_validate(content)
        except ValidationError as error:
            mismatch = describe_mismatches(error)[0]
            message = f"{self._name}: {request}: the answer is not of the form that this version knows: {mismatch}"
            raise CodeHostError(message) from None

    def download(self, path: str, max_bytes: int) -> bytes:
        """Return a file of at most `max_bytes`, following the redirect to its storage. Raises CodeHostError."""
        request = f"GET {path}"
        url = f"{self._base}{path}"
        response = self._send(self._transfer, "GET", url, request, max_bytes=max_bytes)
        for _ in range(_MOST_REDIRECTS):
            if not response.is_redirect:
                break
            # The storage is another server, and its URL is the permission. It must not receive the token.
            url = self._resolve_location(url, response, request)
            with self._open_transfer(url, {}) as storage:
                response = self._send(storage, "GET", url, f"GET the file behind {path}", max_bytes=max_bytes)
        self._require_success("GET", path, response)
        return response.content

    def _open_transfer(self, url: str, headers: Mapping[str, str]) -> Transfer:
        try:
            return Transfer(url, headers, timeout=_TIMEOUT)
        except UsageError as error:
            raise CodeHostError(error.message, error.hints) from None
        except (OSError, ValueError, httpx.InvalidURL) as error:
            raise CodeHostError(
                f"cannot set up HTTP: {error}", "check SSL_CERT_FILE, HTTPS_PROXY and NO_PROXY"
            ) from None

    def _send(
        self, transfer: Transfer, method: str, url: str, request: str, body: Any = None, max_bytes: int | None = None
    ) -> httpx.Response:
        """Return the answer of any status. `request` names it in errors. Raises CodeHostError without an answer."""
        try:
            if max_bytes is None:
                return transfer.send(method, url, body)
            return transfer.send(method, url, body, most_bytes=max_bytes, timeout=_DOWNLOAD_TIMEOUT)
        except UnreadableAnswer as error:
            raise CodeHostError(f"{self._name}: {request}: {error}") from None
        except NoAnswer as error:
            seconds = _TIMEOUT if max_bytes is None else _DOWNLOAD_TIMEOUT
            reason = f"no answer within {seconds:g} s" if error.is_timeout else self._redact(str(error))
            raise CodeHostError(f"{self._name} does not answer: {request}: {reason}", retryable=True) from None

    def _require_success(self, method: str, path: str, response: httpx.Response) -> None:
        """Raise CodeHostError for an answer that is none."""
        if response.is_success:
            return
        status, request = response.status_code, f"{method} {path}"
        reason = self._redact(_parse_error(response) or response.reason_phrase)
        wait = _parse_wait(response)
        if status == 429 or (status == 403 and (wait is not None or "rate limit" in reason.lower())):
            until = "" if wait is None else f" {_describe_end(wait)}"
            message = f"{self._name}'s rate limit is used up{until}: {request}: {status}: {reason}"
            raise CodeHostError(message, "run the job again later", status=status, retryable=True, retry_after=wait)
        message = f"{self._name}: {request}: {status}: {reason}"
        hint, retryable = self._find_hint(path, status, reason), status in _TRANSIENT
        raise CodeHostError(message, hint, status=status, retryable=retryable, retry_after=wait)

    def _resolve_location(self, url: str, response: httpx.Response, request: str) -> str:
        """Return the URL that a redirect leads to. Raises CodeHostError."""
        try:
            return str(httpx.URL(url).join(response.headers.get("location", "")))
        except httpx.InvalidURL:
            message = f"{self._name}: {request}: the answer is a redirect to an address that is not a URL"
            raise CodeHostError(message) from None

    def _find_next_page(self, response: httpx.Response) -> str | None:
        """Return the path of the next page from the header `Link` (GitHub) or `X-Next-Page` (GitLab), or None.

        Takes only the query from a link, since a host behind a proxy can name itself by another address there. Raises
        httpx.InvalidURL.
        """
        link = response.links.get("next", {}).get("url")
        page = response.headers.get("x-next-page", "")
        if link is not None:
            url = response.url.copy_with(query=httpx.URL(link).query)
        elif _PAGE_NUMBER.fullmatch(page):
            url = response.url.copy_set_param("page", page)
        else:
            return None
        return str(url).removeprefix(self._base)

    def _redact(self, text: str) -> str:
        """Return `text` with "***" in place of the token."""
        for secret in self._secrets:
            text = text.replace(secret, "***").replace(secret.removeprefix("Bearer "), "***")
        return text


def _parse_error(response: httpx.Response) -> str | None:
    """Return the API's error message, None when there is none.

    GitHub has it in `message` and `errors`, GitLab in `message`, `error_description` or `error`.
    """
    try:
        body = parse_body(response.content)
    except UnreadableAnswer:
        return None
    if not isinstance(body, dict):
        return None
    message = body.get("message") or body.get("error_description") or body.get("error")
    errors = body.get("errors")
    parts = [part for part in errors if isinstance(part, dict)] if isinstance(errors, list) else []
    details = [str(part.get("message") or part.get("code")) for part in parts]
    return shorten_message("; ".join([str(message), *details])) if message else None


def _parse_wait(response: httpx.Response) -> float | None:
    """Return the seconds after which another attempt can succeed, None when the answer does not name them."""
    after = parse_retry_after(response.headers)
    if after is not None:
        return after
    reset = parse_seconds(response.headers.get("x-ratelimit-reset") or response.headers.get("ratelimit-reset") or "")
    remaining = {response.headers.get("x-ratelimit-remaining"), response.headers.get("ratelimit-remaining")}
    if "0" in remaining and reset is not None:
        return max(0.0, reset - datetime.now(UTC).timestamp())
    return None


def _describe_end(seconds: float) -> str:
    """Return the time of day `seconds` from now, in UTC; of a long wait its length."""
    if seconds > 86400:
        return f"for {describe_seconds(seconds)}"
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("until %H:%M UTC")
