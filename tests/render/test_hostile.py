"""Whatever a string from YAML or a server holds, it stays where it was put and does nothing."""

from __future__ import annotations

import re
import unicodedata
from html.parser import HTMLParser
from io import StringIO
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console
from rich.text import Text

from render.samples import HOSTILE_TEXTS, change, hostile, plan, report
from unleash_gitops.diagnostics import Diagnostic, Position
from unleash_gitops.errors import ApiError, SandboxError, StalePlan
from unleash_gitops.plan import FieldChange, Instance, Plan, Report, Result, Unmanaged
from unleash_gitops.render.github import diagnostics_github
from unleash_gitops.render.markdown import LONGEST_COMMENT, plan_markdown, span
from unleash_gitops.render.text import diagnostics_text, error_text, plan_text, report_text, result_line

MANY = settings(max_examples=150, deadline=None, derandomize=True)

FRAGMENTS = [
    *HOSTILE_TEXTS,
    *"`~<>&\"'@#!*_[](){}|\\/\n\r\t\x1b\x9b\u202e\u2028 -+=:$%^",
    "```", "````diff\n", "\n\n", "</details>\n\n", "</code>", "<b>", "<!--", "-->", "]]>", "![](x)", "[a](b)",
    "http://x.example", "www.x.example", "me@x.example", "@org/team", "&lt;", "&#96;", "\n# ", "\n- ", "\n    ", "…",
]  # fmt: skip
CHARACTERS = st.characters(exclude_categories=["Cs"])
TEXTS = st.lists(st.sampled_from(FRAGMENTS) | st.text(CHARACTERS, max_size=6), min_size=1, max_size=5).map("".join)
NAMES = TEXTS.filter(bool)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Draw a plan of all actions with hostile strings in every slot."""
    changes = []
    for action in ("create", "update", "blocked", "delete"):
        spec = {"title": draw(NAMES), draw(NAMES): draw(NAMES), "more": [draw(NAMES), {draw(NAMES): None}]}
        fields = (FieldChange(path=draw(NAMES), before=draw(NAMES), after=spec),) if action != "create" else ()
        facts: dict[str, Any] = {
            "kind": draw(NAMES), "project": draw(NAMES), "feature": draw(NAMES), "id": draw(NAMES),
            "source": draw(NAMES), "reason": draw(NAMES), "fields": fields,
            "before": None if action == "create" else spec, "after": None if action == "delete" else spec,
        }  # fmt: skip
        changes.append(change(action, draw(st.none() | NAMES), **facts))
    kind, name, project, feature, number, title = (draw(NAMES) for _ in range(6))
    left = (Unmanaged(kind=kind, name=name, project=project, feature=feature, id=number, title=title),)
    instance = Instance(url=draw(NAMES), id=draw(NAMES), version=draw(NAMES), edition="oss")
    return plan(*changes, left=left, workspace=draw(NAMES), instance=instance, limit=0)


def assert_harmless(text: Text) -> None:
    """Assert that a terminal is told nothing but colours and line ends."""
    shown = StringIO()
    Console(file=shown, force_terminal=True, color_system="truecolor", soft_wrap=True, highlight=False).print(text)
    for written in (text.plain, re.sub(r"\x1b\[[0-9;]*m", "", shown.getvalue())):
        found = {one for one in written if unicodedata.category(one) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}
        assert found <= {"\n"}


PARTS = re.compile(
    r"[0-9]+ deletes?, more than the limit of [0-9]+: apply refuses this without --max-deletes [0-9]+"
    r"|[0-9]+ changes? (is|are) not shown here|: a comment has no room for more\.| shows the whole plan\."
    r"|[0-9]+ (to create|to update|to delete|blocked|unmanaged|create|update|delete)|and [0-9]+ more"
    r"|Workspace | on |Unleash |open source|plan |[(), ]"
)


def assert_own_structure_only(markdown: str) -> None:
    """Assert that a Markdown reader sees nothing but what the renderer itself wrote."""
    assert len(markdown) <= LONGEST_COMMENT
    html = []
    for token in MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(markdown):
        if token.type == "html_block":
            html.append(token.content)
        elif token.type == "fence":
            assert token.info == "diff"
            assert all(line[:2] in {"+ ", "- ", "  ", "# ", "! "} for line in token.content.splitlines())
        else:
            assert token.type.removesuffix("_open").removesuffix("_close") in {
                "paragraph", "bullet_list", "list_item", "inline",
            }  # fmt: skip
        for child in token.children or ():
            assert child.type in {"text", "code_inline", "strong_open", "strong_close"}
            if child.type == "text":
                assert PARTS.sub("", child.content) == "", child.content
    tags = Tags()
    tags.feed("".join(html))
    tags.close()
    assert tags.open == []


class Tags(HTMLParser):
    """Check that tags nest, bear no attributes, and are ours; that text mentions nobody."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert (tag, attrs) in [(ours, []) for ours in ("details", "summary", "b", "code")]
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        assert not re.search("@[A-Za-z0-9]", data)
        if self.open and self.open[-1] != "code":
            assert data in {"- ", "! ", "~ ", "+ ", "delete", "blocked", "update", "create", " ", "\n",
                            "Unmanaged: live, in no file, left alone"}  # fmt: skip

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


