"""The calls that make a flag as it should be. One flag's calls go one after the other: it has one writer.

A server adds a strategy of its own to an environment that is switched on with none, and switches one off that loses its
last: so strategies are added before anything else, an environment is switched off first and on last, and what is too
many is removed when what stays is in place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from unleash_gitops.kinds.flags.match_strategies import match_strategies
from unleash_gitops.kinds.flags.strategy import strategy_body, strategy_fills
from unleash_gitops.model.call import Call, Claim, Fill, Lookup
from unleash_gitops.model.ownership import OWNER_TAG, owner_tag
from unleash_gitops.model.resource import Resource

__all__ = [
    "METADATA",
    "claim_calls",
    "create_calls",
    "delete_calls",
    "flag_path",
    "release_calls",
    "update_calls",
]

METADATA = ("type", "description", "impressionData", "stale")
"""The fields that one PUT of a flag replaces, all of them."""


def flag_path(project: str, name: str) -> str:
    """Return the address of a flag."""
    return f"/api/admin/projects/{quote(project, safe='')}/features/{quote(name, safe='')}"


def create_calls(desired: Resource, after: Mapping[str, Any]) -> Iterator[Call]:
    """Yield the calls that create a flag. It bears its owner's tag from the start."""
    project, name = str(desired.address.project), desired.id
    path = flag_path(project, name)
    owner = desired.mark or ""
    yield from _tag_values([owner, *after["tags"]])
    body = {
        "name": name,
        **{key: after[key] for key in METADATA},
        "tags": [_tag(tag) for tag in sorted({owner, *after["tags"]})],
    }
    look = Lookup(path=path, list_key="", match={"name": name})
    yield Call(method="POST", path=path.rpartition("/")[0], body=body, verify=look)
    yield from _links(path, after["links"], [], [])
    for environment, wanted in after["environments"].items():
        place = _Place(path, environment, str(desired))
        strategies = wanted.get("strategies", [])
        labels: list[str] = []
        for strategy in strategies:
            yield place.adding(strategy, [], labels)
        if wanted.get("enabled"):
            yield place.switching(on=True)
    for parent in after["dependencies"]:
        yield Call(method="POST", path=f"{path}/dependencies", body=dict(parent), idempotent=True)


def update_calls(desired: Resource, live: Resource, after: Mapping[str, Any]) -> Iterator[Call]:
    """Yield the calls that turn a live flag into `after`."""
    project, name = str(desired.address.project), desired.id
    path, before = flag_path(project, name), live.spec
    if before.get("archived"):
        yield Call(method="POST", path=f"/api/admin/archive/revive/{quote(name, safe='')}", idempotent=True)
    if any(before[key] != after[key] for key in METADATA):
        yield Call(method="PUT", path=path, body={"name": name, **{key: after[key] for key in METADATA}})
    yield from _retag(live, after)
    if "links" in after and "links" in before:
        yield from _links(path, after["links"], before["links"], live.handles["links"])
    if before.get("dependencies") and not after.get("dependencies"):
        yield Call(method="DELETE", path=f"{path}/dependencies")
    for environment, wanted in after["environments"].items():
        present = before["environments"].get(environment, {})
        ids = live.handles["strategies"].get(environment, [])
        yield from _environment(_Place(path, environment, str(desired)), present, wanted, ids, name)
    if after.get("dependencies") and after["dependencies"] != before.get("dependencies"):
        for parent in after["dependencies"]:
            yield Call(method="POST", path=f"{path}/dependencies", body=dict(parent), idempotent=True)


def delete_calls(live: Resource) -> Iterator[Call]:
    """Yield the calls that archive a flag, or delete it for good where the workspace says so.

    8.2.0 records the archived flag in its lifecycle about a second later, and ends with a database error when the flag
    no longer exists by then.
    """
    path = flag_path(str(live.address.project), live.id)
    if not live.spec.get("archived"):
        yield Call(method="DELETE", path=path)
    if live.handles["deletion"] == "delete":
        recorded = Lookup(path=f"{path}/lifecycle", match={"stage": "archived"})
        yield Call(method="DELETE", path=f"/api/admin/archive/{quote(live.id, safe='')}", wait_for=recorded)


class _Place:
    """A flag in an environment: where its calls go."""

    def __init__(self, flag: str, environment: str, address: str) -> None:
        self.path = f"{flag}/environments/{quote(environment, safe='')}"
        self._label = f"{address}:{environment}"

    def adding(self, strategy: Mapping[str, Any], ids: Sequence[str], labels: list[str]) -> Call:
        """Return the call that adds a strategy, and append the label of its id to `labels`.

        `ids` are those of the live strategies, `labels` those of the strategies that earlier calls add.
        """
        label = f"{self._label}[{len(ids) + len(labels)}]"
        body, fills = strategy_body(strategy), strategy_fills(strategy)
        verify = Lookup(
            path=f"{self.path}/strategies",
            match={key: body[key] for key in ("name", "disabled", "parameters", "constraints", "segments")},
            fills=fills,
            exclude_ids=tuple(ids),
            exclude_labels=tuple(labels),
        )
        labels.append(label)
        return Call(
            method="POST", path=f"{self.path}/strategies", body=body, fills=fills, id_label=label, verify=verify
        )

    def changing(self, identifier: str, strategy: Mapping[str, Any]) -> Call:
        path = f"{self.path}/strategies/{identifier}"
        return Call(method="PUT", path=path, body=strategy_body(strategy), fills=strategy_fills(strategy))

    def ordering(self, identifiers: Sequence[str], labels: Collection[str]) -> Call:
        """Return the call that puts the strategies in order. `labels` tells which identifiers are labels."""
        path = f"{self.path}/strategies/set-sort-order"
        body = [
            {"id": None if identifier in labels else identifier, "sortOrder": place}
            for place, identifier in enumerate(identifiers)
        ]
        fills = tuple(
            Fill(path=(place, "id"), id_of=identifier)
            for place, identifier in enumerate(identifiers)
            if identifier in labels
        )
        return Call(method="POST", path=path, body=body, fills=fills, idempotent=True)

    def removing(self, identifier: str) -> Call:
        return Call(method="DELETE", path=f"{self.path}/strategies/{identifier}")

    def switching(self, *, on: bool) -> Call:
        return Call(method="POST", path=f"{self.path}/{'on' if on else 'off'}", body={}, idempotent=True)


