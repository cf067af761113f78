"""No string from YAML or a server leaves its place in the output, or has any effect there."""

from __future__ import annotations

import re
import unicodedata
from html.parser import HTMLParser
from io import StringIO
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console
from rich.text import Text

from properties import examples
from render.samples import HOSTILE_TEXTS, change, hostile, plan, planset
from unleash_gitops.ci.job import Job, detect_job
from unleash_gitops.model.diagnostics import Diagnostic, Position
from unleash_gitops.model.errors import ApiError, SandboxError, StalePlan
from unleash_gitops.model.plan import Changed, FieldChange, Instance, Plan, Unmanaged
from unleash_gitops.model.plan_set import Planned
from unleash_gitops.model.report import Report, Result
from unleash_gitops.render.github import render_diagnostics_github, render_drift_github
from unleash_gitops.render.markdown import MAX_COMMENT_BYTES, render_plan_markdown, render_plan_set_markdown
from unleash_gitops.render.markdown_syntax import count_bytes, format_code_span
from unleash_gitops.render.report_text import render_report_text, render_result_line
from unleash_gitops.render.text import render_diagnostics_text, render_error_text, render_plan_text

FRAGMENTS = [
    *HOSTILE_TEXTS,
    *"`~<>&\"'@#!*_[](){}|\\/\n\r\t\x1b\x9b\u202e\u2028 -+=:$%^",
    "```", "````diff\n", "\n\n", "</details>\n\n", "</code>", "<b>", "<!--", "-->", "]]>", "![](x)", "[a](b)",
    "http://x.example", "www.x.example", "me@x.example", "@org/team", "&lt;", "&#96;", "\n# ", "\n- ", "\n    ", "…",
]  # fmt: skip
CHARACTERS = st.characters(exclude_categories=["Cs"])
TEXTS = st.lists(st.sampled_from(FRAGMENTS) | st.text(CHARACTERS, max_size=6), min_size=1, max_size=5).map("".join)
NAMES = TEXTS.filter(bool)
POOL = 12
"""The number of texts in a pool. Drawing a text is slower than rendering it, so the slots of a plan share a pool."""


