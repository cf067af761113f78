"""The text of every exception that ends a run."""

from __future__ import annotations

import pytest

from unleash_gitops.model import change_errors, errors
from unleash_gitops.model.diagnostics import Diagnostic, Position
from unleash_gitops.render.text import render_error_text

GET = ("GET", "/api/admin/projects")
SHOWN = [
    (
        errors.GitopsError("it \x1b[31mbroke\nreally", "mend it\n"),
        "error: it \\x1b[31mbroke\\nreally\nhelp: mend it\\n\n",
    ),
    (errors.UsageError("no server URL is set", "set --url"), "error: no server URL is set\nhelp: set --url\n"),
    (
        errors.InvalidFiles([Diagnostic("error", "empty", "the file is empty", Position("a.yaml"))]),
        "a.yaml:1:1: error: the file is empty [empty]\n\n1 error in 1 file\n",
    ),
    (errors.PlanFileError("p: empty", "make it"), "error: p: empty\nhelp: make it\n"),
    (
        errors.ObjectsError("these are wrong", [("Segment/a", "no \x1b[1mname")], ("name it", "delete\nit")),
        "error: these are wrong:\n    Segment/a: no \\x1b[1mname\nhelp: name it\nhelp: delete\\nit\n",
    ),
    (
        errors.StalePlan([("ImpactMetric/a", "is gone"), ("ImpactMetric/\x1b[1m", "exists\nby now")]),
        ("error: the server has changed since this plan was made; nothing was applied:\n"
        "    ImpactMetric/a: is gone\n"
        "    ImpactMetric/\\x1b[1m: exists\\nby now\n"
        "help: make a new plan and review it again\n"),
    ),
    (
        errors.TooManyDeletes(12, "12 deletes, more than the limit of 10"),
        ("error: 12 deletes, more than the limit of 10; nothing was applied\n"
        "help: to allow them in this run, use --max-deletes 12\n"
        "help: to allow them in a pull request, list them in spec.allowDeletes in unleash-gitops.yaml\n"),
    ),
    (
        errors.DriftRefused(
            [("FeatureFlag/shop/a", "enabled by admin\x1b[1m at noon (event 7)"), ("Segment/b", "by \nbo")]
        ),
        ("error: the plan would overwrite changes made on the server, which drift: fail forbids; nothing was applied:\n"
        "    FeatureFlag/shop/a: enabled by admin\\x1b[1m at noon (event 7)\n"
        "    Segment/b: by \\nbo\n"
        "help: to take the changes into the files, run: unleash-gitops accept\n"
        "help: to overwrite them, use --on-drift overwrite\n"
        "help: to leave them on the server, use --on-drift keep\n"
        "help: if the files already contain them, set metadata.accepted to the number of the event\n"),
    ),
    (errors.OutputLost("disk\x1b full"), "error: cannot write to standard output: disk\\x1b full\n"),
    (
        errors.UnexpectedChanges([("Segment/b", "description: by\x1b")]),
        (
            "error: the plan has changes that were not reviewed; nothing was applied:\n"
            "    Segment/b: description: by\\x1b\n"
            "help: open a pull request, or run its job again, and review the new plan\n"
        ),
    ),
    (
        errors.AuditLogUnavailable("GET /api/admin/user: 403: you may\x1b[1m not"),
        ("error: the files and the server differ, but the audit log cannot be read to tell who changed what: "
        "GET /api/admin/user: 403: you may\\x1b[1m not\n"
        "help: give the token the permission to read the event log\n"
        "help: to see the differences without their origin, run: unleash-gitops plan\n"),
    ),
    (
        errors.LeaseHeld("payments", "locked by ci\x1b since 10:00 UTC, expires at 10:01 UTC", 60.2),
        (
            "error: workspace payments is locked by ci\\x1b since 10:00 UTC, expires at 10:01 UTC; "
            "nothing was applied after a wait of 60 s\n"
            "help: to wait longer for the other run, use --lock-timeout SECONDS\n"
            "help: to end the lease of a run that no longer exists, run: unleash-gitops unlock\n"
        ),
    ),
    (
        change_errors.LeaseLost("PUT", "/api/admin/x", "the lease has expired\x1b"),
        "error: the lease has expired\\x1b\nhelp: plan again\n",
    ),
    (
        errors.SandboxError("npm could not install:\nnpm ERR! \x1b[31mcode E404\nnpm ERR! 404", "try again"),
        "error: npm could not install:\n    npm ERR! \\x1b[31mcode E404\n    npm ERR! 404\nhelp: try again\n",
    ),
    (
        errors.CodeHostError("GitHub: GET /user: 403: \x1b[31mno", "give the job permissions", status=403),
        "error: GitHub: GET /user: 403: \\x1b[31mno\nhelp: give the job permissions\n",
    ),
    (errors.ServerError(*GET, "went wrong"), "error: GET /api/admin/projects: went wrong\n"),
    (errors.Unreachable(*GET, "refused", "is it up?"), "error: GET /api/admin/projects: refused\nhelp: is it up?\n"),
    (errors.NotUnleash(*GET, "answered HTML"), "error: GET /api/admin/projects: answered HTML\n"),
    (
        errors.KindNotReadable("ApiToken", "403: no\x1b", "documents describe some"),
        (
            "error: the token may not read ApiToken objects, and documents describe some: 403: no\\x1b\n"
            "help: use a token of an administrator\n"
            "help: to plan everything else, set spec.notRead: [ApiToken] in unleash-gitops.yaml\n"
        ),
    ),
    (errors.UnexpectedAnswer(*GET, "no projects"), "error: GET /api/admin/projects: no projects\n"),
    (errors.TooOld(*GET, "Unleash 4.0 is too old"), "error: GET /api/admin/projects: Unleash 4.0 is too old\n"),
    (
        change_errors.ClaimLost("/api/admin/features/a/tags", ["shop\x1b"]),
        "error: adopted by shop\\x1b at the same time\nhelp: plan again\n",
    ),
    (
        change_errors.ChangedSincePlanned("title\x1b", "by admin at noon (event 7)"),
        "error: changed since planned: title\\x1b, by admin at noon (event 7)\nhelp: plan again\n",
    ),
    (
        change_errors.UnexpectedFailure(RecursionError("too deep\x1b")),
        (
            "error: RecursionError: too deep\\x1b\n"
            "help: this is a bug in unleash-gitops; please report it with the output of -v\n"
        ),
    ),
    (
        errors.UnexpectedError(KeyError()),
        (
            "error: internal error: KeyError\n"
            "help: this is a bug in unleash-gitops; please report it with the output of -v\n"
        ),
    ),
    (errors.Maintenance(*GET, "in maintenance mode"), "error: GET /api/admin/projects: in maintenance mode\n"),
    (
        errors.ApiError(*GET, 403, "NoAccessError", "you may not\r\n\x9b2J"),
        "error: GET /api/admin/projects: 403 NoAccessError: you may not\\r\\n\\x9b2J\n",
    ),
    (
        errors.MissingRoute(*GET, 404, None, "no such route", "needs Unleash Enterprise"),
        "error: GET /api/admin/projects: 404: no such route\nhelp: needs Unleash Enterprise\n",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("error", "text"), SHOWN, ids=lambda shown: type(shown).__name__)
def test_error(error: errors.GitopsError, text: str) -> None:
    assert render_error_text(error).plain == text


def test_every_error_class_has_a_case_here() -> None:
    assert {type(error).__name__ for error, _ in SHOWN} == {*errors.__all__, *change_errors.__all__}


def test_a_sandbox_error_with_an_empty_message() -> None:
    assert render_error_text(errors.SandboxError("")).plain == "error: \n"
