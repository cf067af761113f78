"""GitHub: the comments of a pull request, and the plan that its run saved.

Source: GitHub's documentation of the REST API: issue comments, pull requests of a commit, artifacts, pagination.
"""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from unleash_gitops.ci.code_host import Comment, Host
from unleash_gitops.ci.rest_client import Web
from unleash_gitops.model.errors import CodeHostError

if TYPE_CHECKING:
    from unleash_gitops.ci.job import Job

__all__ = ["GitHub"]

_WRITE = "give the job `permissions: pull-requests: write`; the token of a pull request from a fork can only read"
_HINTS = {
    401: "the token in GITHUB_TOKEN is not valid (any more)",
    403: _WRITE,
    404: f"or the token may not see it: {_WRITE}",
}
_READ = "give the job `permissions: actions: read, pull-requests: read`"
_LARGEST_PLAN = 200_000_000  # bytes


class GitHub(Host):
    """The comments of the job's pull request, and its plan."""

    no_person = 403  # what a job's own token gets

    def __init__(self, job: Job) -> None:
        name, token = job.token_header or ("Authorization", "")
        headers = {name: token, "Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
        self._job = job
        self._repository = f"/repos/{quote(job.repository)}"
        issues = f"{self._repository}/issues"
        web = Web("GitHub", job.api, headers, _HINTS)
        super().__init__(web, f"{issues}/{job.pull_request}/comments", "per_page=100", f"{issues}/comments", "PATCH")

    def _read(self, entry: Any) -> Comment:
        return Comment(entry["id"], entry.get("body") or "", entry.get("html_url"), entry.get("user"))

    def _may_be_another(self, author: dict[str, Any]) -> bool:
        return author.get("type") == "User"  # a job's own token writes as a bot, which no contributor can

    def reviewed_plan(self, artifact: str) -> bytes:
        """Return the plan file in the newest `artifact` that the pull request behind the job's commit saved.

        Only runs of the repository itself count, never those of a fork. Raises CodeHostError.
        """
        head = self._merged_head()
        answer = self._web.request("GET", f"{self._repository}/actions/artifacts?name={quote(artifact)}&per_page=100")
        listed = answer.content.get("artifacts", []) if isinstance(answer.content, dict) else []
        usable = [
            artifact_entry
            for artifact_entry in listed
            if not artifact_entry.get("expired") and _of_own_run(artifact_entry.get("workflow_run") or {}, head)
        ]
        if not usable:
            raise CodeHostError(
                f'no run for {head[:12]}, the last commit of the pull request, has an artifact "{artifact}" (any more)',
                f"run the pull request's job again, or apply afresh: unleash-gitops apply DIR --yes; {_READ}",
            )
        newest = max(usable, key=lambda artifact_entry: artifact_entry["id"])
        return _unzip(self._web.download(f"{self._repository}/actions/artifacts/{newest['id']}/zip", _LARGEST_PLAN))

    def _merged_head(self) -> str:
        """Return the last commit of the pull request whose merge made the job's commit."""
        commit = self._job.commit or ""
        pulls = list(self._web.pages(f"{self._repository}/commits/{quote(commit, safe='')}/pulls?per_page=100"))
        merged = [pull for pull in pulls if pull.get("merged_at") and pull.get("merge_commit_sha") == commit]
        if not merged:
            raise CodeHostError(
                f"commit {commit[:12]} is the merge of no pull request, so no plan of it was reviewed",
                "apply afresh: unleash-gitops apply DIR --yes",
            )
        return str(merged[0]["head"]["sha"])


def _of_own_run(run: dict[str, Any], head: str) -> bool:
    return run.get("head_sha") == head and run.get("head_repository_id") == run.get("repository_id") is not None


def _unzip(content: bytes) -> bytes:
    """Return the one file in an archive. Raises CodeHostError when there is not just one, or it is too large."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            (entry,) = archive.infolist()
            if entry.file_size > _LARGEST_PLAN:
                raise CodeHostError(f"the plan in the artifact is larger than {_LARGEST_PLAN} bytes")
            return archive.read(entry)
    except (zipfile.BadZipFile, ValueError, RuntimeError, EOFError) as error:
        raise CodeHostError(f"the artifact holds no plan file: {error}", "make the plan again") from None
