"""Plans, reports and diagnostics to render, one for each case of interest."""

from __future__ import annotations

from collections import Counter
from typing import Any

from unleash_gitops.model.call import Call
from unleash_gitops.model.delete_limits import DeleteLimits
from unleash_gitops.model.diagnostics import Diagnostic, Position
from unleash_gitops.model.plan import Change, Changed, FieldChange, Instance, Plan, Summary, Unmanaged
from unleash_gitops.model.plan_set import Planned, PlanSet
from unleash_gitops.model.report import ConcurrentChange, Report, Result

CHART: dict[str, Any] = {
    "metricName": "unleash_counter_checkout_errors",
    "title": "Checkout errors",
    "timeRange": "day",
    "aggregationMode": "rps",
    "yAxisMin": "auto",
    "labelSelectors": {"environment": ["production"]},
}
PATH = "/api/admin/impact-metrics/config"


def change(action: str, name: str | None, number: int = 0, **facts: Any) -> Change:
    chosen = {"project": None, "feature": None, "source": "charts/a.yaml:3", "before": None, "after": None}
    return Change.model_validate(
        {
            "action": action,
            "kind": "ImpactMetric",
            "name": name,
            "id": f"01G1T0PS00PAYMNT{number:010}",
            **chosen,
            **facts,
        }
    )


def created(name: str, number: int = 0, **facts: Any) -> Change:
    result = change("create", name, number, after=CHART, **facts)
    return result.with_calls([Call(method="POST", path=PATH, body={"id": result.id, **CHART})])


def updated(name: str, number: int = 0, action: str = "update", **facts: Any) -> Change:
    after = {**CHART, "timeRange": "week", "labelSelectors": {"environment": ["production", "staging"]}}
    fields = (
        FieldChange(path="labelSelectors.environment[1]", before=None, after="staging"),
        FieldChange(path="timeRange", before="day", after="week"),
    )
    return change(action, name, number, before=CHART, after=after, fields=fields, **facts)


def deleted(number: int = 0, title: str = "Checkout errors", **facts: Any) -> Change:
    reason = "owned by this workspace; no document describes it"
    facts = {"reason": reason, **facts}
    result = change("delete", None, number, before={**CHART, "title": title}, source=None, **facts)
    return result.with_calls([Call(method="DELETE", path=f"{PATH}/{result.id}")])


def unmanaged(number: int, title: str | None = "Made by hand", **facts: Any) -> Unmanaged:
    chosen = {"project": None, "feature": None, **facts}
    return Unmanaged(kind="ImpactMetric", name=None, id=f"01ARZ3NDEKTSV4RR{number:010}", title=title, **chosen)


def plan(
    *changes: Change,
    left: tuple[Unmanaged, ...] = (),
    unchanged: int = 0,
    foreign: int = 0,
    limit: int = 10,
    **facts: Any,
) -> Plan:
    count = Counter(each.action for each in changes)
    chosen: dict[str, Any] = {
        "workspace": "payments",
        "instance": Instance(url="https://unleash.example.com", id="7d1f2a9e", version="8.2.0", edition="enterprise"),
        **facts,
    }
    return Plan(
        tool_version="0.1.0",
        created_at="2026-07-01T09:30:00+00:00",
        changes=changes,
        unmanaged=left,
        delete_limits=DeleteLimits(max_deletes=limit, counted=count["delete"], owned=9, remaining=5),
        summary=Summary(**count, unchanged=unchanged, unmanaged=len(left), foreign=foreign),
        **chosen,
    )


ACTIONS = plan(
    created("checkout-errors", 1, project="shop", feature="checkout-v2"),
    created("checkout-latency", 2, source="charts/latency.yaml:12"),
    updated("signups", 3, source="charts/signups.yaml:1"),
    updated("guarded", 4, "blocked", reason="used by a safeguard (mode: read)", source="charts/guarded.yaml:1"),
    change("blocked", None, 5, before=CHART, source=None, reason="cannot be deleted: used by a safeguard (mode: read)"),
    change("blocked", "taken", 6, before=CHART, after=CHART, reason="its id belongs to an object of shop/other"),
    deleted(7),
    left=(unmanaged(1), unmanaged(2, None, project="shop", feature="checkout-v2")),
    unchanged=7,
    foreign=1,
)

