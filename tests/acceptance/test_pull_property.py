"""Whatever is live, pull writes it so that a plan right after it is empty, and the server is as it was."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from document_samples import WORKSPACE
from properties import server_examples
from servers.instance import BUILTIN, Instance
from unleash_gitops.api.client import Client
from unleash_gitops.workflow.plan import load_workspace, make_plan
from unleash_gitops.workflow.pull import pull_workspace
from unleash_gitops.workflow.pulled_documents import PullChoice

NAMES = st.text("abzAZ019-_.~!*'()", min_size=2, max_size=20).filter(lambda name: name.strip("."))
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\t:#-'\"{}[]&*!|>%@`"), max_size=60)
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30).filter(str.strip)
MAYBE = st.none() | TEXTS
LISTS = st.sampled_from(["IN", "NOT_IN", "STR_ENDS_WITH", "STR_STARTS_WITH", "STR_CONTAINS"])
SINGLE = (
    st.tuples(
        st.sampled_from(["NUM_EQ", "NUM_GT", "NUM_GTE", "NUM_LT", "NUM_LTE"]), st.sampled_from(["0", "-1.5", "1e3"])
    )
    | st.tuples(
        st.sampled_from(["DATE_AFTER", "DATE_BEFORE"]), st.sampled_from(["2026-01-31T12:00:00.000Z", "2026-01-31"])
    )
    | st.tuples(
        st.sampled_from(["SEMVER_EQ", "SEMVER_GT", "SEMVER_LT", "SEMVER_GTE", "SEMVER_LTE"]),
        st.sampled_from(["1.2.3", "0.0.1-rc.1+build.5"]),
    )
    | st.tuples(st.just("REGEX"), st.sampled_from(["^a.*b$", "[0-9]+"]))
)
FLAGS = st.fixed_dictionaries({}, optional={"inverted": st.booleans(), "caseInsensitive": st.booleans()})
CONSTRAINTS = st.lists(
    st.builds(
        lambda name, rest, flags: {"contextName": name, **rest, **flags},
        st.sampled_from(["userId", "appName", "currentTime"]),
        st.builds(
            lambda operator, values: {"operator": operator, "values": values},
            LISTS,
            st.lists(WORDS, min_size=1, max_size=4),
        )
        | SINGLE.map(lambda pair: {"operator": pair[0], "value": pair[1]}),
        FLAGS,
    ).map(lambda one: {key: value for key, value in one.items() if (one["operator"], key) != ("REGEX", "inverted")}),
    max_size=4,
)
SEGMENTS = st.fixed_dictionaries({"constraints": CONSTRAINTS}, optional={"description": MAYBE})
LEGAL = st.lists(
    st.fixed_dictionaries({"value": WORDS}, optional={"description": MAYBE}),
    max_size=4,
    unique_by=lambda one: one["value"],
)
CONTEXT = st.fixed_dictionaries(
    {},
    optional={"description": MAYBE, "stickiness": st.booleans(), "legalValues": LEGAL, "sortOrder": st.integers(0, 9)},
)
TAGS = st.fixed_dictionaries(
    {}, optional={"description": TEXTS, "icon": MAYBE, "color": st.sampled_from(["#aabbcc", "#FFFFFF"])}
)
LIVE = st.fixed_dictionaries(
    {
        "tag-types": st.dictionaries(NAMES, TAGS, max_size=2),
        "context": st.dictionaries(NAMES, CONTEXT, max_size=2),
        "segments": st.dictionaries(WORDS, SEGMENTS, max_size=3),
    }
)


CHOICES = st.builds(
    PullChoice,
    minimal=st.booleans(),
    leave=st.lists(st.sampled_from(["description", "constraints", "ContextField.stickiness"]), max_size=2).map(tuple),
)


def check(instance: Instance, live: dict[str, dict[str, dict[str, Any]]], choice: PullChoice) -> None:
    instance.reset()
    for collection, objects in live.items():
        for name, body in objects.items():
            try:
                instance.make(collection, name, **body)
            except httpx.HTTPStatusError as refused:
                assert refused.response.status_code in {400, 409}  # noqa: PT017 - what the server refuses is not live
    before = [instance.named(collection) for collection in live]
    with tempfile.TemporaryDirectory() as directory, Client(instance.url, instance.token) as client:
        root = Path(directory)
        (root / "unleash-gitops.yaml").write_text(WORKSPACE)
        pulled = pull_workspace(*load_workspace(root), client, choice)
        plan = make_plan(*load_workspace(root), client)
        assert pull_workspace(*load_workspace(root), client, choice).files == ()
    assert [change.fields for change in plan.changes if change.fields or change.action != "adopt"] == []
    assert len(plan.changes) + plan.summary.unchanged == len(pulled.files)
    addresses = [str(file.live) for file in pulled.files] + [entry.address for entry in pulled.skipped]
    addresses = [address for address in addresses if address.startswith(("TagType/", "ContextField/", "Segment/"))]
    assert len(addresses) == sum(len(objects.keys() - BUILTIN) for objects in before)
    assert [instance.named(collection) for collection in live] == before


@pytest.mark.sandbox
@server_examples(0.3)
@given(live=LIVE, choice=CHOICES)
def test_pull_then_plan_is_empty(
    real: Instance, live: dict[str, dict[str, dict[str, Any]]], choice: PullChoice
) -> None:
    check(real, live, choice)
