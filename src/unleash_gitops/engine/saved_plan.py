"""A saved plan is what a reader saw, and no authority: its calls are rebuilt from what it shows. Pure: no I/O.

The digest of a plan file finds damage. It does not prove who made the file, so that nothing in it is believed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter
from typing import get_args

from unleash_gitops import __version__
from unleash_gitops.engine.change_calls import list_calls
from unleash_gitops.engine.dependencies import resolve_ids
from unleash_gitops.engine.diff import diff_fields
from unleash_gitops.kinds import kinds
from unleash_gitops.model.errors import PlanFileError
from unleash_gitops.model.plan import Action, Change, Plan
from unleash_gitops.model.resource import Address, Key, Resource, ResourceSet

__all__ = ["check_content", "rebuild_calls"]

_AGAIN = ("to make a new plan, run: unleash-gitops plan --out FILE", "in CI, run the pull request's job again")
_SHAPES: dict[Action, tuple[bool, bool]] = {
    "create": (False, True),
    "update": (True, True),
    "adopt": (True, True),
    "transfer": (True, True),
    "release": (True, True),
    "delete": (True, False),
}
"""Whether an action has an object before it, and after it."""
_REBUILD_FAILURES = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What kinds raise for values that no server and no document holds."""


def check_content(plan: Plan) -> None:
    """Raise PlanFileError when another version made the plan, or when its parts contradict each other."""
    if plan.tool_version != __version__:
        raise PlanFileError(
            f"the plan was made by unleash-gitops {plan.tool_version}, and this is {__version__}: "
            "another version may send other requests",
            _AGAIN,
        )
    for change in plan.changes:
        problem = _find_problem(change, plan.workspace)
        if problem is not None:
            raise _contradiction(change.address, problem)
    _check_dependencies(plan.changes)
    _check_counts(plan)


def rebuild_calls(plan: Plan, live: ResourceSet) -> Plan:
    """Return the plan with its calls. `live` has the objects that the plan changes or names, read now.

    Raises PlanFileError when the calls are not those that the plan shows.
    """
    rebuilt = resolve_ids([_rebuild(change, plan.workspace, live) for change in plan.changes], live)
    for change, result in zip(plan.changes, rebuilt, strict=True):
        if (result.action, result.requests, result.numbered) != (change.action, change.requests, change.numbered):
            raise _contradiction(change.address, _describe_other_requests(change, result))
    return plan.model_copy(update={"changes": tuple(rebuilt)})


def _rebuild(change: Change, workspace: str, live: ResourceSet) -> Change:
    present = live.resources.get(Key(change.kind, change.live_id))
    address = Address(change.kind, change.name, change.project, change.feature)
    if present is not None:
        problem = _find_owner_problem(change, present, workspace)
        if problem is not None:
            raise _contradiction(change.address, problem)
    try:
        calls = list_calls(change.action, address, change.id, present, change.after, workspace)
    except _REBUILD_FAILURES as error:
        raise _contradiction(change.address, "no request can make the object as the plan shows it") from error
    return change.with_calls(calls)


def _find_problem(change: Change, workspace: str) -> str | None:
    """Return what contradicts itself in one change, None when nothing does."""
    if change.kind not in kinds():
        return f"{change.kind} is no kind that this version knows"
    address = Address(change.kind, change.name, change.project, change.feature)
    if change.name is not None and not kinds()[change.kind].has_identity(address, change.id, workspace):
        return f"its id {change.id} is that of another object"
    if change.action == "blocked":
        return "it is blocked and has requests" if change.requests else None
    if (change.before is not None, change.after is not None) != _SHAPES[change.action]:
        return f"{change.action} does not fit the object before and after the change"
    shown = [(field.path, field.before, field.after) for field in change.fields]
    fields = diff_fields(change.before, change.after) if change.before is not None and change.after is not None else ()
    if shown != [(field.path, field.before, field.after) for field in fields]:
        return "its fields are not the difference between the object before and after the change"
    if change.action == "release" and fields:
        return "a release changes no values"
    if (change.action == "transfer") is (change.taken_from is None):
        return f"{change.action} does not fit takenFrom"
    return None


def _find_owner_problem(change: Change, live: Resource, workspace: str) -> str | None:
    """Return why the owner of a live object does not fit the action, None when it does."""
    address = live.address
    same_name = address.name is None or change.name is None or address.name == change.name
    same_place = (address.project, address.feature) == (change.project, change.feature)
    if change.action == "blocked":
        return None
    if not same_place or (not same_name and change.former_id is None):
        return f"its id is that of {live}"
    if change.action == "transfer":
        is_taken = live.ownership == "foreign" and live.owners in {(), (change.taken_from,)}
        return None if is_taken else f"{change.taken_from} does not own the object"
    if change.action == "release":
        return None if workspace in live.owners else f"{workspace} does not own the object"
    if live.ownership in {"foreign", "shared"}:
        return "another workspace owns the object"
    if change.action == "adopt" and live.ownership == "owned":
        return f"{workspace} owns the object already"
    return None


def _check_dependencies(changes: Sequence[Change]) -> None:
    """Raise PlanFileError for a dependency that can never be met."""
    by_address = {change.address: change for change in changes}
    if len(by_address) != len(changes):
        ((double, _),) = Counter(change.address for change in changes).most_common(1)
        raise _contradiction(double, "the plan has two changes of it")
    for change in changes:
        for address in change.depends_on:
            if address == change.address:
                raise _contradiction(address, "it depends on itself")
            if address not in by_address:
                raise _contradiction(change.address, f"it depends on {address}, which is not in the plan")
            if by_address[address].action == "delete" and change.action not in {"delete", "blocked"}:
                raise _contradiction(change.address, f"it depends on the delete of {address}, and deletes come last")
    try:
        TopologicalSorter({change.address: change.depends_on for change in changes}).prepare()
    except CycleError as error:
        raise _contradiction(str(error.args[1][0]), "it depends on itself, through other changes") from None


def _check_counts(plan: Plan) -> None:
    """Raise PlanFileError when the plan counts other changes than it has."""
    count = Counter(change.action for change in plan.changes)
    summary = plan.summary.model_dump()
    for action in get_args(Action):
        if summary[action] != count[action]:
            raise _contradiction("summary", f"it has {summary[action]} {action}, and the plan has {count[action]}")


def _describe_other_requests(change: Change, rebuilt: Change) -> str:
    """Return the first request in which two forms of a change differ."""
    if rebuilt.action != change.action:
        return rebuilt.reason or f"the change is {rebuilt.action} now"
    shown = [f"{request.method} {request.path}" for request in change.requests]
    needed = [f"{request.method} {request.path}" for request in rebuilt.requests]
    if shown == needed:
        differing = (
            text for text, old, new in zip(shown, change.requests, rebuilt.requests, strict=True) if old != new
        )
        return f"the body of {next(differing, 'a request')} is not what the change needs"
    surplus = next((text for text in shown if text not in needed), None)
    if surplus is not None:
        return f"{surplus} is no request of this change"
    return f"the requests are not those that the change needs: {', '.join(needed) or 'none'}"


def _contradiction(place: str, problem: str) -> PlanFileError:
    return PlanFileError(f"the plan contradicts itself: {place}: {problem}; nothing was applied", _AGAIN)
