"""The six routes that the sandbox adds, with the server's authentication, table and event log."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from servers.instance import Instance
from servers.maintenance import set_maintenance
from servers.sandbox_database import execute

if TYPE_CHECKING:
    pass

INSTANCE = "/api/admin/impact-metrics/config"
FEATURES = "/api/admin/projects/default/features"
FLAG = f"{FEATURES}/checkout-v2/impact-metrics/config"
ID = "01G1T0PS00AAAAAAAAAAAAAAAA"
BODY: dict[str, Any] = {
    "metricName": "unleash_counter_errors",
    "timeRange": "day",
    "yAxisMin": "auto",
    "aggregationMode": "rps",
    "labelSelectors": {"environment": ["production", "*"]},
    "title": "Errors",
}
ADDED = {"displayName": "errors", "step": "15m", "mode": "write", "source": "internal"}


@pytest.fixture
def api(real: Instance) -> httpx.Client:
    return real.http


def _events(api: httpx.Client, count: int) -> list[dict[str, Any]]:
    names = ("type", "createdBy", "featureName", "project", "data", "preData")
    events = api.get("/api/admin/search/events", params={"limit": count}).json()["events"]
    events.sort(key=lambda event: -event["id"])  # the server sorts by the start of the transaction
    return [{name: event[name] for name in names} for event in events]


@pytest.mark.parametrize(
    ("path", "feature", "project"), [(INSTANCE, None, None), (FLAG, "checkout-v2", "default")], ids=["instance", "flag"]
)
def test_creating_updating_and_deleting_a_chart_writes_events(
    api: httpx.Client, path: str, feature: str | None, project: str | None
) -> None:
    assert api.get(path).json() == {"configs": []}
    created = api.post(path, json={**BODY, "id": ID, "unknown": 1})
    assert (created.status_code, created.json()) == (200, {"id": ID, **BODY, **ADDED})
    updated = api.post(path, json={**BODY, "id": ID, "title": "New", "timeRange": "month", "source": "external"})
    change = {"title": "New", "timeRange": "month", "step": "1d", "source": "external"}
    assert updated.json() == {"id": ID, **BODY, **ADDED, **change}
    assert api.get(path).json() == {"configs": [updated.json()]}
    deleted = api.delete(f"{path}/{ID}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert api.get(path).json() == {"configs": []}

    about = {"createdBy": "sandbox", "featureName": feature, "project": project}
    first = {"id": ID, **BODY}
    second = {**first, "title": "New", "timeRange": "month", "source": "external"}
    assert _events(api, 3) == [
        {"type": "impact-metric-deleted", **about, "data": None, "preData": second},
        {"type": "impact-metric-updated", **about, "data": second, "preData": first},
        {"type": "impact-metric-created", **about, "data": first, "preData": None},
    ]


def test_the_server_generates_a_missing_id_and_adds_no_title(api: httpx.Client) -> None:
    answer = api.post(INSTANCE, json={name: value for name, value in BODY.items() if name != "title"}).json()
    assert len(answer["id"]) == 26
    assert "title" not in answer
    assert [chart["id"] for chart in api.get(INSTANCE).json()["configs"]] == [answer["id"]]


def test_charts_of_the_instance_and_of_a_flag_are_separate(api: httpx.Client) -> None:
    api.post(INSTANCE, json={**BODY, "id": ID})
    assert api.get(FLAG).json() == {"configs": []}
    answer = api.post(FLAG, json={**BODY, "id": ID})
    assert (answer.status_code, answer.json()["name"]) == (409, "ConflictError")
    assert api.delete(f"{FLAG}/{ID}").status_code == 404
    assert api.get(INSTANCE).json()["configs"] == [{"id": ID, **BODY, **ADDED}]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"timeRange": "daily"}, "timeRange"),
        ({"aggregationMode": "p90"}, "aggregationMode"),
        ({"yAxisMin": "one"}, "yAxisMin"),
        ({"source": "elsewhere"}, "source"),
        ({"metricName": None}, "/body/metricName"),
        ({"metricName": {}}, "/body/metricName"),
        ({"labelSelectors": []}, "/body/labelSelectors"),
        ({"labelSelectors": {"environment": "production"}}, "/body/labelSelectors/environment"),
    ],
    ids=str,
)
def test_the_server_refuses_an_invalid_body(api: httpx.Client, change: dict[str, Any], path: str) -> None:
    body = {**BODY, **change}
    if body["metricName"] is None:
        del body["metricName"]
    answer = api.post(INSTANCE, json=body)
    error = answer.json()
    assert (answer.status_code, error["name"]) == (400, "BadDataError")
    assert error.keys() == {"id", "name", "message", "details"}
    assert [detail["path"] for detail in error["details"]] == [path]


@pytest.mark.parametrize("flag", ["nope", "gone"])
def test_a_missing_or_archived_flag_is_not_found(api: httpx.Client, flag: str) -> None:
    if flag == "gone":
        api.post(FEATURES, json={"name": flag, "type": "release"})
        assert api.delete(f"{FEATURES}/{flag}").status_code == 202
    for answer in (
        api.get(f"{FEATURES}/{flag}/impact-metrics/config"),
        api.post(f"{FEATURES}/{flag}/impact-metrics/config", json=BODY),
        api.delete(f"{FEATURES}/{flag}/impact-metrics/config/{ID}"),
        api.get(FLAG.replace("projects/default", "projects/other")),
        api.delete(f"{FLAG}/{ID}"),
        api.delete(f"{INSTANCE}/{ID}"),
    ):
        assert (answer.status_code, answer.json()["name"]) == (404, "NotFoundError")
        assert not answer.json()["message"].startswith("The path you were looking for")


def test_a_chart_that_a_safeguard_uses_is_read_only(api: httpx.Client) -> None:
    api.post(INSTANCE, json={**BODY, "id": ID})
    execute(f"INSERT INTO safeguards VALUES ('s', '{ID}', '{{}}', '{{}}')")
    assert [chart["mode"] for chart in api.get(INSTANCE).json()["configs"]] == ["read"]


def test_deleting_a_flag_deletes_its_charts(api: httpx.Client) -> None:
    execute("INSERT INTO features(name, project) VALUES ('short', 'default')")
    charts = f"{FEATURES}/short/impact-metrics/config"
    api.post(charts, json={**BODY, "id": ID})
    execute("DELETE FROM features WHERE name = 'short'")
    assert api.delete(f"{INSTANCE}/{ID}").status_code == 404


def test_saving_one_chart_at_the_same_time_creates_it_once(api: httpx.Client) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: api.post(INSTANCE, json={**BODY, "id": ID, "title": str(n)}), range(8)))
    assert {answer.status_code for answer in answers} == {200}
    types = [event["type"] for event in _events(api, 8)]
    assert types == ["impact-metric-updated"] * 7 + ["impact-metric-created"]


def test_a_request_without_a_valid_token_is_refused(api: httpx.Client) -> None:
    for token, name in (("", "AuthenticationRequired"), ("*:*.wrong", "UnauthorizedError")):
        answer = httpx.get(api.base_url.join(INSTANCE), headers={"Authorization": token}, trust_env=False)
        assert (answer.status_code, answer.json()["name"]) == (401, name)


def test_a_viewer_reads_but_does_not_write(api: httpx.Client) -> None:
    roles = {role["name"]: role["id"] for role in api.get("/api/admin/user-admin").json()["rootRoles"]}
    login = {"username": "viewer", "password": "Tr0ub4dor&3xx!"}
    user = {**login, "rootRole": roles["Viewer"], "sendEmail": False}
    api.post("/api/admin/user-admin", json=user).raise_for_status()
    with httpx.Client(base_url=api.base_url, trust_env=False) as viewer:
        viewer.post("/auth/simple/login", json=login).raise_for_status()
        secret = {"description": "test", "expiresAt": "2099-01-01T00:00:00Z"}
        viewer.headers["Authorization"] = viewer.post("/api/admin/user/tokens", json=secret).json()["secret"]
        viewer.cookies.clear()
        assert viewer.get(INSTANCE).json() == {"configs": []}
        for path, permission in ((INSTANCE, "ADMIN"), (FLAG, "UPDATE_FEATURE")):
            for answer in (viewer.post(path, json=BODY), viewer.delete(f"{path}/{ID}")):
                assert (answer.status_code, answer.json()["name"]) == (403, "PermissionError")
                assert permission in answer.json()["message"]


def test_maintenance_mode_refuses_writes_and_allows_reads(api: httpx.Client) -> None:
    try:
        set_maintenance(api, on=True)
        assert api.post(INSTANCE, json=BODY).status_code == 503
        assert api.get(INSTANCE).status_code == 200
    finally:
        set_maintenance(api, on=False)


def test_the_openapi_document_of_the_server_lists_the_routes(api: httpx.Client) -> None:
    paths = [path for path in api.get("/docs/openapi.json").json()["paths"] if "impact-metrics" in path]
    flag = "/api/admin/projects/{projectId}/features/{featureName}/impact-metrics/config"
    assert sorted(paths) == [INSTANCE, f"{INSTANCE}/{{id}}", flag, f"{flag}/{{id}}"]
