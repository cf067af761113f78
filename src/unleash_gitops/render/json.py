"""Plans, reports and diagnostics as JSON: stable, versioned, for programs and for saved plans."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unleash_gitops.model.diagnostics import Diagnostic
    from unleash_gitops.model.plan import Plan, Report
    from unleash_gitops.model.plan_set import PlanSet, ReportSet

__all__ = ["diagnostics_json", "plan_json", "planset_json", "report_json", "reportset_json"]

_FORMAT_VERSION = "1"
# What json.dumps leaves as it is and a terminal, an editor or an encoder stumbles over: DEL and the C1 controls, line
# and paragraph separators, bidirectional and other invisible format characters, lone surrogates.
_RAW = re.compile(
    "[\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"
)


def plan_json(plan: Plan) -> str:
    """Return a plan, sealed by its digest: what `--out` saves and `apply` takes."""
    return _dump(plan.to_json())


def planset_json(plans: PlanSet) -> str:
    """Return the plans of several workspaces, sealed by their digest."""
    return _dump(plans.to_json())


def report_json(report: Report) -> str:
    """Return what apply did."""
    return _dump(report.as_json())


def reportset_json(reports: ReportSet) -> str:
    """Return what apply did in several workspaces."""
    return _dump(reports.to_json())


def diagnostics_json(diagnostics: Sequence[Diagnostic]) -> str:
    """Return diagnostics in the order given."""
    count = Counter(diagnostic.severity for diagnostic in diagnostics)
    return _dump(
        {
            "formatVersion": _FORMAT_VERSION,
            "summary": {"errors": count["error"], "warnings": count["warning"]},
            "diagnostics": [_diagnostic(diagnostic) for diagnostic in diagnostics],
        }
    )


def _diagnostic(diagnostic: Diagnostic) -> dict[str, Any]:
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
    return _RAW.sub(lambda match: json.dumps(match.group())[1:-1], text) + "\n"
