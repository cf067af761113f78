"""Calls about flags, in the order in which the contract replays them."""

from __future__ import annotations

from typing import Any

from contract.calls import WAIT, Call, delete, get, post, put

PROJECT = "/projects/default"
FLAGS = f"{PROJECT}/features"
A, B, NOPE = f"{FLAGS}/contract-a", f"{FLAGS}/contract-b", f"{FLAGS}/contract-nope"
DEVELOPMENT, PRODUCTION = f"{A}/environments/development", f"{A}/environments/production"
STRATEGIES = f"{DEVELOPMENT}/strategies"
NO_ULID = "01AAAAAAAAAAAAAAAAAAAAAAAA"
ROLLOUT: dict[str, Any] = {
    "name": "flexibleRollout",
    "title": "T",
    "disabled": False,
    "parameters": {"rollout": "25", "stickiness": "random", "groupId": "g"},
    "constraints": [
        {"contextName": "contract-region", "operator": "IN", "values": ["NO"]},
        {"contextName": "userId", "operator": "NUM_EQ", "value": "3", "inverted": True, "caseInsensitive": True},
    ],
    "segments": ["{segment}"],
    "variants": [
        {
            "name": "b", "weight": 500, "weightType": "variable", "stickiness": "default",
            "payload": {"type": "string", "value": "x"},
        },
        {"name": "a", "weight": 100, "weightType": "fix", "stickiness": "default"},
        {"name": "d", "weight": 1, "weightType": "variable", "stickiness": "default"},
        {"name": "c", "weight": 1, "weightType": "variable", "stickiness": "default"},
        {"name": "e", "weight": 1, "weightType": "variable", "stickiness": "default"},
        {"name": "f", "weight": 1, "weightType": "variable", "stickiness": "default"},
        {"name": "g", "weight": 1, "weightType": "variable", "stickiness": "default"},
        {"name": "h", "weight": 1, "weightType": "variable", "stickiness": "default"},
        {"name": "i", "weight": 1, "weightType": "variable", "stickiness": "default"},
    ],
}  # fmt: skip
DISABLED = {"name": "default", "disabled": True, "parameters": {}, "constraints": [], "variants": [], "segments": []}
READS = [
    post(
        "/playground/advanced",
        {
            "projects": ["default"],
            "environments": ["development", "production"],
            "context": {"appName": "unleash-gitops"},
        },
    ),
    post("/features-batch/export", {"project": "default", "environment": "development"}),
    post("/features-batch/export", {"project": "default", "environment": "production"}),
    get("/search/events?type=IS:feature-created&limit=1&feature=IS_ANY_OF:contract-a,contract-b"),
    get(
        "/search/events?type=IS_ANY_OF:feature-tagged,feature-created&project=IS:default&feature=IS:contract-b&limit=9"
    ),
    get("/search/events?type=IS:feature-tagged&feature=IS:contract-b&limit=1&offset=1"),
    get("/events/contract-b"),
    get("/events/contract-nope"),
]

FIELDS = [
    post(
        FLAGS,
        {
            "name": "contract-a", "type": "experiment", "description": "d", "impressionData": True, "stale": True,
            "tags": [{"type": "contract-team", "value": "pay"}],
        },
    ),
    post(FLAGS, {"name": "contract-a"}),
    post(FLAGS, {"name": "contract-b", "description": ""}),
    post(FLAGS, {"name": "contract-bad", "tags": [{"type": "contract-team", "value": "not-there"}]}),
    post("/projects/nope/features", {"name": "contract-c"}),
    get(FLAGS), get(A), get(NOPE), get("/projects/nope/features"), get("/projects/nope/features/contract-a"),
    put(B, {"name": "contract-b", "type": "kill-switch", "description": "x", "impressionData": False, "stale": True}),
    put(B, {"name": "contract-b"}),
    put(NOPE, {"name": "contract-nope"}),
]  # fmt: skip

TAGS = [
    get("/features/contract-a/tags"),
    get("/features/contract-nope/tags"),
    put("/features/contract-a/tags", {"addedTags": [{"type": "contract-team", "value": "new"}], "removedTags": []}),
    put("/features/contract-a/tags", {"addedTags": [{"type": "contract-team", "value": "pay"}], "removedTags": []}),
    put("/features/contract-a/tags", {"addedTags": [], "removedTags": [{"type": "contract-team", "value": "pay"}]}),
    put("/features/contract-a/tags", {"addedTags": [], "removedTags": [{"type": "simple", "value": "not-there"}]}),
    post("/features/contract-b/tags", {"type": "contract-team", "value": "pay"}),
    post("/features/contract-b/tags", {"type": "contract-team", "value": "pay"}),
    post("/features/contract-b/tags", {"type": "contract-nope", "value": "pay"}),
    put("/features/contract-b/tags", {"addedTags": [{"type": "contract-nope", "value": "pay"}], "removedTags": []}),
    put("/features/contract-nope/tags", {"addedTags": [], "removedTags": []}),
]

LINKS = [
    post(f"{A}/link", {"url": "HTTPS://Example.com/x", "title": "T"}),
    post(f"{A}/link", {"url": "example.com"}),
    get(A, link="links.0.id", other_link="links.1.id"),
    put(f"{A}/link/{{link}}", {"url": "https://example.com/y/", "title": "U"}),
    put(f"{A}/link/{{link}}", {"url": "https://example.com/z"}),
    get(A),
    delete(f"{A}/link/{{other_link}}"),
    delete(f"{A}/link/{{other_link}}"),
    put(f"{A}/link/{{other_link}}", {"url": "https://example.com/y", "title": "U"}),
]

