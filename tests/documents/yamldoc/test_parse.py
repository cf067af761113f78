"""Malformed YAML: the message and position of every error."""

from __future__ import annotations

import time

import pytest
import yaml

from unleash_gitops.documents.yamldoc import MAX_FILE_SIZE, parse, parse_documents
from unleash_gitops.model.diagnostics import Diagnostic

# The content of a file, then each problem as `line:column code: message`.
MALFORMED: dict[str, tuple[bytes, *tuple[str, ...]]] = {
    "empty": (b"", "1:1 empty-file: the file contains no document"),
    "only comments": (b"# a\n\n# b\n", "1:1 empty-file: the file contains no document"),
    "null": (b"~\n", "1:1 empty-file: the file contains no document"),
    "spaces": (b"  \n \n", "1:1 empty-file: the file contains no document"),
    "bom only": (b"\xef\xbb\xbf", "1:1 empty-file: the file contains no document"),
    "latin1": (b"a: ok\nb: caf\xe9\n", "2:7 encoding: not UTF-8: byte 0xE9 at offset 12"),
    "utf8 surrogate": (b"a: \xed\xa0\x80\n", "1:4 encoding: not UTF-8: byte 0xED at offset 3"),
    "utf16le": (b"\xff\xfea\x00:\x00 \x00b\x00", "1:1 encoding: the file is UTF-16 or UTF-32, not UTF-8"),
    "utf16be": (b"\xfe\xff\x00a", "1:1 encoding: the file is UTF-16 or UTF-32, not UTF-8"),
    "nul": (b"a: b\nc: \x00\n", "2:4 binary: not a text file: it contains a zero byte"),
    "png": (b"\x89PNG\r\n\x1a\n\x00\x00", "3:1 binary: not a text file: it contains a zero byte"),
    "escape": (b"a: \xc3\xa9\x1b[31m\n", "1:5 character: control character U+001B is not allowed here"),
    "nel": (b"a: x\xc2\x85y\n", "1:5 character: control character U+0085 is not allowed here"),
    "ls": (b"a: x\xe2\x80\xa8y\n", "1:5 character: character U+2028 is not allowed here"),
    "bom within": (b"a: \xef\xbb\xbfb\n", "1:4 character: character U+FEFF is not allowed here"),
    "del": (b"a: \x7f\n", "1:4 character: control character U+007F is not allowed here"),
    "fffe": (b"a: \xef\xbf\xbe", "1:4 character: character U+FFFE is not allowed here"),
    "tab indent": (b"a:\n\tb: c\n", '2:1 syntax: a value cannot start with "\\t"'),
    "tab indent 2": (
        b"a:\n  b: c\n\td: e\n",
        "3:1 syntax: a tab in the indentation, in the plain scalar that starts on line 2",
    ),
    "bad indent": (b"a:\n  b: c\n d: e\n", "3:2 syntax: expected a key, in the block mapping that starts on line 1"),
    "unclosed quote": (b'a: "b\nc: d\n', "1:4 syntax: the quotes are not closed"),
    "unclosed single": (b"a: 'b\nc: d\n", "1:4 syntax: the quotes are not closed"),
    "unclosed bracket": (
        b"a: [b, c\nd: e\n",
        '2:2 syntax: expected "," or "]", in the flow sequence that starts on line 1',
    ),
    "unclosed brace": (b"a: {b: c\n", '2:1 syntax: expected "," or "}", in the flow mapping that starts on line 1'),
    "extra bracket": (b"a: ]\n", "1:4 syntax: expected a value"),
    "two colons": (b"a: b: c\n", '1:5 syntax: ": " is not allowed here'),
    "colon missing": (b"a: b\nc\nd: e\n", "2:1 syntax: a key without a colon"),
    "at": (b"a: @b\n", '1:4 syntax: a value cannot start with "@"'),
    "backtick": (b"a: `b`\n", '1:4 syntax: a value cannot start with "`"'),
    "percent": (b"a: %b\n", '1:4 syntax: a value cannot start with "%"'),
    "unknown escape": (b'a: "\\d"\n', "1:5 syntax: unknown escape sequence in double quotes"),
    "escape of half a pair": (b'a: "\\ud800"\n', "1:7 syntax: found invalid Unicode character escape code"),
    "star": (b"a: *.example.com\n", "1:5 syntax: expected the name of an anchor or alias"),
    "amp": (b"a: & b\n", "1:5 syntax: expected the name of an anchor or alias"),
    "undefined alias": (b"a: *b\n", '1:4 alias: alias "b" has no anchor before it'),
    "cyclic alias": (b"a: &a [*a]\n", '1:8 alias: alias "a" refers to a value that contains the alias'),
    "cyclic alias 2": (b"&a {b: *a}\n", '1:8 alias: alias "a" refers to a value that contains the alias'),
    "duplicate": (b"a: 1\nb: 2\na: 3\n", '3:1 duplicate-key: duplicate key "a", first on line 1'),
    "duplicate quoted": (b"a: 1\n'a': 3\n", '2:1 duplicate-key: duplicate key "a", first on line 1'),
    "duplicate nested": (
        b"a:\n  - {x: 1, x: 2, x: 3}\n",
        '2:12 duplicate-key: duplicate key "x", first on line 2',
        '2:18 duplicate-key: duplicate key "x", first on line 2',
    ),
    "merge": (b"a: &a {b: c}\nd:\n  <<: *a\n", "3:3 merge-key: YAML 1.2 has no merge key <<"),
    "int key": (b"5: a\n", "1:1 key: a key must be a string, not 5"),
    "bool key": (b"true: a\n", "1:1 key: a key must be a string, not true"),
    "null key": (b"~: a\n", "1:1 key: a key must be a string, not ~"),
    "empty key": (b": a\n", "1:1 syntax: expected a key"),
    "list key": (b"? [a]\n: b\n", "1:3 key: a key must be a string, not a mapping or list"),
    "map key": (b"{a: b}: c\n", "1:1 key: a key must be a string, not a mapping or list"),
    "object": (
        b"a: !!python/object/apply:os.system [echo]\n",
        '1:4 tag: the tag "!!python/object/apply:os.system" is not allowed',
    ),
    "local tag": (b"a: !secret b\n", '1:4 tag: the tag "!secret" is not allowed'),
    "binary tag": (b"a: !!binary aGk=\n", '1:4 tag: the tag "!!binary" is not allowed'),
    "timestamp tag": (b"a: !!timestamp 2024-01-01\n", '1:4 tag: the tag "!!timestamp" is not allowed'),
    "set": (b"a: !!set {b, c}\n", '1:4 tag: the tag "!!set" is not allowed'),
    "omap": (b"a: !!omap [b: c]\n", '1:4 tag: the tag "!!omap" is not allowed'),
    "bad int tag": (b"a: !!int x\n", '1:4 tag: "x" is not a whole number, which its tag requires'),
    "bad null tag": (b"a: !!null x\n", '1:4 tag: "x" is not null, which its tag requires'),
    "undefined handle": (b"a: !x!y b\n", "1:4 syntax: found undefined tag handle"),
    "yaml 3": (b"%YAML 3.0\n---\na: b\n", "1:1 syntax: found incompatible YAML document"),
    "unknown directive": (b"%FOO bar\n---\na: b\n", "1:5 syntax: found unknown directive name"),
    "directive end": (b"%YAML 1.2\na: b\n", "2:1 syntax: expected --- or the end of the file"),
    "after document": (b"a: b\n...\nc: d\n---\ne: f: g\n", "3:1 syntax: expected --- or the end of the file"),
    "crlf": (b"a: b\r\nc: d: e\r\n", '2:5 syntax: ": " is not allowed here'),
    "cr": (b"a: b\rc: d: e\r", '2:5 syntax: ": " is not allowed here'),
    "multibyte": (b"a: \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 : b: c\n", '1:8 syntax: ": " is not allowed here'),
    "doc marker in quote": (b'a: "b\n---\nc"\n', "1:4 syntax: the quotes are not closed"),
    "plain multi": (b"a: b\n c: d\n", '2:3 syntax: ": " is not allowed here'),
    "block scalar": (b"a: |x\n  b\n", "1:5 syntax: did not find expected comment or line break"),
}


