"""A call of the contract: a request with placeholders, and what later calls need of its answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

ADMIN = "/api/admin"
PREFIX = "contract-"
"""What the names of all objects of the contract begin with."""


@dataclass(frozen=True)
class Call:
    """A request. `{label}` in path and body stands for what an earlier call saved under that label.

    `saves` maps a label to where its value is in the answer, as keys and places of lists joined by dots.
    """

    method: str
    path: str
    body: Any = None
    saves: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.method} {self.path} {'' if self.body is None else self.body}".rstrip()


def get(path: str, **saves: str) -> Call:
    return Call("GET", ADMIN + path, None, saves)


def post(path: str, body: Any = None, **saves: str) -> Call:
    return Call("POST", ADMIN + path, {} if body is None else body, saves)


def put(path: str, body: Any) -> Call:
    return Call("PUT", ADMIN + path, body)


def delete(path: str) -> Call:
    return Call("DELETE", ADMIN + path, {})


WAIT = Call("WAIT", "")
"""Waits until the server has noted what was archived: 8.2.0 may end when it deletes a flag at the same time."""
