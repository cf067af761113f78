"""Renders diagnostics and drift as workflow commands, which GitHub shows at the lines of a pull request.

The escaping is that of `@actions/core` (`escapeData`, `escapeProperty`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from unleash_gitops.model.plan import DRIFTED
from unleash_gitops.model.plan_set import PlanSet
from unleash_gitops.render.escape import escape_line
from unleash_gitops.render.phrases import describe_object_origin, describe_origin

if TYPE_CHECKING:
    from unleash_gitops.model.diagnostics import Diagnostic
    from unleash_gitops.model.plan import Change, Plan

__all__ = ["render_diagnostics_github", "render_drift_github", "render_warning_github"]


def render_diagnostics_github(diagnostics: Sequence[Diagnostic]) -> str:
    """Return one command per diagnostic, each on its own line."""
    return "".join(map(_render_diagnostic, diagnostics))


def render_warning_github(title: str, message: str) -> str:
    """Return a warning without a file."""
    return f"::warning title={_escape_property(escape_line(title))}::{_escape_data(escape_line(message))}\n"


def render_drift_github(plans: Plan | PlanSet) -> str:
    """Return one command for each object that another user changed.

    It is an error where the change blocks the whole plan, and a warning otherwise.
    """
    every_plan = plans.plans if isinstance(plans, PlanSet) else (plans,)
    return "".join(
        _render_change(change, plan) for plan in every_plan for change in (*plan.changes, *plan.kept) if change.drifted
    )


def _render_change(change: Change, plan: Plan) -> str:
    """Return the command for an object, at the line of its document if it has one."""
    lines = [change.address]
    if change.origin in DRIFTED:
        lines.append(describe_object_origin(change, plan.created_at) or "")
    lines += [
        f"{change_field.path}: {describe_origin(change_field.origin, change_field.changed, plan.created_at)}"
        for change_field in change.fields
        if change_field.origin in DRIFTED
    ]
    properties = "title=drift"
    path, _, line = (change.source or "").rpartition(":")
    if path and line.isascii() and line.isdigit():
        file = escape_line(_escape_property(f"{plan.root}/{path}" if plan.root else path))
        properties = f"file={file},line={line},{properties}"
    text = "\n".join(escape_line(line) for line in lines)
    severity = "error" if change.refused else "warning"
    return f"::{severity} {properties}::{_escape_data(text)}\n"


def _render_diagnostic(diagnostic: Diagnostic) -> str:
    position = diagnostic.position
    # The path must stay the real name of the file, so escape its line ends in GitHub's way, before escape_line() does.
    path = escape_line(_escape_property(position.path))
    title = _escape_property(escape_line(diagnostic.code))
    lines = [diagnostic.message] if diagnostic.hint is None else [diagnostic.message, f"help: {diagnostic.hint}"]
    message = _escape_data("\n".join(escape_line(line) for line in lines))
    return f"::{diagnostic.severity} file={path},line={position.line},col={position.column},title={title}::{message}\n"


def _escape_data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape_data(text).replace(":", "%3A").replace(",", "%2C")
