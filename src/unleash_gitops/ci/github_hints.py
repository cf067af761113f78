"""What to do about a failure of GitHub's API. Its message tells more than its status."""

from __future__ import annotations

from unleash_gitops.ci.rest_client import FindHint

__all__ = ["AGAIN_HINT", "APPLY_HINT", "READ_HINT", "build_find_hint"]

AGAIN_HINT = "run the pull request's job again"
APPLY_HINT = "to plan and apply in one step, run: unleash-gitops apply DIR --yes"
READ_HINT = "give the job `permissions: actions: read, pull-requests: read`"
_WRITE_HINT = (
    "give the job `permissions: pull-requests: write`; the token of a pull request from a fork is always read-only"
)
_READ_ACCESS = "Actions: read, Pull requests: read"
_WRITE_ACCESS = "Pull requests: read and write"

_BY_MESSAGE = {
    "is locked": "unlock the conversation of the pull request, and run the job again",
    "saml": "authorize the token for the single sign-on of the organization",
    "ip allow list": "add the address of the runner to the IP allow list of the organization",
    "archived": "the repository is archived: no comment can be written until it is unarchived",
    "bad credentials": "the token in GITHUB_TOKEN is invalid or has expired",
}
"""What to do, by a part of GitHub's message in small letters."""


def build_find_hint(header: str) -> FindHint:
    """Return the function that finds the hint for a failure. `header` is the value with the token."""
    is_personal = header.removeprefix("Bearer ").startswith(("ghp_", "github_pat_"))

    def find_hint(path: str, status: int, message: str) -> str | None:
        reason = message.lower()
        if status == 410 or ("artifact" in reason and "expired" in reason):
            return f"the artifact has expired: {AGAIN_HINT}"
        by_message = (hint for part, hint in _BY_MESSAGE.items() if part in reason)
        hint = next(by_message, None)
        if hint is not None or status not in {401, 403, 404}:
            return hint
        if status == 401:
            return _BY_MESSAGE["bad credentials"]
        is_comment = "/comments" in path
        if is_personal or "personal access token" in reason:
            access = f"give the personal access token the permissions {_WRITE_ACCESS if is_comment else _READ_ACCESS}"
        else:
            access = _WRITE_HINT if is_comment else READ_HINT
        return access if status == 403 else f"if the pull request exists, the token has no access to it: {access}"

    return find_hint