def _environment(
    place: _Place,
    present: Mapping[str, Any],
    wanted: Mapping[str, Any],
    ids: Sequence[str],
    flag: str,
) -> Iterator[Call]:
    """Yield the calls for one environment: as it is `present` on the server, and as it is `wanted`."""
    if present["enabled"] and not wanted["enabled"]:
        yield place.switching(on=False)
    if "strategies" in wanted and wanted["strategies"] != present["strategies"]:
        yield from _strategies(place, present["strategies"], wanted["strategies"], ids, flag)
    if wanted["enabled"] and not present["enabled"]:
        yield place.switching(on=True)


def _strategies(
    place: _Place,
    present: Sequence[Mapping[str, Any]],
    wanted: Sequence[Mapping[str, Any]],
    ids: Sequence[str],
    flag: str,
) -> Iterator[Call]:
    pairs = match_strategies(wanted, present, flag)
    labels: list[str] = []
    final: list[str] = []
    for strategy, pair in zip(wanted, pairs, strict=True):
        if pair is None:
            yield place.adding(strategy, ids, labels)
            final.append(labels[-1])
        else:
            final.append(ids[pair])
    changed = [
        (ids[pair], strategy)
        for strategy, pair in zip(wanted, pairs, strict=True)
        if pair is not None and strategy != present[pair]
    ]
    for identifier, strategy in sorted(changed, key=lambda pair: pair[1]["disabled"]):  # enabled strategies first
        yield place.changing(identifier, strategy)
    if final != [identifier for identifier in (*ids, *labels) if identifier in final]:
        yield place.ordering(final, labels)
    for identifier in ids:
        if identifier not in final:
            yield place.removing(identifier)


def claim_calls(live: Resource, workspace: str) -> Iterator[Call]:
    """Yield the calls that make a flag, archived or not, the workspace's, and no other's."""
    tag = owner_tag(workspace)
    yield from _tag_values([tag])
    former = [_tag(owner_tag(owner)) for owner in live.owners]
    path = _tags_path(live)
    claim = Claim(path=path, workspace=workspace, feature=live.id, former=live.owners)
    yield Call(method="PUT", path=path, body={"addedTags": [_tag(tag)], "removedTags": former}, claim=claim)


def release_calls(live: Resource, workspace: str) -> Iterator[Call]:
    """Yield the call that takes the workspace's tag off a flag."""
    body = {"addedTags": [], "removedTags": [_tag(owner_tag(workspace))]}
    yield Call(method="PUT", path=_tags_path(live), body=body)


def _retag(live: Resource, after: Mapping[str, Any]) -> Iterator[Call]:
    added = sorted(set(after["tags"]) - set(live.spec["tags"]))
    removed = sorted(set(live.spec["tags"]) - set(after["tags"]))
    if added or removed:
        yield from _tag_values(added)
        body = {"addedTags": [_tag(tag) for tag in added], "removedTags": [_tag(tag) for tag in removed]}
        yield Call(method="PUT", path=_tags_path(live), body=body)


def _tags_path(live: Resource) -> str:
    return f"/api/admin/features/{quote(live.id, safe='')}/tags"


def _tag_values(tags: Sequence[str]) -> Iterator[Call]:
    """Yield the calls that make tags: a flag cannot be created with one that there is not."""
    for tag in tags:
        if tag.startswith(f"{OWNER_TAG}:"):
            body = {"name": OWNER_TAG, "description": "The unleash-gitops workspace that a flag is managed by"}
            yield Call(method="POST", path="/api/admin/tag-types", body=body, idempotent=True)
        yield Call(method="POST", path="/api/admin/tags", body=_tag(tag), idempotent=True)


def _tag(tag: str) -> dict[str, str]:
    kind, _, value = tag.partition(":")
    return {"type": kind, "value": value}


def _links(
    path: str, wanted: Sequence[Mapping[str, Any]], present: Sequence[Mapping[str, Any]], ids: Sequence[str]
) -> Iterator[Call]:
    """Yield the calls that make a flag's links as `wanted`, changing those of the same address, and others next."""
    new = [link for link in wanted if link not in present]
    old = [(identifier, link) for identifier, link in zip(ids, present, strict=True) if link not in wanted]
    for link in list(new):
        pair = next((pair for pair in old if pair[1]["url"] == link["url"]), None)
        if pair is not None:
            new.remove(link)
            old.remove(pair)
            yield Call(method="PUT", path=f"{path}/link/{pair[0]}", body=_link(link))
    for identifier, _ in old:
        yield Call(method="DELETE", path=f"{path}/link/{identifier}")
    for link in new:
        look = Lookup(path=path, list_key="links", match={"url": link["url"]}, exclude_ids=tuple(ids))
        yield Call(method="POST", path=f"{path}/link", body=_link(link), verify=look)


def _link(link: Mapping[str, Any]) -> dict[str, Any]:
    return {"url": link["url"], "title": link["title"] or ""}
