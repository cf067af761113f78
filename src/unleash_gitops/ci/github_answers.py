"""The parts of GitHub's answers that say whose plan an artifact holds. Fields that are not used are ignored."""

from __future__ import annotations

from unleash_gitops.ci.code_host import ApiObject

__all__ = ["Artifact", "PullRequest", "WorkflowRun"]


class _Head(ApiObject):
    sha: str
    ref: str = ""


class PullRequest(ApiObject):
    """A pull request. `merge_commit_sha` is the commit of its merge once it is merged."""

    number: int
    head: _Head
    merged_at: str | None = None
    merge_commit_sha: str | None = None


class _ArtifactRun(ApiObject):
    id: int
    head_sha: str | None = None
    repository_id: int | None = None
    head_repository_id: int | None = None


class Artifact(ApiObject):
    """A file that a run saved."""

    id: int
    expired: bool = False
    workflow_run: _ArtifactRun | None = None

    def find_run(self, head: str) -> int | None:
        """Return the run that has the artifact to download, None unless it is one for the commit `head`.

        A run in a fork is none.
        """
        run = self.workflow_run
        if run is None or self.expired or run.head_sha != head or run.repository_id is None:
            return None
        return run.id if run.head_repository_id == run.repository_id else None


class _RunPullRequest(ApiObject):
    number: int


class WorkflowRun(ApiObject):
    """A run of a workflow. `pull_requests` are those open now with its commit or branch."""

    event: str
    path: str
    head_sha: str
    pull_requests: list[_RunPullRequest] | None = None
