"""Plans, reports, diagnostics and errors as text for people. Colour helps; the signs alone say the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text

from unleash_gitops.model.errors import DriftRefused, InvalidFiles, SandboxError, StalePlan
from unleash_gitops.render.escape import pair, terminal, value
from unleash_gitops.render.excerpt import caret_lines
from unleash_gitops.render.phrases import (
    KEPT,
    MARKS,
    MOST_UNMANAGED,
    UNMANAGED,
    address_of,
    deletes_warning,
    drift_phrases,
    edition,
    notes,
    object_note,
    phrases,
    plural,
    title_of,
    whole,
)

if TYPE_CHECKING:
    from unleash_gitops.model.diagnostics import Diagnostic
    from unleash_gitops.model.errors import GitopsError
    from unleash_gitops.model.plan import Action, Change, Plan, Report, Result, Status, Unmanaged
    from unleash_gitops.model.plan_set import PlanSet

__all__ = ["diagnostics_text", "error_text", "plan_text", "planset_text", "report_text", "result_line"]

_COLOURS: dict[Action, str] = {"create": "green", "update": "yellow", "delete": "bold red", "blocked": "magenta"}
_VERBS: dict[Action, str] = {"create": "create", "update": "update", "delete": "DELETE", "blocked": "blocked"}
_KEPT: dict[Action, str] = {"create": "absent", "update": "keep", "delete": "spare", "blocked": "blocked"}
_DONE: dict[Action, str] = {"create": "created", "update": "updated", "delete": "deleted", "blocked": "blocked"}
_STATUS: dict[Status, tuple[str, str]] = {
    "applied": ("", ""),
    "failed": ("x", "bold red"),
    "skipped": (".", "yellow"),
    "blocked": ("!", "magenta"),
}
_SEVERITY = {"error": "bold red", "warning": "bold yellow"}
_INDENT = "    "
_WIDEST_NAME = 32  # of a field, for the sake of the others' alignment
_WIDEST_PAIR = 80  # of two values, to stand on one line


def plan_text(plan: Plan) -> Text:
    """Return a plan: where, every change in the order it is done, what is left alone, and one line that sums up."""
    text = Text()
    text.append("Workspace ").append(terminal(plan.workspace), "bold")
    text.append(" on ").append(terminal(plan.instance.url), "bold")
    text.append(f" (Unleash {terminal(plan.instance.version)}, {edition(plan)})\n\n")
    for change in plan.changes:
        _add_change(text, change, plan.created_at)
    _add_kept(text, plan)
    _add_unmanaged(text, plan.unmanaged)
    warning = deletes_warning(plan)
    if warning is not None:
        text.append("warning: ", "bold red").append(f"{warning}\n\n")
    if plan.audit_error is not None:
        text.append("note: ", "bold yellow")
        text.append(f"origin unknown, for want of the audit log: {terminal(plan.audit_error)}\n\n")
    _add_summary(text, plan)
    return text


def planset_text(plans: PlanSet) -> Text:
    """Return several plans one below the other, what could not be planned, and a line that sums up all of it."""
    text = Text()
    for planned in plans.workspaces:
        if planned.plan is not None:
            text.append_text(plan_text(planned.plan)).append("\n")
            continue
        text.append("Workspace ").append(terminal(planned.workspace), "bold")
        text.append(f" on {terminal(planned.url)}" if planned.url else "")
        text.append("\n\n").append("error: ", "bold red").append(f"{terminal(planned.error or '')}\n\n")
    failed = len(plans.workspaces) - len(plans.plans)
    parts = [phrase for _, number, phrase in phrases(plans.summary) if number] or ["nothing to change"]
    text.append(f"{plural(len(plans.workspaces), 'workspace')}: ", "bold").append(", ".join(parts))
    text.append(f"; {failed} could not be planned" if failed else "", "bold red")
    return text.append(".\n")


def report_text(report: Report) -> Text:
    """Return what apply did: whatever did not go through, with its reason, and one line that sums up."""
    text = Text()
    for result in report.results:
        if result.status != "applied":
            text.append_text(result_line(result)).append("\n")
    if text:
        text.append("\n")
    count = report.summary
    text.append(f"Applied {count.applied}, ", "bold")
    text.append(f"failed {count.failed}, ", "bold red" if count.failed else "bold")
    text.append(f"skipped {count.skipped}, ", "bold yellow" if count.skipped else "bold")
    text.append(f"blocked {count.blocked}.", "bold magenta" if count.blocked else "bold")
    return text.append("\n")


def result_line(result: Result) -> Text:
    """Return one change's end, with the reason when it did not go through."""
    text = Text()
    if result.status == "applied":
        text.append(f"{MARKS[result.action]} {_DONE[result.action]}  ", _COLOURS[result.action])
        return text.append(terminal(result.address))
    mark, colour = _STATUS[result.status]
    text.append(f"{mark} {result.status:<7}  ", colour)
    text.append("" if result.action == "blocked" else f"{result.action} ").append(terminal(result.address), "bold")
    if result.error:
        text.append(f": {terminal(result.error)}")
    return text


