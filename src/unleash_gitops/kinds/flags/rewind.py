"""A flag taken back through its events in the audit log, newest first.

Of most changes the log holds only what became of one part, so the flag is taken back event by event from what is live.
A part that no event holds is `UnknownValue` from there on. Three things are done with an event: `settle` sets what the
event says the flag was right after it, `undo` takes the change back, `replay` does changes again, from a creation on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from unleash_gitops.kinds.flags.calls import METADATA
from unleash_gitops.kinds.flags.event_payloads import (
    DependencyPayload,
    OrderPayload,
    StrategyPayload,
    UnexpectedEvent,
    parse_payload,
    read_link,
    read_tag,
)
from unleash_gitops.kinds.flags.strategy import normalise_live_strategy
from unleash_gitops.model.ownership import OWNER_TAG
from unleash_gitops.model.paths import describe_mismatch
from unleash_gitops.model.resource import Resource, UnknownValue

if TYPE_CHECKING:
    from unleash_gitops.api.audit_log import Event

__all__ = ["EVENT_TYPES", "FlagState"]

Strategies = list[tuple[str, dict[str, Any]]]
"""Strategies in order, each with its id."""


class FlagState:
    """A flag at one time.

    `whole` is None when there is no flag. `strategies` has the environments in which they are known. `missing` are the
    ids of strategies that went without an event.
    """

    def __init__(self, live: Resource | None, segments: Mapping[int, str]) -> None:
        self.whole: dict[str, Any] | None = None
        self.strategies: dict[str, Strategies | UnknownValue] = {}
        self.enabled: dict[str, bool | UnknownValue] = {}
        self.missing: set[str] = set()
        self._segments = segments
        if live is None:
            return
        self.whole = {field: value for field, value in live.spec.items() if field != "environments"}
        for name, environment in live.spec["environments"].items():
            self.enabled[name] = environment["enabled"]
            if "strategies" in environment:
                ids = live.handles["strategies"][name]
                self.strategies[name] = list(zip(ids, environment["strategies"], strict=True))

    def spec(self) -> Mapping[str, Any] | None:
        """Return the flag as it is compared, None when there is none."""
        if self.whole is None:
            return None
        environments: dict[str, dict[str, Any]] = {name: {"enabled": on} for name, on in self.enabled.items()}
        for name, entries in self.strategies.items():
            known = entries if isinstance(entries, UnknownValue) else [strategy for _, strategy in entries]
            environments.setdefault(name, {})["strategies"] = known
        return {**self.whole, "environments": environments}

    def settle(self, event: Event) -> None:
        """Set what the event says the flag was right after it."""
        step = _SETTLE.get(event.type)
        if step is not None:
            self._take(step, event)

    def undo(self, event: Event) -> None:
        """Take the event's change back."""
        self._take(_UNDO[event.type], event)

    def replay(self, older: Sequence[Event]) -> None:
        """Take a flag that was deleted on from its creation to its end: the deletion does not hold all of it.

        A change is made by taking the opposite change back. Without the event of its creation nothing is known.
        """
        created = next((index for index, event in enumerate(older) if event.type == "feature-created"), None)
        if created is None:
            return
        since = older[:created]
        self.strategies = {event.environment: [] for event in since if event.environment is not None}
        self.set(links=[])
        for event in reversed(since):
            opposite = _OPPOSITE.get(event.type)
            if opposite is not None:
                self._take(_UNDO[opposite], replace(event, type=opposite, data=event.before, before=event.data))

    def set(self, **fields: Any) -> None:
        """Set fields of the flag, if there is one."""
        if self.whole is not None:
            self.whole |= fields

    def change_field(self, field: str, change: Callable[[list[Any]], list[Any]]) -> None:
        """Replace a list of the flag by what `change` makes of it, if it is known."""
        value = (self.whole or {}).get(field)
        if isinstance(value, list):
            self.set(**{field: change(value)})

    def change_strategies(self, event: Event, change: Callable[[Strategies], Strategies | UnknownValue]) -> None:
        """Replace the strategies of the event's environment; unknown ones stay unknown."""
        name = str(event.environment)
        entries = self.strategies.get(name)
        self.strategies[name] = (
            UnknownValue() if entries is None or isinstance(entries, UnknownValue) else change(entries)
        )

    def normalise(self, payload: Any) -> dict[str, Any]:
        """Return the compared form of a strategy in an event. Raises UnexpectedEvent."""
        try:
            return normalise_live_strategy(payload, self._segments)
        except ValidationError as error:
            raise UnexpectedEvent(describe_mismatch(error)) from error

    def _take(self, step: Callable[[FlagState, Event], None], event: Event) -> None:
        """Take a step. After an event of a form that this version does not know, nothing of the flag is known."""
        try:
            step(self, event)
        except UnexpectedEvent as error:
            unknown = UnknownValue(f"event {event.id} ({event.type}) is not of a form that this version knows: {error}")
            self.whole = None if self.whole is None else dict.fromkeys(self.whole, unknown)
            self.enabled = dict.fromkeys(self.enabled, unknown)
            self.strategies = dict.fromkeys(self.strategies, unknown)


