"""Reads of many flags at once, of an Unleash in memory: the playground, exports, and the search for archived flags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from servers.fake_routes import Part, Request, Result, route

EXPORTED = ("name", "title", "parameters", "constraints", "variants", "disabled", "segments")


class FakeBulkReads(Part):
    """Reads of many flags."""

    @route("GET", "/search/features")
    def search(self, request: Request) -> Result:
        """Search the archived flags of one project, the only search of the product."""
        query, about_flags = request.query, self.server.about_flags
        assert query["archived"] == "IS:true"
        project, text = query["project"].removeprefix("IS:"), query.get("query", "")
        names = [name for name, place in about_flags.archived.items() if place == project and text in name]
        offset, limit = int(query.get("offset", 0)), int(query.get("limit", 50))
        features = [
            {**about_flags.entry(name), "project": project, "tags": about_flags.shown_tags(name)}
            for name in names[offset : offset + limit]
        ]
        return 200, {"features": features, "total": len(names)}

    @route("POST", "/playground/advanced")
    def play(self, request: Request) -> Result:
        features = [
            self._played(flag, request.body["environments"])
            for flag in self.server.about_flags.active().values()
            if flag["project"] in request.body["projects"]
        ]
        return 200, {"features": self.server.shuffled(features)}

    def _played(self, flag: Mapping[str, Any], environments: list[str]) -> dict[str, Any]:
        attached = self.server.environments.of_project(flag["project"])
        evaluated = {
            name: [{"strategies": {"data": [self._evaluated(strategy) for strategy in flag["in"][name]["strategies"]]}}]
            for name in environments
            if name in attached
        }
        return {"name": flag["name"], "projectId": flag["project"], "environments": evaluated}

    def _evaluated(self, strategy: Mapping[str, Any]) -> dict[str, Any]:
        """The variants of a disabled strategy are left out, and `inverted` is always there."""
        kept = {key: strategy[key] for key in ("name", "id", "disabled", "parameters")}
        title = {"title": strategy["title"]} if strategy["title"] else {}
        variants = {} if strategy["disabled"] or not strategy["variants"] else {"variants": strategy["variants"]}
        names = {segment["id"]: segment["name"] for segment in self.server.named["segments"].values()}
        return {
            **kept,
            **title,
            "constraints": [{"inverted": False, **constraint} for constraint in strategy["constraints"]],
            "segments": [{"id": number, "name": names[number]} for number in strategy["segments"]],
            "result": variants,
        }

    @route("POST", "/features-batch/export")
    def export(self, request: Request) -> Result:
        """Export the active flags of one project in one environment. The whole export is kept in the audit log."""
        environment = request.body["environment"]
        flags = [
            flag for flag in self.server.about_flags.active().values() if flag["project"] == request.body["project"]
        ]
        strategies = [
            {**{key: strategy[key] for key in EXPORTED}, "id": strategy["id"], "featureName": flag["name"]}
            for flag in flags
            for strategy in sorted(flag["in"][environment]["strategies"], key=lambda strategy: str(strategy["id"]))
        ]
        links = [
            {
                "feature": flag["name"],
                "links": [{key: link[key] for key in ("id", "url", "title")} for link in flag["links"]],
            }
            for flag in flags
            if flag["links"]
        ]
        exported = {
            "features": [{**_metadata(flag), "archived": False} for flag in flags],
            "featureStrategies": strategies,
            "segments": self._segments({number for strategy in strategies for number in strategy["segments"]}),
            "links": links,
            "dependencies": [
                {"feature": flag["name"], "dependencies": flag["dependencies"]}
                for flag in flags
                if flag["dependencies"]
            ],
        }
        self.log(request, "features-exported", data={"data": exported})
        return 200, exported

    def _segments(self, numbers: set[int]) -> list[dict[str, Any]]:
        segments = self.server.named["segments"].values()
        return [{"id": segment["id"], "name": segment["name"]} for segment in segments if segment["id"] in numbers]


def _metadata(flag: Mapping[str, Any]) -> dict[str, Any]:
    return {key: flag[key] for key in ("name", "description", "type", "project", "stale", "impressionData")}
