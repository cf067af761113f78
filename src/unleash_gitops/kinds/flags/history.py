"""A flag's past, told from its events in the audit log.

Of most changes the log tells only what became of one part, so the flag is taken back event by event from what is live.
What no event tells is `Unknown` from there on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from unleash_gitops.kinds.base import HasHistory, Reads
from unleash_gitops.kinds.flags.calls import METADATA
from unleash_gitops.kinds.flags.link_url import normalise_url
from unleash_gitops.kinds.flags.strategy import normalise_live_strategy
from unleash_gitops.model.ownership import OWNER_TAG
from unleash_gitops.model.resource import Resource, Step, Unknown

if TYPE_CHECKING:
    from unleash_gitops.api.audit_log import Event

__all__ = ["FlagHistory"]

Strategies = list[tuple[str, dict[str, Any]]]
"""Strategies in order, each with its id."""
Read = Callable[[Mapping[str, Any]], dict[str, Any]]
"""Turns a strategy as an event tells it into one as it is compared."""


class FlagHistory(HasHistory):
    """What a flag is in the audit log, and what of it nobody's change may undo silently."""

    def event_subjects(self, event: Event, workspace: str) -> tuple[str, ...]:  # noqa: ARG002
        """See `Kind.subjects`."""
        return () if event.feature is None else (event.feature,)

    def find_marking_event(self, events: Sequence[Event], workspace: str) -> Event | None:
        """See `Kind.marker`: by the owner's tag, or by creating the flag, of whose tags the log tells nothing then."""

        def marks(event: Event) -> bool:
            tagged = event.type == "feature-tagged" and _tag(event.data) == f"{OWNER_TAG}:{workspace}"
            return tagged or event.type == "feature-created"

        return next(filter(marks, events), None)

    def history_states(self, live: Resource | None, one: str, events: Sequence[Event], reads: Reads) -> Iterator[Step]:  # noqa: ARG002
        """See `Kind.history_states`."""
        segments: dict[int, str] = {}
        if any(isinstance(said, dict) and said.get("segments") for at in events for said in (at.data, at.before)):
            segments = {found["id"]: found["name"] for found in reads.get_cached("/api/admin/segments")["segments"]}
        past = _Past(live, lambda said: normalise_live_strategy(said, segments))
        for place, event in enumerate(events):
            past.do(_TOLD.get(event.type, _nothing), event)
            after = past.spec()
            past.do(_UNDO[event.type], event)
            if event.type == "feature-deleted":
                _replay(past, events[place + 1 :])
            yield past.spec(), after

    def requires_confirmation(self, unit: Sequence[str], one: Resource, reads: Reads) -> bool:
        """See `Kind.guarded`: where a flag is on, and for whom, in environments of type production."""
        if len(unit) < 2 or unit[0] != "environments" or (len(unit) > 2 and unit[2] not in {"enabled", "strategies"}):
            return False
        project = quote(str(one.address.project), safe="")
        environments = reads.get_cached(f"/api/admin/environments/project/{project}")["environments"]
        return any(found["name"] == unit[1] and found.get("type") == "production" for found in environments)


class _Past:
    """A flag at one time. `whole` is None when there is none; `lists` has the strategies that are known.

    `missing` are the ids of strategies that went without an event.
    """

    def __init__(self, live: Resource | None, read: Read) -> None:
        self.whole: dict[str, Any] | None = None
        self.lists: dict[str, Strategies | Unknown] = {}
        self.enabled: dict[str, bool | Unknown] = {}
        self.missing: set[str] = set()
        self.read = read
        if live is None:
            return
        self.whole = {key: value for key, value in live.spec.items() if key != "environments"}
        for name, found in live.spec["environments"].items():
            self.enabled[name] = found["enabled"]
            if "strategies" in found:
                ids = live.handles["strategies"][name]
                self.lists[name] = list(zip(ids, found["strategies"], strict=True))

    def spec(self) -> Mapping[str, Any] | None:
        if self.whole is None:
            return None
        environments: dict[str, dict[str, Any]] = {name: {"enabled": on} for name, on in self.enabled.items()}
        for name, found in self.lists.items():
            known = found if isinstance(found, Unknown) else [strategy for _, strategy in found]
            environments.setdefault(name, {})["strategies"] = known
        return {**self.whole, "environments": environments}

    def do(self, step: Callable[[_Past, Event], None], event: Event) -> None:
        """Take a step for an event. Of one that has another form than those of this version nothing is known after."""
        try:
            step(self, event)
        except (KeyError, TypeError, ValueError, AttributeError):
            self.whole = None if self.whole is None else dict.fromkeys(self.whole, Unknown())
            self.enabled = dict.fromkeys(self.enabled, Unknown())
            self.lists = dict.fromkeys(self.lists, Unknown())

    def set(self, **fields: Any) -> None:
        if self.whole is not None:
            self.whole |= fields

    def change(self, field: str, changed: Callable[[list[Any]], list[Any]]) -> None:
        """Replace a list of the flag by what is made of it, if it is known."""
        found = (self.whole or {}).get(field)
        if isinstance(found, list):
            self.set(**{field: changed(found)})

    def change_list(self, event: Event, changed: Callable[[Strategies], Strategies | Unknown]) -> None:
        """Replace the strategies of an event's environment; of those not known, all that is known is that they were."""
        name = str(event.environment)
        found = self.lists.get(name)
        self.lists[name] = Unknown() if found is None or isinstance(found, Unknown) else changed(found)


