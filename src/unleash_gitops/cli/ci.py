"""Commands for CI jobs: comment, fetch."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from unleash_gitops.cli.output import check_target, echo_data, echo_line, show_error, write_atomically
from unleash_gitops.cli.workspaces import find_roots, read_plans
from unleash_gitops.model.errors import CodeHostError, UsageError

if TYPE_CHECKING:
    from unleash_gitops.ci.job import Job
    from unleash_gitops.model.plan import Plan
    from unleash_gitops.model.plan_set import Planned, PlanSet

__all__ = ["comment", "fetch"]

_OUTCOMES = {
    "created": "created the comment",
    "updated": "updated the comment",
    "unchanged": "the comment is up to date",
    "newer": "did not overwrite the comment of a later run",
    "superseded": "marked the comment as superseded",
}


class _Draft(NamedTuple):
    """A comment to write on a workspace. Without `planned`, it replaces the comments of all its plans."""

    workspace: str
    text: str
    planned: Planned | None = None


@click.command()
@click.argument("paths", metavar="PLANFILE", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Print the comments instead of writing them.")
@click.option(
    "--only-changes",
    is_flag=True,
    help="Do not create a comment for a plan without changes. Still updates an existing comment.",
)
@click.option(
    "--superseded",
    is_flag=True,
    help="Mark the comments of workspaces as superseded, when there is no new plan. Takes directories instead of a "
    "plan file.",
)
@click.option("--all", "all_below", is_flag=True, help="With --superseded: use every workspace in DIR or below it.")
@click.option(
    "--pull-request",
    type=click.IntRange(1),
    metavar="N",
    help="Pull request number, when the job does not belong to one.  [default: the job's pull request]",
)
@click.option("--strict", is_flag=True, help="Exit with 1 when a comment cannot be written.")
def comment(
    paths: tuple[Path, ...],
    dry_run: bool,
    only_changes: bool,
    superseded: bool,
    all_below: bool,
    pull_request: int | None,
    strict: bool,
) -> int:
    """Comment a saved plan on the pull request of this CI job.

    GitHub and GitLab. Each workspace has one comment, which is updated in place. In GitHub Actions, also adds the plan
    to the job summary.

    A comment that cannot be written is a warning, unless --strict is set.
    """
    job = _detect_job(pull_request)
    plans = None
    if superseded:
        _require_directories(paths)
        drafts = _draft_superseded(paths, job, all_below=all_below)
    else:
        plans = _read_only_plan(paths, all_below=all_below)
        drafts = _draft_plans(plans, job)
    if dry_run:
        for draft in drafts:
            echo_data(draft.text)
        return 0
    if plans is not None:
        _write_summary(plans, job)
    try:
        _write(drafts, job, only_changes=only_changes)
    except CodeHostError as error:
        if strict:
            raise
        _warn_unwritten(error)
    return 0


@click.command()
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE",
    help="Save the plan to FILE.",
)
@click.option(
    "--artifact",
    metavar="NAME",
    default="unleash-gitops-plan",
    show_default=True,
    help="Name of the artifact that contains the plan.",
)
@click.option(
    "--workflow",
    metavar="PATH",
    help="Path of the workflow that saved the plan, such as .github/workflows/unleash.yaml.  [default: this job's "
    "workflow]",
)
def fetch(out: Path, artifact: str, workflow: str | None) -> int:
    """Download the reviewed plan of a merged pull request.

    GitHub only. The pull request is the one whose merge made this CI job's commit. The plan is one that a run of the
    workflow saved, on the event pull_request of this pull request and for its last commit. Fails when there is no such
    plan, or when it is incomplete.
    """
    from unleash_gitops.ci import read_reviewed_plan
    from unleash_gitops.ci.job import detect_job
    from unleash_gitops.model.plan_set import parse_plans

    check_target("--out", out)
    content = read_reviewed_plan(detect_job(os.environ), artifact, workflow)
    parse_plans(content, f"artifact {artifact}")
    write_atomically(out, content.decode())
    echo_line(f"saved to {out}; to apply what it has, run: unleash-gitops apply DIR --expect {out}")
    return 0


def _detect_job(pull_request: int | None) -> Job | None:
    from dataclasses import replace  # importing it is slow, which matters for the start of every command

    from unleash_gitops.ci.job import detect_job

    job = detect_job(os.environ)
    return job if job is None or pull_request is None else replace(job, pull_request=pull_request)


def _read_only_plan(paths: tuple[Path, ...], *, all_below: bool) -> Plan | PlanSet:
    if len(paths) != 1 or paths[0].is_dir() or all_below:
        raise UsageError("comment needs exactly one plan file", "to save a plan, run: unleash-gitops plan --out FILE")
    return read_plans(paths[0])


def _require_directories(paths: tuple[Path, ...]) -> None:
    for path in paths:
        if not path.is_dir():
            raise UsageError(f"{path} is a file", "--superseded takes the directories of workspaces")


def _draft_plans(plans: Plan | PlanSet, job: Job | None) -> Iterator[_Draft]:
    """Yield the comment on the plan of each workspace, with its marker."""
    from unleash_gitops.ci import Marker
    from unleash_gitops.model.plan import Plan
    from unleash_gitops.model.plan_set import Planned
    from unleash_gitops.render.markdown import MAX_COMMENT_BYTES, render_failed_markdown, render_plan_markdown
    from unleash_gitops.render.markdown_syntax import count_bytes

    for planned in (Planned.of(plans),) if isinstance(plans, Plan) else plans.workspaces:
        marker = f"{Marker.of(planned.workspace, planned.url, job.run if job else None)}\n"
        room = MAX_COMMENT_BYTES - count_bytes(marker)
        text = (
            render_failed_markdown(planned) if planned.plan is None else render_plan_markdown(planned.plan, job, room)
        )
        yield _Draft(planned.workspace, marker + text, planned)


def _draft_superseded(directories: tuple[Path, ...], job: Job | None, *, all_below: bool) -> Iterator[_Draft]:
    """Yield the text that replaces the comments of each workspace."""
    from unleash_gitops.documents.loader import load
    from unleash_gitops.render.markdown import render_superseded_markdown

    for root, prefix in find_roots(directories, all_below=all_below).items():
        workspace = load(root).workspace
        if workspace is None:
            echo_line(f"warning: {prefix or '.'}: the workspace file is invalid, so its comment cannot be found")
            continue
        reason = "the files have changed since, and a new plan could not be made."
        yield _Draft(workspace.name, render_superseded_markdown(workspace.name, reason, job))


def _write(drafts: Iterable[_Draft], job: Job | None, *, only_changes: bool) -> None:
    """Write the comments, and print the outcome of each. Raises CodeHostError."""
    from unleash_gitops.ci import open_code_host, post, supersede
    from unleash_gitops.render.markdown import render_superseded_markdown

    with open_code_host(job) as code_host:
        for draft in drafts:
            if draft.planned is None:
                run = job.run if job else None
                results = supersede(code_host, draft.workspace, run, draft.text, on_wait=echo_line)
            else:
                has_no_changes = draft.planned.plan is not None and not draft.planned.plan.pending
                superseded_text = render_superseded_markdown(draft.workspace, "a newer comment has the plan.")
                create_missing = not (only_changes and has_no_changes)
                results = [
                    post(code_host, draft.text, superseded_text, create_missing=create_missing, on_wait=echo_line)
                ]
            for result in results:
                echo_line(f"{draft.workspace}: {_OUTCOMES[result.outcome]}{f' {result.url}' if result.url else ''}")


def _write_summary(plans: Plan | PlanSet, job: Job | None) -> None:
    """Add the plan to the summary of the job, if there is one. A failure is only a warning."""
    if job is None or job.summary is None:
        return
    from unleash_gitops.cli.plan import to_markdown

    try:
        with job.summary.open("a", encoding="utf-8") as stream:
            stream.write(to_markdown(plans, job))
    except OSError as error:
        echo_line(f"warning: cannot write the job summary {job.summary}: {error.strerror}")


def _warn_unwritten(error: CodeHostError) -> None:
    """Print that a comment could not be written, and annotate the job in GitHub Actions."""
    show_error(error)
    echo_line("the comment was not written; the job continues (to let it fail, use --strict)")
    if os.environ.get("GITHUB_ACTIONS") == "true":
        from unleash_gitops.render.github import render_warning_github

        echo_data(render_warning_github("the plan could not be written as a comment", str(error)))