DEPENDENCIES = [
    post(f"{B}/dependencies", {"feature": "contract-a", "enabled": True, "variants": []}),
    post(f"{B}/dependencies", {"feature": "contract-a", "enabled": False}),
    post(f"{B}/dependencies", {"feature": "contract-a", "enabled": True, "variants": ["v"]}),
    post(f"{B}/dependencies", {"feature": "contract-nope"}),
    post(f"{B}/dependencies", {"feature": "contract-b"}),
    post(f"{A}/dependencies", {"feature": "contract-b"}),
    post(FLAGS, {"name": "contract-c"}),
    post(f"{FLAGS}/contract-c/dependencies", {"feature": "contract-b"}),
    get(B), get(A), delete(A),
]  # fmt: skip

IN_ENVIRONMENTS = [
    get(STRATEGIES),
    get(f"{A}/environments/nope/strategies"),
    post(f"{DEVELOPMENT}/on"),
    get(STRATEGIES, usual="0.id"),
    post(f"{DEVELOPMENT}/on"), post(f"{DEVELOPMENT}/off"), post(f"{DEVELOPMENT}/off"),
    delete(f"{STRATEGIES}/{{usual}}"),
    get(A),
    post(STRATEGIES, ROLLOUT, first="id"),
    post(STRATEGIES, {**DISABLED, "title": None}, second="id"),
    post(STRATEGIES, {"name": "flexibleRollout"}, third="id"),
    post(STRATEGIES, {"name": "contract-nope"}),
    post(STRATEGIES, {
        "name": "contract-byRegion", "parameters": {"r": "x"}, "segments": ["{other_segment}", "{segment}"],
    }, fourth="id"),
    post(f"{A}/environments/nope/strategies", {"name": "default"}),
    post(f"{A}/environments/nope/on"),
    post(f"{NOPE}/environments/development/on"),
    post(f"{NOPE}/environments/development/strategies", {"name": "default"}),
    get(STRATEGIES),
    post(f"{DEVELOPMENT}/on"),
    post(f"{STRATEGIES}/set-sort-order", [
        {"id": label, "sortOrder": place} for place, label in enumerate(("{third}", "{first}", "{second}", "{fourth}"))
    ]),
    post(f"{STRATEGIES}/set-sort-order", [{"id": "{third}", "sortOrder": 0}, {"id": "{first}", "sortOrder": 1}]),
    get(STRATEGIES),
    put(f"{STRATEGIES}/{{third}}", {
        "name": "flexibleRollout", "title": None, "disabled": True, "constraints": [], "variants": [],
        "parameters": {"rollout": "50", "stickiness": "default", "groupId": "contract-a"},
        "segments": ["{other_segment}"],
    }),
    put(f"{STRATEGIES}/{{third}}", {"name": "flexibleRollout", "parameters": {}}),
    put(f"{STRATEGIES}/{NO_ULID}", {"name": "flexibleRollout", "parameters": {}}),
    get(A),
    post(f"{PRODUCTION}/strategies", {"name": "default"}, fifth="id"),
    post(f"{PRODUCTION}/on"),
    put(f"{PRODUCTION}/strategies/{{fifth}}", {**DISABLED, "title": ""}),
    get(FLAGS),
    post(f"{PRODUCTION}/on"),
    get(f"{PRODUCTION}/strategies", sixth="1.id"),
    delete(f"{PRODUCTION}/strategies/{{fifth}}"),
    delete(f"{PRODUCTION}/strategies/{{fifth}}"),
    get(FLAGS),
]  # fmt: skip

ARCHIVED = [
    delete(f"{B}/dependencies"), delete(f"{B}/dependencies"),
    post(f"{B}/dependencies", {"feature": "contract-a"}),
    delete(f"{B}/dependencies/contract-a"), delete(f"{B}/dependencies/contract-a"),
    delete(A), delete(A), delete(NOPE),
    get(FLAGS), get(A), get("/features/contract-a/tags"),
    get("/search/features?archived=IS:true&project=IS:default&limit=100&query=contract-"),
    get("/client-metrics/features/contract-a"),
    get("/search/features?archived=IS:true&project=IS:default&limit=100&query=contract-a&offset=0"),
    get(STRATEGIES), get(f"{A}/impact-metrics/config"),
    get("/segments/{segment}/strategies"), get("/context/contract-region/strategies"),
    post(STRATEGIES, {"name": "default"}, seventh="id"),
    post(f"{DEVELOPMENT}/on"), post(f"{DEVELOPMENT}/off"),
    post(f"{B}/dependencies", {"feature": "contract-a"}),
    post(FLAGS, {"name": "contract-a"}),
    put("/features/contract-a/tags", {"addedTags": [{"type": "contract-team", "value": "arch"}], "removedTags": []}),
    post("/archive/revive/contract-a"),
    get(A),
    post(f"{DEVELOPMENT}/on"),
    post("/archive/revive/contract-a"), post("/archive/revive/contract-nope"),
    get(FLAGS),
    delete(A),
    put(A, {"name": "contract-a", "stale": True}),
    get(A),
    post(f"{DEVELOPMENT}/on"), post(f"{PRODUCTION}/on"),
]  # fmt: skip

END: list[Call] = [
    post(f"{B}/dependencies", {"feature": "contract-a"}),
    delete(B), delete(f"{FLAGS}/contract-c"),
    post(f"{PROJECT}/archive", {"features": ["contract-a"]}),
    WAIT,
    get(f"{B}/lifecycle"), get(f"{NOPE}/lifecycle"),
    delete("/archive/contract-b"), delete("/archive/contract-b"), delete("/archive/contract-c"),
    delete("/archive/contract-a"),
    get("/features/contract-a/tags"),
    get("/search/features?archived=IS:true&project=IS:default&limit=100&query=contract-"),
]  # fmt: skip