def diagnostics_text(diagnostics: Sequence[Diagnostic]) -> Text:
    """Return every diagnostic with its source line, a caret and its hint, and at the end how many there are."""
    text = Text()
    for diagnostic in diagnostics:
        _add_diagnostic(text, diagnostic)
    errors = sum(diagnostic.severity == "error" for diagnostic in diagnostics)
    warnings = len(diagnostics) - errors
    counts = [plural(errors, "error")] * bool(errors) + [plural(warnings, "warning")] * bool(warnings)
    files = len({diagnostic.position.path for diagnostic in diagnostics})
    return text.append(f"\n{', '.join(counts)} in {plural(files, 'file')}\n" if counts else "")


def error_text(error: GitopsError) -> Text:
    """Return an error that ends the run, and the way out where one is known."""
    if isinstance(error, InvalidFiles):
        return diagnostics_text(error.diagnostics)
    text = Text().append("error: ", "bold red")
    if isinstance(error, StalePlan):
        text.append("the server has changed since this plan was made, nothing was applied:\n")
        for address, how in error.moved:
            text.append(_INDENT).append(terminal(address), "bold").append(f": {terminal(how)}\n")
    elif isinstance(error, DriftRefused):
        text.append("somebody else changed on the server what the files would undo, and nothing is applied:\n")
        for address, how in error.found:
            text.append(_INDENT).append(terminal(address), "bold").append(f": {terminal(how)}\n")
    elif isinstance(error, SandboxError):  # may end with the last lines of a local program's output
        lines = str(error).splitlines() or [""]
        text.append(f"\n{_INDENT}".join(terminal(line) for line in lines)).append("\n")
    else:
        text.append(f"{terminal(str(error))}\n")
    if error.hint:
        text.append("help: ", "bold cyan").append(f"{terminal(error.hint)}\n")
    return text


def _add_kept(text: Text, plan: Plan) -> None:
    if plan.kept:
        text.append(f"{KEPT}\n\n", "bold yellow")
    for change in plan.kept:
        _add_change(text, change, plan.created_at, kept=True)


def _add_change(text: Text, change: Change, since: str, *, kept: bool = False) -> None:
    colour = _COLOURS[change.action] if not kept else "yellow"
    mark, verb = ("=", _KEPT[change.action]) if kept else (MARKS[change.action], _VERBS[change.action])
    text.append(f"{mark} {verb:<7}", colour)
    text.append("  ").append(terminal(change.address), "bold" if change.action != "delete" else "bold red")
    title = title_of(change) if change.after is None else ""
    text.append(f"  {title}" if title else "")
    text.append(f"  {terminal(change.source)}" if change.source else "", "dim")
    text.append("\n")
    if change.reason:
        text.append(f"{_INDENT}{terminal(change.reason)}\n", colour)
    _add_note(text, object_note(change, since), _INDENT)
    if change.fields:
        _add_differences(text, change, since, kept=kept)
    elif not kept:
        _add_fields(text, whole(change).items(), "- " if change.action == "delete" else "", colour)
    text.append("\n")