def format_problems(diagnostics: list[Diagnostic]) -> list[str]:
    """Return each problem as `line:column code: message`."""
    assert {problem.position.path for problem in diagnostics} <= {"f.yaml"}
    return [f"{each.position.line}:{each.position.column} {each.code}: {each.message}" for each in diagnostics]


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_yaml_is_reported_at_its_position(name: str) -> None:
    content, *expected = MALFORMED[name]
    _, diagnostics = parse_documents(content, "f.yaml")
    assert format_problems(diagnostics) == expected


@pytest.mark.parametrize("name", MALFORMED)
def test_the_parser_in_python_reports_the_same_positions(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    content, *expected = MALFORMED[name]
    monkeypatch.setattr(parse, "_PARSER", yaml.SafeLoader)
    _, diagnostics = parse_documents(content, "f.yaml")
    if name in {"unknown directive", "escape of half a pair", "unknown escape"}:  # allowed, or one column off
        return
    assert [line.split(": ")[0] for line in format_problems(diagnostics)] == [line.split(": ")[0] for line in expected]


HINTS = {
    b"a:\n\tb: c\n": "indent YAML with spaces, not with tabs",
    b"a: b: c\n": 'put quotes around text that contains ": ", and check the indentation',
    b"a: @b\n": "put quotes around text with @ in it",
    b"5: a\n": 'put it in quotes: "5"',
    b"<<: 1\n": "write the keys out, or use an alias for a whole value",
    b"a: !x 1\n": "write plain data without tags",
    b"a: \x1b\n": 'remove it, or write it as "\\x1b" in double quotes',
    b"\xff\xfe": "save it as UTF-8",
    b"": "add a document, or remove the file",
}


@pytest.mark.parametrize("content", HINTS)
def test_a_problem_has_a_hint_when_the_solution_is_known(content: bytes) -> None:
    _, diagnostics = parse_documents(content, "f.yaml")
    assert [problem.hint for problem in diagnostics] == [HINTS[content]]


def test_a_problem_has_its_source_line_when_the_position_is_in_the_excerpt() -> None:
    _, diagnostics = parse_documents("a: é\r\n\r\nb: 1\r\nb: 2\r\n".encode(), "f.yaml")
    assert [problem.excerpt for problem in diagnostics] == ["b: 2"]
    _, diagnostics = parse_documents(b"a: &a " + b"x" * 600 + b"\nb: *b\nc: [" + b" " * 600 + b"*d]", "f.yaml")
    assert [problem.excerpt for problem in diagnostics] == ["b: *b"]


def test_documents_before_a_syntax_error_are_kept() -> None:
    documents, diagnostics = parse_documents(b"a: 1\n---\nb: 2\n---\nc: d: e\n---\nf: 1\n", "f.yaml")
    assert [document.value for document in documents] == [{"a": 1}, {"b": 2}]
    assert format_problems(diagnostics) == ['5:5 syntax: ": " is not allowed here']


def test_an_invalid_key_is_left_out_and_makes_the_document_incomplete() -> None:
    (document,), _ = parse_documents(b"a: 1\n<<: {b: 2}\n5: c\n", "f.yaml")
    assert document.value == {"a": 1}
    assert not document.complete
    (document,), _ = parse_documents(b"a: 1\na: 2\n", "f.yaml")
    assert document.complete


BOMB = b"a: &a [x,x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (letter + 1, letter + 1, b",".join([b"*%c" % letter] * 10)) for letter in range(97, 122)
)
BOUNDED = {
    "alias bomb": (BOMB, "4:29 alias: aliases add more than 10,000 values to this document"),
    "open brackets": (b"[" * 100_000, "1:101 too-deep: nested more than 100 levels deep"),
    "closed brackets": (b"[" * 101 + b"]" * 101, "1:101 too-deep: nested more than 100 levels deep"),
    "open braces": (b"{a: " * 100_000, "1:401 too-deep: nested more than 100 levels deep"),
    "dashes": (b"- " * 100_000, "1:201 too-deep: nested more than 100 levels deep"),
    "question marks": (b"? " * 100_000, "1:201 too-deep: nested more than 100 levels deep"),
    "deep through aliases": (
        b"a: &a " + b"[" * 60 + b"]" * 60 + b"\nb: " + b"[" * 60 + b"*a" + b"]" * 60,
        "2:64 too-deep: nested more than 100 levels deep",
    ),
    "many values": (b"[" + b"a," * 200_000 + b"]", "1:200000 too-large: the document has more than 100,000 values"),
    "many documents": (b"---\n" * 200_000, "100001:1 too-large: the file has more than 100,000 documents"),
    "large": (b"#" * (MAX_FILE_SIZE + 1), "1:1 too-large: the file is larger than 16 MiB"),
    "many digits": (b"a: " + b"9" * 5_000, "1:4 value: the number has more than 3000 digits"),
    "many hexadecimal digits": (b"a: 0x" + b"f" * 5_000, "1:4 value: the number has more than 3000 digits"),
}

