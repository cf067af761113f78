"""Calls about everything but flags, in the order in which the contract replays them."""

from __future__ import annotations

from typing import Any

from contract.calls import delete, get, post, put
from contract.flag_calls import FLAGS, PRODUCTION, PROJECT, A

SERVER = [
    get("/ui-config"), get("/user"), get("/projects"), get(f"{PROJECT}/overview"), get("/projects/nope/overview"),
    post("/environments", {"name": "contract-e", "type": "test", "enabled": True, "sortOrder": 1}),
    put("/environments/update/production", {"type": "test", "sortOrder": 1}),
    post("/projects", {"id": "contract-p", "name": "P"}),
    put(PROJECT, {"name": "P", "description": "", "mode": "open", "defaultStickiness": "default"}),
]  # fmt: skip
"""With what only Enterprise has."""

TAG_TYPES = [
    post("/tag-types", {"name": "contract-team", "description": "d", "icon": "T", "color": "#aabbcc"}),
    post("/tag-types", {"name": "contract-team", "description": "d", "icon": "T"}),
    post("/tag-types", {"name": "contract-bare", "icon": ""}),
    put("/tag-types/contract-team", {"name": "contract-team", "description": "e", "icon": "", "color": "#AABBCC"}),
    put("/tag-types/contract-team", {"description": None}),
    put("/tag-types/contract-nope", {"description": "x"}),
    get("/tag-types/contract-team"), get("/tag-types/contract-nope"), get("/tag-types"), get("/tags"),
    post("/tags", {"type": "contract-team", "value": "pay"}),
    post("/tags", {"type": "contract-team", "value": "pay"}),
    post("/tags", {"type": "contract-nope", "value": "pay"}),
    get("/tags"),
]  # fmt: skip

CONTEXT = [
    post("/context", {
        "name": "contract-region", "description": "d", "stickiness": True,
        "legalValues": [{"value": "NO", "description": "Norway"}, {"value": "SE"}],
    }),
    post("/context", {"name": "contract-region"}),
    post("/context", {"name": "contract-plain", "description": None}),
    put("/context/contract-region", {
        "name": "contract-region", "description": "e", "stickiness": False, "legalValues": [{"value": "NO"}],
    }),
    put("/context/contract-plain", {"name": "contract-plain", "stickiness": True}),
    put("/context/contract-nope", {"name": "contract-nope"}),
    get("/context/contract-region"), get("/context/contract-nope"), get("/context"),
]  # fmt: skip

SEGMENTS = [
    post("/segments", {
        "name": "contract-beta", "description": "d", "project": None,
        "constraints": [{"contextName": "contract-region", "operator": "IN", "values": ["NO"], "inverted": True}],
    }, segment="id"),
    post("/segments", {"name": "contract-beta", "constraints": []}),
    post("/segments", {
        "name": "contract-one", "description": None, "project": "default",
        "constraints": [{"contextName": "userId", "operator": "NUM_EQ", "value": "3"}],
    }, other_segment="id"),
    get("/segments"), get("/segments/{segment}"),
    put("/segments/{segment}", {"name": "contract-beta", "description": "e", "project": None, "constraints": []}),
    put("/segments/{other_segment}", {"name": "contract-two", "constraints": []}),
    put("/segments/999999", {"name": "contract-x", "constraints": []}),
    put("/segments/{other_segment}", {"name": "contract-beta", "constraints": []}),
    get("/segments"),
]  # fmt: skip

