"""What is wrong in the user's files, and where.

Data only: the wording of one problem is made where it is found, the look of all of them in `render`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

__all__ = ["CODES", "Diagnostic", "Position", "Severity", "has_errors", "in_order"]

Severity = Literal["error", "warning"]

# Every code a diagnostic has, a kind's own codes (`Kind.codes`) apart, and what it means. Stable: scripts and pipelines
# tell problems apart by it.
CODES: dict[str, str] = {
    "alias": "an alias names no anchor, stands for a value that holds it, or adds too many values",
    "binary": "a file is not text",
    "character": "a character that YAML does not allow",
    "conflict": "a document cannot have a value because of another document that it names",
    "duplicate": "two documents have one kind, project, feature and name",
    "duplicate-key": "a mapping has a key twice",
    "empty-file": "a file holds no document (warning)",
    "empty-workspace": "no file holds a document (warning)",
    "encoding": "a file is not UTF-8",
    "exclusive-unused": "spec.exclusive has no effect because spec.prune is none (warning)",
    "foreign-id": "metadata.id bears the mark of another workspace (warning)",
    "id-clash": "two documents stand for one id",
    "key": "a key is not a string",
    "merge-key": "a merge key, which YAML 1.2 does not have",
    "missing": "a key that has to be there is not",
    "missing-reference": "a document names an object that does not exist",
    "name-in-capitals": "a file is not read because its name ends in .YAML or .YML (warning)",
    "nested-workspace": "a second unleash-gitops.yaml inside of a workspace",
    "no-workspace": "there is no unleash-gitops.yaml",
    "not-a-file": "a name that ends as a YAML file's is something else",
    "outside-projects": "a project is not among spec.projects",
    "released": "the workspace file releases an object that a document describes",
    "symlink": "a symlink leads out of the workspace, or nowhere",
    "syntax": "a file is not YAML",
    "tag": "a tag is not one of plain data, or its value does not fit it",
    "too-deep": "values are nested too deeply",
    "too-large": "a file or a document is too large",
    "too-long": "a description leaves no room for the line that marks the object",
    "too-many": "a file has so many problems that the rest was not read",
    "two-workspaces": "the files of two workspaces describe one object",
    "type": "a value is of the wrong type",
    "unknown-key": "a key that is not known here",
    "unknown-kind": "a kind that is not known",
    "unreadable": "a file or directory cannot be read",
    "value": "a value is not one of those allowed",
    "workspace-file": "a Workspace outside of unleash-gitops.yaml, or something else in it",
}


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

    def below(self, prefix: str) -> Diagnostic:
        """Return it with its path, which is relative to a workspace, as seen from the other side of `prefix`."""
        if not prefix:
            return self
        at = self.position
        return replace(self, position=replace(at, path=f"{prefix.rstrip('/')}/{at.path}"))


def has_errors(diagnostics: list[Diagnostic]) -> bool:
    """Tell whether anything in `diagnostics` is an error, not only a warning."""
    return any(diagnostic.severity == "error" for diagnostic in diagnostics)


def in_order(diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """Sort by place, then message: two runs over one input say the same in the same order."""
    return sorted(diagnostics, key=lambda diagnostic: (diagnostic.position, diagnostic.severity, diagnostic.message))
