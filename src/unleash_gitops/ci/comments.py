"""The tool's own comment on a pull request: found by its marker, updated in place, marked when it is superseded.

The marker is the first line of the comment and invisible. It names workspace and instance: each pair has one comment.
A comment of another user is never the tool's own, even when it begins with a marker.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar
from urllib.parse import quote, unquote

from unleash_gitops.ci.code_host import CodeHost, Comment
from unleash_gitops.model.errors import CodeHostError

__all__ = ["CommentResult", "Marker", "post", "supersede"]

_MARKER = re.compile(r"<!-- unleash-gitops workspace=(\S+) instance=(\w+)(?: run=(\d{1,20}))? -->(?:\r?\n|$)")
_Result = TypeVar("_Result")
_MAX_ATTEMPTS = 4
_MAX_WAIT = 60.0
"""Seconds to wait for the end of a rate limit. A longer limit is an error."""
_FIRST_WAIT = 1.0
"""Seconds before the second attempt, when the host does not ask for more. The wait doubles with each attempt."""
_LONG_WAIT = 6.0
"""Seconds of a wait that a user should know of."""


@dataclass(frozen=True, slots=True)
class Marker:
    """The first line of the tool's own comment. `run` is the CI run that wrote the comment."""

    workspace: str
    instance: str
    run: int | None = None

    @classmethod
    def of(cls, workspace: str, url: str | None, run: int | None) -> Marker:
        """Return the marker for a workspace on the instance at `url`."""
        return cls(workspace, hashlib.sha256((url or "").encode()).hexdigest()[:12], run)

    @classmethod
    def parse(cls, body: str) -> Marker | None:
        """Return the marker at the beginning of `body`, None when there is none."""
        match = _MARKER.match(body)
        return None if match is None else cls(unquote(match[1]), match[2], int(match[3]) if match[3] else None)

    def is_later_than(self, run: int | None) -> bool:
        """Tell whether a later run than `run` wrote the comment; False when either run is unknown."""
        return self.run is not None and run is not None and self.run > run

    def __str__(self) -> str:
        run = "" if self.run is None else f" run={self.run}"
        return (
            f"<!-- unleash-gitops workspace={quote(self.workspace, safe='') or '-'} instance={self.instance}{run} -->"
        )


@dataclass(frozen=True, slots=True)
class CommentResult:
    """What happened to a comment. With `newer`, a later run had written it, and it was not changed."""

    outcome: Literal["created", "updated", "unchanged", "newer", "superseded"]
    url: str | None


def post(
    code_host: CodeHost[Any],
    body: str,
    superseded_text: str,
    *,
    create_missing: bool = True,
    sleep: Callable[[float], object] = time.sleep,
    on_wait: Callable[[str], None] = lambda _line: None,
) -> CommentResult:
    """Write `body`, which begins with a marker, as the only comment with that marker.

    Updates the newest comment with the marker. Older ones, which concurrent runs can leave behind, get
    `superseded_text`. Without any, creates a comment if `create_missing`.

    Repeats a failed attempt from the start, so that it never writes a second comment; `on_wait` gets a line before a
    long wait. Raises CodeHostError.
    """
    marker = Marker.parse(body)
    if marker is None:
        raise ValueError("the body has no marker in its first line")
    return _retry(
        lambda: _post_once(code_host, marker, body, superseded_text, create_missing=create_missing), sleep, on_wait
    )


def _post_once(
    code_host: CodeHost[Any], marker: Marker, body: str, superseded_text: str, *, create_missing: bool
) -> CommentResult:
    earlier = [
        (comment, earlier_marker)
        for comment, earlier_marker in _find_own_comments(code_host)
        if (earlier_marker.workspace, earlier_marker.instance) == (marker.workspace, marker.instance)
    ]
    for comment, earlier_marker in earlier:
        if earlier_marker.is_later_than(marker.run):
            return CommentResult("newer", comment.url)
    if not earlier and not create_missing:
        return CommentResult("unchanged", None)
    if not earlier:
        return CommentResult("created", code_host.create(body).url)
    for comment, earlier_marker in earlier[:-1]:
        _set_text(code_host, comment, f"{earlier_marker}\n{superseded_text}")
    outcome, comment_now = _set_text(code_host, earlier[-1][0], body)
    if comment_now is None:  # another user deleted it after the list was read
        return CommentResult("created", code_host.create(body).url)
    return CommentResult(outcome, comment_now.url)


def supersede(
    code_host: CodeHost[Any],
    workspace: str,
    run: int | None,
    text: str,
    sleep: Callable[[float], object] = time.sleep,
    on_wait: Callable[[str], None] = lambda _line: None,
) -> list[CommentResult]:
    """Replace the text of every comment on `workspace`, except those of runs later than `run`, by `text`.

    Raises CodeHostError.
    """

    def supersede_once() -> list[CommentResult]:
        superseded = []
        for comment, marker in _find_own_comments(code_host):
            if marker.workspace == workspace and not marker.is_later_than(run):
                new_marker = replace(marker, run=run or marker.run)
                superseded.append(_set_text(code_host, comment, f"{new_marker}\n{text}")[1])
        return [CommentResult("superseded", comment.url) for comment in superseded if comment is not None]

    return _retry(supersede_once, sleep, on_wait)


def _find_own_comments(code_host: CodeHost[Any]) -> list[tuple[Comment, Marker]]:
    """Return the tool's own comments with their markers, the oldest first."""
    candidates = [(comment, Marker.parse(comment.body)) for comment in code_host.comments()]
    return [(comment, marker) for comment, marker in candidates if marker is not None and code_host.is_own(comment)]


def _set_text(
    code_host: CodeHost[Any], comment: Comment, body: str
) -> tuple[Literal["updated", "unchanged"], Comment | None]:
    """Replace the text of a comment unless it is `body` already. The comment is None when it no longer exists."""
    if comment.body.replace("\r\n", "\n").strip() == body.strip():
        return "unchanged", comment
    try:
        return "updated", code_host.update(comment, body)
    except CodeHostError as error:
        if error.status != 404:
            raise
        return "updated", None


def _retry(attempt: Callable[[], _Result], sleep: Callable[[float], object], on_wait: Callable[[str], None]) -> _Result:
    """Return the result of `attempt`, which is repeated after errors that may pass. Raises CodeHostError."""
    for number in range(_MAX_ATTEMPTS):
        try:
            return attempt()
        except CodeHostError as error:
            wait = max(_FIRST_WAIT * 2.0**number, error.retry_after or 0.0)
            if not error.retryable or number == _MAX_ATTEMPTS - 1 or wait > _MAX_WAIT:
                raise
            if wait >= _LONG_WAIT:
                on_wait(f"{error}; trying again in {wait:.0f} s")
            sleep(wait)
    raise AssertionError