STRATEGIES = [
    get("/strategies"),
    post("/strategies", {
        "name": "contract-byRegion", "title": "", "description": "d",
        "parameters": [{"name": "region", "type": "string", "required": True, "description": "w"}],
    }),
    post("/strategies", {"name": "contract-byRegion", "parameters": []}),
    put("/strategies/contract-byRegion", {
        "name": "contract-byRegion", "title": "By", "description": "e", "parameters": [{"name": "r", "type": "list"}],
    }),
    get("/strategies/contract-byRegion"), get("/strategies/contract-nope"),
    put("/strategies/contract-nope", {"name": "contract-nope", "parameters": []}),
    put("/strategies/default", {"name": "default", "parameters": []}),
    post("/strategies/contract-byRegion/deprecate"), get("/strategies"),
    post("/strategies/contract-byRegion/reactivate"), post("/strategies/contract-nope/deprecate"),
    post("/strategies/contract-nope/reactivate"), get("/strategies"),
]  # fmt: skip

IN_USE = [
    get("/context/contract-region/strategies"), get("/context/contract-nope/strategies"),
    get("/segments/{segment}/strategies"), get("/segments/{other_segment}/strategies"),
    get("/segments/999999/strategies"),
    delete("/segments/{segment}"), delete("/context/contract-region"),
]  # fmt: skip

CHART: dict[str, Any] = {
    "metricName": "m", "timeRange": "day", "aggregationMode": "avg", "yAxisMin": "auto", "labelSelectors": {},
}  # fmt: skip
INSTANCE, OF_FLAG = "/impact-metrics/config", f"{A}/impact-metrics/config"
ONE, TWO = "01ARZ3NDEKTSV4RRFFQ69G5FAV", "01ARZ3NDEKTSV4RRFFQ69G5FAW"
CHARTS = [
    get(INSTANCE),
    post(INSTANCE, {**CHART, "id": ONE, "title": "T"}),
    post(INSTANCE, CHART, chart="id"),
    post(INSTANCE, {**CHART, "id": ONE, "timeRange": "week", "labelSelectors": {"b": ["1"]}}),
    post(INSTANCE, {"metricName": "m"}),
    post(OF_FLAG, {**CHART, "id": TWO, "source": "external"}),
    post(OF_FLAG, {**CHART, "id": ONE}),
    post(INSTANCE, {**CHART, "id": TWO}),
    get(OF_FLAG), get(INSTANCE),
    get(f"{FLAGS}/contract-nope/impact-metrics/config"),
    post(f"{FLAGS}/contract-nope/impact-metrics/config", CHART),
    delete(f"{INSTANCE}/{ONE}"), delete(f"{INSTANCE}/{ONE}"), delete(f"{OF_FLAG}/{{chart}}"),
    delete(f"{INSTANCE}/{{chart}}"),
    post(OF_FLAG, {**CHART, "id": ONE}), delete(f"{OF_FLAG}/{ONE}"),
]  # fmt: skip

SLACK = {"provider": "slack-app", "enabled": True, "events": ["feature-created"], "parameters": {"accessToken": "xoxb"}}
ADDONS = [
    get("/addons"),
    post("/addons", {
        "provider": "slack-app", "enabled": False, "description": "d", "events": ["feature-created"], "projects": [],
        "environments": ["production"], "parameters": {"accessToken": "xoxb-secret", "defaultChannels": "x"},
    }, addon="id"),
    post("/addons", SLACK, other_addon="id"),
    get("/addons/{addon}"), get("/addons/999999"), get("/addons"), get("/tag-types"),
    put("/addons/{addon}", {
        "provider": "slack-app", "enabled": True, "description": "e", "projects": ["default"], "environments": [],
        "events": ["feature-created", "feature-archived"], "parameters": {"accessToken": "*****"},
    }),
    put("/addons/{addon}", {
        "provider": "datadog", "enabled": True, "events": ["feature-created"], "parameters": {"apiKey": "k"},
    }),
    put("/addons/999999", SLACK),
    post("/addons", {**SLACK, "provider": "teams", "enabled": False, "parameters": {"url": "https://203.0.113.1/x"}}),
    post("/addons", {**SLACK, "provider": "nope"}),
    post("/addons", {**SLACK, "parameters": {}}),
    get("/addons"),
    delete("/addons/{addon}"), delete("/addons/{addon}"), delete("/addons/{other_addon}"),
    delete("/tag-types/slack"),
]  # fmt: skip

