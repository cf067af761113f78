"""Whatever an audit log has in it, of an older server or of none that we know: it tells less, and nothing breaks."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinds.flags.test_history import A, B, live
from kinds.named import Answers
from properties import examples
from unleash_gitops.api.audit_log import Actor, Event
from unleash_gitops.drift.object_history import ObjectHistory
from unleash_gitops.engine.parts import find_differing_parts
from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.interfaces import HasHistory
from unleash_gitops.model.resource import Resource

US, OTHER = Actor(-42, "us"), Actor(7, "other")
AUDITED = {name: kind for name, kind in kinds().items() if isinstance(kind, HasHistory)}

anything = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 3) | st.sampled_from(["s1", "f", "simple", "x:y", "http://["]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "name", "a"]), inner, max_size=3)
    ),
    max_leaves=4,
)
KEYS = [
    "id", "name", "type", "value", "url", "title", "description", "stale", "feature", "enabled", "variants",
    "strategyIds", "segments", "constraints", "parameters", "sortOrder", "milestoneId", "legalValues", "timeRange",
    "labelSelectors", "tokenName", "createdAt", "projects", "provider", "events", "color", "deprecated", "mode",
]  # fmt: skip
payloads = anything | st.dictionaries(st.sampled_from(KEYS), anything, max_size=6)


@st.composite
def logs(draw: st.DrawFn, kind: str) -> list[Event]:
    """Draw an object's events, newest first."""
    return [
        Event(
            number,
            draw(st.sampled_from(AUDITED[kind].events)),
            draw(st.sampled_from([US, OTHER])),
            "2026-01-01",
            draw(payloads),
            draw(payloads),
            "f",
            draw(st.sampled_from(["p", None])),
            draw(st.sampled_from(["production", "gone", None])),
        )
        for number in range(draw(st.integers(1, 5)), 0, -1)
    ]


def one_of(kind: str) -> Resource | None:
    return live(A, B, links=[], dependencies=[]) if kind == "FeatureFlag" else None


@pytest.mark.parametrize("kind", sorted(AUDITED))
@examples(1.5)
@given(data=st.data())
def test_any_log_is_lived_with(kind: str, data: st.DataObject) -> None:
    events = data.draw(logs(kind))
    what, found = AUDITED[kind], one_of(kind)
    for event in events:
        assert all(isinstance(subject, str) for subject in what.event_subjects(event, "w"))
    what.find_marking_event(events, "w")
    deleted = "search/events?type=IS_ANY_OF:segment-deleted&limit=1000&offset=0"
    gone = {"id": 9, "type": "segment-deleted", "createdAt": "2026-01-01", "preData": data.draw(payloads)}
    reads: Any = Answers({deleted: {"events": [gone]}}, segments={"segments": [{"id": 1, "name": "seg"}]})
    steps = [*what.history_states(found, "f", events, reads)]
    assert len(steps) == len(events)
    past = ObjectHistory(events, steps, US)
    spec: Any = {"a": 1} if found is None else found.spec
    past.judge_undocumented(spec)
    past.find_last_change([("a",), ()])
    for unit in find_differing_parts(spec, {}):
        verdict = past.trace(unit, "now").judge(lambda base: bool(base == 1))
        assert verdict.origin in {"file", "drift", "conflict", "unknown"}
