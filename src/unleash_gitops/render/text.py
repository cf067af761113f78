"""Renders plans, diagnostics and errors as text. No meaning depends on colours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text

from unleash_gitops.model.errors import InvalidFiles, ObjectsError, SandboxError
from unleash_gitops.render.escape import escape_line, format_pair, format_value
from unleash_gitops.render.excerpt import render_excerpt
from unleash_gitops.render.phrases import (
    ACTION_COLOURS,
    ACTION_SIGNS,
    KEPT_TITLE,
    MARK_ACTIONS,
    MAX_UNMANAGED,
    UNKNOWN_OWNER,
    UNMANAGED_TITLE,
    annotate_fields,
    count_actions,
    count_drift,
    count_marks_only,
    count_released,
    describe_absent_owners,
    describe_marks_only,
    describe_object_origin,
    describe_refusal,
    describe_refusals,
    flatten_object,
    format_address,
    format_title,
    is_mark_only,
    name_edition,
    pluralize,
)

if TYPE_CHECKING:
    from unleash_gitops.model.diagnostics import Diagnostic
    from unleash_gitops.model.errors import GitopsError
    from unleash_gitops.model.plan import Change, ForeignObjects, Plan, Unmanaged
    from unleash_gitops.model.plan_set import PlanSet

__all__ = [
    "render_diagnostics_text",
    "render_error_text",
    "render_plan_set_text",
    "render_plan_text",
]

_SEVERITY_STYLES = {"error": "bold red", "warning": "bold yellow"}
_INDENT = "    "
_MAX_NAME_WIDTH = 32  # characters to which the names of fields are aligned
_MAX_PAIR_WIDTH = 80  # characters of two values that are on one line


def render_plan_text(plan: Plan, *, verbose: bool = False) -> Text:
    """Return a plan: its instance, its changes in their order, what stays unchanged, and a summary.

    Changes that only write a mark are counted by kind, and listed with `verbose`.
    """
    text = Text()
    refusal = describe_refusal(plan)
    if refusal is not None and plan.only is None:
        text.append(f"{escape_line(refusal)}\n", "bold red")
    text.append("Workspace ").append(escape_line(plan.workspace), "bold")
    text.append(" on ").append(escape_line(plan.instance.url), "bold")
    text.append(f" (Unleash {escape_line(plan.instance.version)}, {name_edition(plan)})\n\n")
    for change in plan.changes:
        if verbose or not is_mark_only(change):
            _add_change(text, change, plan.created_at)
    if not verbose:
        _add_marks_only(text, plan.changes)
    _add_kept(text, plan)
    _add_unmanaged(text, plan.unmanaged)
    _add_foreign(text, plan.foreign)
    for entry in plan.not_read:
        text.append("note: ", "bold yellow")
        text.append(f"{escape_line(entry.kind)} is not planned, because the token may not read it: ")
        text.append(f"{escape_line(entry.reason)}\n")
    for warning in plan.warnings:
        text.append("warning: ", "bold yellow").append(f"{escape_line(warning)}\n")
    text.append("\n" if plan.warnings or plan.not_read else "")
    if plan.audit_error is not None:
        text.append("note: ", "bold yellow")
        text.append(f"origin unknown, because the audit log could not be read: {escape_line(plan.audit_error)}\n\n")
    _add_summary(text, plan)
    return text


def render_plan_set_text(plans: PlanSet, *, verbose: bool = False) -> Text:
    """Return several plans, the errors of the workspaces without a plan, and a summary of all."""
    text = Text()
    refusals = describe_refusals(plans)
    if refusals is not None:
        text.append(f"{escape_line(refusals)}\n\n", "bold red")
    for planned in plans.workspaces:
        if planned.plan is not None:
            text.append_text(render_plan_text(planned.plan, verbose=verbose)).append("\n")
            continue
        text.append("Workspace ").append(escape_line(planned.workspace), "bold")
        text.append(f" on {escape_line(planned.url)}" if planned.url else "")
        text.append("\n\n").append("error: ", "bold red").append(f"{escape_line(planned.error or '')}\n\n")
    absent = describe_absent_owners(plans, escape_line)
    text.append(f"{absent}\n" if absent else "", "bold yellow")
    failed = len(plans.workspaces) - len(plans.plans)
    parts = [phrase for _, number, phrase in count_actions(plans.summary) if number] or ["nothing to change"]
    text.append(f"{pluralize(len(plans.workspaces), 'workspace')}: ", "bold").append(", ".join(parts))
    text.append(f"; {failed} could not be planned" if failed else "", "bold red")
    return text.append(".\n")


def render_diagnostics_text(diagnostics: Sequence[Diagnostic]) -> Text:
    """Return diagnostics with their source lines and hints, and their number at the end."""
    text = Text()
    for diagnostic in diagnostics:
        _add_diagnostic(text, diagnostic)
    errors = sum(diagnostic.severity == "error" for diagnostic in diagnostics)
    warnings = len(diagnostics) - errors
    counts = [pluralize(errors, "error")] * bool(errors) + [pluralize(warnings, "warning")] * bool(warnings)
    files = len({diagnostic.position.path for diagnostic in diagnostics})
    return text.append(f"\n{', '.join(counts)} in {pluralize(files, 'file')}\n" if counts else "")


def render_error_text(error: GitopsError) -> Text:
    """Return an error that ends the run, and each way out on its own line."""
    if isinstance(error, InvalidFiles):
        return render_diagnostics_text(error.diagnostics)
    text = Text().append("error: ", "bold red")
    if isinstance(error, ObjectsError):
        text.append(f"{escape_line(error.summary)}:\n")
        for address, detail in error.details:
            text.append(_INDENT).append(escape_line(address), "bold").append(f": {escape_line(detail)}\n")
    elif isinstance(error, SandboxError):  # may contain the last lines of the output of a local program
        lines = str(error).splitlines() or [""]
        text.append(f"\n{_INDENT}".join(escape_line(line) for line in lines)).append("\n")
    else:
        text.append(f"{escape_line(str(error))}\n")
    for hint in error.hints:
        text.append("help: ", "bold cyan").append(f"{escape_line(hint)}\n")
    return text


def _add_marks_only(text: Text, changes: Sequence[Change]) -> None:
    counts = count_marks_only(changes)
    if not counts:
        return
    text.append(f"{ACTION_SIGNS['adopt']} {describe_marks_only(counts.total())}\n", ACTION_COLOURS["adopt"])
    width = max(map(len, counts))
    for kind, count in counts.items():
        text.append(f"{_INDENT}{kind:<{width}}  {count}\n")
    text.append("\n")


def _add_kept(text: Text, plan: Plan) -> None:
    if plan.kept:
        text.append(f"{KEPT_TITLE}\n\n", "bold yellow")
    for change in plan.kept:
        _add_change(text, change, plan.created_at, kept=True)


def _add_change(text: Text, change: Change, now: str, *, kept: bool = False) -> None:
    colour = ACTION_COLOURS[change.action] if not kept else "yellow"
    verb = "DELETE" if change.action == "delete" else str(change.action)
    sign = ACTION_SIGNS[change.action]
    if kept:
        sign, verb = "=", "absent" if change.action == "create" else "kept"
    text.append(f"{sign} {verb:<7}", colour)
    text.append("  ").append(escape_line(change.address), "bold" if change.action != "delete" else "bold red")
    title = format_title(change) if change.after is None else ""
    text.append(f"  from {escape_line(change.taken_from)}" if change.taken_from else "")
    text.append(f"  {title}" if title else "")
    text.append(f"  {escape_line(change.source)}" if change.source else "", "dim")
    text.append("\n")
    if change.reason:
        text.append(f"{_INDENT}{escape_line(change.reason)}\n", colour)
    _add_note(text, describe_object_origin(change, now), _INDENT)
    if change.fields:
        _add_field_changes(text, change, now, kept=kept)
    elif not kept and change.action not in MARK_ACTIONS:
        _add_fields(text, flatten_object(change).items(), "- " if change.action == "delete" else "", colour)
    text.append("\n")


def _add_fields(text: Text, fields: Iterable[tuple[str, Any]], mark: str, colour: str) -> None:
    """Add the fields of a whole object, one per line, with their values aligned."""
    shown = [(escape_line(name), content) for name, content in fields]
    width = min(max((len(name) for name, _ in shown), default=0), _MAX_NAME_WIDTH)
    for name, content in shown:
        text.append(_INDENT).append(mark, colour).append(f"{name:<{width}}  {format_value(content)}\n")


def _add_note(text: Text, note: str | None, indent: str) -> None:
    if note is not None:
        text.append(f"{indent}{escape_line(note)}\n", "bold yellow")


def _add_field_changes(text: Text, change: Change, now: str, *, kept: bool) -> None:
    for field, note in annotate_fields(change, now):
        before, after = format_pair(field.before, field.after)
        text.append(f"{_INDENT}{escape_line(field.path)}: {_format_side(field.before, before)}")
        text.append(" " if len(before) + len(after) <= _MAX_PAIR_WIDTH else f"\n{_INDENT}  ")
        if kept:
            text.append(f"(in the file: {_format_side(field.after, after)})\n", "dim")
        else:
            text.append("→", ACTION_COLOURS[change.action]).append(f" {_format_side(field.after, after)}\n")
        _add_note(text, note, f"{_INDENT}  ")


def _format_side(content: Any, shown: str) -> str:
    """Return a value, or "(none)" for a missing one. Strings are quoted, so no value looks like "(none)"."""
    return "(none)" if content is None else shown


def _add_foreign(text: Text, foreign: Sequence[ForeignObjects]) -> None:
    if foreign:
        counts = (f"{escape_line(entry.workspace or UNKNOWN_OWNER)} {entry.count}" for entry in foreign)
        text.append(f"Owned by other workspaces: {', '.join(counts)}\n\n", "dim")


def _add_unmanaged(text: Text, unmanaged: Sequence[Unmanaged]) -> None:
    if not unmanaged:
        return
    text.append(f"{UNMANAGED_TITLE}\n", "dim")
    for entry in unmanaged[:MAX_UNMANAGED]:
        title = format_title(entry)
        text.append(f"{_INDENT}{escape_line(format_address(entry))}{f'  {title}' if title else ''}\n", "dim")
    more = len(unmanaged) - MAX_UNMANAGED
    text.append(f"{_INDENT}and {more} more\n" if more > 0 else "", "dim")
    text.append("\n")


def _add_summary(text: Text, plan: Plan) -> None:
    count = plan.summary
    if plan.only is not None:
        text.append("Drift: ", "bold").append(f"{', '.join(count_drift(count)) or 'none'}.\n")
        return
    rest = (
        ", ".join(
            [
                f"{count.unmanaged} unmanaged",
                f"{count.foreign} owned by another workspace",
                *count_released(count),
                *count_drift(count),
            ]
        )
        + ".\n"
    )
    if not plan.changes:
        verb = "matches" if count.unchanged == 1 else "match"
        text.append("No changes.", "bold green").append(
            f" {pluralize(count.unchanged, 'object')} {verb} the files; {rest}"
        )
        return
    text.append("Plan: ", "bold")
    for index, (action, number, phrase) in enumerate(count_actions(count)):
        text.append(", " if index else "").append(phrase, ACTION_COLOURS[action] if number else "")
    text.append(f"; {count.unchanged} unchanged, {rest}")


def _add_diagnostic(text: Text, diagnostic: Diagnostic) -> None:
    position = diagnostic.position
    text.append(f"{escape_line(position.path)}:{position.line}:{position.column}: ", "bold")
    text.append(f"{diagnostic.severity}: ", _SEVERITY_STYLES[diagnostic.severity])
    text.append(escape_line(diagnostic.message)).append(f" [{escape_line(diagnostic.code)}]\n", "dim")
    if diagnostic.excerpt is not None:
        line, caret = render_excerpt(diagnostic.excerpt, position.column)
        line_number = str(position.line)
        text.append(f"{line_number:>5} | ", "dim").append(f"{line}\n")
        text.append(f"{'':>{max(5, len(line_number))}} | ", "dim").append(
            f"{caret}\n", _SEVERITY_STYLES[diagnostic.severity]
        )
    if diagnostic.hint:
        text.append("  help: ", "bold cyan").append(f"{escape_line(diagnostic.hint)}\n")
