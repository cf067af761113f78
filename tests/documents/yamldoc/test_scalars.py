"""Plain scalars follow the core schema of YAML 1.2, not the schema of 1.1."""

from __future__ import annotations

import math

import pytest

from unleash_gitops.documents.yamldoc import parse_documents

STRINGS = [
    "on",
    "off",
    "yes",
    "no",
    "y",
    "n",
    "On",
    "NO",
    "tRUE",
    "nULL",
    "none",
    "12:30:00",
    "2024-01-01",
    "2024-01-01T10:00:00Z",
    "1_000",
    "0b11",
    "0o8",
    "0xG",
    "-0o7",
    "-0x1",
    "+0x1",
    "1.2.3",
    "1e",
    "1e+",
    ".e1",
    ".",
    "-",
    "+",
    "..",
    "-.",
    "+.",
    "._1",
    "1,000",
    "190:20:30",
    ".infinity",
    ".Inf.",
    "inf",
    "nan",
    "=",
    "0o",
    "0x",
]


@pytest.mark.parametrize("text", STRINGS)
def test_plain_scalars_outside_the_core_schema_are_strings(text: str) -> None:
    documents, diagnostics = parse_documents(f"a: {text}\n".encode(), "f.yaml")
    if text == "-":  # a list that is not allowed here
        assert [problem.code for problem in diagnostics] == ["syntax"]
        return
    assert diagnostics == []
    assert documents[0].value == {"a": text}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((word, None) for word in ("", "~", "null", "Null", "NULL", "!!null ''")),
        *((word, True) for word in ("true", "True", "TRUE", "!!bool true")),
        *((word, False) for word in ("false", "False", "FALSE")),
        *zip(
            ("0", "007", "-1", "+12", "0o17", "0x1F", "0xff", "!!int '5'"), (0, 7, -1, 12, 15, 31, 255, 5), strict=True
        ),
        *zip(("1.10", "-.5", "1.", "1e3", "1E-2", "+1.5e+3"), (1.1, -0.5, 1.0, 1000.0, 0.01, 1500.0), strict=True),
        *zip((".inf", "-.Inf", "+.INF", "!!float 5"), (math.inf, -math.inf, math.inf, 5.0), strict=True),
        *(
            ('"5"', "5"),
            ("'true'", "true"),
            ("! 5", "5"),
            ("!!str 5", "5"),
            ("!!str", ""),
            ("!!map {}", {}),
            ("!!seq []", []),
        ),
    ],
)
def test_scalars_of_the_core_schema_have_its_types(text: str, value: object) -> None:
    documents, diagnostics = parse_documents(f"a: {text}\n".encode(), "f.yaml")
    assert diagnostics == []
    assert documents[0].value == {"a": value}
    assert type(documents[0].value["a"]) is type(value)


def test_nan_is_a_number() -> None:
    documents, _ = parse_documents(b"[.nan, .NaN, .NAN]\n", "f.yaml")
    assert all(math.isnan(value) for value in documents[0].value)
