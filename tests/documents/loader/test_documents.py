"""Invalid documents: the message, position and hint of every problem."""

# ruff: noqa: E501
# Each problem is one line here, as the tool prints it.

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pytest

from document_samples import WORKSPACE, document_text, header
from unleash_gitops.documents.loader import LoadedWorkspace
from unleash_gitops.kinds import kinds
from unleash_gitops.model.ownership import computed_id

HEADER = header("ImpactMetric")
S = "spec: {metricName: unleash_counter_a, timeRange: day, aggregationMode: rps}\n"
NAME = (
    " is not a name: use 1 to 100 lower-case letters, digits, dots, dashes and underscores, with a letter or digit "
    "first and last [value]"
)
WORKSPACE_NAME = (
    " is not a workspace's name: use 2 to 50 lower-case letters, digits, dots, dashes and underscores, with a letter "
    "or digit first and last [value]"
)
ULID = " is not a ULID: use 26 digits and letters other than I, L, O and U, with a digit up to 7 first [value]"
KEYS = " | the valid keys are: metricName, title, timeRange, aggregationMode, yAxisMin, labelSelectors, source"
KEYS_NEAR_X = " | the valid keys are: yAxisMin, metricName, title, timeRange, aggregationMode, labelSelectors, source"
COMPUTED = computed_id("payments", "ImpactMetric", None, None, "a")


def build_chart(meta: str = "name: a", more: str = "") -> str:
    """Return a chart of four lines, with `meta` as its metadata and `more` at the end of its spec."""
    return f"{HEADER}metadata: {{{meta}}}\n{S.replace('}', more + '}')}"


class Case(NamedTuple):
    name: str
    files: Mapping[str, str | None]
    problems: list[str]


