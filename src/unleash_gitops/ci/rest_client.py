"""Requests to GitHub's or GitLab's API, one at a time and without retries.

Errors say whether another attempt can succeed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import httpx

from unleash_gitops.api.tls import shared_tls_context
from unleash_gitops.model.errors import CodeHostError

__all__ = ["Answer", "FindHint", "RestClient"]

_TIMEOUT = 30.0  # seconds
FindHint = Callable[[str, int, str], str | tuple[str, ...] | None]
_TRANSIENT = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer. `next_path` is the path of the next page, None on the last page."""

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
        try:
            self._http = httpx.Client(
                headers={"User-Agent": "unleash-gitops", **headers},
                timeout=_TIMEOUT,
                follow_redirects=False,
                verify=shared_tls_context(),
            )
        except (OSError, ValueError, httpx.InvalidURL) as error:
            raise CodeHostError(
                f"cannot set up HTTP: {error}", "check SSL_CERT_FILE, HTTPS_PROXY and NO_PROXY"
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._http.close()

    def request(self, method: str, path: str, body: Any = None, *, base: str | None = None) -> Answer:
        """Send one request to `path` below the API's base URL, or below `base`. Raises CodeHostError."""
        response = self._send(method, f"{self._base if base is None else base}{path}", body)
        if response.is_redirect:
            raise CodeHostError(
                f"{self._name}: {method} {path}: the answer is a redirect", "check whether the repository has moved"
            )
        try:
            content = response.json() if response.content else None
        except ValueError:
            raise CodeHostError(f"{self._name}: {method} {path}: the answer is not JSON") from None
        return Answer(content, self._find_next_page(response))

    def list_all(self, path: str, key: str | None = None) -> Iterator[Any]:
        """Yield the entries of a list, which is under `key` of the answer, from all pages. Raises CodeHostError."""
        next_path: str | None = path
        while next_path is not None:
            answer = self.request("GET", next_path)
            content = answer.content
            entries = content.get(key) if key is not None and isinstance(content, dict) else content
            if not isinstance(entries, list):
                raise CodeHostError(f"{self._name}: GET {path}: the answer is not a list")
            yield from entries
            next_path = answer.next_path

    def download(self, path: str, max_bytes: int) -> bytes:
        """Return a file of at most `max_bytes`, following the redirect to its storage. Raises CodeHostError."""
        response = self._send("GET", f"{self._base}{path}", None)
        if response.is_redirect:
            # The storage is another server, and its URL is the permission. It must not receive the token.
            with httpx.Client(timeout=_TIMEOUT, follow_redirects=True, verify=shared_tls_context()) as storage:
                url = response.headers["location"]
                response = self._send_with(storage, "GET", url, None, f"the file behind {path}")
        if len(response.content) > max_bytes:
            raise CodeHostError(f"{self._name}: GET {path}: more than {max_bytes} bytes")
        if not response.is_success:
            raise self._build_error("GET", path, response)
        return response.content

    def _send(self, method: str, url: str, body: Any) -> httpx.Response:
        path = url.removeprefix(self._base)
        response = self._send_with(self._http, method, url, body, path)
        if response.is_success or (response.is_redirect and method == "GET"):
            return response
        raise self._build_error(method, path, response)

    def _send_with(self, http: httpx.Client, method: str, url: str, body: Any, target: str) -> httpx.Response:
        """Return the answer of any status. `target` names the URL in errors. Raises CodeHostError without an answer."""
        try:
            return http.request(method, url, json=body)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = self._redact(str(error)) or type(error).__name__
            raise CodeHostError(f"{self._name} does not answer: {method} {target}: {reason}", retryable=True) from None

    def _build_error(self, method: str, path: str, response: httpx.Response) -> CodeHostError:
        status, request = response.status_code, f"{method} {path}"
        reason = self._redact(_parse_error(response) or response.reason_phrase)
        wait = _parse_retry_after(response)
        if status == 429 or (status == 403 and (wait is not None or "rate limit" in reason.lower())):
            until = "" if wait is None else f" until {_format_time_in(wait)}"
            message = f"{self._name}'s rate limit is used up{until}: {request}: {status}: {reason}"
            return CodeHostError(message, "run the job again later", status=status, retryable=True, retry_after=wait)
        message = f"{self._name}: {request}: {status}: {reason}"
        hint, retryable = self._find_hint(path, status, reason), status in _TRANSIENT
        return CodeHostError(message, hint, status=status, retryable=retryable, retry_after=wait)

    def _find_next_page(self, response: httpx.Response) -> str | None:
        """Return the path of the next page from the header `Link` (GitHub) or `X-Next-Page` (GitLab), or None.

        Takes only the query from a link, since a host behind a proxy can name itself by another address there.
        """
        link = response.links.get("next", {}).get("url")
        page = response.headers.get("x-next-page", "")
        if link is not None:
            url = response.url.copy_with(query=httpx.URL(link).query)
        elif page.isdigit():
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
        body = response.json()
    except ValueError:
        return None
    if not isinstance(body, dict):
        return None
    message = body.get("message") or body.get("error_description") or body.get("error")
    errors = body.get("errors")
    parts = [part for part in errors if isinstance(part, dict)] if isinstance(errors, list) else []
    details = [str(part.get("message") or part.get("code")) for part in parts]
    return "; ".join([str(message), *details]) if message else None


def _parse_retry_after(response: httpx.Response) -> float | None:
    """Return the seconds after which another attempt can succeed, None when the answer does not name them."""
    after = response.headers.get("retry-after", "")
    if after.isdigit():
        return float(after)
    reset = response.headers.get("x-ratelimit-reset") or response.headers.get("ratelimit-reset") or ""
    remaining = {response.headers.get("x-ratelimit-remaining"), response.headers.get("ratelimit-remaining")}
    if "0" in remaining and reset.isdigit():
        return max(0.0, float(reset) - datetime.now(UTC).timestamp())
    return None


def _format_time_in(seconds: float) -> str:
    """Return the time of day `seconds` from now, in UTC."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%H:%M UTC")
