"""Several workspaces in one run: different instances at the same time, the workspaces of one instance in turn.

A run over one workspace is the same with a list of one. What fails stays with its workspace; the others go on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from unleash_gitops import __version__
from unleash_gitops.model.errors import GitopsError, UsageError
from unleash_gitops.model.plan_set import Applied, Planned, PlanSet, ReportSet
from unleash_gitops.workflow.accept import accept_drift
from unleash_gitops.workflow.apply import apply_plan, check_deletes, check_drift, check_plan, require_audit_log
from unleash_gitops.workflow.plan import make_plan
from unleash_gitops.workflow.pull import pull_workspace

if TYPE_CHECKING:
    from unleash_gitops.api.client import Client
    from unleash_gitops.documents.loader import Loaded
    from unleash_gitops.model.plan import OnDrift, Plan, Report, Result
    from unleash_gitops.model.workspace import Workspace
    from unleash_gitops.workflow.accept import Accepted, NotAccepted
    from unleash_gitops.workflow.pull import NewFile, Skipped

__all__ = [
    "Run",
    "Step",
    "Tally",
    "accept_run",
    "advance",
    "apply_step",
    "check_apart",
    "check_deletes_step",
    "check_drift_step",
    "check_plan_step",
    "is_in_maintenance",
    "plan_set",
    "plan_step",
    "pull_run",
    "report_set",
    "require_audit_log_step",
    "stop_all",
]

_Value = TypeVar("_Value")
_MOST_AT_ONCE = 8  # instances


@dataclass
class Run:
    """One workspace on its way: what it has so far, and what stopped it.

    `where` is how the user calls it, `root` its place in the repository, `named_url` the instance that its files or
    its plan name. It begins with its files or with its plan; each step fills in one more field, and a run with an
    `error` goes no further.
    """

    name: str
    where: str
    root: str | None
    named_url: str | None
    token_env: str | None
    files: tuple[Loaded, Workspace] | None = None
    client: Client | None = None
    plan: Plan | None = None
    report: Report | None = None
    error: GitopsError | None = None

    @classmethod
    def of_files(cls, loaded: Loaded, workspace: Workspace, where: str) -> Run:
        """Begin with the files of a workspace."""
        spec = workspace.spec
        return cls(
            workspace.name, where, loaded.path_in_repository, spec.url, spec.token_env, files=(loaded, workspace)
        )

    @classmethod
    def of_plan(cls, plan: Plan) -> Run:
        """Begin with a saved plan."""
        where = plan.workspace if plan.root is None else plan.root or "."
        return cls(plan.workspace, where, plan.root, plan.instance.url, plan.token_env, plan=plan)

    @property
    def prefix(self) -> str:
        """What makes a path below the workspace right from where the user stands."""
        return "" if self.where == "." else self.where

    @property
    def url(self) -> str | None:
        """The instance's address, as far as it is known."""
        return self.named_url if self.client is None else self.client.url


Step = Callable[[Run], None]


def advance(runs: Sequence[Run], step: Step) -> None:
    """Take a step with every run that nothing has stopped; a GitopsError of it stops that run alone."""

    def take(group: Sequence[Run]) -> None:
        for run in group:
            try:
                step(run)
            except GitopsError as error:
                run.error = error

    groups: dict[str | None, list[Run]] = {}
    for run in runs:
        if run.error is None:
            groups.setdefault(run.url, []).append(run)
    if len(groups) < 2:
        take([run for group in groups.values() for run in group])
        return
    pool = ThreadPoolExecutor(max_workers=min(len(groups), _MOST_AT_ONCE))
    try:
        list(pool.map(take, groups.values()))
    except BaseException:
        stop_all(runs)  # the others need not try any longer
        raise
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def plan_step(targets: Sequence[str], tally: Tally, on_drift: OnDrift | None, *, thorough: bool) -> Step:
    """Return the step that makes the plan: `on_drift` and `thorough` as `make_plan` takes them."""

    def step(run: Run) -> None:
        loaded, workspace = _require(run.files)
        client, progress = _require(run.client), tally.of(run)
        run.plan = make_plan(loaded, workspace, client, targets, progress, on_drift, thorough=thorough)

    return step


