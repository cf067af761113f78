"""A plan as Markdown, for a comment on a pull request.

Whatever came from YAML or a server stands in a code span, a fenced block or `<code>`, and cannot leave it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from unleash_gitops.render.safe import pair, shortened, value
from unleash_gitops.render.words import (
    MARKS,
    MOST_UNMANAGED,
    UNMANAGED,
    address_of,
    deletes_warning,
    edition,
    phrases,
    plural,
    title_of,
    whole,
)

if TYPE_CHECKING:
    from unleash_gitops.plan import Action, Change, Plan, Unmanaged

__all__ = ["LONGEST_COMMENT", "fenced", "plan_markdown", "span"]

LONGEST_COMMENT = 65_536
"""Characters that GitHub takes in a comment."""

_LEFT_FREE = 1_000  # characters for the note on what is not shown, and for a heading of the caller's own
_LONGEST_NAME = 300
_MOST_LINES = 100  # of one change
_ORDER: tuple[Action, ...] = ("delete", "blocked", "update", "create")


def plan_markdown(plan: Plan) -> str:
    """Return a plan as a comment of at most 65,536 characters: what cannot be undone first, and cut last."""
    head, tail = _head(plan), _unmanaged(plan.unmanaged)
    changes = sorted(plan.changes, key=lambda change: _ORDER.index(change.action))
    room = LONGEST_COMMENT - _LEFT_FREE - _size(head) - _size(tail)
    blocks: list[str] = []
    for change in changes:
        block = _block(change)
        room -= _size(block)
        if room < 0:
            break
        blocks.append(block)
    return (head + _left_out(changes[len(blocks) :]) + "".join(blocks) + tail).rstrip("\n") + "\n"


def span(text: str, longest: int = _LONGEST_NAME) -> str:
    """Return `text` as a code span that holds all of it, on one line."""
    shown = shortened(text, longest) or " "
    ticks = "`" * (_longest_run(shown) + 1)
    pad = " " if shown.startswith(("`", " ")) or shown.endswith(("`", " ")) else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}"


def fenced(lines: Sequence[str], language: str) -> str:
    """Return `lines`, each without a line end in it, as a fenced block that holds all of them."""
    ticks = "`" * max(3, max(map(_longest_run, lines), default=0) + 1)
    return "\n".join([f"{ticks}{language}", *lines, ticks]) + "\n"


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def _size(text: str) -> int:
    """Return the length as those count who count UTF-16: never less than the number of characters."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _head(plan: Plan) -> str:
    count = plan.summary
    said = ", ".join(phrase for _, number, phrase in phrases(plan) if number) or "No changes"
    rest = [(count.unchanged, "unchanged"), (count.unmanaged, "unmanaged"), (count.foreign, "foreign")]
    also = "".join(f", {number} {word}" for number, word in rest if number)
    instance = f"{span(plan.instance.url)} (Unleash {span(plan.instance.version)}, {edition(plan)})"
    lines = [
        f"**{said}**{also}",
        f"Workspace {span(plan.workspace)} on {instance}, plan {span(plan.to_json()['digest'])}",
    ]
    warning = deletes_warning(plan)
    if warning is not None:
        lines.append(f"**{warning}**")
    return "\n\n".join(lines) + "\n\n"


def _left_out(changes: Sequence[Change]) -> str:
    """Say how many changes, and of which sort, the comment has no room for."""
    if not changes:
        return ""
    counts = [(action, sum(change.action == action for change in changes)) for action in _ORDER]
    sorts = ", ".join(f"{number} {action}" for action, number in counts if number)
    is_are = "is" if len(changes) == 1 else "are"
    return (
        f"**{plural(len(changes), 'change')} {is_are} not shown here ({sorts}): "
        "a comment has no room for more.** `unleash-gitops show PLANFILE` shows the whole plan.\n\n"
    )


def _block(change: Change) -> str:
    title = title_of(change) if change.after is None else ""
    about = [_code(change.address), _code(title) if title else "", _code(change.source) if change.source else ""]
    summary = " ".join(part for part in (f"{MARKS[change.action]} <b>{change.action}</b>", *about) if part)
    lines = list(_lines(change))
    if len(lines) > _MOST_LINES:
        lines = [*lines[: _MOST_LINES - 1], f"  and {len(lines) - _MOST_LINES + 1} more lines"]
    return f"<details><summary>{summary}</summary>\n\n{fenced(lines, 'diff')}\n</details>\n\n"


def _code(text: str) -> str:
    """Return `text` for a summary, where HTML alone counts. A joiner after @ keeps it from being a mention."""
    shown = html.escape(shortened(text, _LONGEST_NAME))
    return f"<code>{shown.replace('@', '@&#8205;')}</code>"


def _lines(change: Change) -> Iterator[str]:
    """Give the lines of a diff. Fields of an object that is left as it is bear no sign of being removed."""
    if change.reason:
        sign = "!" if change.action == "blocked" else "#"
        yield f"{sign} {shortened(change.reason, _LONGEST_NAME)}"
    for field in change.fields:
        name = shortened(field.path)
        before, after = pair(field.before, field.after)
        if field.before is not None:
            yield f"- {name}: {before}"
        if field.after is not None or field.before is None:
            yield f"+ {name}: {after}"
    if change.fields:
        return
    sign = {"create": "+", "delete": "-"}.get(change.action, " ")
    for name, content in whole(change).items():
        yield f"{sign} {shortened(name)}: {value(content)}"


def _unmanaged(unmanaged: Sequence[Unmanaged]) -> str:
    if not unmanaged:
        return ""
    lines = []
    for one in unmanaged[:MOST_UNMANAGED]:
        title = title_of(one)
        lines.append(f"- {span(address_of(one))}{f' {span(title)}' if title else ''}\n")
    more = len(unmanaged) - MOST_UNMANAGED
    lines.append(f"- and {more} more\n" if more > 0 else "")
    return f"<details><summary>{UNMANAGED}</summary>\n\n{''.join(lines)}\n</details>\n"
