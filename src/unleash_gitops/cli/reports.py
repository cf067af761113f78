"""What apply prints at its end: the reports, and what a user of the sandbox can do next."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from unleash_gitops.cli.output import echo_data, echo_line, echo_text, show_error, show_unexpected
from unleash_gitops.cli.streams import abandon_output
from unleash_gitops.model.errors import OutputLost, UnexpectedError

if TYPE_CHECKING:
    from unleash_gitops.workflow.many_workspaces import Run

__all__ = ["show_next_steps", "show_reports"]


def show_reports(runs: Sequence[Run], form: str, *, several: bool) -> bool:
    """Print the reports on stdout, or on stderr when that fails. Tell whether stdout has them. Raises nothing."""
    try:
        _show_reports(runs, form, several=several)
    except OutputLost as error:
        abandon_output()
        show_error(error)
    except Exception as error:  # noqa: BLE001 - the changes are made, and the user must learn which
        _show_results(runs, error)
        return False
    else:
        return True
    try:
        _show_reports(runs, "text", several=several, err=True)
    except Exception as error:  # noqa: BLE001 - as above
        _show_results(runs, error)
    return False


def _show_results(runs: Sequence[Run], error: Exception) -> None:
    """Print why the reports could not be shown, and each result without any layout, on stderr."""
    unexpected = UnexpectedError(error)
    show_unexpected(unexpected)
    echo_line(f"error: the report cannot be shown: {unexpected}")
    for run in runs:
        for result in () if run.report is None else run.report.results:
            reason = "" if result.error is None else f": {result.error}"
            echo_line(f"{run.name}: {result.action} {result.address}: {result.status}{reason}")


def _show_reports(runs: Sequence[Run], form: str, *, several: bool, err: bool = False) -> None:
    """Print the report of each run, on stderr with `err`. Raises OutputLost."""
    if form == "json":
        from unleash_gitops.render.json import render_report_json, render_report_set_json
        from unleash_gitops.workflow.many_workspaces import build_report_set

        if several:
            echo_data(render_report_set_json(build_report_set(runs)))
        elif runs[0].report is not None:
            echo_data(render_report_json(runs[0].report))
        return
    from unleash_gitops.render.report_text import render_report_text

    for run in runs:
        if run.report is None:
            continue
        if several:
            echo_line("", err=err)
            echo_line(f"Workspace {run.name} on {run.url}", err=err)
        if run.report.results:
            echo_text(render_report_text(run.report), err=err)
        else:
            echo_line("nothing to apply")
    if not err:
        sys.stdout.flush()


def show_next_steps(paths: Sequence[Path], *, all_below: bool) -> None:
    """Print where to see the changes in the sandbox's UI, and the command to run next."""
    from unleash_gitops.sandbox import status

    running = status()
    if running is not None:
        echo_line("")
        echo_line(f"look at   {running.url}/history  (login {running.username} / {running.password})")
        command = sys.argv[0] if Path(sys.argv[0]).stem == "unleash-gitops" else "unleash-gitops"
        options = "--all --sandbox" if all_below else "--sandbox"
        echo_line(f"run next  {command} plan {' '.join(map(str, paths))} {options}")
