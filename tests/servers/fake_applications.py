"""The applications of an Unleash in memory."""

from __future__ import annotations

from typing import Any

from servers.fake_routes import Part, Request, Result, not_found, route

FIELDS = ("description", "url", "icon", "color")


class FakeApplications(Part):
    """Applications by name."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.applications: dict[str, dict[str, Any]] = {}

    @route("GET", "/metrics/applications")
    def list_page(self, request: Request) -> Result:
        applications = [self.applications[name] for name in sorted(self.applications)]
        offset, limit = int(request.query["offset"]), int(request.query["limit"])
        return 200, {"applications": applications[offset : offset + limit], "total": len(applications)}

    @route("GET", "/metrics/applications/{name}")
    def get(self, request: Request) -> Result:
        if request["name"] not in self.applications:
            raise not_found(f"Could not find appName={request['name']}")
        links = {"self": f"/api/applications/{request['name']}"}
        seen: dict[str, Any] = {"strategies": [], "instances": [], "seenToggles": [], "links": links}
        return 200, {**self.applications[request["name"]], **seen}

    @route("POST", "/metrics/applications/{name}")
    def save(self, request: Request) -> Result:
        """Create an application, or change what the body says."""
        name = request["name"]
        known = self.applications.get(name, {"appName": name, **dict.fromkeys(FIELDS)})
        self.applications[name] = {**known, **{field: request.body[field] for field in FIELDS if field in request.body}}
        return 202, None

    @route("DELETE", "/metrics/applications/{name}")
    def delete(self, request: Request) -> Result:
        self.applications.pop(request["name"], None)
        return 200, None
