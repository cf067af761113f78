"""Our own comment on a pull request: found by its marker, updated in place, marked when it is superseded.

The marker is the comment's first line, invisible, and names workspace and instance: each has one comment. A comment
that somebody else wrote is not ours, whatever its first line says.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, TypeVar
from urllib.parse import quote, unquote

from unleash_gitops.ci.code_host import Comment, Host
from unleash_gitops.model.errors import CodeHostError

__all__ = ["Marker", "Posted", "post", "supersede"]

_MARKER = re.compile(r"<!-- unleash-gitops workspace=(\S+) instance=(\w+)(?: run=(\d{1,20}))? -->(?:\r?\n|$)")
_Result = TypeVar("_Result")
_TRIES = 4
_LONGEST_WAIT = 60.0
"""Seconds that a job waits for a rate limit to be over; longer ones are an error."""


@dataclass(frozen=True, slots=True)
class Marker:
    """What the first line of a comment of ours says. `run` is the CI run that wrote it."""

    workspace: str
    instance: str
    run: int | None = None

    @classmethod
    def of(cls, workspace: str, url: str | None, run: int | None) -> Marker:
        """Return the marker for a workspace on the instance at `url`."""
        return cls(workspace, hashlib.sha256((url or "").encode()).hexdigest()[:12], run)

    @classmethod
    def parse(cls, body: str) -> Marker | None:
        """Return the marker that `body` begins with, None when it begins with none."""
        match = _MARKER.match(body)
        return None if match is None else cls(unquote(match[1]), match[2], int(match[3]) if match[3] else None)

    def after(self, run: int | None) -> bool:
        """Tell whether a later run than `run` wrote it; never where one of the two is not known."""
        return self.run is not None and run is not None and self.run > run

    def __str__(self) -> str:
        run = "" if self.run is None else f" run={self.run}"
        return (
            f"<!-- unleash-gitops workspace={quote(self.workspace, safe='') or '-'} instance={self.instance}{run} -->"
        )


@dataclass(frozen=True, slots=True)
class Posted:
    """How it went. `newer`: a later run was there first, and its comment was left as it is."""

    how: Literal["created", "updated", "unchanged", "newer", "superseded"]
    url: str | None


def post(
    forge: Host, body: str, superseded: str, *, begin: bool = True, sleep: Callable[[float], object] = time.sleep
) -> Posted:
    """Write `body`, which begins with its marker, as the one comment that bears it.

    The newest earlier one is updated; others that a race left behind become `superseded`; without `begin`, no new one
    is begun. Tries again what may pass, and looks first each time, so that there is never a second one. Raises
    CodeHostError.
    """
    marker = Marker.parse(body)
    if marker is None:
        raise ValueError("a comment of ours begins with its marker")

    def once() -> Posted:
        own = [
            (comment, own_marker)
            for comment, own_marker in _find_own_comments(forge)
            if (own_marker.workspace, own_marker.instance) == (marker.workspace, marker.instance)
        ]
        newer = next((comment for comment, own_marker in own if own_marker.after(marker.run)), None)
        if newer is not None:
            return Posted("newer", newer.url)
        if not own and not begin:
            return Posted("unchanged", None)
        if not own:
            return Posted("created", forge.create(body).url)
        for comment, own_marker in own[:-1]:
            _set_text(forge, comment, f"{own_marker}\n{superseded}")
        how, kept = _set_text(forge, own[-1][0], body)
        if kept is None:  # it was deleted after we had found it
            return Posted("created", forge.create(body).url)
        return Posted(how, kept.url)

    return _retry(once, sleep)


def supersede(
    forge: Host, workspace: str, run: int | None, text: str, sleep: Callable[[float], object] = time.sleep
) -> list[Posted]:
    """Give every comment on `workspace` the text `text`, those of later runs apart; return what became of each.

    Raises CodeHostError.
    """

    def once() -> list[Posted]:
        done = []
        for comment, own_marker in _find_own_comments(forge):
            if own_marker.workspace == workspace and not own_marker.after(run):
                marker = replace(own_marker, run=run or own_marker.run)
                done.append(_set_text(forge, comment, f"{marker}\n{text}")[1])
        return [Posted("superseded", comment.url) for comment in done if comment is not None]

    return _retry(once, sleep)


def _find_own_comments(forge: Host) -> list[tuple[Comment, Marker]]:
    """Return our own comments, the oldest first."""
    marked = [(comment, Marker.parse(comment.body)) for comment in forge.comments()]
    return [(comment, marker) for comment, marker in marked if marker is not None and forge.is_own(comment)]


def _set_text(forge: Host, comment: Comment, body: str) -> tuple[Literal["updated", "unchanged"], Comment | None]:
    """Give a comment its text unless it has it; the comment is None when it is gone."""
    if comment.body.replace("\r\n", "\n").strip() == body.strip():
        return "unchanged", comment
    try:
        return "updated", forge.update(comment, body)
    except CodeHostError as error:
        if error.status != 404:
            raise
        return "updated", None


def _retry(once: Callable[[], _Result], sleep: Callable[[float], object]) -> _Result:
    for attempt in range(_TRIES):
        try:
            return once()
        except CodeHostError as error:
            wait = 2.0**attempt if error.wait is None else error.wait
            if not error.again or attempt == _TRIES - 1 or wait > _LONGEST_WAIT:
                raise
            sleep(wait)
    raise AssertionError
