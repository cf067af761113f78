"""The picture of a plan in the README shows what the code shows today."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME

from unleash_gitops.model.plan import parse_plan
from unleash_gitops.render.text import render_plan_text

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / ".github" / "plan.svg"
PLAN = ROOT / "tests" / "cases" / "plan-readme" / "plan.json"

# rich's own template asks a content network for a font; this one takes what the reader's machine has.
TEMPLATE = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: "Fira Code", "DejaVu Sans Mono", Menlo, Consolas, monospace; \
font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />\
</clipPath>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}<g class="{unique_id}-matrix">{matrix}</g></g>
</svg>
"""


def _picture() -> str:
    plan = parse_plan(PLAN.read_bytes(), str(PLAN))
    console = Console(
        record=True,
        width=100,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        highlight=False,
        legacy_windows=False,
        _environ={},
    )
    console.print(render_plan_text(plan))
    return console.export_svg(
        title="unleash-gitops plan", theme=SVG_EXPORT_THEME, code_format=TEMPLATE, unique_id="plan"
    )


def test_the_picture_in_the_readme_is_of_this_version(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update-golden"):
        PICTURE.write_text(_picture(), encoding="utf-8")
    assert PICTURE.read_text(encoding="utf-8") == _picture()
    assert set(re.findall(r"https?://[^/\s<\"&]+", PICTURE.read_text(encoding="utf-8"))) == {
        "http://www.w3.org",  # the name of the format
        "http://127.0.0.1:4242",  # the instance in the plan
    }
