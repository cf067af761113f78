"""Renders what became of a plan as text. No meaning depends on colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from unleash_gitops.render.escape import escape_line
from unleash_gitops.render.phrases import ACTION_COLOURS, ACTION_SIGNS

if TYPE_CHECKING:
    from unleash_gitops.model.plan import Action
    from unleash_gitops.model.report import ConcurrentChange, Report, Result, Status

__all__ = ["render_report_text", "render_result_line"]

_PARTICIPLES: dict[Action, str] = {
    "create": "created",
    "update": "updated",
    "adopt": "adopted",
    "transfer": "transferred",
    "release": "released",
    "delete": "deleted",
    "blocked": "blocked",
}
_STATUS_STYLES: dict[Status, tuple[str, str]] = {
    "applied": ("", ""),
    "failed": ("x", "bold red"),
    "skipped": (".", "yellow"),
    "blocked": ("!", "magenta"),
}


def render_report_text(report: Report) -> Text:
    """Return a report: each change that was not applied, with the reason, and a summary."""
    text = Text()
    for result in report.results:
        if result.status != "applied":
            text.append_text(render_result_line(result)).append("\n")
    for entry in report.concurrent:
        text.append_text(_render_concurrent(entry))
    if report.unverified is not None:
        text.append("x unverified", "bold red")
        text.append(f"  it is not known whether the server holds every change: {escape_line(report.unverified)}\n")
    if report.audit_error is not None:
        text.append("note: ", "bold yellow")
        text.append("changes by other users during this run could not be looked for, because the audit log could not ")
        text.append(f"be read: {escape_line(report.audit_error)}\n")
    if text:
        text.append("\n")
    count = report.summary
    text.append(f"Applied {count.applied}, ", "bold")
    text.append(f"failed {count.failed}, ", "bold red" if count.failed else "bold")
    text.append(f"skipped {count.skipped}, ", "bold yellow" if count.skipped else "bold")
    text.append(f"blocked {count.blocked}.", "bold magenta" if count.blocked else "bold")
    return text.append("\n")


def _render_concurrent(entry: ConcurrentChange) -> Text:
    """Return a change that another user made during the run, on one line."""
    who = f"{escape_line(entry.changed.by)} at {escape_line(entry.changed.at)} (event {entry.changed.event})"
    if entry.overwritten:
        text = Text("! overwritten", "bold red").append(f"  {escape_line(entry.address)}", "bold")
        return text.append(f": changed by {who}, after this run checked it and before it wrote\n")
    text = Text("note: ", "bold yellow").append(escape_line(entry.address), "bold")
    return text.append(f" was changed by {who} after this apply\n")


def render_result_line(result: Result) -> Text:
    """Return the result of one change on one line, with the reason when it was not applied."""
    text = Text()
    if result.status == "applied":
        text.append(f"{ACTION_SIGNS[result.action]} {_PARTICIPLES[result.action]}  ", ACTION_COLOURS[result.action])
        return text.append(escape_line(result.address))
    mark, colour = _STATUS_STYLES[result.status]
    text.append(f"{mark} {result.status:<7}  ", colour)
    text.append("" if result.action == "blocked" else f"{result.action} ").append(escape_line(result.address), "bold")
    if result.error:
        text.append(f": {escape_line(result.error)}")
    return text