LIBYAML_RESULTS = {"open brackets": "1:1001 too-deep: nested more than 100 levels deep"}
"""The results where libyaml reports its own limit of a thousand levels before it returns any event."""


@pytest.mark.parametrize("parser", ["C", "Python"])
@pytest.mark.parametrize("name", BOUNDED)
def test_documents_beyond_a_limit_are_refused_quickly(name: str, parser: str, monkeypatch: pytest.MonkeyPatch) -> None:
    content, expected = BOUNDED[name]
    if parser == "Python":
        monkeypatch.setattr(parse, "_PARSER", yaml.SafeLoader)
    begin = time.process_time()
    _, diagnostics = parse_documents(content, "f.yaml")
    assert format_problems(diagnostics) in ([expected], [LIBYAML_RESULTS.get(name)])
    assert time.process_time() - begin < (
        5 if parser == "C" else 60
    )  # without limits, all but one take minutes or crash


def test_a_hundred_levels_and_many_aliases_are_allowed() -> None:
    content = b"a: &a [x]\nb: [" + b"*a," * 4_000 + b"]\nc: " + b"[" * 99 + b"]" * 99
    (document,), diagnostics = parse_documents(content, "f.yaml")
    assert diagnostics == []
    assert document.value["b"] == [["x"]] * 4_000
