"""Commands for CI jobs: comment, fetch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from unleash_gitops.cli.output import echo_data, say, show_error, write_atomically
from unleash_gitops.cli.workspaces import read_plans, workspace_roots
from unleash_gitops.model.errors import CodeHostError, UsageError

if TYPE_CHECKING:
    from unleash_gitops.ci.job import Job
    from unleash_gitops.model.plan import Plan
    from unleash_gitops.model.plan_set import Planned, PlanSet

__all__ = ["comment", "fetch"]

FAILED = 1
_HOW = {
    "created": "wrote a comment",
    "updated": "updated the comment",
    "unchanged": "the comment says this already",
    "newer": "left alone a comment that a later run wrote",
    "superseded": "marked the comment as superseded",
}


@click.command()
@click.argument("paths", metavar="PLANFILE", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Print the text, and write nothing.")
@click.option(
    "--only-changes", is_flag=True, help="Begin no comment that has nothing to say; one that is there is updated."
)
@click.option(
    "--superseded",
    is_flag=True,
    help="There is no plan: mark the comments on the workspaces of directories, given in place of PLANFILE.",
)
@click.option("--all", "everything", is_flag=True, help="With --superseded: every workspace in or below DIR.")
@click.option(
    "--pull-request",
    type=click.IntRange(1),
    metavar="N",
    help="Where the job itself runs for none.  [default: the one that the job runs for]",
)
@click.option("--strict", is_flag=True, help="Exit with 1 when a comment could not be written.")
def comment(
    paths: tuple[Path, ...],
    dry_run: bool,
    only_changes: bool,
    superseded: bool,
    everything: bool,
    pull_request: int | None,
    strict: bool,
) -> int:
    """Write a saved plan to the pull request of this CI job, as a comment that is updated in place.

    GitHub and GitLab. Each workspace has one comment. In GitHub Actions it becomes the job's summary as well. A comment
    that cannot be written is said, but fails the job only with --strict.
    """
    from dataclasses import replace  # not at the top: it would cost every command's start

    from unleash_gitops.ci.job import detect_job

    job = detect_job(os.environ)
    if job is not None and pull_request is not None:
        job = replace(job, pull_request=pull_request)
    if superseded:
        for path in paths:
            if not path.is_dir():
                raise UsageError(f"{path} is a file", "--superseded goes with the directories of workspaces")
        plans, texts = None, _supersede_comments(paths, everything, job)
    elif len(paths) != 1 or paths[0].is_dir() or everything:
        raise UsageError("name one plan file", "make one with: unleash-gitops plan --out FILE")
    else:
        plans = read_plans(paths[0])
        texts = _texts(plans, job)
    if dry_run:
        for _, text in texts:
            echo_data(text)
        return 0
    if plans is not None:
        _write_summary(plans, job)
    try:
        _write(texts, job, only_changes=only_changes)
    except CodeHostError as error:
        return _report_unwritten(error, strict=strict)
    return 0


@click.command()
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), required=True, metavar="FILE", help="Save it here."
)
@click.option(
    "--artifact", metavar="NAME", default="unleash-gitops-plan", show_default=True, help="What it was saved as."
)
def fetch(out: Path, artifact: str) -> int:
    """Get the plan that was reviewed in the pull request which this CI job's commit merged, to apply it.

    GitHub. Fails when there is none, or when it is no whole plan.
    """
    from unleash_gitops.ci import reviewed_plan
    from unleash_gitops.ci.job import detect_job
    from unleash_gitops.model.plan_set import parse_plans

    content = reviewed_plan(detect_job(os.environ), artifact)
    parse_plans(content, f"artifact {artifact}")
    write_atomically(out, content.decode())
    say(f"saved to {out}; apply exactly this with: unleash-gitops apply {out}")
    return 0


def _texts(plans: Plan | PlanSet, job: Job | None) -> Iterator[tuple[Planned | str, str]]:
    """Yield what came of planning each workspace, and its comment, with its marker."""
    from unleash_gitops.ci import Marker
    from unleash_gitops.model.plan import Plan
    from unleash_gitops.model.plan_set import Planned
    from unleash_gitops.render.markdown import LONGEST_COMMENT, failed_markdown, plan_markdown, size

    for planned in (Planned.of(plans),) if isinstance(plans, Plan) else plans.workspaces:
        marker = f"{Marker.of(planned.workspace, planned.url, job.run if job else None)}\n"
        room = LONGEST_COMMENT - size(marker)
        text = failed_markdown(planned) if planned.plan is None else plan_markdown(planned.plan, job, room)
        yield planned, marker + text


def _supersede_comments(
    directories: tuple[Path, ...], everything: bool, job: Job | None
) -> Iterator[tuple[Planned | str, str]]:
    """Yield each workspace's name, and what stands in place of its plan."""
    from unleash_gitops.documents.loader import load
    from unleash_gitops.render.markdown import superseded_markdown

    for root, prefix in workspace_roots(directories, everything).items():
        workspace = load(root).workspace
        if workspace is None:
            say(f"warning: {prefix or '.'}: the workspace's own file is wrong, so its comment is not known")
            continue
        reason = "the files have changed since, and a new plan could not be made."
        yield workspace.name, superseded_markdown(workspace.name, reason, job)


def _write(texts: Iterator[tuple[Planned | str, str]], job: Job | None, *, only_changes: bool) -> None:
    from unleash_gitops.ci import open_code_host, post, supersede
    from unleash_gitops.render.markdown import superseded_markdown

    with open_code_host(job) as forge:
        for about, text in texts:
            if isinstance(about, str):
                name, done = about, supersede(forge, about, job.run if job else None, text)
            else:
                quiet = only_changes and about.plan is not None and not about.plan.pending
                name, old = about.workspace, superseded_markdown(about.workspace, "a newer comment has the plan.")
                done = [post(forge, text, old, begin=not quiet)]
            for posted in done:
                say(f"{name}: {_HOW[posted.how]}{f' {posted.url}' if posted.url else ''}")


def _write_summary(plans: Plan | PlanSet, job: Job | None) -> None:
    """Add the plan to the page about the job, where there is one."""
    if job is None or job.summary is None:
        return
    from unleash_gitops.cli.plan import as_markdown

    try:
        with job.summary.open("a", encoding="utf-8") as stream:
            stream.write(as_markdown(plans, job))
    except OSError as error:
        say(f"warning: the job's summary could not be written: {error.strerror}")


def _report_unwritten(error: CodeHostError, *, strict: bool) -> int:
    """Say that the comment could not be written, on the page about the job too."""
    if strict:
        raise error
    show_error(error)
    say("the comment was not written; the job goes on (--strict makes it fail)")
    if os.environ.get("GITHUB_ACTIONS") == "true":
        from unleash_gitops.render.github import warning_github

        echo_data(warning_github("the plan could not be written as a comment", str(error)))
    return 0
