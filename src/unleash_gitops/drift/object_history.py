"""The audit log of one object: what each part was when this workspace last changed it, and who changed it since."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from unleash_gitops.api.audit_log import Actor, Event
from unleash_gitops.engine.parts import ABSENT, PartPath, list_parts, value_at
from unleash_gitops.model.plan import DRIFTED, Changed, Origin
from unleash_gitops.model.resource import Transition, UnknownValue

__all__ = ["ObjectHistory", "Trace", "Verdict", "find_newest"]

_NOT_LOGGED = UnknownValue()


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a part differs, and the last change of it by another user since the last apply, or as far as is known.

    `error` is why the log of the part could not be understood, for an `unknown` origin only.
    """

    origin: Origin
    changed: Changed | None = None
    error: str | None = None

    @property
    def drifted(self) -> bool:
        """Tell whether another user changed it."""
        return self.origin in DRIFTED


@dataclass(frozen=True, slots=True)
class Trace:
    """The log of one part, back to when this workspace last changed it.

    `base` is what the part was then; when the workspace never changed it, what it was when the workspace first wrote
    the object. `others` are the later changes by other users. `gap` tells whether events are missing in between,
    `error` why one of them could not be understood. `ambiguous` are later events of other users that may have changed
    the part, which the log does not show. `since` is the event after which the part was `base`, 0 where the log has
    none. `assumed` tells that the workspace never changed the object, and `base` is the oldest logged value.
    `checkpoints` are the later writes of the object by this workspace that left the part alone: its value then, and how
    many of `others` came after.
    """

    now: Any
    base: Any
    others: Sequence[Event]
    gap: bool
    error: str | None = None
    ambiguous: Sequence[Event] = ()
    since: int = 0
    assumed: bool = False
    checkpoints: Sequence[tuple[Any, int]] = ()

    @property
    def known_base(self) -> bool:
        """Tell whether the log holds what the part was."""
        return not isinstance(self.base, UnknownValue)

    def judge(self, agrees: Callable[[Any], bool], leaves: Callable[[Any], bool] = lambda _: False) -> Verdict:
        """Return why the part differs; `agrees` tells whether the document leaves a part that has a value.

        `leaves` tells the same of the object as it is now but for this part. A write of the workspace at which the
        document left the part is the state that it is compared with, whoever had set the value.
        """
        for value, later in self.checkpoints:
            if not isinstance(value, UnknownValue) and leaves(value):
                return replace(self, base=value, others=self.others[:later], checkpoints=()).judge(agrees)
        changed = find_newest(self.others)
        if self.base is _NOT_LOGGED:
            return Verdict("unknown", changed, self.error)
        if not self.others:
            if self.gap or self.error is not None or _is_ambiguous(self.base):
                return Verdict("unknown", find_newest(self.ambiguous), self.error)
            return Verdict("file")
        if not self.known_base:
            return Verdict("conflict", changed)
        if self.assumed and not (agrees(self.base) and self.base != self.now):
            return Verdict("unknown", changed, self.error)
        if self.base == self.now and not self.gap:
            return Verdict("file")
        return Verdict("drift" if agrees(self.base) else "conflict", changed)