HOSTILE_TEXTS = (
    "\x1b[2J\x1b[31mred\x1b[0m \x9b1m \x07 \x08 \x7f",
    "line\nbreak\r\nreturn\ttab\x0bvertical\x0cform\x85next\u2028line\u2029paragraph",
    "</code></summary></details><img src=x onerror=alert(1)><script>alert(1)</script>",
    "![image](https://evil.example/x.png) [link](https://evil.example) <https://evil.example> https://evil.example",
    "``` ````` ` `` ~~~",
    "`",
    "@octocat @github/everyone #123 GH-1 octo/repo#1 www.example.com 0123456789abcdef0123456789abcdef01234567",
    "\u202egnp.exe\u202c \u2066isolate\u2069 zero\u200bwidth\ufeff soft\xadhyphen nb\xa0space \U000e0041tag",
    "| a | b |\n|---|---|\n| c | d |",
    "- [ ] task\n# heading\n> quote\n---\n***\n1. list\n    code",
    "<!-- comment --> <![CDATA[x]]> <?php ?> &lt;b&gt; &amp; &#64;octocat",
    "$`math`$ $$x$$ :tada: **bold** _em_ ~~gone~~ \\* \\` [^1]",
    "::error file=x::message ##[error]x %0A %25",
    " leading and trailing ",
    "日本語 العربية 👩‍💻 e\u0301",
)


def hostile() -> Plan:
    """Return a plan with a hostile text in every slot that holds a string."""
    changes = []
    for number, text in enumerate(HOSTILE_TEXTS):
        facts = {"project": text, "feature": text, "source": text, "kind": text, "reason": text}
        spec = {"title": text, text: text, "list": [text, {text: None}]}
        who = Changed(by=text, at=text, event=number + 1)
        fields = (FieldChange(path=text, before=text, after=text + text, origin="drift", changed=who),)
        changes += [
            change("create", text, number, after=spec, **facts),
            change("update", text, number, before=spec, after=spec, fields=fields, **facts),
            change("blocked", text, number, before=spec, after=spec, fields=fields, **facts),
            change("delete", None, number, before=spec, origin="conflict", changed=who, **{**facts, "id": text}),
        ]
    left = tuple(
        Unmanaged(kind=text, name=text, project=text, feature=text, id=text, title=text) for text in HOSTILE_TEXTS
    )
    text = " ".join(HOSTILE_TEXTS)
    instance = Instance(url=text, id=text, version=text, edition="oss")
    kept = tuple(each.model_copy(update={"drift": "keep"}) for each in changes if each.action == "update")
    return plan(*changes, left=left, limit=100, workspace=text, instance=instance, kept=kept, audit_error=text)


PERSON = Changed(by="admin", at="2026-07-01T07:30:00.000Z", event=4711)
TOKEN = Changed(by="another-token", at="2026-06-28T09:00:00.000Z", event=4242)


def with_origins(drifted: Change, *origins: tuple[str, Changed | None], **facts: Any) -> Change:
    """Return a change with the origins of its fields, in their order."""
    pairs = zip(drifted.fields, origins, strict=True)
    fields = tuple(field.model_copy(update={"origin": origin, "changed": who}) for field, (origin, who) in pairs)
    return drifted.model_copy(update={"fields": fields, **facts})


DRIFT = plan(
    with_origins(created("checkout-errors", 1), origin="drift", changed=TOKEN, drift="overwrite"),
    with_origins(updated("signups", 3), ("drift", PERSON), ("drift", PERSON), drift="overwrite"),
    with_origins(updated("latency", 4), ("conflict", PERSON), ("file", None), drift="overwrite"),
    with_origins(updated("adopted", 5), ("unknown", TOKEN), ("unknown", None)),
    with_origins(
        updated(
            "kill-switch",
            6,
            "blocked",
            reason="changed on the server by admin at 2026-07-01T07:30:00.000Z; not overwritten (drift: fail)",
        ),
        ("file", None),
        ("drift", PERSON),
        drift="fail",
    ),
    deleted(7).model_copy(update={"origin": "conflict", "changed": PERSON, "drift": "overwrite"}),
    kept=(
        with_origins(updated("kept", 8), ("drift", PERSON), ("drift", TOKEN), drift="keep").with_calls(()),
        with_origins(created("gone", 9), origin="drift", changed=TOKEN, drift="keep").with_calls(()),
        deleted(10).model_copy(update={"origin": "conflict", "changed": TOKEN, "drift": "keep"}).with_calls(()),
    ),
    unchanged=2,
)
DRIFT = DRIFT.model_copy(update={"summary": DRIFT.summary.model_copy(update={"drifted": 8, "kept": 3})})