CASES = [
    Case(
        "no kind",
        {"a.yaml": HEADER.partition("\n")[0] + "\nmetadata: {}\n"},
        ["a.yaml:1:1: error: kind is required [missing] | the valid kinds are: KINDS"],
    ),
    Case(
        "kind of another tool",
        {"a.yaml": "apiVersion: apps/v1\nkind: Deployment\n"},
        [
            'a.yaml:1:13: error: apiVersion: "apps/v1" is not unleash-gitops/v1 [value]',
            'a.yaml:2:7: error: kind: "Deployment" is not a kind [unknown-kind] | the valid kinds are: KINDS',
        ],
    ),
    Case(
        "kind misspelt",
        {"a.yaml": "kind: impactmetric\n"},
        ['a.yaml:1:7: error: kind: "impactmetric" is not a kind [unknown-kind] | did you mean "ImpactMetric"?'],
    ),
    Case(
        "kind is a number",
        {"a.yaml": "kind: 5\n"},
        ["a.yaml:1:7: error: kind: expected a string, found the number 5 [type] | the valid kinds are: KINDS"],
    ),
    Case(
        "kind is null",
        {"a.yaml": "kind:\n"},
        ["a.yaml:1:6: error: kind: expected a string, found nothing (null) [type] | the valid kinds are: KINDS"],
    ),
    Case(
        "no mapping",
        {"a.yaml": "- a\n---\ntext\n---\n5\n"},
        [
            "a.yaml:1:1: error: a document must be a mapping, found a list [type]",
            'a.yaml:3:1: error: a document must be a mapping, found "***" [type]',
            "a.yaml:5:1: error: a document must be a mapping, found the number 5 [type]",
        ],
    ),
    Case(
        "workspace elsewhere",
        {"a.yaml": WORKSPACE},
        [
            "a.yaml:2:7: error: kind: a Workspace is only allowed in unleash-gitops.yaml [workspace-file] | remove the document from this file"
        ],
    ),
    Case(
        "no apiVersion",
        {"a.yaml": build_chart().replace("apiVersion: unleash-gitops/v1\n", "")},
        ["a.yaml:1:1: error: apiVersion is required [missing]"],
    ),
    Case(
        "wrong apiVersion",
        {"a.yaml": build_chart().replace("ops/v1", "ops/v2")},
        [
            'a.yaml:1:13: error: apiVersion: "unleash-gitops/v2" is not unleash-gitops/v1 [value] | did you mean "unleash-gitops/v1"?'
        ],
    ),
    Case(
        "everything missing",
        {"a.yaml": HEADER},
        ["a.yaml:1:1: error: metadata is required [missing]", "a.yaml:1:1: error: spec is required [missing]"],
    ),
    Case(
        "empty mappings",
        {"a.yaml": HEADER + "metadata: {}\nspec: {}\n"},
        [
            "a.yaml:3:1: error: metadata.name is required [missing]",
            "a.yaml:4:1: error: spec.aggregationMode is required [missing] | one of rps, count, avg, sum, p50, p95, p99",
            "a.yaml:4:1: error: spec.metricName is required [missing]",
            "a.yaml:4:1: error: spec.timeRange is required [missing] | one of hour, day, week, month",
        ],
    ),
    Case(
        "spec is null",
        {"a.yaml": HEADER + "metadata: {name: a}\nspec:\n"},
        [
            "a.yaml:4:6: error: spec: expected a mapping, found nothing (null) [type] | give it a value, or remove the key"
        ],
    ),
    Case(
        "spec is a list",
        {"a.yaml": HEADER + "metadata: {name: a}\nspec:\n  - a\n"},
        ["a.yaml:5:3: error: spec: expected a mapping, found a list [type]"],
    ),
    Case(
        "spec is a text",
        {"a.yaml": HEADER + "metadata: a\nspec: text\n"},
        [
            'a.yaml:3:11: error: metadata: expected a mapping, found "a" [type]',
            'a.yaml:4:7: error: spec: expected a mapping, found "text" [type]',
        ],
    ),
    Case(
        "unknown keys",
        {"a.yaml": build_chart("name: a, labels: {}", ", titel: x, zzz: 1") + "status: {}\n"},
        [
            "a.yaml:3:21: error: metadata.labels: unknown key [unknown-key] | the valid keys are: name, accepted, transferFrom, project, feature, drift, id",
            'a.yaml:4:77: error: spec.titel: unknown key [unknown-key] | did you mean "title"?',
            "a.yaml:4:87: error: spec.zzz: unknown key [unknown-key]" + KEYS,
            "a.yaml:5:1: error: status: unknown key [unknown-key] | the valid keys are: metadata, apiVersion, spec, kind",
        ],
    ),
    Case(
        "wrong types",
        {
            "a.yaml": HEADER
            + "metadata:\n  name: 1.10\nspec:\n  metricName:\n  title: true\n  timeRange: 5\n  aggregationMode: [rps]\n  labelSelectors: []\n"
        },
        [
            'a.yaml:4:9: error: metadata.name: expected a string, found the number 1.10 [type] | put it in quotes: "1.10"',
            "a.yaml:6:14: error: spec.metricName: expected a string, found nothing (null) [type] | give it a value, or remove the key",
            'a.yaml:7:10: error: spec.title: expected a string, found true [type] | put it in quotes: "true"',
            "a.yaml:8:14: error: spec.timeRange: the number 5 is not one of hour, day, week, month [value]",
            "a.yaml:9:20: error: spec.aggregationMode: a list is not one of rps, count, avg, sum, p50, p95, p99 [value]",
            "a.yaml:10:19: error: spec.labelSelectors: expected a mapping, found a list [type]",
        ],
    ),
    Case(
        "selectors",
        {"a.yaml": build_chart(more=', labelSelectors: {a: b, c: [d, 5, null, 0x1F], "e f": [{}], g: []}')},
        [
            'a.yaml:4:97: error: spec.labelSelectors.a: expected a list, found "b" [type] | write a list: [b]',
            'a.yaml:4:107: error: spec.labelSelectors.c[1]: expected a string, found the number 5 [type] | put it in quotes: "5"',
            "a.yaml:4:110: error: spec.labelSelectors.c[2]: expected a string, found nothing (null) [type] | give it a value, or remove the key",
            'a.yaml:4:116: error: spec.labelSelectors.c[3]: expected a string, found the number 0x1F [type] | put it in quotes: "0x1F"',
            'a.yaml:4:131: error: spec.labelSelectors["e f"][0]: expected a string, found a mapping [type]',
            'a.yaml:4:139: error: spec.labelSelectors.g: selects nothing [empty-selector] | leave the label out to show all series, or write ["*"] to split by it',
        ],
    ),
    Case(
        "choices",
        {"a.yaml": build_chart(more=", yAxisMin: Zero, source: null").replace("day", "daily").replace("rps", "rpm")},
        [
            'a.yaml:4:50: error: spec.timeRange: "daily" is not one of hour, day, week, month [value] | did you mean "day"?',
            'a.yaml:4:74: error: spec.aggregationMode: "rpm" is not one of rps, count, avg, sum, p50, p95, p99 [value] | did you mean "rps"?',
            'a.yaml:4:89: error: spec.yAxisMin: "Zero" is not one of auto, zero [value] | did you mean "zero"?',
            "a.yaml:4:103: error: spec.source: nothing (null) is not one of internal, external [value]",
        ],
    ),
    Case(
        "mode",
        {"a.yaml": build_chart().replace("counter", "gauge")},
        ['a.yaml:4:70: error: spec.aggregationMode: "rps" does not fit a gauge: use avg or sum [mode]'],
    ),
    Case(
        "names",
        {
            "a.yaml": build_chart("name: -a")
            + "---\n"
            + build_chart('name: "a\\n"')
            + "---\n"
            + build_chart(f"name: {'a' * 101}")
            + "---\n"
            + build_chart('name: "\\e[31m\\"red"')
        },
        [
            'a.yaml:3:18: error: metadata.name: "-a"' + NAME,
            'a.yaml:8:18: error: metadata.name: "a\\n"' + NAME,
            'a.yaml:13:18: error: metadata.name: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…"'
            + NAME,
            'a.yaml:18:18: error: metadata.name: "\\x1b[31m\\"red"' + NAME,
        ],
    ),
    Case(
        "empty names",
        {"a.yaml": build_chart('name: "", project: "", feature: ""', ", ").replace("unleash_counter_a", '""')},
        [
            'a.yaml:3:18: error: metadata.name: ""' + NAME,
            "a.yaml:3:31: error: metadata.project: must not be empty [value]",
            "a.yaml:3:44: error: metadata.feature: must not be empty [value]",
            "a.yaml:4:20: error: spec.metricName: must not be empty [value]",
        ],
    ),
    Case(
        "ids",
        {
            "a.yaml": build_chart("name: a, id: 81ARZ3NDEKTSV4RRFFQ69G5FAV")
            + "---\n"
            + build_chart("name: b, id: 01arz3ndektsv4rrffq69g5fav")
        },
        ['a.yaml:3:25: error: metadata.id: "81ARZ3NDEKTSV4RRFFQ69G5FAV"' + ULID],
    ),
    Case(
        "pair",
        {"a.yaml": build_chart("name: a, project: p") + "---\n" + build_chart("name: b, feature: f")},
        [
            "a.yaml:3:30: error: metadata.project: is given without feature [pair] | give both for a flag's chart, or neither for the instance's",
            "a.yaml:8:30: error: metadata.feature: is given without project [pair] | give both for a flag's chart, or neither for the instance's",
        ],
    ),
    Case(
        "several at once",
        {"a.yaml": build_chart("name: A, project: p", ", x: 1").replace("day", "dya")},
        [
            'a.yaml:3:18: error: metadata.name: "A"' + NAME,
            "a.yaml:3:30: error: metadata.project: is given without feature [pair] | give both for a flag's chart, or neither for the instance's",
            'a.yaml:4:50: error: spec.timeRange: "dya" is not one of hour, day, week, month [value] | did you mean "day"?',
            "a.yaml:4:77: error: spec.x: unknown key [unknown-key]" + KEYS_NEAR_X,
        ],
    ),
    Case(
        "keys left out are not missing",
        {"a.yaml": build_chart().replace("metricName: unleash_counter_a", "5: x")},
        ['a.yaml:4:8: error: a key must be a string, not 5 [key] | put it in quotes: "5"'],
    ),
    Case(
        "duplicate keys and more",
        {"a.yaml": build_chart(more=", timeRange: week, y: 1")},
        [
            'a.yaml:4:77: error: duplicate key "timeRange", first on line 4 [duplicate-key] | remove one of the two',
            "a.yaml:4:94: error: spec.y: unknown key [unknown-key]" + KEYS_NEAR_X,
        ],
    ),
    Case(
        "alias",
        {
            "a.yaml": HEADER
            + "metadata: {name: &n B}\nspec: &s {metricName: *n, timeRange: *n, aggregationMode: rps}\n---\n"
            + HEADER
            + "metadata: &m {name: b}\nspec: *m\n"
        },
        [
            'a.yaml:3:18: error: metadata.name: "B"' + NAME,
            'a.yaml:4:38: error: spec.timeRange: "B" is not one of hour, day, week, month [value]',
            "a.yaml:8:15: error: spec.name: unknown key [unknown-key] | the valid keys are: metricName, yAxisMin, timeRange, title, labelSelectors, aggregationMode, source",
            "a.yaml:9:1: error: spec.aggregationMode is required [missing] | one of rps, count, avg, sum, p50, p95, p99",
            "a.yaml:9:1: error: spec.metricName is required [missing]",
            "a.yaml:9:1: error: spec.timeRange is required [missing] | one of hour, day, week, month",
        ],
    ),
    Case(
        "windows, marks and signs",
        {
            "a.yaml": "\ufeff"
            + build_chart().replace("metadata: {name: a}", "metadata: {name: 'é€😀', id: x}").replace("\n", "\r\n")
        },
        ['a.yaml:3:18: error: metadata.name: "é€😀"' + NAME, 'a.yaml:3:29: error: metadata.id: "x"' + ULID],
    ),
    Case(
        "duplicate",
        {
            "b.yaml": build_chart() + "---\n" + build_chart(),
            "a/c.yml": build_chart(),
            "d.yaml": build_chart("name: a, project: p, feature: f"),
        },
        [
            "b.yaml:3:18: error: ImpactMetric/a is already defined in a/c.yml:3 [duplicate] | choose another name, or remove one of the two",
            "b.yaml:8:18: error: ImpactMetric/a is already defined in a/c.yml:3 [duplicate] | choose another name, or remove one of the two",
        ],
    ),
    Case(
        "duplicate of an invalid one",
        {"a.yaml": build_chart(more=", x: 1"), "b.yaml": build_chart()},
        [
            "a.yaml:4:77: error: spec.x: unknown key [unknown-key]" + KEYS_NEAR_X,
            "b.yaml:3:18: error: ImpactMetric/a is already defined in a.yaml:3 [duplicate] | choose another name, or remove one of the two",
        ],
    ),
    Case(
        "one id twice",
        {
            "a.yaml": build_chart("name: a, id: 01ARZ3NDEKTSV4RRFFQ69G5FAV"),
            "b.yaml": build_chart("name: b, id: 01arz3ndektsv4rrffq69g5fav"),
        },
        [
            'b.yaml:3:25: error: metadata.id: "01arz3ndektsv4rrffq69g5fav" is also the id of ImpactMetric/a (a.yaml:3) [id-clash] | describe an object in one document only'
        ],
    ),
    Case(
        "computed id taken",
        {"a.yaml": build_chart("name: z, id: COMPUTED"), "b.yaml": build_chart("name: a")},
        [
            'a.yaml:3:25: error: metadata.id: "COMPUTED" is also the computed id of ImpactMetric/a (b.yaml:3) [id-clash] | describe an object in one document only'
        ],
    ),
    Case(
        "computed id taken later",
        {"a.yaml": build_chart("name: a"), "b.yaml": build_chart("name: z, id: COMPUTED")},
        [
            'b.yaml:3:25: error: metadata.id: "COMPUTED" is also the computed id of ImpactMetric/a (a.yaml:3) [id-clash] | describe an object in one document only'
        ],
    ),
    Case(
        "foreign mark",
        {"a.yaml": build_chart("name: a, id: 01g1t0ps00ZZZZZZ0000000000")},
        [
            'a.yaml:3:25: warning: metadata.id: "01g1t0ps00ZZZZZZ0000000000" is owned by another workspace [foreign-id] | manage an object in one workspace only: two undo each other\'s changes'
        ],
    ),
    Case(
        "projects",
        {
            "unleash-gitops.yaml": WORKSPACE + "spec: {projects: [shop, api]}\n",
            "a.yaml": build_chart("name: a, project: shp, feature: f")
            + "---\n"
            + build_chart("name: b, project: zzzzzz, feature: f")
            + "---\n"
            + build_chart("name: c, project: api, feature: f"),
        },
        [
            'a.yaml:3:30: error: metadata.project: "shp" is not in spec.projects of the workspace [outside-projects] | did you mean "shop"?',
            'a.yaml:8:30: error: metadata.project: "zzzzzz" is not in spec.projects of the workspace [outside-projects] | add it to spec.projects in unleash-gitops.yaml, or remove spec.projects',
        ],
    ),
    Case(
        "exclusive",
        {
            "unleash-gitops.yaml": WORKSPACE
            + "spec:\n  prune: none\n  projects: [shop]\n  exclusive:\n    - {kind: ImpactMetrics}\n    - {kind: Zebra, project: sho}\n    - {project: shop, knd: x}\n",
            "a.yaml": build_chart(),
        },
        [
            "unleash-gitops.yaml:7:3: warning: spec.exclusive has no effect when spec.prune is none [exclusive-unused] | remove one of the two",
            'unleash-gitops.yaml:8:14: error: spec.exclusive[0].kind: "ImpactMetrics" is not a kind [unknown-kind] | did you mean "ImpactMetric"?',
            'unleash-gitops.yaml:9:14: error: spec.exclusive[1].kind: "Zebra" is not a kind [unknown-kind] | the valid kinds are: KINDS',
            'unleash-gitops.yaml:9:30: error: spec.exclusive[1].project: "sho" is not in spec.projects [outside-projects] | did you mean "shop"?',
            "unleash-gitops.yaml:10:7: error: spec.exclusive[2].kind is required [missing]",
            'unleash-gitops.yaml:10:23: error: spec.exclusive[2].knd: unknown key [unknown-key] | did you mean "kind"?',
        ],
    ),
    Case(
        "workspace spec",
        {
            "unleash-gitops.yaml": WORKSPACE
            + "spec:\n  url: ftp://x\n  projects: shop\n  prune: all\n  exclusive: {}\n  maxDeletes: -1\n  max_deletes: 2\n",
            "a.yaml": build_chart(),
        },
        [
            "unleash-gitops.yaml:5:8: error: spec.url: not an absolute http:// or https:// address [value]",
            'unleash-gitops.yaml:6:13: error: spec.projects: expected a list, found "shop" [type] | write a list: [shop]',
            'unleash-gitops.yaml:7:10: error: spec.prune: "all" is not one of owned, none [value]',
            "unleash-gitops.yaml:8:14: error: spec.exclusive: expected a list, found a mapping [type]",
            "unleash-gitops.yaml:9:15: error: spec.maxDeletes: must be 0 or more, found the number -1 [value]",
            'unleash-gitops.yaml:10:3: error: spec.max_deletes: unknown key [unknown-key] | did you mean "maxDeletes"?',
        ],
    ),
    Case(
        "workspace types",
        {
            "unleash-gitops.yaml": WORKSPACE
            + "spec:\n  url: 5\n  projects: [1, '']\n  prune: no\n  exclusive: [ImpactMetric]\n  maxDeletes: '10'\n",
            "a.yaml": build_chart(),
        },
        [
            'unleash-gitops.yaml:5:8: error: spec.url: expected a string, found the number 5 [type] | put it in quotes: "5"',
            'unleash-gitops.yaml:6:14: error: spec.projects[0]: expected a string, found the number 1 [type] | put it in quotes: "1"',
            "unleash-gitops.yaml:6:17: error: spec.projects[1]: must not be empty [value]",
            'unleash-gitops.yaml:7:10: error: spec.prune: "no" is not one of owned, none [value] | did you mean "none"?',
            'unleash-gitops.yaml:8:15: error: spec.exclusive[0]: expected a mapping, found "ImpactMetric" [type]',
            'unleash-gitops.yaml:9:15: error: spec.maxDeletes: expected a whole number, found "10" [type] | write it without quotes',
        ],
    ),
    Case(
        "workspace urls",
        {"unleash-gitops.yaml": WORKSPACE + "spec:\n  url: https://a:b@example.com\n", "a.yaml": build_chart()},
        [
            "unleash-gitops.yaml:5:8: error: spec.url: must not hold a user name or password; the token comes from UNLEASH_AUTH_TOKEN [value]"
        ],
    ),
    Case(
        "workspace port",
        {"unleash-gitops.yaml": WORKSPACE + "spec:\n  url: https://example.com:x\n", "a.yaml": build_chart()},
        ["unleash-gitops.yaml:5:8: error: spec.url: the port must be a number up to 65535 [value]"],
    ),
    Case(
        "workspace null spec",
        {"unleash-gitops.yaml": WORKSPACE + "spec:\n", "a.yaml": build_chart()},
        [
            "unleash-gitops.yaml:4:6: error: spec: expected a mapping, found nothing (null) [type] | give it a value, or remove the key"
        ],
    ),
    Case(
        "workspace name",
        {
            "unleash-gitops.yaml": WORKSPACE.replace("payments", "Payments!"),
            "a.yaml": build_chart(more=", x: 1"),
            "b.yaml": build_chart(),
            "c.yaml": build_chart("name: c, id: 01g1t0ps00ZZZZZZ0000000000"),
        },
        [
            "a.yaml:4:77: error: spec.x: unknown key [unknown-key]" + KEYS_NEAR_X,
            "b.yaml:3:18: error: ImpactMetric/a is already defined in a.yaml:3 [duplicate] | choose another name, or remove one of the two",
            'unleash-gitops.yaml:3:18: error: metadata.name: "Payments!"' + WORKSPACE_NAME,
        ],
    ),
    Case(
        "workspace not yaml",
        {"unleash-gitops.yaml": "a: b: c\n", "a.yaml": "kind: X\n"},
        [
            'a.yaml:1:7: error: kind: "X" is not a kind [unknown-kind] | the valid kinds are: KINDS',
            'unleash-gitops.yaml:1:5: error: ": " is not allowed here [syntax] | put quotes around text that contains ": ", and check the indentation',
        ],
    ),
    Case(
        "workspace not a mapping",
        {"unleash-gitops.yaml": "[]\n", "a.yaml": build_chart()},
        ["unleash-gitops.yaml:1:1: error: a document must be a mapping, found a list [type]"],
    ),
    Case(
        "workspace of another kind",
        {"unleash-gitops.yaml": build_chart()},
        [
            'unleash-gitops.yaml:2:7: error: kind: "ImpactMetric" is not Workspace [workspace-file] | move this document to another file'
        ],
    ),
    Case(
        "workspace kind misspelt",
        {"unleash-gitops.yaml": WORKSPACE.replace("Workspace", "WorkSpace"), "a.yaml": build_chart()},
        [
            'unleash-gitops.yaml:2:7: error: kind: "WorkSpace" is not Workspace [workspace-file] | did you mean "Workspace"?'
        ],
    ),
    Case(
        "workspace kind missing",
        {"unleash-gitops.yaml": WORKSPACE.replace("kind: Workspace\n", ""), "a.yaml": build_chart()},
        ["unleash-gitops.yaml:1:1: error: kind is required [missing]"],
    ),
    Case(
        "workspace with more",
        {"unleash-gitops.yaml": WORKSPACE + "---\n" + build_chart() + "---\n" + WORKSPACE},
        [
            "unleash-gitops.yaml:5:1: error: unleash-gitops.yaml may only contain the Workspace document [workspace-file] | move this document to another file",
            "unleash-gitops.yaml:10:1: error: unleash-gitops.yaml may only contain the Workspace document [workspace-file] | move this document to another file",
        ],
    ),
    Case(
        "workspace empty",
        {"unleash-gitops.yaml": "", "a.yaml": build_chart()},
        [
            "unleash-gitops.yaml:1:1: error: the file contains no document [empty-file] | add a document, or remove the file"
        ],
    ),
    Case(
        "no workspace",
        {"unleash-gitops.yaml": None, "a.yaml": "kind: X\n"},
        [
            'a.yaml:1:7: error: kind: "X" is not a kind [unknown-kind] | the valid kinds are: KINDS',
            "unleash-gitops.yaml:1:1: error: there is no unleash-gitops.yaml [no-workspace] | start a workspace with: unleash-gitops init",
        ],
    ),
    Case(
        "no documents",
        {},
        [
            "unleash-gitops.yaml:1:1: warning: the workspace contains no documents [empty-workspace] | add a document, or write the live objects into files with: unleash-gitops pull"
        ],
    ),
    Case(
        "a file without documents",
        {"a.yaml": "# later\n"},
        [
            "a.yaml:1:1: warning: the file contains no document [empty-file] | add a document, or remove the file",
            "unleash-gitops.yaml:1:1: warning: the workspace contains no documents [empty-workspace] | add a document, or write the live objects into files with: unleash-gitops pull",
        ],
    ),
    Case(
        "a file without documents beside one with a document",
        {"a.yaml": "# kind: X\n", "b.yaml": build_chart(), "c.yaml": "---\n---\n"},
        [
            "a.yaml:1:1: warning: the file contains no document [empty-file] | add a document, or remove the file",
            "c.yaml:1:1: warning: the file contains no document [empty-file] | add a document, or remove the file",
        ],
    ),
    Case(
        "files with the suffix in capitals",
        {"flags.YAML": "kind: X\n", "sub/b.Yml": "kind: X\n", "c.yaml": build_chart(), ".d.YAML": "", "e.YAMLX": ""},
        [
            "flags.YAML:1:1: warning: flags.YAML is not read: its name must end in .yaml or .yml [name-in-capitals] | rename it",
            "sub/b.Yml:1:1: warning: b.Yml is not read: its name must end in .yaml or .yml [name-in-capitals] | rename it",
        ],
    ),
    Case(
        "workspace name of one letter",
        {"unleash-gitops.yaml": document_text("Workspace", "a"), "c.yaml": build_chart()},
        [
            'unleash-gitops.yaml:3:18: error: metadata.name: "a" is not a workspace\'s name: use 2 to 50 lower-case letters, digits, dots, dashes and underscores, with a letter or digit first and last [value]'
        ],
    ),
    Case(
        "workspace name of 51 letters",
        {"unleash-gitops.yaml": document_text("Workspace", "a" * 51), "c.yaml": build_chart()},
        [
            f'unleash-gitops.yaml:3:18: error: metadata.name: "{"a" * 51}" is not a workspace\'s name: use 2 to 50 lower-case letters, digits, dots, dashes and underscores, with a letter or digit first and last [value]'
        ],
    ),
    Case(
        "workspace name of 50 letters",
        {"unleash-gitops.yaml": document_text("Workspace", "a" * 50), "c.yaml": build_chart()},
        [],
    ),
    Case(
        "the tool's own tag type",
        {"t.yaml": document_text("TagType", "gitops", "{description: Owners}")},
        [
            "t.yaml:3:18: error: metadata.name: is the tag type that marks what a workspace manages [owner-tag] | remove the document: the tool makes this tag type and manages it"
        ],
    ),
    Case(
        "nested workspace",
        {"sub/unleash-gitops.yaml": WORKSPACE, "sub/a.yaml": build_chart(more=", x: 1")},
        [
            "sub/a.yaml:4:77: error: spec.x: unknown key [unknown-key]" + KEYS_NEAR_X,
            "sub/unleash-gitops.yaml:1:1: error: another unleash-gitops.yaml inside this workspace [nested-workspace] | move the inner workspace out, or merge the two",
        ],
    ),
    Case(
        "long values",
        {"a.yaml": build_chart(f"name: {'x' * 300}", f", {'k' * 200}: 1, 'b c': 2").replace("day", "d" * 500)},
        [
            'a.yaml:3:18: error: metadata.name: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…"'
            + NAME,
            'a.yaml:4:50: error: spec.timeRange: "ddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd…" is not one of hour, day, week, month [value]',
            'a.yaml:4:574: error: spec["kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk…"]: unknown key [unknown-key]'
            + KEYS,
            'a.yaml:4:779: error: spec["b c"]: unknown key [unknown-key] | the valid keys are: labelSelectors, source, metricName, title, timeRange, aggregationMode, yAxisMin',
        ],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_problem_is_reported_at_its_position(
    case: Case,
    load_files: Callable[[Mapping[str, str | None]], LoadedWorkspace],
    format_problems: Callable[[LoadedWorkspace], list[str]],
) -> None:
    files = {path: content and content.replace("COMPUTED", COMPUTED) for path, content in case.files.items()}
    expected = [line.replace("COMPUTED", COMPUTED) for line in case.problems]
    assert [hide_kinds(line) for line in format_problems(load_files(files))] == expected


def hide_kinds(line: str) -> str:
    """Check a list of valid kinds at the end of `line`, and replace it with KINDS."""
    before, label, kinds_text = line.partition("the valid kinds are: ")
    if not label:
        return line
    names, _, rest = kinds_text.partition(" and ")
    assert len(set(names.split(", ")) & set(kinds())) == len(names.split(", ")) == 10
    assert rest == f"{len(kinds()) - 10} more"
    return f"{before}{label}KINDS"


def test_a_file_is_read_up_to_its_hundredth_problem(load_files: Any, format_problems: Any) -> None:
    loaded = load_files({"a.yaml": "---\n[]\n" * 150, "b.yaml": "kind: X\n"})
    lines = format_problems(loaded)
    assert len(lines) == 102
    assert (
        "a.yaml:200:1: error: 100 problems in this file; the rest of it was not read [too-many] | fix these problems first"
        in lines
    )
    assert lines[-1].startswith("b.yaml:1:7: error: kind:")


def test_a_refused_secret_is_not_shown(load_files: Any) -> None:
    loaded = load_files(
        {"unleash-gitops.yaml": WORKSPACE + "spec: {url: https://me:hunter2@example.com}\n", "a.yaml": build_chart()}
    )
    assert "hunter2" not in repr(loaded.diagnostics)


def test_problems_have_their_source_lines(load_files: Any) -> None:
    loaded = load_files({"a.yaml": build_chart(more=", x: 1"), "b.yaml": build_chart()})
    assert [problem.excerpt for problem in loaded.diagnostics] == [
        S.replace("}", ", x: 1}").rstrip(),
        "metadata: {name: a}",
    ]
