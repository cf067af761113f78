"""Names, paths and comments of the files that pull writes, and the fields that it leaves out."""

from __future__ import annotations

from typing import Any

import pytest

from document_samples import parse_resource
from unleash_gitops.documents.yamldoc import parse_documents
from unleash_gitops.kinds import kinds
from unleash_gitops.model.errors import UsageError
from unleash_gitops.model.resource import Address, Resource, ResourceSet
from unleash_gitops.workflow.leave_fields import check_fields, leave_fields
from unleash_gitops.workflow.pulled_documents import NewFile, PullChoice, build_files

NOTHING = ResourceSet()


def make_segment(name: str, **spec: Any) -> Resource:
    complete = {"description": None, "project": None, "constraints": [], **spec}
    return Resource(Address("Segment", name), name, complete, ownership="unmanaged")


def make_flag(name: str, project: str = "default", /, **environments: Any) -> Resource:
    spec = {"type": "release", "description": None, "impressionData": False, "stale": False, "tags": [], "links": []}
    complete = {**spec, "dependencies": [], "environments": environments}
    return Resource(Address("FeatureFlag", name, project), name, complete, ownership="unmanaged")


def make_strategy(**parameters: str) -> dict[str, Any]:
    empty: dict[str, Any] = {"constraints": [], "segments": [], "variants": []}
    return {"name": "byRegion", "title": None, "disabled": False, "parameters": parameters, **empty}


def build(*live: Resource, taken: tuple[str, ...] = (), **choice: Any) -> list[NewFile]:
    resources = ResourceSet({resource.key: resource for resource in live})
    files, skipped = build_files(NOTHING, resources, lambda path: path.casefold() in taken, PullChoice(**choice))
    assert skipped == []
    return files


def paths(files: list[NewFile]) -> list[str]:
    return [file.path for file in files]


@pytest.mark.parametrize(
    ("resource", "path"),
    [
        (make_segment("Unleash Gitops"), "segments/unleash-gitops-2.yaml"),
        (make_segment("Unleash Gitops!"), "segments/unleash-gitops-2.yaml"),
        (make_flag("unleash-gitops"), "flags/default/unleash-gitops-2.yaml"),
        (make_flag("f", "unleash-gitops.yaml"), "flags/_unleash-gitops.yaml/f.yaml"),
        (make_flag("f", ".hidden"), "flags/_.hidden/f.yaml"),
        (make_flag("unleash-gitops.yaml"), "flags/default/unleash-gitops.yaml.yaml"),
    ],
)
def test_no_path_is_that_of_a_workspace_file(resource: Resource, path: str) -> None:
    assert paths(build(resource)) == [path]


def test_paths_differ_in_more_than_capitals_and_from_existing_files() -> None:
    files = build(make_segment("Beta"), make_segment("beta"), make_segment("BETA"), taken=("segments/beta.yaml",))
    assert paths(files) == ["segments/beta-2.yaml", "segments/beta-3.yaml", "segments/beta-4.yaml"]


def test_a_field_that_is_left_is_named_in_a_comment_of_one_line() -> None:
    strategy = make_strategy(**{"a\nkind: X": "1", "b": "2"})
    live = make_flag("f", production={"enabled": True, "strategies": [strategy, strategy]})
    (file,) = build(live, leave=("parameters.a\nkind: X", "stale"))
    assert file.text.startswith(
        '# Not managed, by pull --leave: stale, environments.production.strategies.parameters."a\\nkind: X"\napiVersion'
    )
    documents, problems = parse_documents(file.text.encode(), file.path)
    assert problems == []
    assert [document.value for document in documents] == [file.document]
    assert kinds()["FeatureFlag"].spec_after_update(parse_resource(file.document), live) == live.spec
    (second, _) = file.document["spec"]["environments"]["production"]["strategies"]
    assert second["parameters"] == {"b": 2}


@pytest.mark.parametrize(
    ("value", "written"),
    [("25", 25), ("0", 0), ("007", "007"), ("1.5", "1.5"), ("-1", "-1"), ("٣", "٣"), ("", ""), ("9" * 16, "9" * 16)],
)
def test_only_whole_numbers_that_are_read_back_the_same_are_written_as_numbers(value: str, written: Any) -> None:
    live = make_flag("f", production={"enabled": True, "strategies": [make_strategy(x=value)]})
    (file,) = build(live)
    (strategy,) = file.document["spec"]["environments"]["production"]["strategies"]
    assert strategy["parameters"] == {"x": written}
    assert kinds()["FeatureFlag"].spec_after_update(parse_resource(file.document), live) == live.spec


ON = {"enabled": True, "strategies": [make_strategy(x="1")]}
OFF: dict[str, Any] = {"enabled": False, "strategies": []}