def _undo_created(state: FlagState, _event: Event) -> None:
    state.whole, state.strategies, state.enabled = None, {}, {}


def _settle_created(state: FlagState, _event: Event) -> None:
    """A flag begins with every environment off."""
    state.enabled = dict.fromkeys(state.enabled, False)
    state.strategies = {name: [] for name in state.strategies}
    state.set(**{name: [] for name in ("links", "dependencies") if name in (state.whole or {})})


def _undo_deleted(state: FlagState, event: Event) -> None:
    state.whole = {"archived": True, "tags": UnknownValue(), "links": UnknownValue(), "dependencies": []}
    state.set(**_metadata(event.before))


def _undo_archived(state: FlagState, _event: Event) -> None:
    """The log does not hold where an archived flag was on, nor what it depended on."""
    if state.whole is not None:
        state.whole = {field: value for field, value in state.whole.items() if field != "archived"}
        state.set(dependencies=UnknownValue())
    state.enabled = {name: UnknownValue() for name in state.enabled}


def _set_archived(state: FlagState, _event: Event) -> None:
    state.set(archived=True)


def _undo_metadata(state: FlagState, event: Event) -> None:
    state.set(**(_metadata(event.before) or dict.fromkeys(METADATA, UnknownValue())))


def _settle_metadata(state: FlagState, event: Event) -> None:
    state.set(**_metadata(event.data))


def _undo_stale(state: FlagState, event: Event) -> None:
    state.set(stale=event.type != "feature-stale-on")


def _undo_tagged(state: FlagState, event: Event) -> None:
    added = read_tag(event.data)
    state.change_field("tags", lambda tags: [tag for tag in tags if tag != added])


def _settle_tagged(state: FlagState, event: Event) -> None:
    """A tag that is missing went without an event: with its type."""
    added = read_tag(event.data)
    if added is not None and not added.startswith(f"{OWNER_TAG}:"):
        state.change_field("tags", lambda tags: sorted({*tags, added}))


def _undo_untagged(state: FlagState, event: Event) -> None:
    removed = read_tag(event.before)
    if removed is not None and not removed.startswith(f"{OWNER_TAG}:"):
        state.change_field("tags", lambda tags: sorted({*tags, removed}))


def _undo_link(state: FlagState, event: Event) -> None:
    added, removed = read_link(event.data), read_link(event.before)

    def change(links: list[Any]) -> list[Any]:
        left = [link for link in links if link != added] + ([removed] if removed else [])
        return sorted(left, key=lambda link: str(link["url"]))

    state.change_field("links", change)


def _undo_dependency(state: FlagState, _event: Event) -> None:
    state.set(dependencies=UnknownValue())


def _settle_dependency(state: FlagState, event: Event) -> None:
    if state.whole is None or "dependencies" not in state.whole:
        return
    if event.type == "feature-dependency-added" and event.data is not None:
        parent = parse_payload(DependencyPayload, event.data)
        variants = sorted(parent.variants or ())
        state.set(dependencies=[{"feature": parent.feature, "enabled": parent.enabled, "variants": variants}])
    elif event.type != "feature-dependency-added":
        state.set(dependencies=[])


