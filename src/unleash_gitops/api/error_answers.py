"""What an error answer of Unleash says, in a length that can be shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from unleash_gitops.api.transfer import UnreadableAnswer, parse_body

if TYPE_CHECKING:
    import httpx

__all__ = ["describe_location", "parse_error", "shorten_message"]

_MOST_CHARACTERS = 1000


def parse_error(response: httpx.Response) -> tuple[str | None, str | None]:
    """Return the name and message of Unleash's error; no message when the body is not an error of Unleash.

    A message that only counts the problems is followed by those in `details`.
    """
    if response.status_code == 429 and response.headers.get("content-type", "").startswith("text/"):
        return None, shorten_message(response.content.decode(errors="replace").strip()) or None
    try:
        body = parse_body(response.content)
    except UnreadableAnswer:
        return None, None
    if not isinstance(body, dict) or not isinstance(body.get("message"), str):
        return None, None
    details = body.get("details")
    problems = [entry["message"] for entry in details if _has_message(entry)] if isinstance(details, list) else []
    message: str = body["message"]
    extra = "; ".join(problem for problem in problems if problem not in message)
    name = body.get("name")
    return shorten_message(name) if isinstance(name, str) else None, shorten_message(
        f"{message} ({extra})" if extra else message
    )


def describe_location(location: str) -> str:
    """Return where a redirect leads, without the parts that can be a secret."""
    try:
        target = urlsplit(location)
        where = f"{target.scheme}://{target.hostname}" if target.hostname else target.path
    except ValueError:
        return "an address that is not a URL"
    return shorten_message(where)


def shorten_message(text: str) -> str:
    """Return the beginning of a text of the server, which can have any length."""
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]} …"


def _has_message(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("message"), str)
