"""The environments of an Unleash in memory, and which of them each project has."""

from __future__ import annotations

from typing import Any

from servers.fake_routes import Part, Request, Result, bad_data, name_exists, not_found, route


class FakeEnvironments(Part):
    """Environments by name. `attached` has the environments of each project, all of them where it says nothing."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.all: dict[str, dict[str, Any]] = {
            name: {"name": name, "type": name, "sortOrder": place, "enabled": True, "protected": False}
            for place, name in enumerate(("development", "production"), start=2)
        }
        self.attached: dict[str, set[str]] = {}

    def of_project(self, project: str) -> list[str]:
        """Return the names of a project's environments, in order."""
        attached = self.attached.setdefault(project, set(self.all))
        return [environment["name"] for environment in self._sorted() if environment["name"] in attached]

    def _sorted(self) -> list[dict[str, Any]]:
        return sorted(self.all.values(), key=lambda environment: environment["sortOrder"])

    @route("GET", "/environments")
    def list_all(self, request: Request) -> Result:
        return 200, {"version": 1, "environments": self._sorted()}

    @route("GET", "/environments/project/{project}")
    def list_of_project(self, request: Request) -> Result:
        project = request["project"]
        attached = self.of_project(project) if project in self.server.flags else []
        environments = [{**environment, "visible": environment["name"] in attached} for environment in self._sorted()]
        return 200, {"version": 1, "environments": environments}

    @route("PUT", "/environments/sort-order")
    def sort(self, request: Request) -> Result:
        for name in request.body.keys() & self.all.keys():
            self.all[name]["sortOrder"] = request.body[name]
        return 200, None

    @route("POST", "/environments/{environment}/on")
    def switch_on(self, request: Request) -> Result:
        return self._switch(request["environment"], enabled=True)

    @route("POST", "/environments/{environment}/off")
    def switch_off(self, request: Request) -> Result:
        return self._switch(request["environment"], enabled=False)

    def _switch(self, name: str, *, enabled: bool) -> Result:
        if name not in self.all:
            raise not_found(f"Could not find environment {name}")
        self.all[name]["enabled"] = enabled
        return 204, None

    @route("POST", "/projects/{project}/environments")
    def attach(self, request: Request) -> Result:
        project, name = request["project"], request.body["environment"]
        if project not in self.server.flags:
            raise not_found("No project found")
        if name not in self.all:
            raise bad_data(f"Environment {name} does not exist")
        if name in self.of_project(project):
            raise name_exists(f"{project} already has the environment {name} enabled")
        self.attached[project].add(name)
        self.log(request, "project-environment-added", project=project, environment=name)
        return 200, None

    @route("DELETE", "/projects/{project}/environments/{environment}")
    def detach(self, request: Request) -> Result:
        """Its flags are off there from now on; their strategies stay."""
        project, name = request["project"], request["environment"]
        if name in self.of_project(project):
            self.attached[project].remove(name)
            for flag in self.server.flags[project]:
                self.server.about_flags.flag(flag)["in"][name]["enabled"] = False
        self.log(request, "project-environment-removed", project=project, environment=name)
        return 200, None