TOKEN = {"tokenName": "contract-t [gitops:w]", "type": "client", "environment": "development"}
API_TOKENS = [
    get("/api-tokens"),
    post("/api-tokens", TOKEN, token="secret"),
    post("/api-tokens", {
        **TOKEN, "type": "frontend", "environment": "production", "projects": ["default"],
        "expiresAt": "2030-12-31T23:59:59.000Z",
    }, frontend_token="secret"),
    post("/api-tokens", {**TOKEN, "type": "backend", "projects": ["*"]}, backend_token="secret"),
    post("/api-tokens", {**TOKEN, "environment": "nope"}),
    post("/api-tokens", {**TOKEN, "projects": ["nope"]}),
    post("/api-tokens", {**TOKEN, "type": "admin"}),
    put("/api-tokens/{token}", {"expiresAt": "2031-12-31T23:59:59.000Z"}),
    put("/api-tokens/nope", {"expiresAt": "2031-12-31T23:59:59.000Z"}),
    put("/api-tokens/{token}", {"expiresAt": None}),
    get("/api-tokens"),
    delete("/api-tokens/{token}"), delete("/api-tokens/{token}"), delete("/api-tokens/{frontend_token}"),
    delete("/api-tokens/{backend_token}"),
    get("/api-tokens"),
]  # fmt: skip

ENVIRONMENTS = [
    get("/environments"), get("/environments/project/default"), get("/environments/project/nope"),
    post("/environments/production/off"), post("/environments/production/off"), get("/environments"), get(A),
    post("/environments/production/on"), post("/environments/nope/on"), post("/environments/nope/off"),
    put("/environments/sort-order", {"production": 1}), put("/environments/sort-order", {"nope": 7}),
    get("/environments"), get(FLAGS),
    put("/environments/sort-order", {"production": 3}),
    delete(f"{PROJECT}/environments/production"), delete(f"{PROJECT}/environments/production"),
    delete(f"{PROJECT}/environments/nope"),
    get(f"{PROJECT}/overview"), get("/environments/project/default"), get(FLAGS), get(A),
    get(f"{PRODUCTION}/strategies"), post(f"{PRODUCTION}/on"),
    post(f"{PRODUCTION}/strategies", {"name": "default"}, eighth="id"),
    post(f"{PROJECT}/environments", {"environment": "production"}),
    post(f"{PROJECT}/environments", {"environment": "production"}),
    post(f"{PROJECT}/environments", {"environment": "nope"}),
    post("/projects/nope/environments", {"environment": "production"}),
    get(f"{PROJECT}/overview"), get(A),
]  # fmt: skip

APPLICATIONS = [
    get("/metrics/applications?limit=1000&offset=0"),
    post("/metrics/applications/contract-shop", {"description": "d", "url": "https://x", "icon": "i", "color": "#fff"}),
    post("/metrics/applications/contract-shop", {"description": "e", "url": "", "icon": "", "color": ""}),
    get("/metrics/applications/contract-shop"), get("/metrics/applications/contract-nope"),
    post("/metrics/applications/contract-bare"),
    get("/metrics/applications?limit=1000&offset=0"), get("/metrics/applications?limit=1&offset=1"),
    delete("/metrics/applications/contract-shop"), delete("/metrics/applications/contract-shop"),
    delete("/metrics/applications/contract-bare"),
]  # fmt: skip

END = [
    delete("/segments/{segment}"), delete("/segments/{other_segment}"), delete("/segments/{segment}"),
    delete("/context/contract-region"), delete("/context/contract-plain"), delete("/context/contract-nope"),
    delete("/strategies/contract-byRegion"), delete("/strategies/contract-byRegion"), delete("/strategies/default"),
    delete("/tag-types/contract-team"), delete("/tag-types/contract-bare"), delete("/tag-types/contract-nope"),
    get("/tags"),
]  # fmt: skip
