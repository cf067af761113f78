"""The server in memory answers as the real one: one sequence of calls over every route that the product uses."""

from __future__ import annotations

import uuid
from itertools import zip_longest
from urllib.parse import urlsplit

import httpx
import pytest

from contract import flag_calls, kind_calls
from contract.calls import Call
from contract.replay import Exchange, replay
from servers.fake_unleash import ENTERPRISE, TOKEN, FakeUnleash
from servers.instance import Instance

CALLS: list[Call] = [
    *kind_calls.SERVER,
    *kind_calls.TAG_TYPES,
    *kind_calls.CONTEXT,
    *kind_calls.SEGMENTS,
    *kind_calls.STRATEGIES,
    *flag_calls.FIELDS,
    *flag_calls.TAGS,
    *flag_calls.LINKS,
    *flag_calls.DEPENDENCIES,
    *flag_calls.IN_ENVIRONMENTS,
    *kind_calls.IN_USE,
    *flag_calls.READS,
    *flag_calls.ARCHIVED,
    *kind_calls.CHARTS,
    *kind_calls.ADDONS,
    *kind_calls.API_TOKENS,
    *kind_calls.ENVIRONMENTS,
    *kind_calls.APPLICATIONS,
    *flag_calls.END,
    *kind_calls.END,
]
ANNOUNCED = 1.6
"""Seconds after which 8.2.0 has noted that a flag was archived."""


def replay_on_fake() -> list[Exchange]:
    fake = FakeUnleash()
    with httpx.Client(base_url="http://fake", headers={"Authorization": TOKEN}, transport=fake.transport()) as http:
        return replay(http, CALLS, pause=0)


@pytest.mark.sandbox
def test_both_servers_give_the_same_answers(real: Instance) -> None:
    prefix = f"contract{uuid.uuid4().hex[:8]}-"  # events keep the names of an earlier run
    expected = replay(real.http, CALLS, ANNOUNCED, prefix)
    differences = [
        f"{right and right.call}\n  real: {right and right[1:]}\n  fake: {left and left[1:]}"
        for left, right in zip_longest(replay_on_fake(), expected)
        if left != right
    ]
    assert differences == [], "\n".join([f"{len(differences)} differ", *differences[:20]])


def test_the_contract_covers_every_route_of_the_fake_server() -> None:
    fake = FakeUnleash()
    routes = [declared for declared, _ in fake.routes] + list(ENTERPRISE)
    asked = {(call.method, urlsplit(call.path).path.replace("{", "").replace("}", "")) for call in CALLS}
    uncovered = [
        declared for declared in routes if not any(declared.match(method, path) is not None for method, path in asked)
    ]
    assert uncovered == []


def test_no_two_routes_answer_the_same_request() -> None:
    routes = [declared for declared, _ in FakeUnleash().routes]
    for call in CALLS:
        path = urlsplit(call.path).path
        assert sum(declared.match(call.method, path) is not None for declared in routes) <= 1, call


def test_the_fake_server_answers_every_call_of_the_contract() -> None:
    assert len(replay_on_fake()) > len(CALLS)
