"""Several workspaces in one run. A run over one workspace is the same with a list of one.

Each workspace is a `Run`, which every step takes further: plan it, check the plan, apply it. Workspaces of different
instances run at the same time, those of one instance one after another. An error stops only its own workspace.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from unleash_gitops import __version__
from unleash_gitops.engine.limit_deletes import limit_saved_deletes
from unleash_gitops.model.errors import GitopsError, UnexpectedError, UsageError
from unleash_gitops.model.plan_set import Applied, Planned, PlanSet, ReportSet
from unleash_gitops.workflow.accept import accept_drift
from unleash_gitops.workflow.apply import apply_plan, check_deletes, check_drift, check_plan, require_audit_log
from unleash_gitops.workflow.neighbours import Neighbourhood, PlannedWorkspace
from unleash_gitops.workflow.plan import make_plan
from unleash_gitops.workflow.pull import pull_workspace
from unleash_gitops.workflow.shared_progress import SharedProgress

if TYPE_CHECKING:
    from unleash_gitops.api.client import Client
    from unleash_gitops.documents.loader import LoadedWorkspace
    from unleash_gitops.engine.lease import Lease
    from unleash_gitops.model.change_errors import UnexpectedFailure
    from unleash_gitops.model.plan import OnDrift, Plan
    from unleash_gitops.model.report import Report, Result
    from unleash_gitops.model.workspace import Workspace
    from unleash_gitops.workflow.accepted import Accepted, NotAccepted
    from unleash_gitops.workflow.pull import Pulled
    from unleash_gitops.workflow.pulled_documents import PullChoice

__all__ = [
    "Run",
    "accept_run",
    "apply_all",
    "build_plan_set",
    "build_report_set",
    "check_all_deletes",
    "check_all_drift",
    "check_all_plans",
    "check_distinct",
    "is_in_maintenance",
    "plan_all",
    "pull_run",
    "require_all_audit_logs",
    "stop_all",
]

_Value = TypeVar("_Value")
_Progress = Callable[[int, int], None]
"""Gets the number of finished requests, and the number of all requests."""
_MAX_INSTANCES = 8
"""How many instances are processed at the same time."""


@dataclass
class Run:
    """One workspace: its inputs, and the results of the steps so far.

    A run begins with `files` or with `plan`. Each step sets one more field. After an `error`, no step takes it further.

    `path` is the workspace's directory relative to the working directory. `root` is its place in the repository.
    `configured_url` is the instance in the files, and `token_env` the variable with its token.
    """

    name: str
    path: str
    root: str | None
    configured_url: str | None
    token_env: str | None
    files: tuple[LoadedWorkspace, Workspace] | None = None
    client: Client | None = None
    plan: Plan | None = None
    report: Report | None = None
    error: GitopsError | None = None
    instance_id: str | None = None
    lease: Lease | None = None

    @classmethod
    def of_files(cls, loaded: LoadedWorkspace, workspace: Workspace, path: str) -> Run:
        """Return a run that begins with the files of a workspace."""
        spec = workspace.spec
        return cls(workspace.name, path, loaded.path_in_repository, spec.url, spec.token_env, files=(loaded, workspace))

    @classmethod
    def of_plan(cls, plan: Plan, workspace: Workspace | None) -> Run:
        """Return a run that begins with a saved plan. `workspace` is that of the plan in this checkout, if it is there.

        The URL, the variable and the limits on deletes come from the files, not from the plan.
        """
        path = plan.workspace if plan.root is None else plan.root or "."
        url, token_env = (None, None) if workspace is None else (workspace.spec.url, workspace.spec.token_env)
        limited = limit_saved_deletes(plan, None if workspace is None else workspace.spec)
        return cls(plan.workspace, path, plan.root, url, token_env, plan=limited)

    @property
    def path_prefix(self) -> str:
        """The prefix that makes a path in the workspace relative to the working directory."""
        return "" if self.path == "." else self.path

    @property
    def url(self) -> str | None:
        """The URL of the instance, None while it is unknown."""
        return self.configured_url if self.client is None else self.client.url


def plan_all(
    runs: Sequence[Run],
    targets: Sequence[str],
    show_progress: _Progress,
    on_drift: OnDrift | None = None,
    *,
    thorough: bool = False,
    max_deletes: int | None = None,
    allow_in_use: Sequence[str] = (),
    only: Sequence[Run] | None = None,
) -> None:
    """Plan each run, or `only` some of them beside the others. The other options are those of `make_plan`."""
    progress = SharedProgress(show_progress)
    planned = [
        PlannedWorkspace(run.files[0], run.name, run.path, run.url, run.instance_id)
        for run in runs
        if run.files is not None
    ]
    neighbourhood = Neighbourhood(planned)

    def plan(run: Run) -> None:
        loaded, workspace = _require(run.files)
        client = _require(run.client)
        run.plan = make_plan(
            loaded,
            workspace,
            client,
            targets,
            progress.for_run(run.path),
            on_drift,
            thorough=thorough,
            max_deletes=max_deletes,
            allow_in_use=allow_in_use,
            find_neighbours=lambda: neighbourhood.of_workspace(loaded, client.url, client.facts().instance_id),
        )

    _run_step(runs if only is None else only, plan)


def check_all_deletes(runs: Sequence[Run], max_deletes: int | None = None) -> None:
    """Stop each run whose plan has more deletes than `max_deletes`, or than the workspace's own limits when None."""
    _run_step(runs, lambda run: check_deletes(_require(run.plan), max_deletes))