def _undo_switch(state: FlagState, event: Event) -> None:
    state.enabled[str(event.environment)] = event.type != "feature-environment-enabled"


def _settle_switch(state: FlagState, event: Event) -> None:
    state.enabled[str(event.environment)] = event.type == "feature-environment-enabled"


def _undo_strategy_add(state: FlagState, event: Event) -> None:
    added = parse_payload(StrategyPayload, event.data).id
    state.change_strategies(event, lambda known: [entry for entry in known if entry[0] != added])


def _undo_strategy_update(state: FlagState, event: Event) -> None:
    strategy_id = parse_payload(StrategyPayload, event.before).id
    before = (strategy_id, state.normalise(event.before))

    def change(known: Strategies) -> Strategies | UnknownValue:
        if strategy_id in state.missing or not any(entry[0] == strategy_id for entry in known):
            return UnknownValue()
        return [before if entry[0] == strategy_id else entry for entry in known]

    state.change_strategies(event, change)


def _settle_strategy(state: FlagState, event: Event) -> None:
    """A strategy is what the event holds; one that is not among the known ones went without an event."""
    payload = parse_payload(StrategyPayload, event.data)
    entry = (payload.id, state.normalise(event.data))
    if payload.milestoneId:  # a release plan's strategy is not the flag's own
        return

    def change(known: Strategies) -> Strategies:
        is_known = any(other[0] == entry[0] for other in known)
        if not is_known:
            state.missing.add(entry[0])
        return [entry if other[0] == entry[0] else other for other in known] + ([] if is_known else [entry])

    state.change_strategies(event, change)


def _settle_strategy_remove(state: FlagState, event: Event) -> None:
    removed = parse_payload(StrategyPayload, event.before).id
    state.change_strategies(event, lambda known: [entry for entry in known if entry[0] != removed])


def _undo_strategy_remove(state: FlagState, event: Event) -> None:
    payload = parse_payload(StrategyPayload, event.before)
    if payload.milestoneId:  # a release plan's strategy is not the flag's own
        return
    removed = (payload.id, state.normalise(event.before))

    def change(known: Strategies) -> Strategies:
        place = min(payload.sortOrder or 0, len(known))
        return [*known[:place], removed, *known[place:]]

    state.change_strategies(event, change)


def _settle_order(state: FlagState, event: Event) -> None:
    _undo_order(state, replace(event, before=event.data))


def _undo_order(state: FlagState, event: Event) -> None:
    order = parse_payload(OrderPayload, event.before or {}).strategyIds

    def change(known: Strategies) -> Strategies | UnknownValue:
        if {strategy_id for strategy_id, _ in known} != {*order}:
            return UnknownValue()
        return sorted(known, key=lambda entry: order.index(entry[0]))

    state.change_strategies(event, change)


def _metadata(payload: Any) -> dict[str, Any]:
    if not isinstance(payload, dict):
        return {}
    fields = {field: payload[field] for field in METADATA if field in payload}
    return fields | ({"description": fields["description"] or None} if "description" in fields else {})


_UNDO: Mapping[str, Callable[[FlagState, Event], None]] = {
    "feature-created": _undo_created,
    "feature-deleted": _undo_deleted,
    "feature-archived": _undo_archived,
    "feature-revived": _set_archived,
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
    "feature-strategy-add": _undo_strategy_add,
    "feature-strategy-update": _undo_strategy_update,
    "feature-strategy-remove": _undo_strategy_remove,
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
_SETTLE: Mapping[str, Callable[[FlagState, Event], None]] = {
    "feature-created": _settle_created,
    "feature-archived": _set_archived,
    "feature-metadata-updated": _settle_metadata,
    "feature-tagged": _settle_tagged,
    "feature-dependency-added": _settle_dependency,
    "feature-dependency-removed": _settle_dependency,
    "feature-dependencies-removed": _settle_dependency,
    "feature-environment-enabled": _settle_switch,
    "feature-environment-disabled": _settle_switch,
    "feature-strategy-add": _settle_strategy,
    "feature-strategy-update": _settle_strategy,
    "feature-strategy-remove": _settle_strategy_remove,
    "strategy-order-changed": _settle_order,
}
EVENT_TYPES = tuple(_UNDO)
