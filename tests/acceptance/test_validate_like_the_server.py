"""What `validate` accepts the server accepts; what it refuses the server refuses, or takes without understanding it."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import document_samples
from document_samples import check, document
from properties import server_examples
from servers.instance import Instance
from unleash_gitops.kinds import kinds
from unleash_gitops.kinds.flags.strategy import FlagStrategy, strategy_after_create, strategy_body
from unleash_gitops.kinds.shared.fields import normalise

pytestmark = pytest.mark.sandbox
OPERATORS = [
    "IN", "NOT_IN", "STR_ENDS_WITH", "STR_STARTS_WITH", "STR_CONTAINS", "NUM_EQ", "NUM_GT", "NUM_GTE", "NUM_LT",
    "NUM_LTE", "DATE_AFTER", "DATE_BEFORE", "SEMVER_EQ", "SEMVER_GT", "SEMVER_LT", "SEMVER_GTE", "SEMVER_LTE",
    "REGEX", "LIKE",
]  # fmt: skip
VALUES = [
    "1", "-1.5", "1e3", "0x10", "abc", "", " ", "1.2", "1.2.3", "v1.2.3", "1.2.3-rc.1", "01.2.3", "2026-01-31",
    "2026-01-31T12:00:00.000Z", "2026-13-01", "^a$", "(", "[", "a{2}", r"\\d+", "(?<=a)b", "(?=a)", "a|b", r"\\1",
    "Ünïcode",
]  # fmt: skip
TAKEN_WITHOUT_UNDERSTANDING = {"parameter"}
"""What the server takes and no SDK can do anything with: it is refused here."""

constraint = st.fixed_dictionaries(
    {"contextName": st.sampled_from(["userId", "appName"]), "operator": st.sampled_from(OPERATORS)},
    optional={
        "values": st.lists(st.sampled_from(VALUES), max_size=3),
        "value": st.sampled_from(VALUES),
        "inverted": st.booleans(),
        "caseInsensitive": st.booleans(),
    },
)
variant = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["a", "b", "a b", "", "ü", "x-y.z~"]),
        "weight": st.sampled_from([0, 1, 500, 1000, 1001, -1]),
    },
    optional={
        "weightType": st.sampled_from(["variable", "fix", "other"]),
        "stickiness": st.sampled_from(["default", "userId"]),
        "payload": st.fixed_dictionaries(
            {"type": st.sampled_from(["string", "json", "xml"]), "value": st.sampled_from(["", "x"])}
        ),
    },
)
strategy = st.fixed_dictionaries(
    {"name": st.sampled_from(["flexibleRollout", "default"])},
    optional={
        "title": st.sampled_from(["", "T", "Ü"]),
        "disabled": st.booleans(),
        "parameters": st.fixed_dictionaries(
            {"rollout": st.sampled_from(["0", "25", "100", "101", "225", "-1", "abc", "1.5"])}
        ),
        "constraints": st.lists(constraint, max_size=2),
        "variants": st.lists(variant, max_size=3),
    },
)


def problems(kind: str, metadata: dict[str, Any], spec: dict[str, Any]) -> set[str]:
    """Return the codes of what `validate` says of a document."""
    _, found = check({**document(kind, ""), "metadata": metadata, "spec": spec})
    return {code for code, _ in found}


@pytest.fixture
def flag(real: Instance) -> str:
    name = f"taken-{uuid.uuid4().hex[:8]}"
    real.call("POST", "/features", {"name": name})
    return name


def post(real: Instance, flag: str, body: dict[str, Any]) -> int:
    path = f"/api/admin/projects/default/features/{flag}/environments/development/strategies"
    answer = real.http.post(path, json=body)
    if answer.is_success:
        real.http.delete(f"{path}/{answer.json()['id']}").raise_for_status()
    return answer.status_code


@server_examples(1)
@given(strategy)
def test_strategies(real: Instance, flag: str, one: dict[str, Any]) -> None:
    found = problems(
        "FeatureFlag", {"name": "f", "project": "default"}, {"environments": {"development": {"strategies": [one]}}}
    )
    if not found:
        assert post(real, flag, strategy_body(strategy_after_create(normalise(FlagStrategy, _whole(one)), flag))) == 200
    elif not found & TAKEN_WITHOUT_UNDERSTANDING:
        raw = {
            **one,
            "variants": [{"stickiness": "default", "weightType": "variable", **v} for v in one.get("variants", ())],
        }
        taken = post(real, flag, raw) == 200
        assert not taken or _means_something_else(one), (found, raw)


def _whole(one: dict[str, Any]) -> dict[str, Any]:
    """Return the strategy as the model has it."""
    content = document_samples.flag("f", environments={"development": {"strategies": [one]}})
    model: Any = kinds()["FeatureFlag"].document.model_validate(content)
    dumped: dict[str, Any] = model.spec.environments["development"].strategies[0].model_dump(exclude_unset=True)
    return dumped


def _means_something_else(one: dict[str, Any]) -> bool:
    """Tell whether a constraint has both of value and values, or neither that counts: a server looks at one of them."""
    singles = {"NUM", "DATE", "SEMVER", "REGEX"}
    for found in one.get("constraints", ()):
        single = found["operator"].split("_")[0] in singles
        if (single and found.get("values")) or (not single and "value" in found):
            return True
        if found.get("value", "x").strip() != found.get("value", "x") or not found.get("value", "x"):
            return True
        if found["operator"].startswith("DATE") or (found["operator"].startswith("SEMVER")):
            return True
    return False


@server_examples(1)
@given(
    st.text(st.sampled_from("abzA09-_.~!*'() /ü%?#"), max_size=6),
    st.sampled_from(["", "a", "ab", " ab", "ü:b c", "x" * 50, "x" * 51]),
    st.sampled_from(
        ["https://example.com", "example", "http://", "ftp://example.com", "https://a b", "https://example.com/ü?x=y#z"]
    ),
)
def test_names_tags_and_links(real: Instance, name: str, tag: str, url: str) -> None:
    unique = f"{name}{uuid.uuid4().hex[:6]}" if name else ""
    metadata = {"name": unique, "project": "default"}
    answer = real.http.post("/api/admin/projects/default/features", json={"name": unique})
    assert (problems("FeatureFlag", metadata, {}) == set()) == answer.is_success, unique
    if not answer.is_success:
        return
    metadata["name"] = "f"
    if not problems("FeatureFlag", metadata, {"tags": [f"simple:{tag}"]}):
        assert real.http.post("/api/admin/tags", json={"type": "simple", "value": tag}).status_code in {201, 409}
    if not problems("FeatureFlag", metadata, {"links": [{"url": url}]}):
        at = answer.json()["name"].replace("?", "%3F").replace("#", "%23").replace("%", "%25")
        link = real.http.post(f"/api/admin/projects/default/features/{at}/link", json={"url": url})
        assert link.is_success, link.text
