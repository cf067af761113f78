"""The routes of an Unleash in memory: which part answers which method and path, and how answers and errors look."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

if TYPE_CHECKING:
    from servers.fake_unleash import FakeUnleash

ADMIN = "/api/admin"
BAD_DATA = "Request validation failed: your request body or params contain invalid data"
BAD_SCHEMA = f"{BAD_DATA}. Refer to the `details` list for more information."

Answer = tuple[int, dict[str, str], bytes]
Result = tuple[int, Any]
"""A status, and the JSON of the body; None: an empty body."""


@dataclass(frozen=True)
class Actor:
    """Who sends a request. All admin tokens have one user id."""

    name: str
    user_id: int = -42


@dataclass(frozen=True)
class Request:
    """A request to the Admin API. `values` are the parts of the path that a route names."""

    actor: Actor
    values: Mapping[str, str]
    query: Mapping[str, str]
    body: Any

    def __getitem__(self, name: str) -> str:
        return self.values[name]


class Refusal(Exception):
    """An error that the server answers with."""

    def __init__(self, status: int, name: str, message: str, details: Any = None) -> None:
        super().__init__(message)
        self.status, self.name, self.message = status, name, message
        self.details = details or [{"message": message}]

    def answer(self) -> Answer:
        return json_answer(self.status, {"name": self.name, "message": self.message, "details": self.details})


class UnknownRoute(AssertionError):
    """The product asked for a route that the fake server does not have."""

    def __init__(self, method: str, path: str) -> None:
        super().__init__(
            f"{method} {path}: the fake server has no such route; add it to tests/servers and to the contract test, "
            "or name it in `FakeUnleash.absent`"
        )


class Route(NamedTuple):
    """A method and the path below /api/admin, whose variable parts are named in braces."""

    method: str
    path: str

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """Return the variable parts of a request's path, None for another route."""
        matched = _pattern(self.path).fullmatch(path) if method == self.method else None
        return None if matched is None else {name: unquote(value) for name, value in matched.groupdict().items()}


@cache
def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(ADMIN + path)))


Handler = Callable[[Any, Request], Result]


def route(method: str, path: str) -> Callable[[Handler], Handler]:
    """Declare a method of a part as the answer to a route."""

    def declare(handler: Handler) -> Handler:
        handler.route = Route(method, path)  # type: ignore[attr-defined]
        return handler

    return declare


class Part:
    """Some of the routes of a server, and their state."""

    def __init__(self, server: FakeUnleash) -> None:
        self.server = server

    @classmethod
    def routes(cls) -> Iterator[tuple[Route, str]]:
        """Yield each route with the name of the method that answers it."""
        for name in dir(cls):
            declared = getattr(getattr(cls, name), "route", None)
            if declared is not None:
                yield declared, name

    def log(self, request: Request, event: str, **facts: Any) -> None:
        """Write an event to the audit log, in the name of who sent the request."""
        self.server.audit.write(request.actor, event, **facts)


def json_answer(status: int, body: Any) -> Answer:
    return (
        (status, {}, b"") if body is None else (status, {"content-type": "application/json"}, json.dumps(body).encode())
    )


def missing_path(path: str) -> Refusal:
    """Return the error for a path without a route, such as one that only Enterprise has."""
    return Refusal(404, "NotFoundError", f"The path you were looking for ({path}) is not available.")


def not_found(message: str) -> Refusal:
    return Refusal(404, "NotFoundError", message)


def name_exists(message: str) -> Refusal:
    return Refusal(409, "NameExistsError", message)


def bad_data(problem: str) -> Refusal:
    return Refusal(400, "BadDataError", f"{BAD_DATA}: {problem}", [{"message": problem}])
