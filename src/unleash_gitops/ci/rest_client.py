"""Requests to GitHub's or GitLab's API: one at a time, no retries; errors say whether another try may help."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

import httpx

from unleash_gitops.model.errors import CodeHostError

__all__ = ["Answer", "Web"]

_TIMEOUT = 30.0
_PASSING = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer. `following` is the path of the next page, None on the last one."""

    content: Any
    following: str | None = None


class Web:
    """One API with one token; a context manager. `name` is the host's; `hints` say what to do at a status.

    `api` is the base of all paths. The token is sent to that address only.
    """

    def __init__(self, name: str, api: str, headers: Mapping[str, str], hints: Mapping[int, str]) -> None:
        self._name = name
        self._hints = hints
        self._secrets = [value for value in headers.values() if len(value) > 3]
        self._base = api.rstrip("/")
        try:
            self._http = httpx.Client(
                headers={"User-Agent": "unleash-gitops", **headers}, timeout=_TIMEOUT, follow_redirects=False
            )
        except (OSError, ValueError, httpx.InvalidURL) as error:
            raise CodeHostError(
                f"cannot set up HTTP: {error}", "look at SSL_CERT_FILE, HTTPS_PROXY and NO_PROXY"
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._http.close()

    def request(self, method: str, path: str, body: Any = None) -> Answer:
        """Send one request; `path` begins after the API's base. Raises CodeHostError."""
        response = self._send(method, f"{self._base}{path}", body)
        if response.is_redirect:
            raise CodeHostError(f"{self._name}: {method} {path}: the answer is a redirect; has the repository moved?")
        try:
            content = response.json() if response.content else None
        except ValueError:
            raise CodeHostError(f"{self._name}: {method} {path}: the answer is not JSON") from None
        return Answer(content, self._following(response))

    def pages(self, path: str) -> Iterator[Any]:
        """Yield what all pages of a list hold. Raises CodeHostError."""
        following: str | None = path
        while following is not None:
            answer = self.request("GET", following)
            if not isinstance(answer.content, list):
                raise CodeHostError(f"{self._name}: GET {path}: the answer is not a list")
            yield from answer.content
            following = answer.following

    def download(self, path: str, most: int) -> bytes:
        """Return a file of at most `most` bytes, from wherever the API says it is. Raises CodeHostError."""
        response = self._send("GET", f"{self._base}{path}", None)
        if response.is_redirect:
            # Storage elsewhere: its address is the permission, and the token is none of its business.
            with httpx.Client(timeout=_TIMEOUT, follow_redirects=True) as storage:
                response = self._ask(storage, "GET", response.headers["location"], None, f"the file behind {path}")
        if len(response.content) > most:
            raise CodeHostError(f"{self._name}: GET {path}: more than {most} bytes")
        if not response.is_success:
            raise self._failure(f"GET {path}", response)
        return response.content

    def _send(self, method: str, url: str, body: Any) -> httpx.Response:
        path = url.removeprefix(self._base)
        response = self._ask(self._http, method, url, body, path)
        if response.is_success or (response.is_redirect and method == "GET"):
            return response
        raise self._failure(f"{method} {path}", response)

    def _ask(self, http: httpx.Client, method: str, url: str, body: Any, what: str) -> httpx.Response:
        try:
            return http.request(method, url, json=body)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = self._clean(str(error)) or type(error).__name__
            raise CodeHostError(f"{self._name} does not answer: {method} {what}: {reason}", again=True) from None

    def _failure(self, request: str, response: httpx.Response) -> CodeHostError:
        status = response.status_code
        words = self._clean(_words(response) or response.reason_phrase)
        wait = _wait(response)
        if status == 429 or (status == 403 and (wait is not None or "rate limit" in words.lower())):
            until = "" if wait is None else f" until {_clock(wait)}"
            message = f"{self._name}'s rate limit is used up{until}: {request}: {status}: {words}"
            return CodeHostError(message, "run the job again later", status=status, again=True, wait=wait)
        message = f"{self._name}: {request}: {status}: {words}"
        return CodeHostError(message, self._hints.get(status), status=status, again=status in _PASSING, wait=wait)

    def _following(self, response: httpx.Response) -> str | None:
        """Return the path of the next page, as `Link` or `X-Next-Page` tell it.

        Only the query is taken from a link: a host behind a proxy may know itself by another name.
        """
        link = response.links.get("next", {}).get("url")
        page = response.headers.get("x-next-page", "")
        if link is not None:
            following = response.url.copy_with(query=httpx.URL(link).query)
        elif page.isdigit():
            following = response.url.copy_set_param("page", page)
        else:
            return None
        return str(following).removeprefix(self._base)

    def _clean(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***").replace(secret.removeprefix("Bearer "), "***")
        return text


def _words(response: httpx.Response) -> str | None:
    """Return what the API says is wrong (GitHub: `message` and `errors`; GitLab: `message` or `error`)."""
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


def _wait(response: httpx.Response) -> float | None:
    """Return the seconds after which another try makes sense, None when the answer does not tell."""
    after = response.headers.get("retry-after", "")
    if after.isdigit():
        return float(after)
    reset = response.headers.get("x-ratelimit-reset") or response.headers.get("ratelimit-reset") or ""
    spent = "0" in {response.headers.get("x-ratelimit-remaining"), response.headers.get("ratelimit-remaining")}
    if spent and reset.isdigit():
        return max(0.0, float(reset) - datetime.now(UTC).timestamp())
    return None


def _clock(seconds: float) -> str:
    return datetime.fromtimestamp(datetime.now(UTC).timestamp() + seconds, UTC).strftime("%H:%M UTC")
