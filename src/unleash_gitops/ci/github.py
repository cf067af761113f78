"""GitHub: the comments of a pull request, and the plan that its run saved.

Source: GitHub's documentation of the REST API: issue comments, pull requests of a commit, artifacts, pagination.
"""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from unleash_gitops.ci.code_host import ApiObject, CodeHost, Comment
from unleash_gitops.ci.rest_client import RestClient
from unleash_gitops.model.errors import CodeHostError

if TYPE_CHECKING:
    from unleash_gitops.ci.job import Job

__all__ = ["APPLY_HINT", "GitHub"]

_WRITE_HINT = (
    "give the job `permissions: pull-requests: write`; the token of a pull request from a fork is always read-only"
)
_HINTS = {
    401: "the token in GITHUB_TOKEN is invalid or has expired",
    403: _WRITE_HINT,
    404: f"if the pull request exists, the token has no access to it: {_WRITE_HINT}",
}
_READ_HINT = "give the job `permissions: actions: read, pull-requests: read`"
APPLY_HINT = "to plan and apply in one step, run: unleash-gitops apply DIR --yes"
_MAX_PLAN_BYTES = 200_000_000
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    ValueError,  # also: more than one file, or none
    RuntimeError,
    EOFError,
    OSError,
)
"""What zipfile raises for damaged archives, depending on the place of the damage and the method of compression."""


class _IssueComment(ApiObject):
    """A comment as GitHub's API has it."""

    id: int
    body: str | None = None
    html_url: str | None = None
    user: Any = None


class _Run(ApiObject):
    """The run that saved an artifact."""

    head_sha: str | None = None
    head_repository_id: int | None = None
    repository_id: int | None = None


class _Artifact(ApiObject):
    id: int
    expired: bool = False
    workflow_run: _Run | None = None


class _Artifacts(ApiObject):
    artifacts: list[_Artifact]


class _Commit(ApiObject):
    sha: str


class _PullRequest(ApiObject):
    head: _Commit
    merged_at: str | None = None
    merge_commit_sha: str | None = None


class GitHub(CodeHost[_IssueComment]):
    """The comments of the job's pull request, and its saved plan."""

    entry_model = _IssueComment
    not_a_user_status = 403

    def __init__(self, job: Job) -> None:
        name, token = job.token_header or ("Authorization", "")
        headers = {name: token, "Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
        self._job = job
        self._repository = f"/repos/{quote(job.repository)}"
        issues = f"{self._repository}/issues"
        client = RestClient("GitHub", job.api, headers, _HINTS)
        super().__init__(client, f"{issues}/{job.pull_request}/comments", "per_page=100", f"{issues}/comments", "PATCH")

    def _to_comment(self, entry: _IssueComment) -> Comment:
        return Comment(entry.id, entry.body or "", entry.html_url, entry.user)

    def _can_be_another_user(self, author: dict[str, Any]) -> bool:
        return author.get("type") == "User"  # a job's own token writes as a bot, and no contributor can be a bot

    def read_reviewed_plan(self, artifact: str) -> bytes:
        """Return the plan file in the newest `artifact` of the pull request whose merge made the job's commit.

        Ignores artifacts of runs in forks. Raises CodeHostError.
        """
        head = self._read_merged_head()
        path = f"{self._repository}/actions/artifacts?name={quote(artifact)}&per_page=100"
        artifacts = self._client.read(_Artifacts, "GET", path).artifacts
        usable = [entry for entry in artifacts if not entry.expired and _is_own_run(entry.workflow_run, head)]
        if not usable:
            raise CodeHostError(
                f'no artifact "{artifact}" for {head[:12]}, the last commit of the pull request: '
                "no run saved one, or it has expired",
                ("run the pull request's job again", _READ_HINT, APPLY_HINT),
            )
        newest = max(usable, key=lambda entry: entry.id)
        path = f"{self._repository}/actions/artifacts/{newest.id}/zip"
        return _unzip(self._client.download(path, _MAX_PLAN_BYTES))

    def _read_merged_head(self) -> str:
        """Return the last commit of the pull request whose merge made the job's commit. Raises CodeHostError."""
        commit = self._job.commit or ""
        path = f"{self._repository}/commits/{quote(commit, safe='')}/pulls?per_page=100"
        merged = [
            pull
            for pull in self._client.list_all(_PullRequest, path)
            if pull.merged_at and pull.merge_commit_sha == commit
        ]
        if not merged:
            raise CodeHostError(
                f"commit {commit[:12]} is not the merge commit of a pull request, so it has no reviewed plan",
                APPLY_HINT,
            )
        return merged[0].head.sha


def _is_own_run(run: _Run | None, head: str) -> bool:
    """Tell whether `run` was for the commit `head` and in the repository itself, not in a fork."""
    return run is not None and run.head_sha == head and run.head_repository_id == run.repository_id is not None


def _unzip(content: bytes) -> bytes:
    """Return the only file in an archive. Raises CodeHostError when there are more or none, or it is too large."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            (entry,) = archive.infolist()
            if entry.file_size > _MAX_PLAN_BYTES:
                raise CodeHostError(f"the plan in the artifact is larger than {_MAX_PLAN_BYTES / 1_000_000:g} MB")
            return archive.read(entry)
    except _DAMAGED as error:
        raise CodeHostError(f"the artifact does not contain a plan file: {error}", "make a new plan") from None