LONG = "Errors of the checkout, counted since the great rewrite, by everyone who ever looked at it, and read out " * 2
PLANS = {
    "plan-actions": ACTIONS,
    "plan-drift": DRIFT,
    "plan-without-the-log": plan(
        updated("signups", 3), audit_error="GET /api/admin/user: 403 NoAccessError: you may not"
    ),
    "plan-no-changes": plan(left=(unmanaged(1), unmanaged(2)), unchanged=8),
    "plan-nothing-at-all": plan(),
    "plan-only-unmanaged": plan(
        left=tuple(unmanaged(number, f"Chart {number}") for number in range(23)),
        unchanged=1,
        foreign=2,
        instance=Instance(url="http://127.0.0.1:4242", id=None, version="8.2.0", edition="oss"),
    ),
    "plan-many-deletes": plan(*(deleted(number, f"Chart {number}") for number in range(12)), unchanged=1),
    "plan-long-values": plan(
        change(
            "update",
            "long",
            before={"title": LONG + "a"},
            after={"title": LONG + "b"},
            fields=(
                FieldChange(path="title", before=LONG + "one", after=LONG + "two"),
                FieldChange(path="labelSelectors", before={}, after={"path": [f"/route/{n}" for n in range(40)]}),
            ),
        ),
        created("x" * 100, 2, project="p" * 100, feature="f" * 100),
    ),
    "plan-hostile": hostile(),
}
HUGE = plan(
    *(created(f"chart-{number:04}", number) for number in range(400)),
    *(updated(f"old-{number:04}", number) for number in range(30)),
    *(deleted(number, f"Chart {number}") for number in range(60)),
    left=tuple(unmanaged(number) for number in range(500)),
    limit=100,
)


def planset(*plans: Plan | Planned) -> PlanSet:
    """Return a set of plans, and of workspaces that have none."""
    workspaces = tuple(each if isinstance(each, Planned) else Planned.of(each) for each in plans)
    return PlanSet(tool_version="0.1.0", created_at="2026-01-31T12:00:00+00:00", workspaces=workspaces)


def result(action: str, name: str | None, status: str, error: str | None = None) -> Result:
    return Result.model_validate(
        {"action": action, "kind": "ImpactMetric", "name": name, "project": "shop", "feature": "checkout-v2",
         "id": "01G1T0PS00PAYMNT0000000007", "status": status, "error": error}
    )  # fmt: skip


def concurrent_change(name: str, number: int, *, overwritten: bool) -> ConcurrentChange:
    changed = Changed(by="admin\x1b[1m", at="2026-03-01T12:00:00.000Z", event=number)
    return ConcurrentChange(address=f"Segment/{name}", changed=changed, overwritten=overwritten)


REPORTS = {
    "report-applied": Report.of([result("create", "a", "applied"), result("update", "b", "applied")]),
    "report-mixed": Report.of(
        [
            result("create", "checkout-errors", "applied"),
            result("update", "signups", "applied"),
            result("create", "latency", "failed", f"POST {PATH}: 400 BadDataError: title must be shorter"),
            result("create", "latency-by-region", "skipped", "waits for ImpactMetric/latency, which failed"),
            result("blocked", "guarded", "blocked", "used by a safeguard (mode: read)"),
            result("delete", None, "applied"),
            result("delete", None, "failed", f"DELETE {PATH}/x: \x1b[31m500\nsecond line"),
            result("delete", None, "skipped"),
        ]
    ),
    "report-concurrent": Report.of(
        [result("update", "signups", "failed", "the server accepted the change but does not hold it: title")],
        concurrent=(
            concurrent_change("beta", 4711, overwritten=True),
            concurrent_change("people\nabroad", 4712, overwritten=False),
        ),
        unverified="GET /api/admin/segments: 503: try\x1b later",
        audit_error="GET /api/admin/search/events: 403: no\x1b",
    ),
}

DIAGNOSTICS = (
    Diagnostic(
        "error",
        "value",
        'spec.timeRange: "daily" is not one of hour, day, week, month',
        Position("flags/beta.yaml", 7, 14),
        'did you mean "day"?',
        "  timeRange: daily",
    ),
    Diagnostic("error", "empty", "the file is empty", Position("flags/empty.yaml")),
    Diagnostic("error", "tab", "a tab indents", Position("flags/tabs.yaml", 2, 3), None, "\t\tkind: x\ty"),
    Diagnostic("error", "wide", "wide", Position("flags/wide.yaml", 3, 8), None, 'ü: "日本語" # 👍'),
    Diagnostic(
        "warning", "long", "far out", Position("flags/long.yaml", 123456, 300), "cut", "a" * 299 + "B" + "c" * 200
    ),
    Diagnostic("warning", "long", "near", Position("flags/long.yaml", 5, 10), None, "a" * 9 + "B" + "c" * 200),
    Diagnostic("error", "past", "after the end", Position("flags/past.yaml", 1, 400), None, "key:"),
    Diagnostic(
        "error",
        "hostile\n]",
        "100% \x1b[31mred\r\n::error::x, a: b",
        Position("a,b:c%\n\x1b.yaml", 9, 6),
        "one\ntwo",
        'key: "\x1b[2J\u202e"',
    ),
)


def without_calls(plan: Plan) -> Plan:
    """Return a plan as it is read back from a file: without the calls, which are rebuilt."""
    changes, kept = ([_without_calls(change) for change in entries] for entries in (plan.changes, plan.kept))
    return plan.model_copy(update={"changes": tuple(changes), "kept": tuple(kept)})


def _without_calls(change: Change) -> Change:
    shown = {"requests": change.requests, "numbered": change.numbered}
    return change.with_calls(()).model_copy(update=shown)
