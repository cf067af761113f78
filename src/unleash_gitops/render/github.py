"""Diagnostics as workflow commands, which GitHub shows at their lines in a pull request.

The escaping is that of `@actions/core` (`escapeData`, `escapeProperty`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from unleash_gitops.render.safe import terminal

if TYPE_CHECKING:
    from unleash_gitops.diagnostics import Diagnostic

__all__ = ["diagnostics_github", "warning_github"]


def diagnostics_github(diagnostics: Sequence[Diagnostic]) -> str:
    """Return one command a line."""
    return "".join(map(_command, diagnostics))


def warning_github(title: str, message: str) -> str:
    """Return a warning about no file in particular."""
    return f"::warning title={_property(terminal(title))}::{_data(terminal(message))}\n"


def _command(found: Diagnostic) -> str:
    at = found.position
    # A path must stay the file's true name, so its own line ends are escaped GitHub's way before terminal() sees them.
    path = terminal(_property(at.path))
    title = _property(terminal(found.code))
    lines = [found.message] if found.hint is None else [found.message, f"help: {found.hint}"]
    message = _data("\n".join(terminal(line) for line in lines))
    return f"::{found.severity} file={path},line={at.line},col={at.column},title={title}::{message}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
