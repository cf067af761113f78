"""Replays the contract on a server, and brings its answers into a form in which two servers can be compared."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import httpx

from contract.calls import ADMIN, PREFIX, WAIT, Call
from servers.fake_addons import EVENTS
from servers.fake_routes import BAD_SCHEMA
from servers.instance import FLAGS
from unleash_gitops.kinds import kinds

AUDITED = {event for kind in kinds().values() for event in getattr(kind, "events", ())}
"""The types of events that the product reads."""
IGNORED = {
    # times
    "createdAt", "updatedAt", "archivedAt", "lastSeenAt", "seenAt", "enteredStageAt",
    # who made an object, and what became of it
    "createdBy", "createdByUserId", "collaborators", "lifecycle", "favorite", "yes", "no",
    # counts and measures
    "usedInProjects", "usedInFeatures", "projectCount", "apiTokenCount", "enabledToggleCount", "projectApiTokenCount",
    "projectEnabledToggleCount", "variantCount", "memberCount", "members", "health", "technicalDebt", "featureCount",
    "stats", "featureTypeCounts", "lastReportedFlagUsage", "lastUpdatedAt", "onboardingStatus", "owners",
    # parts of objects that the product does not manage
    "displayName", "featureLimit", "featureNaming", "linkTemplates", "protected", "requiredApprovals", "alias",
    "secure", "usage", "changeRequestIds", "changeRequestStrategies", "dependencyType",
}  # fmt: skip
"""Fields that the product does not read, and times, wherever they are in an answer."""
IGNORED_AT = {
    "/context": {"sortOrder"},  # any PUT of a field sets it to 0
    "/ui-config": {
        "environment", "flags", "emailEnabled", "unleashUrl", "baseUriPath", "authenticationType", "frontendApiOrigins",
        "prometheusAPIAvailable", "impactMetrics", "disablePasswordAuth", "maxSessionsCount", "unleashContext",
        "storiesPageEnabled", "latest", "isLatest", "instanceId",
    },
    "/user": {"username", "secret", "projects", "environment", "feedback", "splash"},
    "/metrics/applications": {"project", "environment", "strategies"},
    "/features-batch/export": {"featureEnvironments", "contextFields", "featureTags", "tagTypes"},
}  # fmt: skip
"""Fields that the product does not read, by the path of the answer."""
EVENT = {"type", "data", "preData", "featureName", "project", "environment"}
"""What the product reads of an event, but for times, numbers and who did it."""
PLAYED = {"name", "id", "title", "disabled", "parameters", "constraints"}
"""What the product reads of a strategy in the playground, besides the numbers of its segments, and its variants."""
PROVIDER = {"name", "parameters", "events"}
PARAMETER = {"name", "required", "sensitive"}
"""What the product reads of a service that integrations are of. Of its events, the fake names some."""
NOT_OURS = {*FLAGS, "gitops", "simple"}
"""Names of what the real server may have besides the objects of the contract."""
ULID = re.compile(r"\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b")


class Exchange(NamedTuple):
    """A call, and its answer in the form that is compared."""

    call: Call
    status: int
    answer: Any


def replay(http: httpx.Client, calls: Sequence[Call], pause: float, prefix: str = PREFIX) -> list[Exchange]:
    """Send the calls one after the other, then ask for the events that they left in the audit log.

    `pause` is in seconds, and how long `WAIT` waits; `prefix` takes the place of `PREFIX` in all names.
    """
    saved: dict[str, Any] = {PREFIX: prefix}
    # 8.2.0 answers with 500 where the answer has an event that it cannot describe, so only later events are read.
    http.post(f"{ADMIN}/tag-types", json={"name": f"{prefix}first", "icon": ""}).raise_for_status()
    http.delete(f"{ADMIN}/tag-types/{prefix}first").raise_for_status()
    since = http.get(f"{ADMIN}/search/events?limit=1").raise_for_status().json()["events"][0]["id"]
    exchanges = []
    for call in calls:
        if call is WAIT:
            time.sleep(pause)
            continue
        body = {} if call.body is None else {"json": _fill(call.body, saved)}
        response = http.request(call.method, _fill(call.path, saved), **body)
        answer = response.json() if response.content else None
        for label, place in call.saves.items():
            saved[label] = _find(answer, place)
        exchanges.append(Exchange(call, response.status_code, _Form(saved, call.path).of(_reduce(call, answer))))
    newest = http.get(f"{ADMIN}/search/events?limit=1").raise_for_status().json()["events"][0]["id"]
    events = http.get(f"{ADMIN}/search/events?limit={newest - since}").raise_for_status().json()["events"]
    ours = [event for event in reversed(events) if event["id"] > since and event["type"] in AUDITED]
    return exchanges + [
        Exchange(Call("EVENT", event["type"]), 0, _Form(saved, event["type"]).of(_keep(EVENT, event))) for event in ours
    ]


def _reduce(call: Call, answer: Any) -> Any:
    """Reduce an answer of events, services or the playground to what the product reads."""
    if not isinstance(answer, dict):
        return answer
    if "/events" in call.path:
        total = {"total": answer["total"]} if "total" in answer else {}
        return {"events": [_keep(EVENT, event) for event in answer["events"]], **total}
    if "providers" in answer:
        return {
            "addons": answer["addons"],
            "providers": [_reduce_provider(provider) for provider in answer["providers"]],
        }
    if call.path.endswith("/playground/advanced"):
        return {
            flag["name"]: {
                environment: [_reduce_played(strategy) for strategy in evaluated["strategies"]["data"]]
                for environment, (evaluated,) in flag["environments"].items()
            }
            for flag in answer["features"]
            if flag["name"] not in NOT_OURS
        }
    return answer


def _reduce_provider(provider: dict[str, Any]) -> dict[str, Any]:
    parameters = [_keep(PARAMETER, parameter) for parameter in provider["parameters"]]
    events = [event for event in provider["events"] if event in EVENTS]
    return {**_keep(PROVIDER, provider), "parameters": parameters, "events": events}


def _reduce_played(strategy: dict[str, Any]) -> dict[str, Any]:
    constraints = [
        {key: constraint[key] for key in constraint.keys() - {"result"}} for constraint in strategy["constraints"]
    ]
    segments = [segment["id"] for segment in strategy["segments"]]
    variants = strategy["result"].get("variants")
    return {**_keep(PLAYED, strategy), "constraints": constraints, "segments": segments, "variants": variants}


def _keep(names: set[str], mapping: dict[str, Any]) -> dict[str, Any]:
    return {name: mapping[name] for name in names & mapping.keys()}


def _fill(template: Any, saved: dict[str, Any]) -> Any:
    """Put what was saved in place of its label; a text that is nothing but a label becomes the value itself."""
    if isinstance(template, str):
        whole = re.fullmatch(r"\{(\w+)\}", template)
        if whole:
            return saved[whole[1]]
        named = template.replace(PREFIX, saved[PREFIX])
        return re.sub(r"\{(\w+)\}", lambda match: str(saved[match[1]]), named)
    if isinstance(template, dict):
        return {name: _fill(value, saved) for name, value in template.items()}
    return [_fill(value, saved) for value in template] if isinstance(template, list) else template


def _find(answer: Any, place: str) -> Any:
    for step in place.split("."):
        answer = answer[int(step) if step.isdigit() else step]
    return answer


class _Form:
    """The form of the answers of one path: without what is ignored, labels in place of what the server chose."""

    def __init__(self, saved: dict[str, Any], path: str) -> None:
        """`path` is that of the call, or the type of an event."""
        path = path.removeprefix(ADMIN).partition("?")[0]
        self.ignored = IGNORED | IGNORED_AT.get(path, set())
        self.texts = {value: f"{{{label}}}" for label, value in saved.items() if isinstance(value, str)}
        self.texts[saved[PREFIX]] = PREFIX
        # Integrations and segments have numbers of their own.
        about_addons = path.lstrip("/").startswith("addon")
        self.numbers = {
            value: f"{{{label}}}"
            for label, value in saved.items()
            if isinstance(value, int) and label.endswith("addon") == about_addons
        }

    def of(self, value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return self._mapping(value)
        if isinstance(value, list):
            entries = [self.of(entry, key) for entry in value if not _is_foreign(entry)]
            return entries if _is_ordered(key, entries) else sorted(entries, key=json.dumps)
        if isinstance(value, str):
            return self._text(value, key)
        return self.numbers.get(value, value) if key in {"id", "segments"} else value

    def _mapping(self, value: dict[str, Any]) -> Any:
        ignored = set(self.ignored)
        if value.get("name") == "UnknownError" or value.get("message") == BAD_SCHEMA:
            ignored |= {"message", "details"}  # SQL; what the schema says
        if "message" in value:
            ignored.add("id")
        return {self._text(name): self.of(part, name) for name, part in sorted(value.items()) if name not in ignored}

    def _text(self, value: str, key: str = "") -> str:
        for text, label in self.texts.items():
            value = value.replace(text, label)
        if key == "message":
            for number, label in self.numbers.items():
                value = value.replace(f'"{number}"', f'"{label}"')
        return ULID.sub("(ULID)", value)


def _is_foreign(entry: Any) -> bool:
    """Tell whether an entry of a list is about something else than the contract."""
    if not isinstance(entry, dict):
        return False
    names = {entry.get("name"), entry.get("featureName"), entry.get("feature")}
    return bool(names & NOT_OURS) or entry.get("type") == "admin"


def _is_ordered(key: str, entries: list[Any]) -> bool:
    """Tell whether the order of a list means something."""
    strategies = all(isinstance(entry, dict) and {"constraints", "parameters"} <= entry.keys() for entry in entries)
    return (strategies and key != "featureStrategies") or key in {"legalValues", "strategyIds", "applications"}
