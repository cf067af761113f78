"""The audit log of an Unleash in memory, and who its tokens act as."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from servers.fake_clock import FakeClock
from servers.fake_routes import Actor


class FakeAudit:
    """The log, newest event last. `actors` maps a token to the name that it acts under."""

    def __init__(self, actors: dict[str, str]) -> None:
        self.actors = actors
        self.events: list[dict[str, Any]] = []
        self.clock = FakeClock()

    def write(
        self,
        actor: Actor,
        kind: str,
        *,
        data: Any = None,
        before: Any = None,
        feature: str | None = None,
        project: str | None = None,
        environment: str | None = None,
        tags: Sequence[Mapping[str, str]] = (),
    ) -> None:
        """Write an event of type `kind`."""
        self.events.append(
            {
                "id": len(self.events) + 1,
                "type": kind,
                "createdBy": actor.name,
                "createdByUserId": actor.user_id,
                "createdAt": self.clock.stamp(),
                "data": copy.deepcopy(data),
                "preData": copy.deepcopy(before),
                "featureName": feature,
                "project": project,
                "environment": environment,
                "tags": copy.deepcopy(list(tags)),
            }
        )

    def search(self, query: Mapping[str, str]) -> dict[str, Any]:
        """Answer `GET /api/admin/search/events`."""
        events = [event for event in reversed(self.events) if _matches(event, query)]
        offset, limit = int(query.get("offset", 0)), int(query.get("limit", 50))
        assert limit <= 1000, "the server answers fifty events to whoever asks for more than a thousand"
        return {"events": events[offset : offset + limit], "total": len(events)}

    def of_flag(self, name: str) -> list[dict[str, Any]]:
        """Return a flag's last fifty events, the newest first."""
        return [event for event in reversed(self.events) if event["featureName"] == name][:50]


def _matches(event: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    fields = {"type": "type", "feature": "featureName", "project": "project"}
    return all(event[field] in _values(query[name]) for name, field in fields.items() if name in query)


def _values(condition: str) -> list[str]:
    operator, _, values = condition.partition(":")
    assert operator in {"IS", "IS_ANY_OF"}, condition
    return values.split(",") if operator == "IS_ANY_OF" else [values]
