"""Renders plans as Markdown, for a comment on a pull request.

Strings from YAML or a server are in a code span, a fenced block or `<code>`, and cannot end it. All links are to the
repository of the CI job. Sizes are bytes of UTF-8: hosts count either these or characters, of which there are fewer.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from unleash_gitops.render.escape import format_pair, format_value, shorten_line
from unleash_gitops.render.markdown_syntax import (
    MAX_NAME,
    count_bytes,
    format_alert,
    format_code_span,
    format_fence,
    format_html_code,
)
from unleash_gitops.render.phrases import (
    ACTION_SIGNS,
    KEPT_TITLE,
    MARK_ACTIONS,
    MAX_UNMANAGED,
    UNMANAGED_TITLE,
    annotate_fields,
    count_actions,
    count_drift,
    count_marks_only,
    describe_absent_owners,
    describe_marks_only,
    describe_object_origin,
    describe_refusal,
    describe_refusals,
    flatten_object,
    format_address,
    format_title,
    is_mark_only,
    name_edition,
    pluralize,
)

if TYPE_CHECKING:
    from unleash_gitops.ci.job import Job
    from unleash_gitops.model.plan import Action, Change, Plan, Summary, Unmanaged
    from unleash_gitops.model.plan_set import Planned, PlanSet

__all__ = [
    "MAX_COMMENT_BYTES",
    "render_failed_markdown",
    "render_plan_markdown",
    "render_plan_set_markdown",
    "render_superseded_markdown",
]

MAX_COMMENT_BYTES = 65_536
"""GitHub's limit for a comment, which is in characters."""

_MAX_LINES = 100  # of one change
_SHARE = 4  # one change, or one list, has at most the limit divided by this
_MIN_SECTION = 1_000  # bytes: a smaller section has no room for a plan
_ACTION_ORDER: tuple[Action, ...] = ("delete", "blocked", "transfer", "release", "update", "create", "adopt")