def _nothing(past: _Past, event: Event) -> None:
    """Tell nothing."""


def _undo_created(past: _Past, event: Event) -> None:  # noqa: ARG001
    past.whole, past.lists, past.enabled = None, {}, {}


def _told_created(past: _Past, event: Event) -> None:  # noqa: ARG001
    """A flag begins with every environment off."""
    past.enabled = dict.fromkeys(past.enabled, False)
    past.lists = {name: [] for name in past.lists}
    past.set(**{name: [] for name in ("links", "dependencies") if name in (past.whole or {})})


def _undo_deleted(past: _Past, event: Event) -> None:
    past.whole = {"archived": True, "tags": Unknown(), "links": Unknown(), "dependencies": []}
    past.set(**_metadata(event.before))


def _replay(past: _Past, older: Sequence[Event]) -> None:
    """Take a flag on from its creation to its end, for what the event of that does not tell.

    Something done is something undone the other way round. Without the event of its creation nothing is told.
    """
    created = next((place for place, event in enumerate(older) if event.type == "feature-created"), None)
    if created is None:
        return
    since = older[:created]
    past.lists = {event.environment: [] for event in since if event.environment is not None}
    past.set(links=[])
    for event in reversed(since):
        opposite = _OPPOSITE.get(event.type)
        if opposite is not None:
            past.do(_UNDO[opposite], replace(event, type=opposite, data=event.before, before=event.data))


def _undo_archived(past: _Past, event: Event) -> None:  # noqa: ARG001
    """Nobody tells where an archived flag was on, nor what it depended on."""
    if past.whole is not None:
        past.whole = {key: value for key, value in past.whole.items() if key != "archived"}
        past.set(dependencies=Unknown())
    past.enabled = {name: Unknown() for name in past.enabled}


def _told_archived(past: _Past, event: Event) -> None:  # noqa: ARG001
    past.set(archived=True)


def _undo_revived(past: _Past, event: Event) -> None:  # noqa: ARG001
    past.set(archived=True)


def _undo_metadata(past: _Past, event: Event) -> None:
    past.set(**(_metadata(event.before) or dict.fromkeys(METADATA, Unknown())))


def _told_metadata(past: _Past, event: Event) -> None:
    past.set(**_metadata(event.data))


def _undo_stale(past: _Past, event: Event) -> None:
    past.set(stale=event.type != "feature-stale-on")


def _undo_tagged(past: _Past, event: Event) -> None:
    tag = _tag(event.data)
    past.change("tags", lambda tags: [one for one in tags if one != tag])


def _undo_untagged(past: _Past, event: Event) -> None:
    tag = _tag(event.before)
    if tag is not None and not tag.startswith(f"{OWNER_TAG}:"):
        past.change("tags", lambda tags: sorted({*tags, tag}))


def _undo_link(past: _Past, event: Event) -> None:
    gone, there = _link(event.data), _link(event.before)

    def changed(links: list[Any]) -> list[Any]:
        left = [one for one in links if one != gone] + ([there] if there else [])
        return sorted(left, key=lambda one: str(one["url"]))

    past.change("links", changed)


def _undo_dependency(past: _Past, event: Event) -> None:  # noqa: ARG001
    past.set(dependencies=Unknown())


def _told_dependency(past: _Past, event: Event) -> None:
    if past.whole is None or "dependencies" not in past.whole:
        return
    said = event.data if event.type == "feature-dependency-added" else None
    if isinstance(said, dict) and "feature" in said:
        enabled, variants = said.get("enabled", True), sorted(said.get("variants") or ())
        past.set(dependencies=[{"feature": said["feature"], "enabled": enabled, "variants": variants}])
    elif said is None:
        past.set(dependencies=[])


def _undo_switch(past: _Past, event: Event) -> None:
    past.enabled[str(event.environment)] = event.type != "feature-environment-enabled"


def _told_switch(past: _Past, event: Event) -> None:
    past.enabled[str(event.environment)] = event.type == "feature-environment-enabled"


def _undo_add(past: _Past, event: Event) -> None:
    identifier = (event.data or {}).get("id")
    past.change_list(event, lambda known: [one for one in known if one[0] != identifier])