@st.composite
def pools(draw: st.DrawFn) -> list[str]:
    """Draw texts of hostile fragments and of any characters, none of them empty."""
    pieces = draw(st.lists(st.sampled_from(FRAGMENTS), min_size=POOL, max_size=3 * POOL))
    pieces += draw(st.text(CHARACTERS, max_size=2 * POOL))
    Random(draw(st.integers(0, 9999))).shuffle(pieces)
    return ["".join(pieces[number::POOL]) for number in range(POOL)]


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Draw a plan of all actions with hostile strings in every slot."""
    pool, random = draw(pools()), Random(draw(st.integers(0, 9999)))

    def name() -> str:
        return random.choice(pool)

    def maybe() -> str | None:
        return random.choice([None, name()])

    changes = []
    for action in ("create", "update", "blocked", "delete"):
        spec = {"title": name(), name(): name(), "more": [name(), {name(): None}]}
        who = Changed(by=name(), at=name(), event=1)
        origin = random.choice(["file", "drift", "conflict", "unknown"])
        field = FieldChange(path=name(), before=name(), after=spec, origin=origin, changed=who)
        fields = (field,) if action != "create" else ()
        facts: dict[str, Any] = {
            "kind": name(), "project": name(), "feature": name(), "id": name(),
            "source": name(), "reason": name(), "fields": fields, "origin": origin, "changed": who,
            "before": None if action == "create" else spec, "after": None if action == "delete" else spec,
        }  # fmt: skip
        changes.append(change(action, maybe(), **facts))
    left = (Unmanaged(kind=name(), name=name(), project=name(), feature=name(), id=name(), title=name()),)
    instance = Instance(url=name(), id=name(), version=name(), edition="oss")
    more = {"kept": tuple(changes[1:2]), "audit_error": maybe()}
    limit = random.choice([0, 10])
    return plan(*changes, left=left, workspace=name(), instance=instance, limit=limit, root=maybe(), **more)


@st.composite
def jobs(draw: st.DrawFn) -> Job | None:
    """Draw the CI job of an environment with hostile variables."""
    pool, random = draw(pools()), Random(draw(st.integers(0, 9999)))
    first, second, third, fourth, *_ = pool
    environment = {
        "GITHUB_REPOSITORY": first, "GITHUB_SHA": second, "GITHUB_RUN_ID": random.choice([third, "42"]),
        "GITHUB_SERVER_URL": random.choice([fourth, "https://github.example", f"https://{fourth}"]),
    }  # fmt: skip
    return random.choice([None, detect_job(environment)])


def find_control_characters(text: str) -> set[str]:
    return {character for character in text if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}


def assert_harmless(text: Text) -> None:
    """Assert that a terminal gets only colours and line ends to act on."""
    shown = StringIO()
    Console(file=shown, force_terminal=True, color_system="truecolor", soft_wrap=True, highlight=False).print(text)
    for written in (text.plain, re.sub(r"\x1b\[[0-9;]*m", "", shown.getvalue())):
        assert find_control_characters(written) <= {"\n"}


PARTS = re.compile(
    r"^\[!(CAUTION|WARNING|NOTE)\]$"
    r"|^This plan is refused, and nothing of it will be applied: [0-9]+ deletes?, more than the limit of [0-9]+$"
    r"|^This plan is refused, and nothing of it will be applied: [0-9]+ objects? changed on the server by other users$"
    r"|^[0-9]+ of [0-9]+ workspaces? will not be applied$"
    r"|^[*] ?$|^[0-9]+ objects? to adopt: marks? only, no values change$"
    r"|^[0-9]+ objects? will be deleted$|^[0-9]+ changes? (is|are) blocked and will not be done$"
    r"|^Could not be planned:$|^ in [0-9]+ workspaces?|[0-9]+ could not be planned|commit "
    r"|The plan file (that | saved )?has the whole plan: |The plan file that |this job| saved has the whole plan: "
    r"|[0-9]+ (changes?|workspaces?) (is|are) not shown here\.?"
    r"|: a comment has no room for more\.| shows the whole plan\."
    r"|^Kept: changed on the server by other users, and not overwritten$"
    r"|^Origin unknown, because the audit log could not be read: $|[0-9]+ changed by other users"
    r"|^[0-9]+ objects? changed on the server by other users: nothing will be applied$"
    r"|[0-9]+ (to create|to update|to delete|blocked|unmanaged|create|update|delete)|and [0-9]+ more"
    r"|Workspace | on |Unleash |open source|Enterprise|plan |[(), ]|^\.$"
)


def assert_own_structure_only(markdown: str, job: Job | None = None) -> None:
    """Assert that the structure of the Markdown, and all text outside of code, is that of the renderer."""
    assert count_bytes(markdown) <= MAX_COMMENT_BYTES
    own = "nowhere" if job is None or job.repository_url is None else job.repository_url
    html = []
    for token in MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(markdown):
        if token.type == "html_block":
            html.append(token.content)
        elif token.type == "fence":
            assert token.info == "diff"
            assert all(line[:2] in {"+ ", "- ", "  ", "# ", "! "} for line in token.content.splitlines())
        else:
            assert token.type.removesuffix("_open").removesuffix("_close") in {
                "paragraph", "bullet_list", "list_item", "inline", "blockquote", "heading",
            }  # fmt: skip
        for child in token.children or ():
            assert child.type in {
                "text", "code_inline", "strong_open", "strong_close", "softbreak", "link_open", "link_close",
            }  # fmt: skip
            if child.type == "link_open":
                assert str(child.attrs["href"]).startswith(f"{own}/")
            if child.type == "text":
                assert PARTS.sub("", child.content) == "", child.content
    tags = Tags(own)
    tags.feed("".join(html))
    tags.close()
    assert tags.open == []


class Tags(HTMLParser):
    """Checks that tags nest and are the renderer's, that links are below `own`, and that no text is a mention."""

    def __init__(self, own: str) -> None:
        super().__init__()
        self.own = own
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            ((name, value),) = attrs
            assert name == "href"
            assert value is not None
            assert re.fullmatch(re.escape(self.own) + "/blob/[A-Za-z0-9._~%/-]+#L[0-9]+", value)
            assert not {"", ".", ".."} & set(value.removeprefix(f"{self.own}/").split("#")[0].split("/"))
        else:
            assert (tag, attrs) in [(own_tag, []) for own_tag in ("details", "summary", "b", "code")]
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        assert not re.search("@[A-Za-z0-9]", data)
        if self.open and self.open[-1] != "code":
            assert data in {"- ", "! ", "= ", "kept", "~ ", "+ ", "DELETE", "BLOCKED", "update", "create", " ", "\n",
                            "Not managed: on the server, in no file"}  # fmt: skip

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


def test_the_hostile_sample_is_harmless() -> None:
    markdown, text = render_plan_markdown(hostile()), render_plan_text(hostile())
    assert_own_structure_only(markdown)
    assert_harmless(text)
    assert "##[" not in markdown + text.plain + render_drift_github(hostile())


