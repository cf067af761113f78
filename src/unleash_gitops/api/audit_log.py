"""The server's audit log: who did what to which object, newest first.

Source: `GET /api/admin/search/events` and `GET /api/admin/user` of the OpenAPI document of Unleash 8.2.0, and what a
server of that version answers. All admin tokens share one user id, and differ in the name they act under only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from unleash_gitops.api.answers import AnswerTime, parse_answer
from unleash_gitops.model.errors import ApiError, NotUnleash

__all__ = [
    "SEARCH_FAILURE",
    "Actor",
    "Event",
    "is_lasting_failure",
    "parse_actor",
    "read_events",
    "read_events_if_allowed",
    "read_newest_event_id",
    "read_oldest_event",
    "read_recent",
    "search_events",
]

SEARCH = "/api/admin/search/events"
"""The path of the search for events."""
SEARCH_FAILURE = 500
"""The status of a search that fails again the next time; a higher one is trouble of the moment."""
_PAGE = 1000
"""The most events that a server answers at once; whoever asks for more gets fifty."""
_MOST_PAGES = 10
_TOKENS = -42
"""The user id of every admin token."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: an account by its `user_id`, or an admin token by its `name`."""

    user_id: int | None
    name: str

    def same(self, other: Actor) -> bool:
        """Tell whether it is `other`: people may be renamed, tokens are nothing but their name."""
        if self.user_id is not None and self.user_id > 0:
            return self.user_id == other.user_id
        return (self.user_id, self.name) == (other.user_id, other.name)


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `at` is UTC, ISO 8601; `data` and `before` are what the server says of the object, often nothing.

    `tags` are those that the flag had then, as `type:value`.
    """

    id: int
    type: str
    actor: Actor
    at: str
    data: Any = None
    before: Any = None
    feature: str | None = None
    project: str | None = None
    environment: str | None = None
    tags: tuple[str, ...] = ()


def is_lasting_failure(error: ApiError | NotUnleash) -> bool:
    """Tell whether the log cannot be read the next time either; other errors are trouble of the moment."""
    return not isinstance(error, ApiError) or not (error.status > SEARCH_FAILURE or error.status == 429)


def parse_actor(answer: Any) -> Actor | None:
    """Return who the token acts as, from the answer of `GET /api/admin/user`; None where that does not tell."""
    user = answer.get("user") if isinstance(answer, dict) else None
    if not isinstance(user, dict):
        return None
    name = user.get("username") or user.get("email") or user.get("name")
    number = user.get("id", user.get("internalAdminTokenUserId", _TOKENS))
    return Actor(number, str(name or "")) if name or (isinstance(number, int) and number > 0) else None


def read_events(
    get: Callable[[str], Any],
    types: Sequence[str],
    features: Sequence[str] = (),
    project: str | None = None,
    since: int = 0,
) -> list[Event]:
    """Return the events of `types`, of some flags or of one project only when those are given, newest first.

    Only those after the event `since` are returned.

    At most ten thousand: what is older counts as not in the log. `get` sends a GET of a path. Raises what `get` raises,
    and UnexpectedAnswer.
    """
    query = f"type=IS_ANY_OF:{','.join(types)}"
    if features:
        query += f"&feature=IS_ANY_OF:{','.join(quote(name, safe='') for name in features)}"
    if project is not None:
        query += f"&project=IS:{quote(project, safe='')}"
    return search_events(get, query, _MOST_PAGES, since)[0]


def read_newest_event_id(get: Callable[[str], Any], types: Sequence[str]) -> int:
    """Return the id of the newest event of `types`, 0 when there is none. Raises as `search_events` does."""
    path = f"{SEARCH}?type=IS_ANY_OF:{','.join(types)}&limit=1"
    return max((entry.id for entry in parse_answer(_Page, get(path), path).events), default=0)


def read_events_if_allowed(get: Callable[[str], Any], types: Sequence[str]) -> list[Event]:
    """Return the events of `types`, newest first; none where the log cannot be searched. Raises for other trouble."""
    try:
        return read_events(get, types)
    except ApiError as error:
        if error.status > SEARCH_FAILURE or error.status == 429:
            raise
        return []


def search_events(get: Callable[[str], Any], query: str, most_pages: int, since: int = 0) -> tuple[list[Event], bool]:
    """Return the events that match `query`, newest first, and whether these are all; only those after event `since`.

    Reads at most `most_pages` pages of a thousand events. Raises what `get` raises, and UnexpectedAnswer.
    """
    events: dict[int, Event] = {}
    for page in range(most_pages):
        path = f"{SEARCH}?{query}&limit={_PAGE}&offset={page * _PAGE}"
        answer = parse_answer(_Page, get(path), path)
        # A page may repeat events that have moved on to it.
        events.update((entry.id, _to_event(entry)) for entry in answer.events if entry.id > since)
        if any(entry.id <= since for entry in answer.events):
            return _newest_first(events.values()), True
        read = page * _PAGE + len(answer.events)
        if len(answer.events) < _PAGE or read == answer.total:
            return _newest_first(events.values()), answer.total is None or read >= answer.total
    return _newest_first(events.values()), False


def read_oldest_event(get: Callable[[str], Any], event_type: str) -> Event | None:
    """Return the oldest event of a type, None when there is none. Raises as `search_events` does."""
    query = f"{SEARCH}?type=IS:{event_type}&limit=1"
    total = parse_answer(_Page, get(query), query).total
    if not total:
        return None
    path = f"{query}&offset={total - 1}"
    entries = parse_answer(_Page, get(path), path).events
    return _to_event(entries[0]) if entries else None


def read_recent(get: Callable[[str], Any], features: Sequence[str]) -> list[Event]:
    """Return the last fifty events of each of some flags, newest first. Raises as `read_events` does.

    For where `read_events` fails: 8.2.0 answers that with 500 for as long as an event is in the answer that it cannot
    describe, such as a change of a remoteAddress strategy that had no addresses.
    """
    events = [event for name in features for event in _read_page(get, f"/api/admin/events/{quote(name, safe='')}")]
    return _newest_first(events)


class _Entry(BaseModel):
    """An event as the server sends it."""

    model_config = ConfigDict(strict=True, alias_generator=to_camel)

    id: int
    type: str
    created_by_user_id: int | None = None
    created_by: str | None = None
    created_at: AnswerTime
    data: Any = None
    pre_data: Any = None
    feature_name: str | None = None
    project: str | None = None
    environment: str | None = None
    tags: Any = None


class _Page(BaseModel):
    """An answer that holds events."""

    events: list[_Entry]
    total: int | None = None


def _read_page(get: Callable[[str], Any], path: str) -> list[Event]:
    return [_to_event(entry) for entry in parse_answer(_Page, get(path), path).events]


def _parse_tags(tags: Any) -> tuple[str, ...]:
    """Return the tags of an event as `type:value`; none where the server sends something else."""
    entries = tags if isinstance(tags, list) else []
    return tuple(f"{tag.get('type')}:{tag.get('value')}" for tag in entries if isinstance(tag, dict))


def _newest_first(events: Iterable[Event]) -> list[Event]:
    return sorted(events, key=lambda event: -event.id)


def _to_event(entry: _Entry) -> Event:
    return Event(
        id=entry.id,
        type=entry.type,
        actor=Actor(entry.created_by_user_id, entry.created_by or "unknown user"),
        at=entry.created_at,
        data=entry.data,
        before=entry.pre_data,
        feature=entry.feature_name,
        project=entry.project,
        environment=entry.environment,
        tags=_parse_tags(entry.tags),
    )
