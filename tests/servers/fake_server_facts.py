"""What an Unleash in memory says of itself, of who asks, of its projects and of what happened."""

from __future__ import annotations

from servers.fake_routes import Part, Request, Result, not_found, route

LIMITS = {
    "segmentValues": 1000, "strategySegments": 5, "signalEndpoints": 5, "actionSetActions": 10,
    "actionSetsPerProject": 5, "actionSetFilters": 5, "actionSetFilterValues": 25, "signalTokensPerEndpoint": 5,
    "featureEnvironmentStrategies": 30, "constraintValues": 250, "constraints": 30, "environments": 50,
    "projects": 500, "apiTokens": 2000, "segments": 300, "featureFlags": 5000, "releaseTemplates": 10,
}  # fmt: skip
PROJECT = {"mode": "open", "defaultStickiness": "default"}


class FakeServerFacts(Part):
    """Facts of the server, its projects and its audit log."""

    @route("GET", "/ui-config")
    def config(self, request: Request) -> Result:
        server = self.server
        current = {"oss": server.version, "enterprise": server.version if server.enterprise else ""}
        return 200, {
            "version": server.version,
            "versionInfo": {"current": current, "instanceId": server.instance_id},
            "maintenanceMode": server.maintenance,
            "resourceLimits": LIMITS,
        }

    @route("GET", "/user")
    def user(self, request: Request) -> Result:
        user = {
            "username": request.actor.name,
            "permissions": ["ADMIN"],
            "type": "admin",
            "internalAdminTokenUserId": request.actor.user_id,
        }
        return 200, {"user": user, "permissions": [{"permission": "ADMIN"}]}

    @route("GET", "/projects")
    def projects(self, request: Request) -> Result:
        projects = [{"id": project, **_facts(project)} for project in self.server.flags]
        return 200, {"version": 1, "projects": self.server.shuffled(projects)}

    @route("GET", "/projects/{project}/overview")
    def overview(self, request: Request) -> Result:
        project = request["project"]
        if project not in self.server.flags:
            raise not_found("No project found")
        environments = [{"environment": name} for name in self.server.environments.of_project(project)]
        return 200, {"version": 1, **_facts(project), **PROJECT, "environments": environments}

    @route("GET", "/search/events")
    def search_events(self, request: Request) -> Result:
        return 200, self.server.audit.search(request.query)

    @route("GET", "/events/{feature}")
    def flag_events(self, request: Request) -> Result:
        events = self.server.audit.of_flag(request["feature"])
        return 200, {"version": 1, "toggleName": request["feature"], "events": events}


def _facts(project: str) -> dict[str, str]:
    return {"name": project.capitalize(), "description": f"{project.capitalize()} project", "mode": PROJECT["mode"]}
