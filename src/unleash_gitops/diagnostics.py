"""What is wrong in the user's files, and where.

Data only: the wording of one problem is made where it is found, the look of all of them in `render`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Diagnostic", "Position", "Severity", "has_errors", "in_order"]

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a file. `path` is relative to the workspace root, with slashes; `line` and `column` count from 1."""

    path: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem. `code` is stable and meant for machines; `excerpt` is the source line, to show a caret under."""

    severity: Severity
    code: str
    message: str
    position: Position
    hint: str | None = None
    excerpt: str | None = None


def has_errors(diagnostics: list[Diagnostic]) -> bool:
    """Tell whether anything in `diagnostics` is an error, not only a warning."""
    return any(found.severity == "error" for found in diagnostics)


def in_order(diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """Sort by place, then message: two runs over one input say the same in the same order."""
    return sorted(diagnostics, key=lambda found: (found.position, found.severity, found.message))