class ObjectHistory:
    """The events of one object, newest first, with the states before and after each.

    `our_actor` is whom this run acts as, `trusted_actors` the names of others that apply the same files. `claimed_by`
    made the object the workspace's: those changes count as the workspace's own until its first other one. Changes
    up to the event `accepted` count as accepted, if it is one of `events`: the number may be of another instance.
    `assumes_oldest` is for the server's own objects, which a document manages without a first write of the workspace:
    where the workspace never changed a part, the oldest logged value counts as what the document left.
    """

    def __init__(
        self,
        events: Sequence[Event],
        transitions: Sequence[Transition],
        our_actor: Actor,
        claimed_by: Actor | None = None,
        accepted: int | None = None,
        trusted_actors: Collection[str] = (),
        *,
        assumes_oldest: bool = False,
    ) -> None:
        self._entries = list(zip(events, transitions, strict=True))
        self._assumes_oldest = assumes_oldest
        self._accepted = accepted if any(event.id == accepted for event in events) else None
        self._ours = {event.id for event in events if event.actor.same(our_actor) or event.actor.name in trusted_actors}
        first = min(self._ours, default=None)
        if claimed_by is not None:
            self._ours |= {
                event.id for event in events if event.actor.same(claimed_by) and (first is None or event.id < first)
            }
        self._first = min(self._ours, default=None)

    @property
    def complete(self) -> bool:
        """Whether the log holds the object from its creation on, or nothing of it at all."""
        return not self._entries or self._entries[-1][1][0] is None

    def trace(self, path: PartPath, now: Any) -> Trace:
        """Return the log of a part whose live value is `now`."""
        others: list[Event] = []
        ambiguous: list[Event] = []
        value, gap = now, False
        error: str | None = None
        checkpoints: list[tuple[Any, int]] = []
        for event, (before, after) in self._entries:
            was, became = value_at(before, path), value_at(after, path)
            gap = gap or _contradicts(became, value)
            accepted = self._accepted is not None and event.id <= self._accepted
            error = error or _find_error(became) or (None if accepted else _find_error(was))
            touched = was != became
            is_ambiguous = not touched and _is_ambiguous(became)
            if accepted or (event.id in self._ours and (touched or is_ambiguous or event.id == self._first)):
                return Trace(now, became, others, gap, error, ambiguous, event.id, checkpoints=checkpoints)
            if event.id in self._ours:
                checkpoints.append((became, len(others)))
            if touched:
                others.append(event)
            elif is_ambiguous:
                ambiguous.append(event)
            value = was
        if self._assumes_oldest and others and not gap and not isinstance(value, UnknownValue):
            return Trace(now, value, others, gap, error, ambiguous, assumed=True)
        return Trace(now, _NOT_LOGGED, others, gap, error, ambiguous, checkpoints=checkpoints)

    def judge_undocumented(self, spec: Mapping[str, Any]) -> tuple[Verdict, dict[PartPath, Verdict]]:
        """Return whether another user changed an object without a document, and which parts; `spec` is the live one.

        The parts are those that another user changed, and those whose log could not be understood.
        """
        verdicts = {path: self._trace_live(path, spec).judge(lambda _: False) for path in self._list_parts(spec)}
        drifted = {path: verdict for path, verdict in verdicts.items() if verdict.drifted}
        unreadable = {path: verdict for path, verdict in verdicts.items() if verdict.error is not None}
        if drifted:
            newest = max(drifted.values(), key=lambda verdict: verdict.changed.event if verdict.changed else 0)
            return newest, {**drifted, **unreadable}
        if self._first is not None:
            return Verdict("file"), unreadable
        last = find_newest([event for event, _ in self._entries])
        if any(before is None for _, (before, _) in self._entries):
            created = Verdict("drift", last)
            return created, dict.fromkeys(verdicts, created)
        return Verdict("unknown", last), unreadable

    def find_last_change(self, paths: Iterable[PartPath]) -> Changed | None:
        """Return the last change of any of the parts, by whomever."""
        wanted = list(paths)
        return find_newest(
            [
                event
                for event, (before, after) in self._entries
                if any(value_at(before, path) != value_at(after, path) for path in wanted)
            ]
        )

    def find_base(self, path: PartPath, spec: Mapping[str, Any]) -> Any:
        """Return what a part was after this workspace last changed it, None where it was absent or is not known."""
        trace = self._trace_live(path, spec)
        return trace.base if trace.known_base and trace.base is not ABSENT else None

    def _trace_live(self, path: PartPath, spec: Mapping[str, Any]) -> Trace:
        """Return the log of a part; of what was not read of the object, the log has the live value."""
        now = value_at(spec, path)
        logged = value_at(self._entries[0][1][1], path) if now is ABSENT and self._entries else now
        return self.trace(path, logged)

    def _list_parts(self, spec: Mapping[str, Any]) -> list[PartPath]:
        """Return all parts that the object has or ever had."""
        sides = (side for _, transition in self._entries for side in transition)
        specs = [spec, *(side for side in sides if isinstance(side, Mapping))]
        return sorted({path for side in specs for path in list_parts(side)})


def _find_error(value: Any) -> str | None:
    return value.error if isinstance(value, UnknownValue) else None


def _is_ambiguous(value: Any) -> bool:
    return isinstance(value, UnknownValue) and value.ambiguous


def _contradicts(logged: Any, value: Any) -> bool:
    """Tell whether the log has another value than there is: an event in between is missing."""
    return logged != value and not any(isinstance(side, UnknownValue) or side is ABSENT for side in (logged, value))


def find_newest(events: Sequence[Event]) -> Changed | None:
    """Return the newest of `events` in the form of a plan."""
    if not events:
        return None
    newest = max(events, key=lambda event: event.id)
    return Changed(by=newest.actor.name, at=newest.at, event=newest.id)