def check_all_drift(runs: Sequence[Run]) -> None:
    """Stop each run whose plan would overwrite another user's change although the policy is `fail`."""
    _run_step(runs, lambda run: check_drift(_require(run.plan)))


def require_all_audit_logs(runs: Sequence[Run]) -> None:
    """Stop each run whose plan was made without the audit log."""
    _run_step(runs, lambda run: require_audit_log(_require(run.plan)))


def check_all_plans(runs: Sequence[Run]) -> None:
    """Stop each run whose plan no longer matches the server, and rebuild the calls of all others."""

    def check(run: Run) -> None:
        run.plan = check_plan(_require(run.plan), _require(run.client))

    _run_step(runs, check)


def apply_all(
    runs: Sequence[Run],
    on_result: Callable[[Run, Result], None],
    hand_over: Callable[[Run, str, str], None],
    on_unexpected: Callable[[UnexpectedFailure], None],
) -> None:
    """Apply the plan of each run.

    `on_result` gets the result of each change. `hand_over` gets each secret that the server creates: the address of
    its object, and the secret. `on_unexpected` gets each exception that no part of the tool expects.
    """

    def apply(run: Run) -> None:
        client = _require(run.client)
        run.report = apply_plan(
            _require(run.plan),
            client,
            client.stop,
            lambda result: on_result(run, result),
            lambda address, secret: hand_over(run, address, secret),
            on_unexpected,
            lease=run.lease,
        )

    _run_step(runs, apply)


def pull_run(run: Run, choice: PullChoice, show_progress: _Progress) -> Pulled:
    """Write live objects of a run's workspace to new files. Raises the run's error, or as `pull_workspace` does."""
    if run.error is not None:
        raise run.error
    loaded, workspace = _require(run.files)
    return pull_workspace(loaded, workspace, _require(run.client), choice, show_progress)


def accept_run(run: Run, targets: Sequence[str], show_progress: _Progress) -> tuple[list[Accepted], list[NotAccepted]]:
    """Write other users' changes into a run's files. Raises the run's error, or as `accept_drift` does."""
    if run.error is not None:
        raise run.error
    loaded, workspace = _require(run.files)
    return accept_drift(loaded, workspace, _require(run.client), targets, show_progress, run.path_prefix)


def stop_all(runs: Sequence[Run]) -> None:
    """Let each run finish the requests that are in flight, and send no more."""
    for run in runs:
        if run.client is not None:
            run.client.stop.set()


def is_in_maintenance(runs: Sequence[Run]) -> bool:
    """Tell whether the server of any run is in maintenance mode."""
    return any(run.client is not None and run.error is None and run.client.facts().maintenance for run in runs)


def check_distinct(runs: Sequence[Run]) -> None:
    """Raise UsageError when two runs would manage the same objects."""
    seen: dict[tuple[str, str | None], Run] = {}
    for run in runs:
        other = seen.setdefault((run.name, run.url), run)
        if other is not run:
            _refuse_same_name(other, run)


def identify_instances(runs: Sequence[Run]) -> None:
    """Ask each server for the id of its instance, and stop two runs of one name on one instance, whatever its URLs."""

    def identify(run: Run) -> None:
        run.instance_id = _require(run.client).facts().instance_id

    _run_step(runs, identify)
    seen: dict[tuple[str, str], Run] = {}
    for run in runs:
        if run.instance_id is None or run.error is not None:
            continue
        other = seen.setdefault((run.name, run.instance_id), run)
        if other is not run:
            _refuse_same_name(other, run)


def _refuse_same_name(first: Run, second: Run) -> None:
    raise UsageError(
        f'{first.path} and {second.path} are two workspaces named "{first.name}" on one instance: '
        "each would delete the objects of the other",
        "give each workspace its own metadata.name",
    )


def build_plan_set(runs: Sequence[Run]) -> PlanSet:
    """Return the plans and errors of `runs`, in their order."""
    return PlanSet(
        tool_version=__version__,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        workspaces=tuple(
            Planned(
                workspace=run.name,
                root=run.root,
                url=run.url,
                plan=run.plan if run.error is None else None,
                error=None if run.error is None else str(run.error),
            )
            for run in runs
        ),
    )


def build_report_set(runs: Sequence[Run]) -> ReportSet:
    """Return the reports and errors of `runs`, in their order."""
    return ReportSet(
        workspaces=tuple(
            Applied(
                workspace=run.name,
                root=run.root,
                report=run.report,
                error=None if run.error is None else str(run.error),
            )
            for run in runs
        )
    )


def _run_step(runs: Sequence[Run], step: Callable[[Run], None]) -> None:
    """Do `step` for each run without an error. An exception becomes the error of its run."""

    def run_group(group: Sequence[Run]) -> None:
        for run in group:
            try:
                step(run)
            except GitopsError as error:
                run.error = error
            except Exception as error:  # noqa: BLE001 - the other runs go on, and those that sent something report it
                run.error = UnexpectedError(error)

    groups: dict[str | None, list[Run]] = {}
    for run in runs:
        if run.error is None:
            groups.setdefault(run.instance_id or run.url, []).append(run)
    if len(groups) < 2:
        for group in groups.values():
            run_group(group)
        return
    pool = ThreadPoolExecutor(max_workers=min(len(groups), _MAX_INSTANCES))
    try:
        list(pool.map(run_group, groups.values()))
    except BaseException:
        stop_all(runs)
        raise
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _require(value: _Value | None) -> _Value:
    """Return a value that an earlier step has set."""
    if value is None:
        raise RuntimeError("a step needs the result of another step, which has not run")
    return value