def render_plan_markdown(plan: Plan, job: Job | None = None, limit: int = MAX_COMMENT_BYTES) -> str:
    """Return a plan in at most `limit` bytes.

    Deletes and blocked changes come first. Changes for which there is no room are left out from the end and counted.
    Sources and the commit are links into the repository of `job`.
    """
    head = _render_head(plan, job)
    tail = _render_kept(plan, job, limit // _SHARE) + _render_unmanaged(plan.unmanaged, limit // _SHARE)
    listed = [change for change in plan.changes if not is_mark_only(change)]
    changes = sorted(listed, key=lambda change: _ACTION_ORDER.index(change.action))
    tail = _render_marks_only(plan.changes) + tail
    room = limit - count_bytes(head) - count_bytes(tail)
    blocks: list[str] = []
    used = 0
    for change in changes:
        blocks.append(_render_change(change, plan, job, limit // _SHARE))
        used += count_bytes(blocks[-1])
        if used > room:
            break
    shown = len(blocks)
    if used > room:
        ends = accumulate(map(count_bytes, blocks), initial=count_bytes(_describe_left_out(changes, job)))
        shown = sum(end <= room for end in ends) - 1
    left_out = _describe_left_out(changes[max(shown, 0) :], job)
    return (head + left_out + "".join(blocks[:shown]) + tail).rstrip("\n") + "\n"


def render_failed_markdown(planned: Planned) -> str:
    """Return the comment on a workspace that could not be planned."""
    reason = format_code_span(planned.error or "unknown reason")
    where = f" on {format_code_span(planned.url)}" if planned.url else ""
    about = f"Workspace {format_code_span(planned.workspace)}{where}\n"
    return format_alert("CAUTION", f"**Could not be planned:** {reason}") + about


def render_superseded_markdown(workspace: str, reason: str, job: Job | None = None) -> str:
    """Return the text that replaces a plan. `reason` is trusted Markdown, a sentence."""
    link = f" For details, see [this job]({job.run_url})." if job is not None and job.run_url else ""
    return f"**Superseded:** {reason}{link}\n\nWorkspace {format_code_span(workspace)}{_link_commit(job)}\n"


def render_plan_set_markdown(plans: PlanSet, job: Job | None = None, limit: int = MAX_COMMENT_BYTES) -> str:
    """Return several plans in at most `limit` bytes, with a section for each workspace.

    Long sections share the room that short ones leave.
    """
    failed = len(plans.workspaces) - len(plans.plans)
    also = f", **{failed} could not be planned**" if failed else ""
    absent, refusals = describe_absent_owners(plans, format_code_span), describe_refusals(plans)
    head = f"{_count_changes(plans.summary)} in {pluralize(len(plans.workspaces), 'workspace')}{also}\n\n"
    head = (format_alert("CAUTION", f"**{refusals}**") if refusals else "") + head + (f"{absent}\n\n" if absent else "")
    sections = [
        _Section(f"### {format_code_span(planned.workspace)}\n\n", planned, job) for planned in plans.workspaces
    ]
    room = limit - count_bytes(head) - count_bytes(_describe_unseen(len(sections), job))
    texts = _fit_sections(sections, [section.render(limit) for section in sections], room)
    shown = [text for text in texts if text]
    return (head + _describe_unseen(len(sections) - len(shown), job) + "".join(shown)).rstrip("\n") + "\n"


@dataclass(frozen=True, slots=True)
class _Section:
    """The part of one workspace in a comment on several."""

    heading: str
    planned: Planned
    job: Job | None

    def render(self, limit: int) -> str:
        """Return the section in at most `limit` bytes, or in more if `limit` is too small for its head."""
        if self.planned.plan is None:
            return f"{self.heading}{render_failed_markdown(self.planned)}\n"
        room = limit - count_bytes(self.heading) - 1
        return f"{self.heading}{render_plan_markdown(self.planned.plan, self.job, room)}\n"

    @property
    def rank(self) -> int:
        """The order in which sections are left out: the highest rank first."""
        plan = self.planned.plan
        if plan is None or plan.summary.delete or plan.summary.blocked:
            return 0
        return 1 if plan.pending else 2


def _fit_sections(sections: Sequence[_Section], full: Sequence[str], room: int) -> list[str]:
    """Return the texts of the sections in `room` bytes: those in `full`, cut if necessary, or empty without room."""
    wanted = [count_bytes(text) for text in full]
    order = sorted(range(len(sections)), key=lambda index: (sections[index].rank, index))
    shares = _share_out([wanted[index] for index in order], room)
    while any(share < min(wanted[index], _MIN_SECTION) for index, share in zip(order, shares, strict=True)):
        order.pop()
        shares = _share_out([wanted[index] for index in order], room)
    texts = [""] * len(sections)
    for index, share in zip(order, shares, strict=True):
        text = full[index] if wanted[index] <= share else sections[index].render(share)
        texts[index] = text if count_bytes(text) <= share else ""
    return texts


def _share_out(wanted: Sequence[int], room: int) -> list[int]:
    """Divide `room`: no share is larger than wanted, and all shares that are smaller than wanted are equal."""
    shares = [0] * len(wanted)
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    for position, index in enumerate(order):
        shares[index] = min(wanted[index], max(0, room) // (len(order) - position))
        room -= shares[index]
    return shares


def _count_changes(count: Summary) -> str:
    """Return the summary line."""
    rest = [(count.unchanged, "unchanged"), (count.foreign, "owned by another workspace")]
    also = ", ".join(f"{number} {state}" for number, state in rest if number)
    parts = [phrase for _, number, phrase in count_actions(count) if number] or ["Nothing to change"]
    parts += [f"{count.unmanaged} unmanaged"] if count.unmanaged else []
    parts += count_drift(count)
    return f"**{', '.join(parts)}**{f' ({also})' if also else ''}"


def _render_head(plan: Plan, job: Job | None) -> str:
    instance = plan.instance
    where = f"{format_code_span(instance.url)} (Unleash {format_code_span(instance.version)}, {name_edition(plan)})"
    digest = format_code_span(plan.to_json()["digest"])
    about = f"Workspace {format_code_span(plan.workspace)} on {where}{_link_commit(job)}, plan {digest}"
    refusal = describe_refusal(plan)
    first = "" if refusal is None else format_alert("CAUTION", f"**{refusal}**")
    return f"{first}{_count_changes(plan.summary)}\n\n{about}\n\n{_list_warnings(plan)}"


def _list_warnings(plan: Plan) -> str:
    """Return the alerts on deletes, refused, blocked and unexplained changes."""
    count, text = plan.summary, ""
    if count.delete and plan.refusal is None:
        text += format_alert("CAUTION", f"**{pluralize(count.delete, 'object')} will be deleted**")
    for entry in plan.not_read:
        reason = f"{format_code_span(entry.kind)} is not planned, because the token may not read it"
        text += format_alert("WARNING", f"{reason}: {format_code_span(entry.reason)}")
    for warning in plan.warnings:
        text += format_alert("WARNING", format_code_span(warning))
    if plan.audit_error is not None:
        reason = format_code_span(plan.audit_error)
        text += format_alert("NOTE", f"Origin unknown, because the audit log could not be read: {reason}")
    if count.blocked:
        text += format_alert(
            "WARNING", f"**{pluralize(count.blocked, 'change')} {_to_be(count.blocked)} blocked and will not be done**"
        )
    return text


def _to_be(count: int) -> str:
    return "is" if count == 1 else "are"


def _link_commit(job: Job | None) -> str:
    if job is None or not job.commit:
        return ""
    name = format_code_span(job.commit[:12])
    return f", commit [{name}]({job.commit_url})" if job.commit_url else f", commit {name}"


def _describe_plan_file(job: Job | None) -> str:
    """Return a sentence on where the whole plan is."""
    saved = f"The plan file that [this job]({job.run_url}) saved has" if job and job.run_url else "The plan file has"
    return f"{saved} the whole plan: `unleash-gitops show PLANFILE`."


def _describe_unseen(workspaces: int, job: Job | None) -> str:
    """Return a sentence on the workspaces that were left out, empty when there are none."""
    if not workspaces:
        return ""
    count = pluralize(workspaces, "workspace")
    return f"**{count} {_to_be(workspaces)} not shown here.** {_describe_plan_file(job)}\n\n"


def _describe_left_out(changes: Sequence[Change], job: Job | None) -> str:
    """Return a sentence on the changes that were left out, empty when there are none."""
    if not changes:
        return ""
    counts = [(action, sum(change.action == action for change in changes)) for action in _ACTION_ORDER]
    actions = ", ".join(f"{number} {action}" for action, number in counts if number)
    return (
        f"**{pluralize(len(changes), 'change')} {_to_be(len(changes))} not shown here ({actions}): "
        f"a comment has no room for more.** {_describe_plan_file(job)}\n\n"
    )


def _render_change(change: Change, plan: Plan, job: Job | None, limit: int, *, kept: bool = False) -> str:
    """Return a change as a section of at most `limit` bytes, or of more if `limit` is too small for its names."""
    title = format_title(change) if change.after is None else ""
    names = [
        format_html_code(change.address),
        f"from {format_html_code(change.taken_from)}" if change.taken_from else "",
        format_html_code(title) if title else "",
        _link_source(change, plan, job),
    ]
    action = change.action.upper() if change.action in {"delete", "blocked"} else change.action
    sign = "= <b>kept</b>" if kept else f"{ACTION_SIGNS[change.action]} <b>{action}</b>"
    summary = " ".join(part for part in (sign, *names) if part)
    lines, max_lines = list(_list_change_lines(change, plan.created_at, kept=kept)), _MAX_LINES
    while True:
        shown = lines[:max_lines]
        if len(lines) > max_lines:
            shown[-1] = f"  and {len(lines) - max_lines + 1} more lines"
        block = f"<details><summary>{summary}</summary>\n\n{format_fence(shown, 'diff')}\n</details>\n\n"
        if count_bytes(block) <= limit or max_lines == 1:
            return block
        max_lines = min(max_lines, len(lines)) // 2 or 1


def _link_source(change: Change, plan: Plan, job: Job | None) -> str:
    """Return the file and line of a change's document, as a link where the job names repository and commit."""
    source, root = change.source, plan.root
    if not source:
        return ""
    path, _, line = source.rpartition(":")
    url = None
    if job is not None and root is not None and path and line.isascii() and line.isdigit():
        url = job.source_url(f"{root}/{path}" if root else path, int(line))
    return f'<a href="{html.escape(url)}">{format_html_code(source)}</a>' if url else format_html_code(source)


def _list_change_lines(change: Change, now: str, *, kept: bool) -> Iterator[str]:
    """Yield the lines of a diff. Lines of a kept change have no sign, because nothing is changed."""
    if change.reason:
        sign = "!" if change.action == "blocked" else "#"
        yield f"{sign} {shorten_line(change.reason, MAX_NAME)}"
    note = describe_object_origin(change, now)
    if note is not None:
        yield f"# {shorten_line(note, MAX_NAME)}"
    for field, note_below in annotate_fields(change, now):
        name = shorten_line(field.path)
        before, after = format_pair(field.before, field.after)
        if kept:
            yield f"  {name}: {before} (in the file: {after})"
        elif field.before is not None:
            yield f"- {name}: {before}"
        if not kept and (field.after is not None or field.before is None):
            yield f"+ {name}: {after}"
        if note_below is not None:
            yield f"# {shorten_line(note_below, MAX_NAME)}"
    if change.fields or kept or change.action in MARK_ACTIONS:
        return
    sign = {"create": "+", "delete": "-"}.get(change.action, " ")
    for name, content in flatten_object(change).items():
        yield f"{sign} {shorten_line(name)}: {format_value(content)}"


def _render_marks_only(changes: Sequence[Change]) -> str:
    """Return the number of changes that only write a mark, by kind."""
    counts = count_marks_only(changes)
    if not counts:
        return ""
    by_kind = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    return f"{ACTION_SIGNS['adopt']} **{describe_marks_only(counts.total())}** ({by_kind})\n\n".replace("*", "\\*", 1)


def _render_kept(plan: Plan, job: Job | None, limit: int) -> str:
    """Return the kept changes, in about `limit` bytes."""
    text, head = "", f"**{KEPT_TITLE}**\n\n"
    for index, change in enumerate(plan.kept):
        block = _render_change(change, plan, job, limit, kept=True)
        if count_bytes(text) + count_bytes(block) > limit:
            text += f"and {len(plan.kept) - index} more\n\n"
            break
        text += block
    return head + text if plan.kept else ""


def _render_unmanaged(unmanaged: Sequence[Unmanaged], limit: int) -> str:
    if not unmanaged:
        return ""
    lines: list[str] = []
    for entry in unmanaged[:MAX_UNMANAGED]:
        title = format_title(entry)
        line = f"- {format_code_span(format_address(entry))}{f' {format_code_span(title)}' if title else ''}\n"
        limit -= count_bytes(line)
        if limit < 0:
            break
        lines.append(line)
    more = len(unmanaged) - len(lines)
    lines.append(f"- and {more} more\n" if more > 0 else "")
    return f"<details><summary>{UNMANAGED_TITLE}</summary>\n\n{''.join(lines)}\n</details>\n"
