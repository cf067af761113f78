"""A workspace from texts, and its problems as lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from document_samples import WORKSPACE
from unleash_gitops.documents.loader import Loaded, load

LoadFiles = Callable[[Mapping[str, str | bytes | None]], Loaded]
Said = Callable[[Loaded], list[str]]


@pytest.fixture
def load_files(tmp_path: Path) -> LoadFiles:
    """Load a workspace of these files, with an unleash-gitops.yaml unless they say None for it."""

    def load_them(files: Mapping[str, str | bytes | None]) -> Loaded:
        for name, content in {"unleash-gitops.yaml": WORKSPACE, **files}.items():
            if content is not None:
                (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return load(tmp_path)

    return load_them


@pytest.fixture
def said() -> Said:
    """Return the problems of a workspace as `path:line:column: severity: message [code] | hint`."""

    def lines(loaded: Loaded) -> list[str]:
        return [
            f"{found.position}:{found.position.column}: {found.severity}: {found.message} [{found.code}]"
            + (f" | {found.hint}" if found.hint else "")
            for found in loaded.diagnostics
        ]

    return lines
