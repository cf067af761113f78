"""Load a workspace from texts, and format its problems."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from document_samples import WORKSPACE
from unleash_gitops.documents.loader import LoadedWorkspace, load

LoadFiles = Callable[[Mapping[str, str | bytes | None]], LoadedWorkspace]
FormatProblems = Callable[[LoadedWorkspace], list[str]]


@pytest.fixture
def load_files(tmp_path: Path) -> LoadFiles:
    """Load a workspace with the given files. It has an unleash-gitops.yaml unless its content is None."""

    def load_workspace(files: Mapping[str, str | bytes | None]) -> LoadedWorkspace:
        for name, content in {"unleash-gitops.yaml": WORKSPACE, **files}.items():
            if content is not None:
                (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return load(tmp_path)

    return load_workspace


@pytest.fixture
def format_problems() -> FormatProblems:
    """Return the problems of a workspace as `path:line:column: severity: message [code] | hint`."""

    def format_all(loaded: LoadedWorkspace) -> list[str]:
        return [
            f"{problem.position}:{problem.position.column}: {problem.severity}: {problem.message} [{problem.code}]"
            + (f" | {problem.hint}" if problem.hint else "")
            for problem in loaded.diagnostics
        ]

    return format_all
