"""What apply prints at its end: the reports, and what a user of the sandbox can do next."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from unleash_gitops.cli.output import echo_data, echo_line, echo_text, show_error
from unleash_gitops.cli.streams import abandon_output
from unleash_gitops.model.errors import OutputLost

if TYPE_CHECKING:
    from unleash_gitops.workflow.many_workspaces import Run

__all__ = ["show_next_steps", "show_reports"]


def show_reports(runs: Sequence[Run], form: str, *, several: bool) -> bool:
    """Print the reports on stdout, or on stderr when stdout cannot be written. Tell whether stdout has them."""
    try:
        _show_reports(runs, form, several=several)
    except OutputLost as error:
        abandon_output()
        show_error(error)
        _show_reports(runs, "text", several=several, err=True)
        return False
    return True


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