@pytest.mark.parametrize(
    ("fields", "environments"),
    [
        (["enabled"], {"prod.eu": {"strategies": ON["strategies"]}}),
        (["prod.eu.enabled"], {"development": OFF, "prod.eu": {"strategies": ON["strategies"]}}),
        (["eu.enabled"], {"development": OFF, "prod.eu": ON}),
        (["development.enabled"], {"prod.eu": ON}),
        (["strategies"], {"development": {"enabled": False}, "prod.eu": {"enabled": True}}),
        (["prod.eu"], {"development": OFF}),
        (["enabled", "strategies"], {}),
        (["Addon.enabled"], {"development": OFF, "prod.eu": ON}),
        (["FeatureFlag.enabled"], {"prod.eu": {"strategies": ON["strategies"]}}),
    ],
)
def test_a_field_is_the_end_of_its_path(fields: list[str], environments: Any) -> None:
    spec = {"type": "release", "environments": {"development": OFF, "prod.eu": ON}}
    kept, left = leave_fields(kinds()["FeatureFlag"], spec, fields)
    assert kept == {"type": "release", "environments": environments}
    assert bool(left) == (kept != spec)


def test_environments_may_be_left_altogether() -> None:
    kept, left = leave_fields(kinds()["FeatureFlag"], {"type": "release", "environments": {"a": ON}}, ["environments"])
    assert (kept, left) == ({"type": "release"}, [("environments",)])


@pytest.mark.parametrize(
    "field",
    ["enabled", "strategies", "tags", "environments", "production", "production.enabled", "rollout", "region",
     "environments.production.strategies.constraints", "FeatureFlag.description", "labelSelectors", "parameters.url"],
)  # fmt: skip
def test_fields_of_every_kind_are_known(field: str) -> None:
    environment = Resource(Address("Environment", "production"), "production", {}, ownership="builtin")
    flag = make_flag("f", production={"enabled": True, "strategies": [make_strategy(region="x")]})
    live = ResourceSet({resource.key: resource for resource in (environment, flag)})
    check_fields([field], live)
    with pytest.raises(UsageError, match="no document has such a field"):
        check_fields([f"{field}.x"], live)


def test_fields_are_those_of_the_kind_that_is_pulled() -> None:
    check_fields(["constraints"], NOTHING, "Segment")
    with pytest.raises(UsageError, match="no document has such a field"):
        check_fields(["enabled"], NOTHING, "Segment")
    with pytest.raises(UsageError, match="a document must have this field"):
        check_fields(["metricName"], NOTHING, "ImpactMetric")


def test_a_value_that_no_file_may_hold_is_left_out_and_named() -> None:
    spec = {"description": None, "icon": "", "color": None}
    (file,) = build(Resource(Address("TagType", "team"), "team", spec, ownership="unmanaged"))
    assert file.document["spec"] == {"description": None, "icon": ""}
    assert file.text.startswith(
        "# Not managed, because Unleash does not return it, or a file may not hold it: color\napiVersion"
    )


@pytest.mark.parametrize(
    ("kind", "name", "spec", "reason"),
    [
        (
            "TagType",
            "simple",
            {"description": "Used to simplify filtering of features", "icon": "#", "color": "#FFFFFF"},
            None,
        ),
        ("TagType", "simple", {"description": "Mine", "icon": "#", "color": "#FFFFFF"}, "description"),
        ("Strategy", "default", {"title": None, "description": "x", "parameters": [], "deprecated": False}, None),
        (
            "Strategy",
            "default",
            {"title": None, "description": "x", "parameters": [], "deprecated": True},
            "deprecated",
        ),
        (
            "ContextField",
            "sessionId",
            {"description": "Allows you to constrain on sessionId", "stickiness": True, "legalValues": []},
            None,
        ),
        (
            "ContextField",
            "sessionId",
            {"description": None, "stickiness": False, "legalValues": []},
            "description and stickiness",
        ),
        ("Application", "shop", {"description": None, "url": "", "icon": "", "color": ""}, None),
    ],
)
def test_an_object_of_the_server_is_named_when_it_is_not_as_on_a_new_server(
    kind: str, name: str, spec: dict[str, Any], reason: str | None
) -> None:
    live = Resource(Address(kind, name), name, spec, ownership="builtin")
    files, skipped = build_files(NOTHING, ResourceSet({live.key: live}), lambda _: False, PullChoice(kind))
    assert files == []
    expected = f"built into Unleash, with another {reason} than a new server; to manage it, write a document"
    assert [(entry.address, entry.reason) for entry in skipped] == ([(f"{kind}/{name}", expected)] if reason else [])
