"""Plans as Markdown, for a comment on a pull request.

Whatever came from YAML or a server stands in a code span, a fenced block or `<code>`, and cannot leave it. The only
links are to the CI job's own repository. Sizes are in bytes of UTF-8: no host counts a comment as longer than that.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from unleash_gitops.render.escape import pair, shorten, value
from unleash_gitops.render.phrases import (
    KEPT,
    MARKS,
    MOST_UNMANAGED,
    UNMANAGED,
    address_of,
    deletes_warning,
    drift_phrases,
    edition,
    notes,
    object_note,
    phrases,
    plural,
    title_of,
    whole,
)

if TYPE_CHECKING:
    from unleash_gitops.ci.job import Job
    from unleash_gitops.model.plan import Action, Change, Plan, Summary, Unmanaged
    from unleash_gitops.model.plan_set import Planned, PlanSet

__all__ = [
    "LONGEST_COMMENT",
    "failed_markdown",
    "fence",
    "plan_markdown",
    "planset_markdown",
    "size",
    "span",
    "superseded_markdown",
]

LONGEST_COMMENT = 65_536
"""Characters that GitHub takes in a comment."""

_LONGEST_NAME = 300
_MOST_LINES = 100  # of one change
_LARGEST_SHARE = 4  # one change, or the list of what is unmanaged, takes at most this part of a comment
_LEAST_SECTION = 1_000  # bytes: with less, a workspace cannot say anything
_ORDER: tuple[Action, ...] = ("delete", "blocked", "update", "create")


def plan_markdown(plan: Plan, job: Job | None = None, longest: int = LONGEST_COMMENT) -> str:
    """Return a plan in at most `longest` bytes: what cannot be undone first, and cut last.

    `job` is where sources and the commit are linked to.
    """
    head = _render_head(plan, job)
    tail = _render_kept(plan, job, longest // _LARGEST_SHARE) + _render_unmanaged(
        plan.unmanaged, longest // _LARGEST_SHARE
    )
    changes = sorted(plan.changes, key=lambda change: _ORDER.index(change.action))
    room = longest - size(head) - size(tail)
    blocks: list[str] = []
    used = 0
    for change in changes:
        blocks.append(_render_change(change, plan, job, longest // _LARGEST_SHARE))
        used += size(blocks[-1])
        if used > room:
            break
    shown = len(blocks)
    if used > room:
        ends = accumulate(map(size, blocks), initial=size(_describe_left_out(changes, job)))
        shown = sum(end <= room for end in ends) - 1
    return (head + _describe_left_out(changes[max(shown, 0) :], job) + "".join(blocks[:shown]) + tail).rstrip(
        "\n"
    ) + "\n"


def failed_markdown(planned: Planned) -> str:
    """Return what to know about a workspace that could not be planned."""
    reason = span(planned.error or "for a reason that is not known")
    where = f" on {span(planned.url)}" if planned.url else ""
    return _alert("CAUTION", f"**Could not be planned:** {reason}") + f"Workspace {span(planned.workspace)}{where}\n"


def superseded_markdown(workspace: str, reason: str, job: Job | None = None) -> str:
    """Return what stands in the place of a plan that no longer counts. `reason` is words of ours."""
    by = f" [This job]({job.run_url}) says more." if job is not None and job.run_url else ""
    return f"**Superseded:** {reason}{by}\n\nWorkspace {span(workspace)}{_commit_of(job)}\n"


def planset_markdown(plans: PlanSet, job: Job | None = None, longest: int = LONGEST_COMMENT) -> str:
    """Return several plans in at most `longest` bytes, a section each; the room that one does not need others get."""
    failed = len(plans.workspaces) - len(plans.plans)
    also = f", **{failed} could not be planned**" if failed else ""
    head = f"{_count_changes(plans.summary)} in {plural(len(plans.workspaces), 'workspace')}{also}\n\n"
    sections = [_Section(f"### {span(planned.workspace)}\n\n", planned, job) for planned in plans.workspaces]
    room = longest - size(head) - size(_describe_unseen(len(sections), job))
    texts = _fit(sections, [section.text(longest) for section in sections], room)
    shown = [text for text in texts if text]
    return (head + _describe_unseen(len(sections) - len(shown), job) + "".join(shown)).rstrip("\n") + "\n"


def span(text: str, longest: int = _LONGEST_NAME) -> str:
    """Return `text` as a code span that holds all of it, on one line."""
    shown = shorten(text, longest) or " "
    ticks = "`" * (_longest_run(shown) + 1)
    pad = " " if shown.startswith(("`", " ")) or shown.endswith(("`", " ")) else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}"


def fence(lines: Sequence[str], language: str) -> str:
    """Return `lines`, each without a line end in it, as a fenced block that holds all of them."""
    ticks = "`" * max(3, max(map(_longest_run, lines), default=0) + 1)
    return "\n".join([f"{ticks}{language}", *lines, ticks]) + "\n"


def size(text: str) -> int:
    """Return the length as those count who count bytes: never less than the number of characters."""
    return len(text.encode("utf-8", "surrogatepass"))


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


@dataclass(frozen=True, slots=True)
class _Section:
    """One workspace's part of a comment on several."""

    heading: str
    planned: Planned
    job: Job | None

    def text(self, longest: int) -> str:
        """Return it in at most `longest` bytes, if that is enough for what it has to say at least."""
        if self.planned.plan is None:
            return f"{self.heading}{failed_markdown(self.planned)}\n"
        return f"{self.heading}{plan_markdown(self.planned.plan, self.job, longest - size(self.heading) - 1)}\n"

    @property
    def rank(self) -> int:
        """How soon it has to make room: 0 is the last to go."""
        plan = self.planned.plan
        if plan is None or plan.summary.delete or plan.summary.blocked:
            return 0
        return 1 if plan.pending else 2


