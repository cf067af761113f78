"""Tag types, tags, context fields and segments of an Unleash in memory."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from typing import Any

from servers.fake_routes import Part, Refusal, Request, Result, bad_data, name_exists, not_found, route

FIELDS = {
    "environment": "Allows you to constrain on application environment",
    "userId": "Allows you to constrain on userId",
    "appName": "Allows you to constrain on application name",
    "currentTime": "Allows you to constrain on date values",
    "sessionId": "Allows you to constrain on sessionId",
}
RESET = {"stickiness": False, "sortOrder": 0, "legalValues": []}
"""What a PUT of a context field sets where the body says nothing."""


def builtin_objects() -> dict[str, dict[str, dict[str, Any]]]:
    """Return what a fresh server has, by collection and name."""
    simple = {
        "name": "simple",
        "description": "Used to simplify filtering of features",
        "icon": "#",
        "color": "#FFFFFF",
    }
    context = {
        name: {
            "name": name, "description": description, **copy.deepcopy(RESET),
            "stickiness": name == "sessionId", "sortOrder": place,
        }
        for place, (name, description) in enumerate(FIELDS.items())
    }  # fmt: skip
    return {"tag-types": {"simple": simple}, "context": context, "segments": {}}


def complete_constraint(constraint: dict[str, Any]) -> dict[str, Any]:
    """Return a constraint as the server keeps it."""
    return {"values": [], **constraint}


class FakeTags(Part):
    """Tag types, and the values that tags have."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.values: list[dict[str, str]] = []

    def require(self, tag: dict[str, str]) -> None:
        """Raise the error of the server's database for a tag without its value."""
        if tag not in self.values:
            raise Refusal(500, "UnknownError", 'violates foreign key constraint "feature_tag_tag_type_tag_value_fkey"')

    def add_value(self, tag: dict[str, str]) -> None:
        """Add the value of a flag's tag where it is new."""
        if tag["type"] not in self.server.named["tag-types"]:
            raise bad_data(f"Tag type '{tag['type']}' does not exist")
        if tag not in self.values:
            self.values.append(dict(tag))

    def shown(self, tag: dict[str, str]) -> dict[str, Any]:
        """Return a flag's tag as the server lists it."""
        return {**tag, "color": self.server.named["tag-types"][tag["type"]].get("color")}

    def create_type(self, request: Request, body: dict[str, Any]) -> None:
        empty = {"description": None, "icon": None, "color": None}
        self.server.named["tag-types"][body["name"]] = {**empty, **_without_null_text(body)}
        self.log(request, "tag-type-created", data=_without_null_text(body))

    @route("GET", "/tag-types")
    def list_types(self, request: Request) -> Result:
        return 200, {"version": 1, "tagTypes": self.server.shuffled([*self.server.named["tag-types"].values()])}

    @route("GET", "/tag-types/{name}")
    def get_type(self, request: Request) -> Result:
        if request["name"] not in self.server.named["tag-types"]:
            raise not_found("Could not find tag-type")
        return 200, {"version": 1, "tagType": self.server.named["tag-types"][request["name"]]}

    @route("POST", "/tag-types")
    def post_type(self, request: Request) -> Result:
        name = request.body["name"]
        if name in self.server.named["tag-types"]:
            raise name_exists(f"There already exists a tag-type with the name {name}")
        self.create_type(request, request.body)
        return 201, _without_null_text(request.body)

    @route("PUT", "/tag-types/{name}")
    def put_type(self, request: Request) -> Result:
        """What is left out stays; a type that there is none of is no error."""
        body = {**_without_null_text(request.body), "name": request["name"]}
        if request["name"] in self.server.named["tag-types"]:
            self.server.named["tag-types"][request["name"]] |= body
        self.log(request, "tag-type-updated", data=body)
        return 200, None

    @route("DELETE", "/tag-types/{name}")
    def delete_type(self, request: Request) -> Result:
        """All tags of the type go with it."""
        tag_type = self.server.named["tag-types"].pop(request["name"], None)
        if tag_type is None:
            raise not_found("Could not find tag-type")
        self.values = [tag for tag in self.values if tag["type"] != request["name"]]
        for flag in self.server.about_flags.known.values():
            flag["tags"] = [tag for tag in flag["tags"] if tag["type"] != request["name"]]
        self.log(request, "tag-type-deleted", before=tag_type)
        return 200, None

    @route("GET", "/tags")
    def list_values(self, request: Request) -> Result:
        return 200, {"version": 1, "tags": self.server.shuffled(self.values)}

    @route("POST", "/tags")
    def post_value(self, request: Request) -> Result:
        if request.body in self.values:
            raise name_exists("A tag of [object Object] already exists")
        if request.body["type"] not in self.server.named["tag-types"]:
            raise Refusal(500, "UnknownError", 'violates foreign key constraint "tags_type_fkey"')
        self.values.append(request.body)
        return 201, {"version": 1, "tag": request.body}


