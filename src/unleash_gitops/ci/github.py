"""GitHub: the comments of a pull request, and the plan that its run saved.

Source: GitHub's documentation of the REST API: issue comments, pull requests, artifacts, workflow runs, pagination; of
the GraphQL API: `viewer`, which also answers for the token of an app.
"""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from unleash_gitops.ci.code_host import ApiObject, CodeHost, Comment
from unleash_gitops.ci.github_answers import Artifact, PullRequest, WorkflowRun
from unleash_gitops.ci.github_hints import AGAIN_HINT, APPLY_HINT, READ_HINT, build_find_hint
from unleash_gitops.ci.rest_client import RestClient
from unleash_gitops.model.errors import CodeHostError

if TYPE_CHECKING:
    from unleash_gitops.ci.job import Job

__all__ = ["APPLY_HINT", "GitHub"]

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
_JOB_USERS = frozenset({"github-actions[bot]", "gitea-actions", "forgejo-actions"})
"""The logins with which the tokens of jobs write, on GitHub and on the systems with the same API."""


class _IssueComment(ApiObject):
    """A comment as GitHub's API has it."""

    id: int
    body: str | None = None
    html_url: str | None = None
    user: Any = None


class GitHub(CodeHost[_IssueComment]):
    """The comments of the job's pull request, and its saved plan."""

    comment_form = _IssueComment

    def __init__(self, job: Job) -> None:
        name, token = job.token_header or ("Authorization", "")
        headers = {name: token, "Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
        self._job = job
        self._repository = f"/repos/{quote(job.repository)}"
        self._own_app: str | None = None
        issues = f"{self._repository}/issues"
        client = RestClient("GitHub", job.api, headers, build_find_hint(token))
        super().__init__(client, f"{issues}/{job.pull_request}/comments", "per_page=100", f"{issues}/comments", "PATCH")

    def _to_comment(self, entry: _IssueComment) -> Comment:
        return Comment(entry.id, entry.body or "", entry.html_url, entry.user)

    def _is_own_author(self, author: dict[str, Any]) -> bool:
        """Any workflow of the repository writes as the same user of jobs, but no contributor and no other app.

        The users of jobs count only where the API does not tell whose token it is.
        """
        if self._is_own_user(author):
            return True
        login = author.get("login")
        if self._read_own_user() or author.get("type") == "User" or not isinstance(login, str):
            return False
        own_app = self._read_own_app()
        return _app_name(login) == own_app if own_app else login in _JOB_USERS

    def _read_own_app(self) -> str:
        """Return the name of the token's app, "" when it is unknown. Raises CodeHostError to be retried."""
        if self._own_app is None:
            base = self._job.api.removesuffix("/v3")  # an enterprise server has /api/v3 and /api/graphql
            try:
                content = self._client.request("POST", "/graphql", {"query": "query { viewer { login } }"}, base=base)
                self._own_app = _app_name(content.content["data"]["viewer"]["login"])
            except CodeHostError as error:
                if error.retryable:
                    raise
                self._own_app = ""
            except (AttributeError, KeyError, TypeError):
                self._own_app = ""
        return self._own_app

    def read_reviewed_plan(self, artifact: str, workflow: str | None = None) -> bytes:
        """Return the plan file in the newest `artifact` of the pull request whose merge made the job's commit.

        A run of `workflow`, by default the job's, must have saved it: on the event pull_request of this pull request,
        for its last commit, and in the repository itself. Raises CodeHostError.
        """
        workflow = workflow or self._job.workflow
        if workflow is None:
            raise CodeHostError(
                "the workflow that saved the plan is not known: GITHUB_WORKFLOW_REF is not set",
                "name it with --workflow .github/workflows/NAME.yaml",
            )
        pull = self._read_merged_pull_request()
        refusals: dict[int, str] = {}
        for candidate in sorted(self._list_artifacts(artifact), key=lambda entry: entry.id, reverse=True):
            run = candidate.find_run(pull.head.sha)
            if run is not None and run not in refusals:
                refusal = self._find_refusal(self._read_run(run), pull, workflow)
                if refusal is None:
                    path = f"{self._repository}/actions/artifacts/{candidate.id}/zip"
                    return _unzip(self._client.download(path, _MAX_PLAN_BYTES))
                refusals[run] = f"run {run} {refusal}"
        head = f"{pull.head.sha[:12]}, the last commit of the pull request"
        why = "; ".join(refusals.values()) or "no run saved one, or it has expired"
        raise CodeHostError(f'no artifact "{artifact}" for {head}: {why}', (AGAIN_HINT, READ_HINT, APPLY_HINT))

    def _list_artifacts(self, name: str) -> list[Artifact]:
        path = f"{self._repository}/actions/artifacts?name={quote(name, safe='')}&per_page=100"
        return [*self._client.list_all(Artifact, path, "artifacts")]

    def _read_run(self, number: int) -> WorkflowRun:
        path = f"{self._repository}/actions/runs/{number}"
        return self._client.read(WorkflowRun, "GET", path)

    def _find_refusal(self, run: WorkflowRun, pull: PullRequest, workflow: str) -> str | None:
        """Return why the artifact of a run is not the plan of a pull request, None when it is."""
        if run.event != "pull_request":
            return f"has the event {run.event}, not pull_request"
        if run.path.partition("@")[0] != workflow:
            return f"is of {run.path}, not of {workflow}"
        if run.head_sha != pull.head.sha:
            return f"is for the commit {run.head_sha[:12]}"
        # GitHub lists only pull requests that are open now. The one that was merged is no longer among them.
        numbers = {entry.number for entry in run.pull_requests or ()} or self._list_pull_requests(pull)
        if numbers != {pull.number}:
            named = ", ".join(f"#{number}" for number in sorted(numbers)) or "none"
            return f"may be of another pull request than #{pull.number} (it has the commit of {named})"
        return None

    def _list_pull_requests(self, pull: PullRequest) -> set[int]:
        """Return the numbers of all pull requests, in any state, that have the branch and the commit of `pull`."""
        owner = self._job.repository.partition("/")[0]
        query = urlencode({"state": "all", "head": f"{owner}:{pull.head.ref}", "per_page": 100})
        path = f"{self._repository}/pulls?{query}"
        pulls = [*self._client.list_all(PullRequest, path)]
        return {other.number for other in pulls if other.head.sha == pull.head.sha}

    def _read_merged_pull_request(self) -> PullRequest:
        """Return the pull request whose merge made the job's commit. Raises CodeHostError."""
        commit = self._job.commit or ""
        path = f"{self._repository}/commits/{quote(commit, safe='')}/pulls?per_page=100"
        pulls = [*self._client.list_all(PullRequest, path)]
        merged = [pull for pull in pulls if pull.merged_at and pull.merge_commit_sha == commit]
        if not merged:
            raise CodeHostError(
                f"commit {commit[:12]} is not the merge commit of a pull request, so it has no reviewed plan",
                APPLY_HINT,
            )
        return merged[0]


def _app_name(login: str) -> str:
    """Return a login without the ending that only some of GitHub's APIs give to an app."""
    return login.removesuffix("[bot]").lower()


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