def test_the_hostile_case() -> None:
    assert_own_structure_only(plan_markdown(hostile()))
    assert_harmless(plan_text(hostile()))


@MANY
@given(plans())
def test_markdown_of_a_hostile_plan_has_our_structure_only(hostile_plan: Plan) -> None:
    assert_own_structure_only(plan_markdown(hostile_plan))


@MANY
@given(plans())
def test_text_of_a_hostile_plan_is_harmless_and_has_the_lines_of_a_tame_one(hostile_plan: Plan) -> None:
    text = plan_text(hostile_plan)
    assert_harmless(text)
    marks = [
        line[:9] for line in text.plain.splitlines() if line[:9] in {"+ create ", "~ update ", "! blocked", "- DELETE "}
    ]
    assert marks == ["+ create ", "~ update ", "! blocked", "- DELETE "]


@settings(max_examples=1000, deadline=None, derandomize=True)
@given(NAMES)
def test_a_code_span_holds_all_of_any_text(text: str) -> None:
    tokens = MarkdownIt("commonmark").parse(f"Before {span(text)} after")
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    assert [child.type for child in tokens[1].children or ()] == ["text", "code_inline", "text"]


@MANY
@given(st.lists(NAMES, min_size=8, max_size=8), st.sampled_from(["applied", "failed", "skipped", "blocked"]))
def test_a_hostile_report_is_harmless(texts: list[str], status: str) -> None:
    kind, name, project, feature, number, error, *_ = texts
    one = Result.model_validate(
        {"action": "delete", "kind": kind, "name": name, "project": project, "feature": feature, "id": number,
         "status": status, "error": error}
    )  # fmt: skip
    made: Report = report(one, one)
    assert_harmless(report_text(made))
    assert_harmless(result_line(one))
    assert "\n" not in result_line(one).plain


@MANY
@given(st.lists(NAMES | st.text(min_size=1), min_size=6, max_size=6), st.integers(1, 80), st.integers(1, 10**9))
def test_hostile_diagnostics_are_harmless(texts: list[str], column: int, line: int) -> None:
    code, message, path, hint, excerpt, prefix = texts
    found = Diagnostic("error", code, message, Position(path, line, column), hint, excerpt)
    text = diagnostics_text([found], prefix)
    assert_harmless(text)
    assert len(text.plain.splitlines()) == 6
    command = diagnostics_github([found], prefix)
    assert command.count("\n") == 1
    assert re.fullmatch(rf"::error file=[^:,]*,line={line},col={column},title=[^:,]*::.*\n", command)
    assert {one for one in command[:-1] if unicodedata.category(one) in {"Cc", "Cf", "Cs", "Zl", "Zp"}} == set()


@MANY
@given(st.lists(NAMES | st.text(), min_size=3, max_size=3))
def test_hostile_errors_are_harmless(texts: list[str]) -> None:
    first, second, third = texts
    for error in (ApiError("GET", first, 400, second, third, first), StalePlan([(first, second)]), SandboxError(first)):
        assert_harmless(error_text(error))