def _add_fields(text: Text, fields: Iterable[tuple[str, Any]], mark: str, colour: str) -> None:
    """Add a whole object, its values below each other."""
    shown = [(terminal(name), content) for name, content in fields]
    width = min(max((len(name) for name, _ in shown), default=0), _WIDEST_NAME)
    for name, content in shown:
        text.append(_INDENT).append(mark, colour).append(f"{name:<{width}}  {value(content)}\n")


def _add_note(text: Text, note: str | None, indent: str) -> None:
    if note is not None:
        text.append(f"{indent}{terminal(note)}\n", "bold yellow")


def _add_differences(text: Text, change: Change, since: str, *, kept: bool) -> None:
    for field, note in notes(change, since):
        before, after = pair(field.before, field.after)
        text.append(f"{_INDENT}{terminal(field.path)}: {_side(field.before, before)}")
        text.append(" " if len(before) + len(after) <= _WIDEST_PAIR else f"\n{_INDENT}  ")
        if kept:
            text.append(f"(else {_side(field.after, after)})\n", "dim")
        else:
            text.append("→", _COLOURS[change.action]).append(f" {_side(field.after, after)}\n")
        _add_note(text, note, f"{_INDENT}  ")


def _side(content: Any, shown: str) -> str:
    """Return what stands on one side of an arrow; strings are quoted there, so this is told from any value."""
    return "(none)" if content is None else shown


def _add_unmanaged(text: Text, unmanaged: Sequence[Unmanaged]) -> None:
    if not unmanaged:
        return
    text.append(f"{UNMANAGED}\n", "dim")
    for entry in unmanaged[:MOST_UNMANAGED]:
        title = title_of(entry)
        text.append(f"{_INDENT}{terminal(address_of(entry))}{f'  {title}' if title else ''}\n", "dim")
    more = len(unmanaged) - MOST_UNMANAGED
    text.append(f"{_INDENT}and {more} more\n" if more > 0 else "", "dim")
    text.append("\n")


def _add_summary(text: Text, plan: Plan) -> None:
    count = plan.summary
    if plan.only is not None:
        text.append("Drift: ", "bold").append(f"{', '.join(drift_phrases(count)) or 'none'}.\n")
        return
    rest = ", ".join([f"{count.unmanaged} unmanaged", f"{count.foreign} foreign", *drift_phrases(count)]) + ".\n"
    if not plan.changes:
        verb = "matches" if count.unchanged == 1 else "match"
        text.append("No changes.", "bold green").append(
            f" {plural(count.unchanged, 'object')} {verb} the files; {rest}"
        )
        return
    text.append("Plan: ", "bold")
    for place, (action, number, phrase) in enumerate(phrases(plan.summary)):
        text.append(", " if place else "").append(phrase, _COLOURS[action] if number else "")
    text.append(f"; {count.unchanged} unchanged, {rest}")


def _add_diagnostic(text: Text, diagnostic: Diagnostic) -> None:
    at = diagnostic.position
    text.append(f"{terminal(at.path)}:{at.line}:{at.column}: ", "bold")
    text.append(f"{diagnostic.severity}: ", _SEVERITY[diagnostic.severity])
    text.append(terminal(diagnostic.message)).append(f" [{terminal(diagnostic.code)}]\n", "dim")
    if diagnostic.excerpt is not None:
        line, caret = caret_lines(diagnostic.excerpt, at.column)
        number = str(at.line)
        text.append(f"{number:>5} | ", "dim").append(f"{line}\n")
        text.append(f"{'':>{max(5, len(number))}} | ", "dim").append(f"{caret}\n", _SEVERITY[diagnostic.severity])
    if diagnostic.hint:
        text.append("  help: ", "bold cyan").append(f"{terminal(diagnostic.hint)}\n")