def check_deletes_step(max_deletes: int | None) -> Step:
    """Return the step that refuses a plan with more deletes than it may have."""
    return lambda run: check_deletes(_require(run.plan), max_deletes)


def check_drift_step(run: Run) -> None:
    """Refuse a plan that would write over what somebody else changed, where the policy is to fail. A step."""
    check_drift(_require(run.plan))


def require_audit_log_step(run: Run) -> None:
    """Refuse a plan that cannot say who changed what. A step."""
    require_audit_log(_require(run.plan))


def check_plan_step(run: Run) -> None:
    """Refuse a plan that the server has left behind. A step."""
    check_plan(_require(run.plan), _require(run.client))


def apply_step(
    on_result: Callable[[Run, Result], None],
    hand_over: Callable[[Run, str, str], None] = lambda _run, _address, _secret: None,
) -> Step:
    """Return the step that applies the plan, and tells how each change went and which secrets the server made."""

    def step(run: Run) -> None:
        client = _require(run.client)
        run.report = apply_plan(
            _require(run.plan),
            client,
            client.stop,
            lambda result: on_result(run, result),
            lambda address, secret: hand_over(run, address, secret),
        )

    return step


def pull_run(
    run: Run, kind: str | None, project: str | None, progress: Callable[[int, int], None]
) -> tuple[list[NewFile], list[Skipped]]:
    """Write what is live as new files. Raises what stopped the run, or as `pull_workspace` does."""
    if run.error is not None:
        raise run.error
    loaded, workspace = _require(run.files)
    return pull_workspace(loaded, workspace, _require(run.client), kind, project, progress)


def accept_run(
    run: Run, references: Sequence[str], progress: Callable[[int, int], None]
) -> tuple[list[Accepted], list[NotAccepted]]:
    """Take what others changed into the files. Raises what stopped the run, or as `accept_drift` does."""
    if run.error is not None:
        raise run.error
    loaded, workspace = _require(run.files)
    return accept_drift(loaded, workspace, _require(run.client), references, progress)


def is_in_maintenance(runs: Sequence[Run]) -> bool:
    """Tell whether a server that was asked is in maintenance mode."""
    return any(run.client is not None and run.error is None and run.client.facts().maintenance for run in runs)


def _require(value: _Value | None) -> _Value:
    if value is None:
        raise RuntimeError("a step was taken before the one that it needs")
    return value


def stop_all(runs: Sequence[Run]) -> None:
    """Have every run end as soon as what is under way has ended."""
    for run in runs:
        if run.client is not None:
            run.client.stop.set()


def check_apart(runs: Sequence[Run]) -> None:
    """Raise UsageError when two runs would take each other's objects for their own."""
    seen: dict[tuple[str, str | None], Run] = {}
    for run in runs:
        other = seen.setdefault((run.name, run.url), run)
        if other is not run:
            raise UsageError(
                f'{other.where} and {run.where} are two workspaces named "{run.name}" on one instance: '
                "each would delete what the other made",
                "give each workspace a metadata.name of its own",
            )


def plan_set(runs: Sequence[Run]) -> PlanSet:
    """Return what came of planning, in the order of `runs`."""
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


def report_set(runs: Sequence[Run]) -> ReportSet:
    """Return what came of applying, in the order of `runs`."""
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


class Tally:
    """Adds up the progress of several runs for one bar; safe to use from their threads."""

    def __init__(self, show: Callable[[int, int], None]) -> None:
        self._show = show
        self._lock = threading.Lock()
        self._parts: dict[str, tuple[int, int]] = {}

    def of(self, run: Run) -> Callable[[int, int], None]:
        """Return what one run tells how many of how many are done."""

        def tell(done: int, total: int) -> None:
            with self._lock:
                self._parts[run.where] = (done, total)
                self._show(sum(part[0] for part in self._parts.values()), sum(part[1] for part in self._parts.values()))

        return tell
