"""The audit log of an Unleash in memory: events as the real server writes them, told from what a write changed."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

METADATA = ("type", "description", "impressionData", "stale")
NOUNS = {"segments": "segment", "context": "context-field"}
ADMIN_TOKENS = -42

Told = tuple[str, dict[str, Any]]


class FakeAudit:
    """The log, newest event last. `actors` maps a token to the name that it acts under."""

    def __init__(self, actors: dict[str, str]) -> None:
        self.actors = actors
        self.events: list[dict[str, Any]] = []

    def user(self, token: str) -> dict[str, Any]:
        """Answer `GET /api/admin/user` for an admin token."""
        user = {"username": self.actors[token], "type": "admin", "internalAdminTokenUserId": ADMIN_TOKENS}
        return {"user": user, "permissions": [{"permission": "ADMIN"}]}

    def search(self, query: str) -> dict[str, Any]:
        """Answer `GET /api/admin/search/events`."""
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        found = [event for event in reversed(self.events) if _fits(event, asked)]
        offset, limit = int(asked.get("offset", 0)), int(asked.get("limit", 50))
        assert limit <= 1000
        return {"events": found[offset : offset + limit], "total": len(found)}

    def record(self, token: str, before: dict[str, Any], after: dict[str, Any]) -> None:
        """Note what a write made of everything."""
        for kind, facts in _told(before, after):
            usual = {"data": None, "preData": None, "featureName": None, "project": None, "environment": None}
            self.events.append(
                {
                    "id": len(self.events) + 1,
                    "type": kind,
                    "createdBy": self.actors[token],
                    "createdByUserId": ADMIN_TOKENS,
                    "createdAt": f"2026-01-01T00:{len(self.events) // 60 % 60:02}:{len(self.events) % 60:02}.000Z",
                    **usual,
                    **copy.deepcopy(facts),
                }
            )


def _fits(event: dict[str, Any], asked: dict[str, str]) -> bool:
    types = asked.get("type", "").removeprefix("IS_ANY_OF:").split(",")
    features = asked["feature"].removeprefix("IS_ANY_OF:").split(",") if "feature" in asked else [event["featureName"]]
    project = asked.get("project", "").removeprefix("IS:") or event["project"]
    return event["type"] in types and event["featureName"] in features and event["project"] == project


def _told(before: dict[str, Any], after: dict[str, Any]) -> Iterator[Told]:
    for collection, noun in NOUNS.items():
        yield from _whole(noun, before["named"].get(collection, {}), after["named"].get(collection, {}))
    for scope in {*before["charts"], *after["charts"]}:
        at = {} if scope is None else {"project": scope[0], "featureName": scope[1]}
        for kind, facts in _whole("impact-metric", before["charts"].get(scope, {}), after["charts"].get(scope, {})):
            yield kind, {**facts, **at}
    for name in {*before["flags"], *after["flags"]}:
        yield from _flag(name, before["flags"].get(name), after["flags"].get(name))


def _whole(noun: str, before: dict[str, Any], after: dict[str, Any]) -> Iterator[Told]:
    for key in {**before, **after}:
        old, new = before.get(key), after.get(key)
        if old != new:
            done = "created" if old is None else "deleted" if new is None else "updated"
            yield f"{noun}-{done}", {"data": new, "preData": old}


def _flag(name: str, old: dict[str, Any] | None, new: dict[str, Any] | None) -> Iterator[Told]:
    one = {**(old or new or {})}
    at = {"featureName": name, "project": one["project"]}
    if new is None:
        yield "feature-deleted", {**at, "preData": _metadata(one)}
        return
    if old is None:
        yield "feature-created", {**at, "data": _metadata(new)}
        old = {**new, "in": {key: {"enabled": False, "strategies": []} for key in new["in"]}}
    if _metadata(old) != _metadata(new):
        yield "feature-metadata-updated", {**at, "data": _metadata(new), "preData": _metadata(old)}
    for tag in (tag for tag in new["tags"] if tag not in old["tags"]):
        yield "feature-tagged", {**at, "data": tag}
    for tag in (tag for tag in old["tags"] if tag not in new["tags"]):
        yield "feature-untagged", {**at, "preData": tag}
    if old["archived"] != new["archived"]:
        yield "feature-archived" if new["archived"] else "feature-revived", at
    for environment, place in new["in"].items():
        where = {**at, "environment": environment}
        yield from _place(where, old["in"][environment], place, told=not old["archived"] or new["archived"])


def _place(where: dict[str, Any], old: dict[str, Any], new: dict[str, Any], *, told: bool) -> Iterator[Told]:
    if old["enabled"] != new["enabled"] and told:  # a flag that is revived is off, and no event says so
        yield f"feature-environment-{'enabled' if new['enabled'] else 'disabled'}", where
    before = {one["id"]: one for one in old["strategies"]}
    after = {one["id"]: one for one in new["strategies"]}
    for key, one in before.items():
        place = list(before).index(key)
        if key not in after:
            yield "feature-strategy-remove", {**where, "preData": {**one, "sortOrder": place}}
        elif one != after[key]:
            yield "feature-strategy-update", {**where, "data": after[key], "preData": one}
    for key, one in after.items():
        if key not in before:
            yield "feature-strategy-add", {**where, "data": {**one, "sortOrder": list(after).index(key)}}
    if before.keys() == after.keys() and list(before) != list(after):
        orders = {"data": {"strategyIds": list(after)}, "preData": {"strategyIds": list(before)}}
        yield "strategy-order-changed", {**where, **orders}


def _metadata(flag: dict[str, Any]) -> dict[str, Any]:
    return {"name": flag["name"], **{key: flag[key] for key in METADATA}}
