"""The API tokens of an Unleash in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from servers.fake_routes import BAD_SCHEMA, Part, Refusal, Request, Result, bad_data, route


class FakeApiTokens(Part):
    """Tokens of applications by secret. The list has the admin tokens too."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.tokens: dict[str, dict[str, Any]] = {}

    @route("GET", "/api-tokens")
    def list_all(self, request: Request) -> Result:
        admin = [
            {
                "secret": secret, "tokenName": name, "type": "admin", "environment": "*", "projects": ["*"],
                "expiresAt": None, "createdAt": "2026-01-01T00:00:00.000Z",
            }
            for secret, name in self.server.audit.actors.items()
        ]  # fmt: skip
        return 200, {"tokens": self.server.shuffled([*admin, *map(_shown, self.tokens.values())])}

    @route("POST", "/api-tokens")
    def create(self, request: Request) -> Result:
        body = request.body
        if body["type"] not in {"client", "backend", "frontend"}:
            raise Refusal(400, "BadDataError", BAD_SCHEMA)
        token = {"projects": ["*"], **body, "createdAt": self.server.audit.clock.stamp()}
        if token["environment"] not in self.server.environments.all:
            raise bad_data(f"Environment={token['environment']} does not exist")
        for project in token["projects"]:
            if project not in {"*", *self.server.flags}:
                raise bad_data(f"Project={project} does not exist")
        token["project"] = ",".join(token["projects"])
        scope = token["project"] if len(token["projects"]) == 1 else "[]"
        token["secret"] = f"{scope}:{token['environment']}.{self.server.audit.clock.ulid().lower() * 2}"
        self.tokens[token["secret"]] = token
        self._log(request, token, "api-token-created", data=_public(token))
        return 201, token

    @route("PUT", "/api-tokens/{secret}")
    def update(self, request: Request) -> Result:
        """Only when it expires can be changed; a secret that no token has is no error."""
        if request.body["expiresAt"] is None:
            raise Refusal(400, "BadDataError", BAD_SCHEMA)
        token = self.tokens.get(request["secret"])
        if token is not None:
            before = _public(_shown(token))
            token["expiresAt"] = request.body["expiresAt"]
            self._log(request, token, "api-token-updated", data=_public(_shown(token)), before=before)
        return 200, None

    @route("DELETE", "/api-tokens/{secret}")
    def delete(self, request: Request) -> Result:
        token = self.tokens.pop(request["secret"], None)
        if token is not None:
            self._log(request, token, "api-token-deleted", before=_public(_shown(token)))
        return 200, None

    def _log(self, request: Request, token: Mapping[str, Any], event: str, **facts: Any) -> None:
        self.log(request, event, project=token["project"], environment=token["environment"], **facts)


def _shown(token: Mapping[str, Any]) -> dict[str, Any]:
    """Return a token as lists have it."""
    return {"expiresAt": None, **token, "type": "client" if token["type"] == "backend" else token["type"]}


def _public(token: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in token.items() if name != "secret"}
