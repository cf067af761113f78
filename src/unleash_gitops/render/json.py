"""Renders plans, reports and diagnostics as JSON, for programs and for plan files. The format has a version."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from unleash_gitops.model.escapes import defuse_commands

if TYPE_CHECKING:
    from unleash_gitops.model.diagnostics import Diagnostic
    from unleash_gitops.model.plan import Plan
    from unleash_gitops.model.plan_set import PlanSet, ReportSet
    from unleash_gitops.model.report import Report

__all__ = [
    "render_diagnostics_json",
    "render_plan_json",
    "render_plan_set_json",
    "render_report_json",
    "render_report_set_json",
]

_FORMAT_VERSION = "1"
# Characters that json.dumps does not escape, but that terminals, editors or encoders misinterpret: DEL and the C1
# controls, line and paragraph separators, bidirectional and other invisible format characters, lone surrogates.
_RAW = re.compile(
    "[\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"
)


def render_plan_json(plan: Plan) -> str:
    """Return a plan with its digest, as `--out` saves it and `apply` reads it."""
    return _dump(plan.to_json())


def render_plan_set_json(plans: PlanSet) -> str:
    """Return the plans of several workspaces with their digests."""
    return _dump(plans.to_json())


def render_report_json(report: Report) -> str:
    """Return the report of one workspace."""
    return _dump(report.as_json())


def render_report_set_json(reports: ReportSet) -> str:
    """Return the reports of several workspaces."""
    return _dump(reports.to_json())


def render_diagnostics_json(diagnostics: Sequence[Diagnostic]) -> str:
    """Return diagnostics, in their order, with the numbers of errors and warnings."""
    count = Counter(diagnostic.severity for diagnostic in diagnostics)
    return _dump(
        {
            "formatVersion": _FORMAT_VERSION,
            "summary": {"errors": count["error"], "warnings": count["warning"]},
            "diagnostics": [_to_json(diagnostic) for diagnostic in diagnostics],
        }
    )


def _to_json(diagnostic: Diagnostic) -> dict[str, Any]:
    return {
        "severity": diagnostic.severity,
        "code": diagnostic.code,
        "message": diagnostic.message,
        "path": diagnostic.position.path,
        "line": diagnostic.position.line,
        "column": diagnostic.position.column,
        "hint": diagnostic.hint,
    }


def _dump(content: dict[str, Any]) -> str:
    text = json.dumps(content, indent=2, ensure_ascii=False)
    text = _RAW.sub(lambda match: json.dumps(match.group())[1:-1], text)
    return defuse_commands(text, "\\u0023") + "\n"  # "#" stands only in strings