def _fit(sections: Sequence[_Section], full: Sequence[str], room: int) -> list[str]:
    """Return the sections' texts, `full` or cut, within `room`; empty for those that there is no room for."""
    wanted = [size(text) for text in full]
    order = sorted(range(len(sections)), key=lambda index: (sections[index].rank, index))
    shares = _share_out([wanted[index] for index in order], room)
    while any(share < min(wanted[index], _LEAST_SECTION) for index, share in zip(order, shares, strict=True)):
        order.pop()
        shares = _share_out([wanted[index] for index in order], room)
    texts = [""] * len(sections)
    for index, share in zip(order, shares, strict=True):
        text = full[index] if wanted[index] <= share else sections[index].text(share)
        texts[index] = text if size(text) <= share else ""
    return texts


def _share_out(wanted: Sequence[int], room: int) -> list[int]:
    """Divide `room` so that nobody gets more than wanted, and who gets less gets as much as the next."""
    shares = [0] * len(wanted)
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    for place, index in enumerate(order):
        shares[index] = min(wanted[index], max(0, room) // (len(order) - place))
        room -= shares[index]
    return shares


def _count_changes(count: Summary) -> str:
    """Return the one line that says it all."""
    rest = [(count.unchanged, f"{count.unchanged} unchanged"), (count.foreign, f"{count.foreign} foreign")]
    also = ", ".join(phrase for number, phrase in rest if number)
    parts = [phrase for _, number, phrase in phrases(count) if number] or ["Nothing to change"]
    parts += [f"{count.unmanaged} unmanaged"] if count.unmanaged else []
    parts += drift_phrases(count)
    return f"**{', '.join(parts)}**{f' ({also})' if also else ''}"


def _render_head(plan: Plan, job: Job | None) -> str:
    where = f"{span(plan.instance.url)} (Unleash {span(plan.instance.version)}, {edition(plan)})"
    about = f"Workspace {span(plan.workspace)} on {where}{_commit_of(job)}, plan {span(plan.to_json()['digest'])}"
    return f"{_count_changes(plan.summary)}\n\n{about}\n\n{_list_warnings(plan)}"


def _list_warnings(plan: Plan) -> str:
    """Say what nobody may overlook."""
    count, text = plan.summary, ""
    if count.delete:
        limit = deletes_warning(plan)
        words = f"{plural(count.delete, 'object')} will be deleted" if limit is None else limit
        text += _alert("CAUTION", f"**{words}**")
    if plan.refused:
        words = f"{plural(len(plan.refused), 'object')} changed on the server by others: nothing will be applied"
        text += _alert("CAUTION", f"**{words}**")
    if plan.audit_error is not None:
        text += _alert("NOTE", f"Origin unknown, for want of the audit log: {span(plan.audit_error)}")
    if count.blocked:
        text += _alert(
            "WARNING", f"**{plural(count.blocked, 'change')} {_verb(count.blocked)} blocked and will not be done**"
        )
    return text


def _alert(sort: str, words: str) -> str:
    return f"> [!{sort}]\n> {words}\n\n"


def _verb(count: int) -> str:
    return "is" if count == 1 else "are"


def _commit_of(job: Job | None) -> str:
    if job is None or not job.commit:
        return ""
    name = span(job.commit[:12])
    return f", commit [{name}]({job.commit_url})" if job.commit_url else f", commit {name}"


def _describe_place(job: Job | None) -> str:
    """Say where the whole plan is."""
    saved = f"The plan file that [this job]({job.run_url}) saved has" if job and job.run_url else "The plan file has"
    return f"{saved} the whole plan: `unleash-gitops show PLANFILE`."


def _describe_unseen(workspaces: int, job: Job | None) -> str:
    """Say how many workspaces the comment has no room for."""
    if not workspaces:
        return ""
    return f"**{plural(workspaces, 'workspace')} {_verb(workspaces)} not shown here.** {_describe_place(job)}\n\n"


def _describe_left_out(changes: Sequence[Change], job: Job | None) -> str:
    """Say how many changes, and of which sort, the comment has no room for."""
    if not changes:
        return ""
    counts = [(action, sum(change.action == action for change in changes)) for action in _ORDER]
    sorts = ", ".join(f"{number} {action}" for action, number in counts if number)
    return (
        f"**{plural(len(changes), 'change')} {_verb(len(changes))} not shown here ({sorts}): "
        f"a comment has no room for more.** {_describe_place(job)}\n\n"
    )


def _render_change(change: Change, plan: Plan, job: Job | None, longest: int, *, kept: bool = False) -> str:
    """Return a change as a section of at most `longest` bytes, as far as its name allows."""
    title = title_of(change) if change.after is None else ""
    about = [
        _code_span(change.address),
        _code_span(title) if title else "",
        _link_source(change.source, plan.root, job),
    ]
    action = change.action.upper() if change.action in {"delete", "blocked"} else change.action
    sign = "= <b>kept</b>" if kept else f"{MARKS[change.action]} <b>{action}</b>"
    summary = " ".join(part for part in (sign, *about) if part)
    lines, most = list(_change_lines(change, plan.created_at, kept=kept)), _MOST_LINES
    while True:
        shown = lines if len(lines) <= most else [*lines[: most - 1], f"  and {len(lines) - most + 1} more lines"]
        block = f"<details><summary>{summary}</summary>\n\n{fence(shown, 'diff')}\n</details>\n\n"
        if size(block) <= longest or most == 1:
            return block
        most = min(most, len(lines)) // 2 or 1


def _link_source(source: str | None, root: str | None, job: Job | None) -> str:
    """Return the file and line a change comes from, as a link where the CI job tells repository and commit."""
    if not source:
        return ""
    path, _, line = source.rpartition(":")
    url = None
    if job is not None and root is not None and path and line.isascii() and line.isdigit():
        url = job.source_url(f"{root}/{path}" if root else path, int(line))
    return f'<a href="{html.escape(url)}">{_code_span(source)}</a>' if url else _code_span(source)


def _code_span(text: str) -> str:
    """Return `text` for a summary, where HTML alone counts. A joiner after @ keeps it from being a mention."""
    shown = html.escape(shorten(text, _LONGEST_NAME))
    return f"<code>{shown.replace('@', '@&#8205;')}</code>"


def _change_lines(change: Change, since: str, *, kept: bool) -> Iterator[str]:
    """Give the lines of a diff. Fields of an object that is left as it is bear no sign of being removed."""
    if change.reason:
        sign = "!" if change.action == "blocked" else "#"
        yield f"{sign} {shorten(change.reason, _LONGEST_NAME)}"
    note = object_note(change, since)
    if note is not None:
        yield f"# {shorten(note, _LONGEST_NAME)}"
    for field, below in notes(change, since):
        name = shorten(field.path)
        before, after = pair(field.before, field.after)
        if kept:
            yield f"  {name}: {before} (else {after})"
        elif field.before is not None:
            yield f"- {name}: {before}"
        if not kept and (field.after is not None or field.before is None):
            yield f"+ {name}: {after}"
        if below is not None:
            yield f"# {shorten(below, _LONGEST_NAME)}"
    if change.fields or kept:
        return
    sign = {"create": "+", "delete": "-"}.get(change.action, " ")
    for name, content in whole(change).items():
        yield f"{sign} {shorten(name)}: {value(content)}"


def _render_kept(plan: Plan, job: Job | None, longest: int) -> str:
    """Return what is left as others changed it, in about `longest` bytes."""
    text, head = "", f"**{KEPT}**\n\n"
    for place, change in enumerate(plan.kept):
        block = _render_change(change, plan, job, longest, kept=True)
        if size(text) + size(block) > longest:
            text += f"and {len(plan.kept) - place} more\n\n"
            break
        text += block
    return head + text if plan.kept else ""


def _render_unmanaged(unmanaged: Sequence[Unmanaged], longest: int) -> str:
    if not unmanaged:
        return ""
    lines: list[str] = []
    for entry in unmanaged[:MOST_UNMANAGED]:
        title = title_of(entry)
        line = f"- {span(address_of(entry))}{f' {span(title)}' if title else ''}\n"
        longest -= size(line)
        if longest < 0:
            break
        lines.append(line)
    more = len(unmanaged) - len(lines)
    lines.append(f"- and {more} more\n" if more > 0 else "")
    return f"<details><summary>{UNMANAGED}</summary>\n\n{''.join(lines)}\n</details>\n"
