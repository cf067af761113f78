"""One object's past against its present: why a part of it differs from its file, and who changed it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unleash_gitops.api.audit_log import Actor, Event
from unleash_gitops.model.plan import DRIFTED, Changed, Origin
from unleash_gitops.model.resource import Step, Unknown

__all__ = ["ABSENT", "Past", "Unit", "Verdict", "differing", "value_at", "with_value"]

Unit = tuple[str, ...]
"""A part of an object that is one person's or another's as a whole: mappings are taken apart, lists are not.

The empty one is the object as such: whether it is there.
"""


class _Absent:
    """Stands for what is not there."""


ABSENT = _Absent()
_UNTOLD = Unknown()


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a part differs, and the last change of it by somebody else since the last apply, or as far as is known."""

    origin: Origin
    changed: Changed | None = None

    @property
    def drifted(self) -> bool:
        """Tell whether somebody else changed it."""
        return self.origin in DRIFTED


def differing(before: Any, after: Any, at: Unit = ()) -> Iterator[Unit]:
    """Yield the parts in which two specs differ."""
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        if before != after:
            yield at
        return
    for key in {**before, **after}:
        yield from differing(before.get(key, ABSENT), after.get(key, ABSENT), (*at, key))


def value_at(spec: Mapping[str, Any] | Unknown | None, unit: Unit) -> Any:
    """Return a part of a spec, ABSENT when it is not there. Of the empty part: ABSENT, or True."""
    if not unit:
        return ABSENT if spec is None else True
    found: Any = ABSENT if spec is None else spec
    for key in unit:
        if isinstance(found, Unknown):
            return found
        found = found.get(key, ABSENT) if isinstance(found, Mapping) else ABSENT
    return found


def with_value(spec: Mapping[str, Any], unit: Unit, value: Any) -> dict[str, Any]:
    """Return `spec` with a part set, or removed (ABSENT)."""
    key, rest = unit[0], unit[1:]
    if rest:
        inner = spec.get(key)
        value = with_value(inner if isinstance(inner, Mapping) else {}, rest, value)
    if value is ABSENT:
        return {name: one for name, one in spec.items() if name != key}
    return {**spec, key: value}


class Past:
    """What the audit log tells of one object.

    `events` are newest first, `steps` what each did, `actor` is who we are, `applied_by` names who else we are.
    `earlier` is who made the object this workspace's: what that one did counts as ours until the first time that we
    wrote the object. What is not newer than the event `accepted` is settled, if it is one of `events`: the number may
    be that of another instance's.
    """

    def __init__(
        self,
        events: Sequence[Event],
        steps: Sequence[Step],
        actor: Actor,
        earlier: Actor | None = None,
        accepted: int | None = None,
        applied_by: Collection[str] = (),
    ) -> None:
        self._entries = list(zip(events, steps, strict=True))
        self._accepted = accepted if any(event.id == accepted for event in events) else None
        mine = [event.id for event in events if event.actor.same(actor) or event.actor.name in applied_by]
        first = min(mine, default=None)
        self._ours = {*mine}
        if earlier is not None:
            self._ours |= {
                event.id for event in events if event.actor.same(earlier) and (first is None or event.id < first)
            }
        self._first = min(self._ours, default=None)

    @property
    def complete(self) -> bool:
        """Whether the log knows the object from its creation on, or nothing of it at all."""
        return not self._entries or self._entries[-1][1][0] is None

    def verdict(self, unit: Unit, now: Any, agrees: Callable[[Any], bool]) -> Verdict:
        """Tell why a part that is `now` as given differs from its file; `agrees` says whether that says a value."""
        base, others, gap = self._since(unit, now)
        changed = _changed(others)
        if base is _UNTOLD:
            return Verdict("unknown", changed)
        if not others:
            return Verdict("unknown" if gap else "file")
        if isinstance(base, Unknown):
            return Verdict("conflict", changed)
        if base == now and not gap:
            return Verdict("file")
        return Verdict("drift" if agrees(base) else "conflict", changed)

    def undocumented(self, spec: Mapping[str, Any]) -> tuple[Verdict, dict[Unit, Verdict]]:
        """Tell whether somebody else changed an object that no file has, and what of it; `spec` is what is live."""
        told = {unit: self.verdict(unit, self._now(unit, spec), lambda _: False) for unit in self._units(spec)}
        drifted = {unit: verdict for unit, verdict in told.items() if verdict.drifted}
        if drifted:
            return max(drifted.values(), key=lambda one: one.changed.event if one.changed else 0), drifted
        if self._first is not None:
            return Verdict("file"), {}
        last = _changed([event for event, _ in self._entries])
        if any(before is None for _, (before, _) in self._entries):
            made = Verdict("drift", last)
            return made, dict.fromkeys(told, made)
        return Verdict("unknown", last), {}

    def last(self, units: Iterable[Unit]) -> Changed | None:
        """Return the last change of any of `units`, whoever made it."""
        wanted = list(units)
        return _changed(
            [
                event
                for event, (before, after) in self._entries
                if any(value_at(before, unit) != value_at(after, unit) for unit in wanted)
            ]
        )

    def base(self, unit: Unit, spec: Mapping[str, Any]) -> Any:
        """Return what a part was after we last changed it, None where it was not there or that is not known."""
        base = self._since(unit, self._now(unit, spec))[0]
        return None if base is ABSENT or isinstance(base, Unknown) else base

    def _since(self, unit: Unit, now: Any) -> tuple[Any, list[Event], bool]:
        """Return the base of a part, what others changed of it since, and whether the log has a gap there.

        The base is what the part was after we last changed it; or, when we never did, when we first wrote the object.
        """
        others: list[Event] = []
        value, gap = now, False
        for event, (before, after) in self._entries:
            was, became = value_at(before, unit), value_at(after, unit)
            gap = gap or _contradicts(became, value)
            touched = was != became
            settled = self._accepted is not None and event.id <= self._accepted
            if settled or (event.id in self._ours and (touched or event.id == self._first)):
                return became, others, gap
            if touched:
                others.append(event)
            value = was
        return _UNTOLD, others, gap

    def _units(self, spec: Mapping[str, Any]) -> list[Unit]:
        """Return all parts that the object has or ever had."""
        specs = [spec, *(one for _, step in self._entries for one in step if isinstance(one, Mapping))]
        return sorted({unit for one in specs for unit in _leaves(one)})

    def _now(self, unit: Unit, spec: Mapping[str, Any]) -> Any:
        """Return what a part is; what was not read of an object is as the log tells."""
        now = value_at(spec, unit)
        return value_at(self._entries[0][1][1], unit) if now is ABSENT and self._entries else now


def _contradicts(told: Any, value: Any) -> bool:
    """Tell whether the log says another value than there is: something in between is missing."""
    return told != value and not any(isinstance(one, (Unknown, _Absent)) for one in (told, value))


def _changed(events: Sequence[Event]) -> Changed | None:
    """Return the newest of `events` as a plan tells it."""
    if not events:
        return None
    newest = max(events, key=lambda event: event.id)
    return Changed(by=newest.actor.name, at=newest.at, event=newest.id)


def _leaves(spec: Mapping[str, Any], at: Unit = ()) -> Iterator[Unit]:
    for key, value in spec.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, (*at, key))
        else:
            yield (*at, key)