class FakeContextFields(Part):
    """The context fields of the instance."""

    @property
    def _fields(self) -> dict[str, dict[str, Any]]:
        return self.server.named["context"]

    def _find(self, name: str) -> dict[str, Any]:
        if name not in self._fields:
            raise not_found(f"Could not find context field with name {name}")
        return self._fields[name]

    @route("GET", "/context")
    def list_all(self, request: Request) -> Result:
        return 200, self.server.shuffled([*self._fields.values()])

    @route("GET", "/context/{name}")
    def get(self, request: Request) -> Result:
        if request["name"] not in self._fields:
            raise not_found("Could not find context field")
        return 200, self._fields[request["name"]]

    @route("POST", "/context")
    def create(self, request: Request) -> Result:
        body = {"stickiness": False, **_without_null_text(request.body)}
        if body["name"] in self._fields:
            raise name_exists("A context field with that name already exist")
        self._fields[body["name"]] = {"description": "", **copy.deepcopy(RESET), **body}
        self.log(request, "context-field-created", data=body)
        return 201, self._fields[body["name"]]

    @route("PUT", "/context/{name}")
    def update(self, request: Request) -> Result:
        field = self._find(request["name"])
        before = {key: field[key] for key in ("name", "description", "stickiness", "legalValues")}
        body = {**_without_null_text(request.body), "name": request["name"]}
        self._fields[request["name"]] = {**field, **copy.deepcopy(RESET), **body}
        self.log(request, "context-field-updated", data=body, before=before)
        return 200, None

    @route("DELETE", "/context/{name}")
    def delete(self, request: Request) -> Result:
        field = self._find(request["name"])
        if self._users(field["name"]):
            message = (
                "This context field is in use by existing flags. To delete it, first remove its usage from all flags."
            )
            raise Refusal(409, "ConflictError", message)
        del self._fields[field["name"]]
        self.log(request, "context-field-deleted", before=field)
        return 200, None

    @route("GET", "/context/{name}/strategies")
    def list_users(self, request: Request) -> Result:
        return 200, {"strategies": self._users(request["name"])}

    def _users(self, name: str) -> list[dict[str, Any]]:
        """Return the strategies of active flags whose constraints name a field."""
        return [
            place
            for place, strategy in _strategies(self.server.about_flags.active())
            if name in (constraint["contextName"] for constraint in strategy["constraints"])
        ]


class FakeSegments(Part):
    """Segments: they go by the number that the server gives them."""

    @property
    def _segments(self) -> dict[str, dict[str, Any]]:
        return self.server.named["segments"]

    def _find(self, number: str) -> dict[str, Any]:
        for segment in self._segments.values():
            if str(segment["id"]) == number:
                return segment
        raise not_found(f'No segment exists with ID "{number}"')

    def _refuse_taken(self, name: str, others: Iterable[str]) -> None:
        if name in others:
            raise name_exists("Segment name already exists")

    @route("GET", "/segments")
    def list_all(self, request: Request) -> Result:
        return 200, {"segments": self.server.shuffled([*self._segments.values()])}

    @route("GET", "/segments/{number}")
    def get(self, request: Request) -> Result:
        return 200, self._find(request["number"])

    @route("POST", "/segments")
    def create(self, request: Request) -> Result:
        self._refuse_taken(request.body["name"], self._segments)
        number = max((segment["id"] for segment in self._segments.values()), default=0) + 1
        segment = _segment(number, {"description": None, **request.body})
        self._segments[segment["name"]] = segment
        self.log(request, "segment-created", data=segment, project=segment.get("project"))
        return 201, segment

    @route("PUT", "/segments/{number}")
    def update(self, request: Request) -> Result:
        before = self._find(request["number"])
        self._refuse_taken(request.body["name"], self._segments.keys() - {before["name"]})
        segment = _segment(before["id"], {"description": before["description"], **request.body})
        del self._segments[before["name"]]
        self._segments[segment["name"]] = segment
        self.log(request, "segment-updated", data=segment, before=before, project=segment.get("project"))
        return 204, None

    @route("DELETE", "/segments/{number}")
    def delete(self, request: Request) -> Result:
        """One that archived flags alone use is taken out of their strategies."""
        segment = self._find(request["number"])
        about_flags = self.server.about_flags
        if self._users(segment["id"], about_flags.active()):
            return 409, None
        for flag in about_flags.known.values():
            for place in flag["in"].values():
                for strategy in place["strategies"]:
                    strategy["segments"] = [number for number in strategy["segments"] if number != segment["id"]]
        del self._segments[segment["name"]]
        self.log(request, "segment-deleted", before=segment, project=segment.get("project"))
        return 204, None

    @route("GET", "/segments/{number}/strategies")
    def list_users(self, request: Request) -> Result:
        segment = self._find(request["number"])
        return 200, {"strategies": self._users(segment["id"], self.server.about_flags.active())}

    def _users(self, number: int, flags: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
        return [place for place, strategy in _strategies(flags) if number in strategy["segments"]]


def _strategies(flags: dict[str, dict[str, Any]]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield every strategy of some flags, before it where it is, as the server lists users of an object."""
    for flag in flags.values():
        for environment, place in flag["in"].items():
            for strategy in place["strategies"]:
                facts = {"id": strategy["id"], "strategyName": strategy["name"], "environment": environment}
                yield {**facts, "projectId": flag["project"], "featureName": flag["name"]}, strategy


def _segment(number: int, body: dict[str, Any]) -> dict[str, Any]:
    segment = {"id": number, "name": body["name"], "description": body["description"]}
    project = {} if body.get("project") is None else {"project": body["project"]}
    constraints = [complete_constraint(constraint) for constraint in body["constraints"]]
    return {**segment, **project, "constraints": constraints}


def _without_null_text(body: dict[str, Any]) -> dict[str, Any]:
    """Return a body as the server reads it: null, where a text is expected, is an empty one."""
    return {name: "" if value is None else value for name, value in body.items()}
