"""What is published holds what it needs."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_wheel_carries_the_sandbox_and_the_types(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    expected = {
        f"unleash_gitops/{path.relative_to(ROOT / 'src/unleash_gitops').as_posix()}"
        for path in (ROOT / "src/unleash_gitops").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {"unleash_gitops/py.typed", "unleash_gitops/sandbox/server.mjs"} < expected
    assert expected <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)
