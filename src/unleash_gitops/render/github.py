"""Diagnostics and drift as workflow commands, which GitHub shows at their lines in a pull request.

The escaping is that of `@actions/core` (`escapeData`, `escapeProperty`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from unleash_gitops.model.plan import DRIFTED
from unleash_gitops.model.plan_set import PlanSet
from unleash_gitops.render.escape import terminal
from unleash_gitops.render.phrases import object_note, origin_note

if TYPE_CHECKING:
    from unleash_gitops.model.diagnostics import Diagnostic
    from unleash_gitops.model.plan import Change, Plan

__all__ = ["diagnostics_github", "drift_github", "warning_github"]


def diagnostics_github(diagnostics: Sequence[Diagnostic]) -> str:
    """Return one command a line."""
    return "".join(map(_command, diagnostics))


def warning_github(title: str, message: str) -> str:
    """Return a warning about no file in particular."""
    return f"::warning title={_property(terminal(title))}::{_data(terminal(message))}\n"


def drift_github(plans: Plan | PlanSet) -> str:
    """Return one command for each object that another user changed: an error where that refuses the whole plan."""
    every_plan = plans.plans if isinstance(plans, PlanSet) else (plans,)
    return "".join(
        _drift(change, plan) for plan in every_plan for change in (*plan.changes, *plan.kept) if change.drifted
    )


def _drift(change: Change, plan: Plan) -> str:
    """Return the command for an object, at its document's line where it has one."""
    lines = [change.address]
    if change.origin in DRIFTED:
        lines.append(object_note(change, plan.created_at) or "")
    lines += [
        f"{change_field.path}: {origin_note(change_field.origin, change_field.changed, plan.created_at)}"
        for change_field in change.fields
        if change_field.origin in DRIFTED
    ]
    properties = "title=drift"
    path, _, line = (change.source or "").rpartition(":")
    if path and line.isascii() and line.isdigit():
        place = terminal(_property(f"{plan.root}/{path}" if plan.root else path))
        properties = f"file={place},line={line},{properties}"
    severity = "error" if change.refused else "warning"
    return f"::{severity} {properties}::{_data(chr(10).join(terminal(one) for one in lines))}\n"


def _command(diagnostic: Diagnostic) -> str:
    at = diagnostic.position
    # A path must stay the file's true name, so its own line ends are escaped GitHub's way before terminal() sees them.
    path = terminal(_property(at.path))
    title = _property(terminal(diagnostic.code))
    lines = [diagnostic.message] if diagnostic.hint is None else [diagnostic.message, f"help: {diagnostic.hint}"]
    message = _data("\n".join(terminal(line) for line in lines))
    return f"::{diagnostic.severity} file={path},line={at.line},col={at.column},title={title}::{message}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