def _undo_change(past: _Past, event: Event) -> None:
    before = event.before or {}

    def changed(known: Strategies) -> Strategies | Unknown:
        if before.get("id") in past.missing or not any(one[0] == before.get("id") for one in known):
            return Unknown()
        return [(one[0], past.read(before)) if one[0] == before["id"] else one for one in known]

    past.change_list(event, changed)


def _told_strategy(past: _Past, event: Event) -> None:
    """A strategy is what the event says; that it is not among those that are known tells that something is missing."""
    said = (event.data["id"], past.read(event.data))
    if event.data.get("milestoneId"):  # a release plan's is not the flag's own
        return

    def changed(known: Strategies) -> Strategies:
        there = any(one[0] == said[0] for one in known)
        past.missing |= set() if there else {said[0]}
        return [said if one[0] == said[0] else one for one in known] + ([] if there else [said])

    past.change_list(event, changed)


def _told_removed(past: _Past, event: Event) -> None:
    past.change_list(event, lambda known: [one for one in known if one[0] != (event.before or {}).get("id")])


def _told_order(past: _Past, event: Event) -> None:
    _undo_order(past, replace(event, before=event.data))


def _undo_remove(past: _Past, event: Event) -> None:
    before = event.before or {}

    def changed(known: Strategies) -> Strategies | Unknown:
        if "id" not in before or before.get("milestoneId"):  # a release plan's is not the flag's own
            return known
        place = min(int(before.get("sortOrder") or 0), len(known))
        return [*known[:place], (before["id"], past.read(before)), *known[place:]]

    past.change_list(event, changed)


def _undo_order(past: _Past, event: Event) -> None:
    order = (event.before or {}).get("strategyIds") or []

    def changed(known: Strategies) -> Strategies | Unknown:
        if {one[0] for one in known} != {*order}:
            return Unknown()
        return sorted(known, key=lambda one: order.index(one[0]))

    past.change_list(event, changed)


def _metadata(payload: Any) -> dict[str, Any]:
    if not isinstance(payload, dict):
        return {}
    found = {key: payload[key] for key in METADATA if key in payload}
    return found | ({"description": found["description"] or None} if "description" in found else {})


def _tag(payload: Any) -> str | None:
    both = isinstance(payload, dict) and {"type", "value"} <= payload.keys()
    return f"{payload['type']}:{payload['value']}" if both else None


def _link(payload: Any) -> dict[str, Any] | None:
    if not isinstance(payload, dict) or "url" not in payload:
        return None
    return {"url": normalise_url(payload["url"]), "title": payload.get("title") or None}


_UNDO: Mapping[str, Callable[[_Past, Event], None]] = {
    "feature-created": _undo_created,
    "feature-deleted": _undo_deleted,
    "feature-archived": _undo_archived,
    "feature-revived": _undo_revived,
    "feature-metadata-updated": _undo_metadata,
    "feature-stale-on": _undo_stale,
    "feature-stale-off": _undo_stale,
    "feature-tagged": _undo_tagged,
    "feature-untagged": _undo_untagged,
    "feature-link-added": _undo_link,
    "feature-link-updated": _undo_link,
    "feature-link-removed": _undo_link,
    "feature-dependency-added": _undo_dependency,
    "feature-dependency-removed": _undo_dependency,
    "feature-dependencies-removed": _undo_dependency,
    "feature-environment-enabled": _undo_switch,
    "feature-environment-disabled": _undo_switch,
    "feature-strategy-add": _undo_add,
    "feature-strategy-update": _undo_change,
    "feature-strategy-remove": _undo_remove,
    "strategy-order-changed": _undo_order,
}
_OPPOSITE: Mapping[str, str] = {
    "feature-link-added": "feature-link-removed",
    "feature-link-updated": "feature-link-updated",
    "feature-link-removed": "feature-link-added",
    "feature-strategy-add": "feature-strategy-remove",
    "feature-strategy-update": "feature-strategy-update",
    "feature-strategy-remove": "feature-strategy-add",
    "strategy-order-changed": "strategy-order-changed",
}
_TOLD: Mapping[str, Callable[[_Past, Event], None]] = {
    "feature-created": _told_created,
    "feature-archived": _told_archived,
    "feature-metadata-updated": _told_metadata,
    "feature-dependency-added": _told_dependency,
    "feature-dependency-removed": _told_dependency,
    "feature-dependencies-removed": _told_dependency,
    "feature-environment-enabled": _told_switch,
    "feature-environment-disabled": _told_switch,
    "feature-strategy-add": _told_strategy,
    "feature-strategy-update": _told_strategy,
    "feature-strategy-remove": _told_removed,
    "strategy-order-changed": _told_order,
}
FlagHistory.events = tuple(_UNDO)
