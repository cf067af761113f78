"""The files of a new workspace: the workspace file, an example, a JSON Schema for editors, and a CI pipeline."""

from __future__ import annotations

import re
from pathlib import Path

from unleash_gitops import __version__
from unleash_gitops.documents.json_schema import SCHEMA_FILE, format_modeline, format_schema
from unleash_gitops.documents.loader import find_repository
from unleash_gitops.documents.yamldoc import dump_scalar, quote
from unleash_gitops.model.errors import UsageError
from unleash_gitops.model.files import create_file
from unleash_gitops.model.workspace import WORKSPACE_FILE, WORKSPACE_NAME_PATTERN

__all__ = ["check_new_workspace", "check_workspace_name", "start_workspace"]

_WORKSPACE = """\
apiVersion: unleash-gitops/v1
kind: Workspace
metadata:
  name: {name}  # marks every object that this workspace creates; changing it later orphans these objects
spec:
  # url: https://unleash.example.com  # with the base path; UNLEASH_URL and --url take precedence
  # projects: [default]               # the projects whose flags are read; default: all projects
  prune: owned                        # delete objects that this workspace owns and no document describes
  maxDeletes: 10                      # apply refuses a plan that deletes more objects
  # drift: keep                       # how to treat changes made outside this workspace: overwrite, keep or fail;
                                      # default: fail for `enabled` and `strategies` in production, else overwrite
"""

_EXAMPLE = """\
# A chart on the instance's impact metrics page.
apiVersion: unleash-gitops/v1
kind: ImpactMetric
metadata:
  name: sign-ups
  # project: default     # with a project and a feature, the chart belongs to that flag
  # feature: checkout-v2
spec:
  metricName: unleash_counter_sign_ups
  title: Sign-ups
  timeRange: week          # hour, day, week or month
  aggregationMode: count   # counter: rps, count; gauge: avg, sum; histogram: p50, p95, p99
"""

_PIPELINE = """\
name: unleash-gitops
on:
  pull_request:
  push:
    branches: [main]
permissions: {{}}
concurrency:
  group: unleash-gitops-${{{{ github.ref }}}}
env:
  UNLEASH_URL: ${{{{ vars.UNLEASH_URL }}}}
  UNLEASH_ALLOWED_HOSTS: ${{{{ vars.UNLEASH_ALLOWED_HOSTS }}}} # such as unleash.example.com; only these get the token
jobs:
  plan:
    if: github.event_name == 'pull_request'
    runs-on: ubuntu-latest
    permissions:
      contents: read
      pull-requests: write # the plan, as a comment
    defaults:
      run:
        working-directory: {directory}
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
      - run: pip install unleash-gitops=={version}
      - run: unleash-gitops validate --format github
      # A pull request from a fork has no access to secrets. It is validated, but not planned.
      - if: github.event.pull_request.head.repo.full_name == github.repository
        run: |
          # A plan that would overwrite other users' changes fails, but is saved, so that the comment names the users.
          code=0; unleash-gitops plan --out "$RUNNER_TEMP/plan.json" || code=$?
          if [ -f "$RUNNER_TEMP/plan.json" ]; then unleash-gitops comment "$RUNNER_TEMP/plan.json"; fi
          exit "$code"
        env:
          UNLEASH_AUTH_TOKEN: ${{{{ secrets.UNLEASH_AUTH_TOKEN }}}}
          GITHUB_TOKEN: ${{{{ github.token }}}}
  apply:
    if: github.event_name == 'push'
    runs-on: ubuntu-latest
    permissions:
      contents: read
    defaults:
      run:
        working-directory: {directory}
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
      - run: pip install unleash-gitops=={version}
      - run: unleash-gitops apply --yes
        env:
          UNLEASH_AUTH_TOKEN: ${{{{ secrets.UNLEASH_AUTH_TOKEN }}}}
"""


def check_new_workspace(directory: Path) -> None:
    """Raise UsageError when `directory` contains a workspace."""
    if (directory / WORKSPACE_FILE).exists():
        raise UsageError(
            f"{directory / WORKSPACE_FILE} already exists; nothing was written",
            "init never overwrites a file; name another directory",
        )


def check_workspace_name(name: str) -> None:
    """Raise UsageError when no workspace can have the name."""
    if not re.fullmatch(WORKSPACE_NAME_PATTERN, name):
        raise UsageError(
            f"{quote(name)} is not the name of a workspace",
            "use 2 to 50 lower-case letters, digits, dots, dashes and underscores, "
            "with a letter or digit first and last",
        )


def start_workspace(directory: Path, name: str) -> tuple[list[Path], list[Path]]:
    """Write a new workspace into `directory`, which need not exist. Return the written and the existing files.

    Raises UsageError when `directory` contains a workspace or the name is not valid, without writing anything, or when
    a file cannot be written.
    """
    check_new_workspace(directory)
    check_workspace_name(name)
    files = _files(directory, name)
    kept = [path for path in files if path.exists()]
    try:
        for path, text in files.items():
            if path not in kept:
                path.parent.mkdir(parents=True, exist_ok=True)
                create_file(path, text)
    except OSError as error:
        raise UsageError(f"cannot write {error.filename}: {error.strerror}") from None
    return [path for path in files if path not in kept], kept


def _files(directory: Path, name: str) -> dict[Path, str]:
    here = directory.resolve()
    top = find_repository(here) or here  # pipelines must be at the root of the repository
    inside = here.relative_to(top).as_posix()
    working_directory = inside if inside == "." else dump_scalar(inside)
    pipeline = _PIPELINE.format(version=__version__, directory=working_directory)
    example = "impact-metrics/sign-ups.yaml"
    return {
        directory / WORKSPACE_FILE: format_modeline(WORKSPACE_FILE) + _WORKSPACE.format(name=dump_scalar(name)),
        directory / example: format_modeline(example) + _EXAMPLE,
        directory / SCHEMA_FILE: format_schema(),
        top / ".github" / "workflows" / "unleash-gitops.yaml": pipeline,
    }
