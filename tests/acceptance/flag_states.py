"""Flags as anybody could have made them, and documents as anybody could write them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from acceptance.test_pull_property import CONSTRAINTS, WORDS

ENVIRONMENTS = ["development", "production"]
CUSTOM_STRATEGY = "property-by-region"
"""A strategy type that the server has for these tests."""
PARAMETER_NAMES = st.sampled_from(["region", "rollout", "stickiness", "a b", "ü.x", "no", "1"])
PARAMETER_VALUES = st.sampled_from(["", "0", "25", "007", "1.5", "true", "null", "a: b", "9" * 20, "x\ny"])
TITLES = st.none() | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)
WHOLE = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\t#:'\"{}&*!|>%@`"), max_size=80)
VARIANT_NAMES = st.text("abzAZ09-_.~!*'()", min_size=1, max_size=12).filter(lambda name: name.strip("."))
STICKINESS = st.sampled_from(["default", "random", "userId", "sessionId"])
PAYLOADS = st.builds(
    lambda kind, value: {"type": kind, "value": value},
    st.sampled_from(["string", "csv"]),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20),
) | st.sampled_from([{"type": "json", "value": '{"a": [1]}'}, {"type": "number", "value": "1.5"}])


@st.composite
def variants(draw: st.DrawFn) -> list[dict[str, Any]]:
    names = draw(st.lists(VARIANT_NAMES, max_size=3, unique=True))
    found = []
    for place, name in enumerate(names):
        fixed = place > 0 and draw(st.booleans())
        weight = (
            {"weight": draw(st.integers(0, 300)), "weightType": "fix"}
            if fixed
            else {"weight": 1, "weightType": "variable"}
        )
        payload = draw(st.none() | PAYLOADS)
        found.append(
            {"name": name, **weight, "stickiness": draw(STICKINESS), **({"payload": payload} if payload else {})}
        )
    return found


@st.composite
def strategies(draw: st.DrawFn, segments: list[Any]) -> dict[str, Any]:
    """Return a strategy with everything said, as the API takes it and as a document can say it."""
    types = ["flexibleRollout", "flexibleRollout", "default", "remoteAddress", "applicationHostname", CUSTOM_STRATEGY]
    name = draw(st.sampled_from(types))
    parameters: dict[str, str] = {}
    if name == "flexibleRollout":
        parameters = {
            "rollout": str(draw(st.sampled_from([0, 25, 50, 100]))),
            "stickiness": draw(STICKINESS),
            "groupId": draw(WORDS),
        }
    elif name == "remoteAddress":
        parameters = {"IPs": "10.0.0.1"}
    elif name == "applicationHostname":
        parameters = {"hostNames": "a.example.com,b.example.com"}
    elif name == CUSTOM_STRATEGY:
        parameters = draw(st.dictionaries(PARAMETER_NAMES, PARAMETER_VALUES, max_size=3))
    return {
        "name": name,
        "title": draw(TITLES),
        "disabled": draw(st.sampled_from([False, False, True])),
        "parameters": parameters,
        "constraints": draw(CONSTRAINTS),
        "segments": draw(st.lists(st.sampled_from(segments), max_size=2, unique=True)) if segments else [],
        "variants": draw(variants()),
    }


@st.composite
def environments(draw: st.DrawFn, segments: list[Any]) -> dict[str, dict[str, Any]]:
    found = {}
    for name in ENVIRONMENTS:
        each = draw(st.lists(strategies(segments), max_size=3))
        each = each + draw(st.sampled_from([[], each[:1]]))  # two that are equal
        order = draw(st.permutations(range(len(each))))
        on = draw(st.booleans()) and any(not one["disabled"] for one in each)
        found[name] = {"enabled": on, "strategies": each, "order": order}
    return found


def flags(segments: list[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return flags; the strategies' order is told apart from the one that they are made in."""
    return st.fixed_dictionaries(
        {
            "type": st.sampled_from(["experiment", "kill-switch", "release", "operational", "permission", "sunset"]),
            "description": st.none() | WHOLE,
            "impressionData": st.booleans(),
            "stale": st.booleans(),
            "tags": st.lists(st.sampled_from(["simple:ab", "simple:ü:/ x", "simple:no"]), max_size=2, unique=True),
            "links": st.lists(
                st.sampled_from(
                    [
                        {"url": "https://example.com/a", "title": "A"},
                        {"url": "http://example.com:8080/?b=1&a=2#x", "title": None},
                        {"url": "https://example.com/ü/%20", "title": "Ü"},
                    ]
                ),
                max_size=2,
                unique_by=lambda one: one["url"],
            ),
            "environments": environments(segments),
        }
    )


@st.composite
def partial(draw: st.DrawFn, value: Any) -> Any:
    """Return what is left of a flag's spec when any field may be left out."""
    kept = {key: inner for key, inner in value.items() if key in {"name", "enabled"} or draw(st.integers(0, 3))}
    if "environments" in kept:
        kept["environments"] = {name: draw(partial(one)) for name, one in kept["environments"].items()}
    if "strategies" in kept:
        kept["strategies"] = [draw(partial(one)) for one in kept["strategies"]]
        if kept.get("enabled") and not any(one.get("disabled") is False for one in kept["strategies"]):
            del kept["enabled"]  # without `disabled`, a strategy stays as it is, and all may be disabled
    elif "order" in value:
        kept.pop("enabled", None)
    return {key: inner for key, inner in kept.items() if key != "order"}