@examples(20)
@given(pools())
def test_thousands_of_hostile_strings_are_harmless(texts: list[str]) -> None:
    names, source, reason, path, before, after, title = texts[:6], *texts[6:]
    kind, name, project, feature, number, workspace = names
    facts: dict[str, Any] = {"kind": kind, "project": project, "feature": feature, "id": number, "reason": reason}
    fields = (FieldChange(path=path, before=before, after=after),)
    left = (Unmanaged(kind=kind, name=name, project=project, feature=feature, id=number, title=title),)
    hostile_plan = plan(
        change("delete", None, before={"title": title, path: before}, source=None, **facts),
        change("update", name, before={}, after={}, fields=fields, source=source, **facts),
        left=left,
        workspace=workspace,
    )
    assert_own_structure_only(render_plan_markdown(hostile_plan))


@examples(1.5)
@given(plans(), jobs())
def test_markdown_of_a_hostile_plan_has_only_the_structure_of_the_renderer(hostile_plan: Plan, job: Job | None) -> None:
    assert_own_structure_only(render_plan_markdown(hostile_plan, job), job)


@examples(1.5)
@given(plans(), pools(), jobs(), st.integers(0, 30))
def test_markdown_of_several_hostile_plans_has_only_the_structure_of_the_renderer(
    hostile_plan: Plan, texts: list[str], job: Job | None, times: int
) -> None:
    workspace, url, error, *_ = texts
    failed = Planned(workspace=workspace, root=None, url=url, plan=None, error=error)
    plan_set = planset(hostile_plan, failed, *[hostile_plan] * times)
    assert_own_structure_only(render_plan_set_markdown(plan_set, job), job)


@examples(1.5)
@given(plans())
def test_text_of_a_hostile_plan_is_harmless_and_has_the_lines_of_a_harmless_plan(hostile_plan: Plan) -> None:
    text = render_plan_text(hostile_plan)
    assert_harmless(text)
    marks = [
        line[:9] for line in text.plain.splitlines() if line[:9] in {"+ create ", "~ update ", "! blocked", "- DELETE "}
    ]
    assert marks == ["+ create ", "~ update ", "! blocked", "- DELETE "]


@examples(10)
@given(NAMES)
def test_no_text_ends_its_code_span(text: str) -> None:
    tokens = MarkdownIt("commonmark").parse(f"Before {format_code_span(text)} after")
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    assert [child.type for child in tokens[1].children or ()] == ["text", "code_inline", "text"]


@examples(1.5)
@given(pools(), st.sampled_from(["applied", "failed", "skipped", "blocked"]))
def test_a_hostile_report_is_harmless(texts: list[str], status: str) -> None:
    kind, name, project, feature, number, error, *_ = texts
    result = Result.model_validate(
        {"action": "delete", "kind": kind, "name": name, "project": project, "feature": feature, "id": number,
         "status": status, "error": error}
    )  # fmt: skip
    hostile_report = Report.of([result, result])
    assert_harmless(render_report_text(hostile_report))
    assert_harmless(render_result_line(result))
    assert "\n" not in render_result_line(result).plain


@examples(1.5)
@given(st.lists(NAMES | st.text(min_size=1), min_size=6, max_size=6), st.integers(1, 80), st.integers(1, 10**9))
def test_hostile_diagnostics_are_harmless(texts: list[str], column: int, line: int) -> None:
    code, message, path, hint, excerpt, prefix = texts
    diagnostic = Diagnostic("error", code, message, Position(path, line, column), hint, excerpt).below(prefix)
    text = render_diagnostics_text([diagnostic])
    assert_harmless(text)
    assert len(text.plain.splitlines()) == 6
    command = render_diagnostics_github([diagnostic])
    assert command.count("\n") == 1
    assert re.fullmatch(rf"::error file=[^:,]*,line={line},col={column},title=[^:,]*::.*\n", command)
    assert find_control_characters(command[:-1]) == set()


@examples(1.5)
@given(st.lists(NAMES | st.text(), min_size=3, max_size=3))
def test_hostile_errors_are_harmless(texts: list[str]) -> None:
    first, second, third = texts
    for error in (ApiError("GET", first, 400, second, third, first), StalePlan([(first, second)]), SandboxError(first)):
        assert_harmless(render_error_text(error))


@examples(1.5)
@given(plans())
def test_each_annotation_of_a_hostile_plan_is_one_line(hostile_plan: Plan) -> None:
    commands = render_drift_github(hostile_plan).splitlines()
    drifted = [each for each in (*hostile_plan.changes, *hostile_plan.kept) if each.drifted]
    assert len(commands) == len(drifted)
    for command in commands:
        assert re.match("::(warning|error) [^:]*title=drift::", command)
        assert_harmless(Text(command))
